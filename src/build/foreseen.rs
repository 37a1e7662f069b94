//! What a build would refuse or warn of, for the verbs that say so beforehand.

use super::documents::rendered;
use super::{Job, obstacles, warnings};
use crate::diagnostic::{Diagnostic, Listed, Report};
use crate::event::{Event, Tell};
use crate::failure::Failure;
use crate::input::{recorded, secrets};
use crate::profile::Secrets;

/// All that a build would warn of.
pub(crate) struct Foreseen {
    report: Report,
    /// What `--quiet` hides: known problems of releases, and what nodes do not have without optional secrets.
    lines: Vec<String>,
}

impl Foreseen {
    /// Of a build. `report` has what is wrong so far; `Err` has all that the build would refuse.
    pub(crate) fn new(job: &Job<'_>, mut secrets: Secrets, mut report: Report) -> Result<Self, Failure> {
        let Job { plan, components, secrets_place, out, tell: _ } = *job;
        let nodes = plan.selected_nodes();
        let needed = secrets::needed(&nodes, components);
        secrets::check_given(&secrets, secrets_place, &needed, &mut report);
        secrets::stand_in(&mut secrets, &needed);
        if !report.is_full() {
            rendered(plan, &nodes, &secrets, &mut report);
        }
        if report.has_errors() {
            return Err(Failure::Invalid(report));
        }
        warnings::nobody_can_log_in(plan, &secrets, &mut report);
        recorded::warn(plan, out, &mut report)?;
        obstacles::check(plan, out)?;
        let lines = [warnings::known_problems(&nodes), secrets::lacking(&secrets, &nodes)].concat();
        Ok(Self { report, lines })
    }

    /// Reports it.
    pub(crate) fn tell(&self, tell: Tell<'_>) {
        tell(&Event::Report(&self.report));
        self.lines.iter().for_each(|line| tell(&Event::Warning(line)));
    }

    /// The same for programs.
    pub(crate) fn listed(&self) -> Vec<Listed> {
        let mut report = self.report.clone();
        self.lines.iter().for_each(|line| report.push(Diagnostic::warning(line)));
        report.listed()
    }
}
