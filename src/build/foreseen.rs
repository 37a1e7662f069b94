//! What a build would refuse or warn of, for the verbs that say so beforehand.

use super::known_problems;
use crate::build::documents::rendered;
use crate::cli::Options;
use crate::command::build::nobody_can_log_in;
use crate::component::Components;
use crate::diagnostic::{Diagnostic, Listed, Report};
use crate::failure::Failure;
use crate::input::{recorded, secrets};
use crate::plan::{NodePlan, Plan};
use crate::profile::Secrets;
use crate::terminal::Console;

/// All that a build would warn of.
pub struct Foreseen {
    report: Report,
    /// What `--quiet` hides: known problems of releases, and what nodes lack without optional secrets.
    lines: Vec<String>,
}

impl Foreseen {
    /// Of a build of these nodes. `Err` has all that it would refuse.
    pub fn new(
        plan: &Plan,
        nodes: &[&NodePlan],
        (mut secrets, components): (Secrets, &Components),
        options: &Options,
        mut report: Report,
    ) -> Result<Self, Failure> {
        let needed = secrets::needed(nodes, components);
        secrets::check_given(&secrets, options, &needed, &mut report);
        secrets::stand_in(&mut secrets, &needed);
        if !report.is_full() {
            rendered(plan, nodes, &secrets, &mut report);
        }
        if report.has_errors() {
            return Err(Failure::Invalid(report));
        }
        nobody_can_log_in(plan, &secrets, &mut report);
        recorded::warn(plan, nodes, &options.out, &mut report)?;
        let lines = [known_problems::lines(nodes), secrets::lacking(&secrets, nodes)].concat();
        Ok(Self { report, lines })
    }

    /// Says it to people.
    pub fn tell(&self, console: &Console) {
        console.report(&self.report);
        self.lines.iter().for_each(|line| console.talk(&format!("warning: {line}")));
    }

    /// The same for programs.
    pub fn listed(&self) -> Vec<Listed> {
        let mut report = self.report.clone();
        self.lines.iter().for_each(|line| report.push(Diagnostic::warning(line)));
        report.listed()
    }
}
