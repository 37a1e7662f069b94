//! `imgbuild pin`: moves a release to another version in the pins file, or looks for holes in the pins.
#![expect(clippy::disallowed_methods, reason = "edge: looks whether the pins file is there")]

use std::path::PathBuf;

use crate::cli::PinArgs;
use crate::failure::Failure;
use crate::pin::{self, Checked, PinRequest, pin};
use crate::settings::{Environment, FetchSettings, InputSettings, InputSource};
use crate::terminal::Console;

/// Where the pins file is that `--releases` does not name.
const USUAL: &str = "profiles/releases.yaml";

/// Moves a release, or with `--check` looks for holes in the pins.
pub(crate) fn run(args: PinArgs, environment: Environment<'_>, console: &Console) -> Result<(), Failure> {
    if args.inputs.bundle.is_some() && !args.check {
        return Err(of_bundle());
    }
    let input = InputSettings::resolve(args.inputs)?;
    let fetch = FetchSettings::resolve(&args.fetching, &input, environment)?;
    let (Some(release), Some(version)) = (args.release, args.version) else { return check(&input, console) };
    let PinArgs { build, sha256, trust_first_use, dry_run, .. } = args;
    let wanted = PinRequest { release, version, build, sha256, trust_first_use, dry_run };
    let File { path, is_named } = file(&input)?;
    let change = pin(&wanted, &path, &fetch.with_supply(None))?;
    if console.json {
        return Ok(Console::data_json(&change)?);
    }
    Console::lines(&change.text())?;
    if change.written && !is_named {
        console.talk(&format!("a build takes these pins with `--releases {}`", path.display()));
    }
    Ok(())
}

/// The pins file that is rewritten.
struct File {
    path: PathBuf,
    /// Whether an option names it.
    is_named: bool,
}

/// That pins cannot be changed, because a bundle has them.
fn of_bundle() -> Failure {
    Failure::Usage {
        message: "the pins of a bundle cannot be changed".to_owned(),
        help: "name a pins file with `--releases FILE`, and write another bundle with it".to_owned(),
    }
}

fn file(input: &InputSettings) -> Result<File, Failure> {
    let InputSource::Files { releases, .. } = &input.source else { return Err(of_bundle()) };
    let path = releases.clone().unwrap_or_else(|| USUAL.into());
    if releases.is_some() || path.is_file() {
        return Ok(File { path, is_named: releases.is_some() });
    }
    Err(Failure::Usage {
        message: "the built-in pins cannot be changed".to_owned(),
        help: format!("name a pins file with `--releases FILE`, or go to the folder that has `{USUAL}`"),
    })
}

/// Looks for holes in the pins, and says how many are known from where.
fn check(input: &InputSettings, console: &Console) -> Result<(), Failure> {
    let Checked { sources, report } = pin::check(input)?;
    console.report(&report);
    if console.json {
        return Ok(Console::data_json(&serde_json::json!({ "sources": sources }))?);
    }
    for (source, count) in &sources {
        console.talk(&format!("{count} known from: {source}"));
    }
    console.talk("no problem found in the pins");
    Ok(())
}
