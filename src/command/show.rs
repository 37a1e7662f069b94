//! `imgbuild show`: a document of a node, or a file of its overlay, without fetching anything.

use std::path::Path;

use crate::build::documents;
use crate::cli::Building;
use crate::diagnostic::{Report, nearest};
use crate::failure::Failure;
use crate::guest::GuestPath;
use crate::input::{Draft, Sources};
use crate::output::{META_DATA, NETWORK_CONFIG, OVERLAY, USER_DATA};
use crate::plan::{NodePlan, Plan, Selection};
use crate::profile::{ADMIN_PASSWORD, Secrets};
use crate::render::{NodeFiles, NodeSecrets, OverlayFacts, private_files};
use crate::settings::{BuildSettings, Environment, FetchSettings, InputSettings, SecretsPlace};
use crate::terminal::Console;

/// What people look for comes first.
const DOCUMENTS: [&str; 3] = [USER_DATA, META_DATA, NETWORK_CONFIG];

/// Prints one document or file.
pub(super) fn run(
    node: &str,
    file: &str,
    building: Building,
    environment: Environment<'_>,
    console: &Console,
) -> Result<(), Failure> {
    // It needs neither a store nor a cache: nobody has to say where they can be.
    let input = InputSettings::resolve(building.inputs)?;
    let fetch = FetchSettings::resolve(&building.fetching, &input, environment)?;
    let build = BuildSettings::resolve(&building.delivering, fetch.mirror.as_ref())?;
    let mut sources = Sources::read(&input)?;
    let is_document = DOCUMENTS.contains(&file);
    let secrets = if is_document {
        sources.secrets(&SecretsPlace::resolve(building.secrets)).masked()
    } else {
        Secrets::default()
    };
    let out = building.out.out;
    let Draft { plan, report } = sources.plan(&sources.request(Selection::All, &build, &out))?;
    if plan.node(node).is_none() && plan.node(file).is_some() {
        let message = format!("expected a node, got `{}`", node.escape_debug());
        return Err(Failure::Usage {
            message,
            help: format!("did you mean `imgbuild show {file} {}`?", node.escape_debug()),
        });
    }
    let node = plan.node(node).ok_or_else(|| plan.unknown(node))?;
    console.report(&report);
    if !is_document {
        return guest_file(&plan, node, file, &out);
    }
    let text = document(&plan, node, file, &secrets)?;
    if file == USER_DATA {
        console.talk(
            "the overlay's digest and size are shown as zeros, they are known after a build; secrets are masked",
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
    let texts = documents(plan, node, &OverlayFacts::UNKNOWN, &secrets).map_err(Report::from)?;
    let found = texts.into_iter().find(|(name, _)| *name == file);
    Ok(found.expect("whatever is a document's name is one of a node's documents").1)
}

fn guest_file(plan: &Plan, node: &NodePlan, file: &str, out: &Path) -> Result<(), Failure> {
    let path: GuestPath = file.parse().map_err(|error| {
        let help = format!("a document is one of `{}`; {error}", DOCUMENTS.join("`, `"));
        let message = format!("`{}` is neither a document nor a path in the guest", file.escape_debug());
        Failure::Usage { message, help }
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
    Err(not_shown(node, &path, out))
}

/// Why a guest file cannot be shown.
fn not_shown(node: &NodePlan, path: &GuestPath, out: &Path) -> Failure {
    let usage = |message: String, help: String| Failure::Usage { message, help };
    let mut installed = node.layers.iter().flat_map(|layer| &layer.install);
    if let Some((_, to, _)) = installed.find(|(_, to, _)| path.is_within(to)) {
        let overlay = out.join(&node.name).join(OVERLAY);
        let way = format!("`tar -xOzf {} {}`", overlay.display(), path.relative());
        let message = format!("{to} is a file of a release, which `show` does not fetch");
        return usage(message, format!("build the node and take it out of its overlay: {way}"));
    }
    if node.private.iter().any(|private| private.path == *path) {
        let help =
            format!("it goes into user-data alone: `imgbuild show {} user-data` shows where", node.name);
        return usage(format!("{path} holds a secret"), help);
    }
    let known = node.files.iter().map(|file| file.path.as_str());
    let known = known.chain(node.layers.iter().flat_map(|layer| &layer.files).map(|file| file.path.as_str()));
    let meant = nearest(path.as_str(), known).map_or(String::new(), |near| format!("did you mean {near}? "));
    let help = format!("{meant}`imgbuild plan {}` lists its files", node.name);
    usage(format!("the overlay of `{}` does not contain {path}", node.name), help)
}
