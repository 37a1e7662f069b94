//! Looks for holes in the pins.

use std::collections::BTreeMap;

use crate::diagnostic::Report;
use crate::failure::Failure;
use crate::input::{self, Sources, Texts};
use crate::plan::Request;
use crate::release::audit;
use crate::settings::InputSettings;

/// Pins without a hole.
pub(crate) struct Checked {
    /// How many digests are known from where.
    pub sources: BTreeMap<String, usize>,
    /// What to be warned of.
    pub report: Report,
}

/// Checks the pins by themselves, and that there is one for every file that a node of the profile needs. `Err` has every hole.
pub(crate) fn check(input: &InputSettings) -> Result<Checked, Failure> {
    let mut report = Report::new();
    let texts = Texts::read(input, &mut report)?;
    let pins = texts.releases.as_ref().and_then(|source| input::document(source, &mut report));
    let own = input::releases(None, &mut report);
    let (Some(pins), Some(own)) = (pins, own) else { return Err(Failure::Invalid(report)) };
    audit(&pins, &own, &mut report);
    match Sources::of(texts, Report::new()).and_then(|sources| sources.plan(&Request::default())) {
        Ok(draft) => report.extend(draft.report),
        Err(Failure::Invalid(errors)) => report.extend(errors),
        Err(failure) => return Err(failure),
    }
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    let mut sources = BTreeMap::new();
    let releases = pins.value.iter().flat_map(|value| &value.releases);
    for pin in releases.flat_map(|(_, release)| release.artifacts.values()) {
        *sources.entry(pin.source.clone()).or_default() += 1;
    }
    Ok(Checked { sources, report })
}
