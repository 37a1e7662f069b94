//! `imgbuild verify`: reads every byte of what imgbuild wrote, and names what is wrong.

use std::path::Path;

use serde::Serialize;

use super::inspect;
use crate::audit::{Audit, AuditKind};
use crate::bundle::{Parts, Signed};
use crate::failure::Failure;
use crate::settings::Trust;
use crate::terminal::Console;
use crate::verify::{self, verify};

/// What a verification came to, as JSON has it.
#[derive(Serialize)]
struct Answer<'a> {
    path: &'a Path,
    #[serde(flatten)]
    audit: &'a Audit,
    /// What was signed with the file, if a signature was asked for and holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<&'a Signed>,
    /// What is known now, if nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    proves: Option<&'static str>,
}

/// What a signature over a bundle proves.
const SIGNED: &str = "every byte is the one that was signed with this key";

/// Checks what is at `path`, and its signature, if it must have one.
pub(super) fn run(path: &Path, trust: Option<&Trust>, console: &Console) -> Result<(), Failure> {
    let kind = inspect::kind(path)?;
    let verify::Verified { audit, signed } = verify(path, kind, trust)?;
    let shown = path.display();
    let proof = if signed.is_some() { SIGNED } else { audit.kind.proof() };
    if console.json {
        let proves = audit.faults.is_empty().then_some(proof);
        console.answer_json(&Answer { path, audit: &audit, signed: signed.as_ref(), proves })?;
    } else if audit.faults.is_empty() {
        let signed = signed.map_or(String::new(), |signed| told(&signed, path));
        Console::lines(&format!(
            "{shown}: {}, {} parts, {} bytes, intact{signed}\nproven: {proof}\n",
            audit.kind, audit.parts, audit.bytes
        ))?;
    }
    if audit.faults.is_empty() {
        return Ok(());
    }
    let faults = audit.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ");
    Err(Failure::Integrity {
        message: format!("verification of the {} `{shown}` failed:\n  {faults}", audit.kind),
        help: match kind {
            AuditKind::Store => {
                "remove undeclared files, which no build reads; the next build fetches damaged ones again"
                    .to_owned()
            }
            AuditKind::Node | AuditKind::Seed | AuditKind::Shared => "build the node again".to_owned(),
            AuditKind::Bundle => "copy it again from an intact source, or write it again".to_owned(),
        },
    })
}

/// What was signed, as people read it.
fn told(signed: &Signed, path: &Path) -> String {
    let name = signed.name.as_ref().map(|name| format!("as `{name}`"));
    let time = signed.time.map(|time| format!("at {time}"));
    let sha256 = signed.sha256.map(|sha256| format!("sha256 {sha256}"));
    let what = [Some(signed.comment.clone()), name, time, sha256];
    let mut text = format!(", signed: {}", what.into_iter().flatten().collect::<Vec<_>>().join(", "));
    let is_called = |name: &String| path.file_name().is_some_and(|own| own.to_string_lossy() == **name);
    if Parts::list_of(path).is_none() && signed.name.as_ref().is_some_and(|name| !is_called(name)) {
        text.push_str("; it had another name then");
    }
    text
}
