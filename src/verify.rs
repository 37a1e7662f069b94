//! Reads every byte of what imgbuild wrote, checks what was signed, and names what is wrong.
#![expect(clippy::disallowed_methods, reason = "edge: reads a signature")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::{self, Audit, AuditKind, FaultKind};
use crate::build::requests_of;
use crate::bundle::{self, Bundle, Part, Parts, SignatureError, Signed, VerifyingKey};
use crate::diagnostic::Report;
use crate::failure::Failure;
use crate::input::bundle::{MAX_KEY, key, too_old};
use crate::input::{self, Sources};
use crate::plan::{NodePlan, Request};
use crate::settings::Trust;

/// What a verification came to.
pub(crate) struct Verified {
    /// What is there, and what is wrong with it.
    pub audit: Audit,
    /// What was signed with the file, if a signature was asked for and holds.
    pub signed: Option<Signed>,
}

/// Checks what is at `path`, which is of this kind, and its signature, if it must have one.
pub(crate) fn verify(path: &Path, kind: AuditKind, trust: Option<&Trust>) -> Result<Verified, Failure> {
    let key = trust.map(|trust| verifying_key(&trust.key, kind)).transpose()?;
    let mut audit = audit::audit(path)?;
    if kind == AuditKind::Bundle && audit.faults.is_empty() {
        needed(path, &mut audit)?;
    }
    let signed = key.map(|key| signature(&key, path, &mut audit)).transpose()?.flatten();
    let not_before = trust.and_then(|trust| trust.not_before);
    if let Some(why) = signed.as_ref().and_then(|signed| too_old(signed, not_before)) {
        audit.malformed(bundle::signature_of(path).display().to_string(), why);
    }
    Ok(Verified { audit, signed })
}

/// Whether a bundle, whose parts are sound, has all that its nodes need.
fn needed(path: &Path, audit: &mut Audit) -> Result<(), Failure> {
    let bundle = Arc::new(Bundle::open(path)?);
    let mut report = Report::new();
    let texts = input::bundle::texts(Arc::clone(&bundle), &mut report)?;
    let plan = match Sources::of(texts, report).and_then(|sources| sources.plan(&Request::default())) {
        Ok(draft) => draft.plan,
        Err(Failure::Invalid(report)) => {
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
    for request in requests_of(&nodes) {
        let part = Part::artifact_path(&request.sha256);
        if index.part(&part).is_none() {
            audit.found(format!("{part} ({})", request.name), FaultKind::Missing);
        }
    }
    Ok(())
}

fn verifying_key(text: &str, kind: AuditKind) -> Result<VerifyingKey, Failure> {
    if kind != AuditKind::Bundle {
        return Err(Failure::Usage {
            message: format!("--key: a {kind} has no signature"),
            help: "only bundles are signed".to_owned(),
        });
    }
    key(text)
}

/// Checks the signature of the bundle's file, or of the list of its pieces, which has the digest of each.
fn signature(key: &VerifyingKey, path: &Path, audit: &mut Audit) -> Result<Option<Signed>, Failure> {
    let signed: PathBuf = Parts::list_of(path).unwrap_or_else(|| path.to_owned());
    let file = bundle::signature_of(&signed);
    let name = file.display().to_string();
    if !file.is_file() {
        audit.found(name, FaultKind::Missing);
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
