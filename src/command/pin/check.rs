//! `imgbuild pin --check`: fails on any hole in the pins.

use std::collections::BTreeMap;

use super::{Console, Failure};
use crate::cli::Options;
use crate::diagnostic::{Decoded, Report};
use crate::input;
use crate::input::{Texts, Written};
use crate::release::{Releases, audit};

/// Checks the pins by themselves, and that there is one for every file that a node of the profile needs.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let mut report = Report::new();
    let texts = Texts::read(options, &mut report)?;
    let pins = texts.releases.as_ref().and_then(|source| input::document(source, &mut report));
    let own = input::releases(None, &mut report);
    let (Some(pins), Some(own)) = (pins, own) else { return Err(Failure::Invalid(report)) };
    audit(&pins, &own, &mut report);
    match Written::of(texts, Report::new()).and_then(|written| written.plan(options)) {
        Ok((_, _, warnings)) => report.extend(warnings),
        Err(Failure::Invalid(errors)) => report.extend(errors),
        Err(failure) => return Err(failure),
    }
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    console.report(&report);
    tell(&pins, console)
}

/// Says how many pins are known from where.
fn tell(pins: &Decoded<Releases>, console: &Console) -> Result<(), Failure> {
    let releases = pins.value.iter().flat_map(|value| &value.releases);
    let mut sources: BTreeMap<&str, usize> = BTreeMap::new();
    for pin in releases.flat_map(|(_, release)| release.artifacts.values()) {
        *sources.entry(&pin.source).or_default() += 1;
    }
    if console.json {
        return Ok(Console::data_json(&serde_json::json!({ "sources": sources }))?);
    }
    for (source, count) in &sources {
        console.talk(&format!("{count} known from: {source}"));
    }
    console.talk("no hole in the pins");
    Ok(())
}
