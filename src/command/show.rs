//! `imgbuild show`: a document of a node, or a file of its overlay, without fetching anything.

use super::console::Console;
use super::documents::documents;
use super::failure::Failure;
use super::{inputs, secrets, select};
use crate::cli::Options;
use crate::diagnostic::{Report, nearest};
use crate::layer::GuestPath;
use crate::plan::{NodePlan, Plan};
use crate::profile::{ADMIN_PASSWORD, Secrets};
use crate::render::{NodeFiles, NodeSecrets, OverlayFacts, private_files};

const DOCUMENTS: [&str; 3] = ["user-data", "meta-data", "network-config"];

/// Prints one document or file.
pub fn run(node: &str, file: &str, options: &Options, console: &Console) -> Result<(), Failure> {
    let (plan, components, mut report) = inputs::Written::read(options)?.plan(options)?;
    let node = select::nodes(&plan, &[node.to_owned()], false)?[0];
    if !DOCUMENTS.contains(&file) {
        console.report(&report);
        return guest_file(&plan, node, file);
    }
    let secrets = secrets::read(&options.secrets, &components, &mut report)?.masked();
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    console.report(&report);
    let text = document(&plan, node, file, &secrets)?;
    if file == "user-data" {
        console.talk(
            "the overlay's digest and size are known after a build, zeros stand for them; secrets are masked",
        );
    }
    Ok(Console::data(text)?)
}

/// A document with the overlay's digest and every secret masked: the digest is known once the overlay is built, and
/// what is printed may be kept.
fn document(plan: &Plan, node: &NodePlan, file: &str, secrets: &Secrets) -> Result<String, Failure> {
    let mut report = Report::new();
    let files = private_files(plan, node, secrets, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    let secrets = NodeSecrets { files, password: secrets.get(ADMIN_PASSWORD).map(str::to_owned) };
    let texts = documents(plan, node, OverlayFacts::UNKNOWN, &secrets).map_err(Report::from)?;
    Ok(texts.into_iter().find(|(name, _)| *name == file).map(|(_, text)| text).unwrap_or_default())
}

fn guest_file(plan: &Plan, node: &NodePlan, file: &str) -> Result<(), Failure> {
    let usage = |message: String, help: String| Failure::Usage { message, help };
    let path: GuestPath = file.parse().map_err(|error| {
        let help = format!("a document is one of `{}`; {error}", DOCUMENTS.join("`, `"));
        usage(format!("`{}` is neither a document nor a path in the guest", file.escape_debug()), help)
    })?;
    if let Some(planned) = node.files.iter().find(|planned| planned.path == path) {
        let mut report = Report::new();
        let Some(file) = NodeFiles::new(plan).render(node, planned, &mut report) else {
            return Err(Failure::Invalid(report));
        };
        return Ok(Console::data(&file.bytes)?);
    }
    if let Some(file) = node.layers.iter().flat_map(|layer| &layer.files).find(|file| file.path == path) {
        return Ok(Console::data(&file.bytes)?);
    }
    if let Some((_, to, _)) =
        node.layers.iter().flat_map(|layer| &layer.install).find(|(_, to, _)| path.is_within(to))
    {
        let help =
            format!("build the node and take it out of overlay.tar.gz: `tar -xOzf ... {}`", path.relative());
        return Err(usage(format!("{to} comes out of a release, which is not fetched to show it"), help));
    }
    if node.private.iter().any(|private| private.path == path) {
        let help = "it goes into user-data alone: `imgbuild show NODE user-data` shows where".to_owned();
        return Err(usage(format!("{path} holds a secret"), help));
    }
    let known = node.files.iter().map(|file| file.path.as_str());
    let known = known.chain(node.layers.iter().flat_map(|layer| &layer.files).map(|file| file.path.as_str()));
    let meant = nearest(path.as_str(), known).map_or(String::new(), |near| format!("did you mean {near}? "));
    Err(usage(
        format!("the overlay of `{}` has no {path}", node.name),
        format!("{meant}`imgbuild plan {}` lists its files", node.name),
    ))
}
