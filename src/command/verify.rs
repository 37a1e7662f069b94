//! `imgbuild verify`: reads every byte of what imgbuild wrote, and names what is wrong.
#![expect(clippy::disallowed_methods, reason = "edge: reads a signature")]

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::bundle::MAX_KEY;
use super::inspect;
use crate::audit::{self, Audit, Kind, Problem};
use crate::build::layers;
use crate::bundle::{self, Bundle, Part, Parts, SignatureError, Signed, VerifyingKey};
use crate::date::Moment;
use crate::diagnostic::Report;
use crate::failure::Failure;
use crate::input::{self, Written};
use crate::plan::{Format, NodePlan};
use crate::terminal::Console;

/// What a verification came to, as JSON has it.
#[derive(Serialize)]
struct Verified<'a> {
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

/// Checks what is at `path`, and if there is a key its signature.
pub fn run(
    path: &Path,
    (key, not_before): (Option<&str>, Option<Moment>),
    console: &Console,
) -> Result<(), Failure> {
    let kind = inspect::kind(path)?;
    let key = key.map(|key| verifying_key(key, kind)).transpose()?;
    let mut audit = audit::audit(path)?;
    if kind == Kind::Bundle && audit.faults.is_empty() {
        needed(path, &mut audit)?;
    }
    let signed = key.map(|key| signature(&key, path, &mut audit)).transpose()?.flatten();
    if let Some(why) = signed.as_ref().and_then(|signed| too_old(signed, not_before)) {
        audit.malformed(bundle::signature_of(path).display().to_string(), why);
    }
    let shown = path.display();
    let proof = if signed.is_some() { SIGNED } else { audit.kind.proof() };
    if console.json {
        let proves = audit.faults.is_empty().then_some(proof);
        console.answer_json(&Verified { path, audit: &audit, signed: signed.as_ref(), proves })?;
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
        message: format!("the {} `{shown}` is not as it was written:\n  {faults}", audit.kind),
        help: match kind {
            Kind::Store => {
                "remove what is not declared, which no build reads; the next build fetches what is damaged"
                    .to_owned()
            }
            Kind::Node | Kind::Seed | Kind::Shared => "build the node again".to_owned(),
            Kind::Bundle => "bring it again from where it is whole, or write it again".to_owned(),
        },
    })
}

/// Whether a bundle, whose parts are sound, has all that its nodes need.
fn needed(path: &Path, audit: &mut Audit) -> Result<(), Failure> {
    let bundle = Bundle::open(path)?;
    let mut report = Report::new();
    let texts = input::bundle::texts(&bundle, &mut report)?;
    let arch = texts.arch;
    let drafted =
        Written::of(texts, report).and_then(|written| written.drafted((arch, Format::default(), 0), None));
    let plan = match drafted {
        Ok((plan, _, report)) if !report.has_errors() => plan,
        Ok((_, _, report)) | Err(Failure::Invalid(report)) => {
            audit
                .malformed("profile.yaml", format!("no node can be built from it\n{}", report.render(false)));
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };
    let index = bundle.index();
    for node in index.nodes.iter().filter(|node| plan.node(node).is_none()) {
        audit.malformed("index.json", format!("it names a node `{node}`, which the profile does not have"));
    }
    let nodes: Vec<&NodePlan> = plan.nodes.iter().filter(|node| index.nodes.contains(&node.name)).collect();
    for request in layers::requests_of(&nodes) {
        let part = Part::artifact_path(&request.sha256);
        if index.part(&part).is_none() {
            audit.found(format!("{part} ({})", request.name), Problem::Missing);
        }
    }
    Ok(())
}

fn verifying_key(text: &str, kind: Kind) -> Result<VerifyingKey, Failure> {
    if kind != Kind::Bundle {
        return Err(Failure::Usage {
            message: format!("--key: a {kind} has no signature"),
            help: "only bundles are signed".to_owned(),
        });
    }
    key(text)
}

/// The key that a text is, or the text of the file that it names.
pub(crate) fn key(key: &str) -> Result<VerifyingKey, Failure> {
    let file = Path::new(key);
    let text = if file.is_file() {
        input::text(file, MAX_KEY).map_err(|why| anyhow::anyhow!("{}", why.message()))?
    } else {
        key.to_owned()
    };
    VerifyingKey::read(&text).map_err(|error| Failure::Usage {
        message: format!("--key: {error}"),
        help: "expected a minisign public key, or a file that holds one".to_owned(),
    })
}

/// Why a bundle is too old to be accepted, if it is.
pub(crate) fn too_old(signed: &Signed, not_before: Option<Moment>) -> Option<String> {
    let not_before = not_before?;
    match signed.time {
        Some(time) if time >= not_before => None,
        Some(time) => Some(format!("it was signed at {time}, expected not before {not_before}")),
        None => {
            Some(format!("its signature does not say when it was made, expected not before {not_before}"))
        }
    }
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

/// Checks the signature of the bundle's file, or of the list of its pieces, which has the digest of each.
fn signature(key: &VerifyingKey, path: &Path, audit: &mut Audit) -> Result<Option<Signed>, Failure> {
    let signed: PathBuf = Parts::list_of(path).unwrap_or_else(|| path.to_owned());
    let file = bundle::signature_of(&signed);
    let name = file.display().to_string();
    if !file.is_file() {
        audit.found(name, Problem::Missing);
        return Ok(None);
    }
    let text = match input::text(&file, MAX_KEY) {
        Ok(text) => text,
        Err(why) => {
            audit.malformed(name, why.message());
            return Ok(None);
        }
    };
    match key.check(&text, fs_err::File::open(&signed)?) {
        Ok(comment) => Ok(Some(Signed::read(&comment))),
        Err(error @ SignatureError::Broken(_)) => {
            audit.malformed(name, error.to_string());
            Ok(None)
        }
        Err(error) => Err(anyhow::Error::from(error).into()),
    }
}
