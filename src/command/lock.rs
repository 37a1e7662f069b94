//! `imgbuild lock`: makes or keeps packages.lock, which says which bytes the packages of a cluster are.
#![expect(clippy::disallowed_methods, reason = "edge: a lock is made for a moment, by default this one")]

use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::LockArgs;
use crate::date::Moment;
use crate::failure::Failure;
use crate::input::{Sources, lock};
use crate::lock::{Desk, Kept, Wanted};
use crate::package::lock_text::text;
use crate::plan::Request;
use crate::settings::{Environment, FetchSettings, InputSettings, InputSource};
use crate::terminal::Console;

/// Makes the lock anew where that is wanted or needed.
pub(super) fn run(args: LockArgs, environment: Environment<'_>, console: &Console) -> Result<(), Failure> {
    let LockArgs { lock, upgrade, at, check, dry_run, inputs, fetching } = args;
    let input = InputSettings::resolve(inputs)?;
    let fetch = FetchSettings::resolve(&fetching, &input, environment)?.with_supply(None);
    let InputSource::Files { profile, releases, .. } = &input.source else {
        return Err(Failure::Usage {
            message: "the lock of a bundle cannot be changed".to_owned(),
            help: "make it where the bundle is made".to_owned(),
        });
    };
    let path = lock::path(lock.as_deref(), profile.as_deref());
    let sources = Sources::read(&input)?;
    let draft = sources.plan(&Request::default())?;
    let pins = sources.releases().expect("there is a plan only where the pins could be read");
    let now = Moment(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()));
    let known = lock::read(&path)?;
    let desk = Desk::new(&draft.plan, &sources.components, pins, known.as_ref());
    let read = |file: &str| lock::beside(releases.as_deref(), file);
    let tell = |what: &str| console.talk(what);
    let wanted = Wanted { upgrade, at, check, now, fetch: &fetch, read: &read, tell: &tell };
    let Kept { made, what } = desk.keep(&wanted, &path)?;
    let is_written = known.as_ref() != Some(&made.lock) && !made.lock.systems.is_empty() && !dry_run;
    if is_written {
        lock::write(&path, &text(&made.lock))?;
    }
    if let Some(what) = &what {
        console.talk(what);
    }
    let changes = desk.changes(&made);
    if console.json {
        let result = serde_json::json!({
            "path": path, "written": is_written, "changes": changes, "notes": made.notes,
        });
        return Ok(Console::data_json(&result)?);
    }
    made.notes.iter().for_each(|note| console.talk(note));
    if changes.is_empty() {
        return Ok(());
    }
    let end = if is_written { "" } else { " (not written)" };
    Ok(Console::lines(&format!("{}{}{end}\n", changes.text(), path.display()))?)
}
