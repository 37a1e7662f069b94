//! Reads the secrets file, and generates what is missing in it.
#![expect(clippy::disallowed_methods, reason = "edge: looks at the secrets file")]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::secrets_file::SecretsFile;
use super::texts;
use crate::component::{Components, SecretSpec};
use crate::diagnostic::{Diagnostic, Report, Source};
use crate::event::{Event, Tell};
use crate::failure::Failure;
use crate::plan::NodePlan;
use crate::profile::Secrets;
use crate::settings::SecretsPlace;

/// The longest secrets file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The kind of a file in its mode, and that of a character device (inode(7)).
const FILE_KIND: u32 = 0o170_000;
const DEVICE: u32 = 0o020_000;

/// What generated secrets are made of: no character that a shell, a URL or YAML gives a meaning.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Reads the secrets. What is wrong with the file goes into `report`; without a file there are none, unless an option
/// names it.
pub(crate) fn read(place: &SecretsPlace, report: &mut Report) -> Secrets {
    match text(&place.path, place.is_named) {
        Ok(Some((mode, text))) => {
            let shown = place.path.display().to_string();
            // What a device gives is kept nowhere: /dev/null has no secrets, a terminal has those that are typed.
            let is_device = mode & FILE_KIND == DEVICE;
            if mode & 0o077 != 0 && !is_device {
                let message =
                    format!("others can read the secrets in `{shown}`: its mode is {:04o}", mode & 0o7777);
                let help = format!(
                    "`chmod 600 {shown}`; where that changes nothing, the file system keeps no modes: \
                     move the file to another one, and name it with `--secrets FILE`"
                );
                report.push(Diagnostic::error(message).help(help));
            }
            Secrets::parse(&Source::secret(shown, text), report)
        }
        Ok(None) => Secrets::default(),
        Err(why) => {
            report.push(why);
            Secrets::default()
        }
    }
}

/// The mode and the text of a secrets file; `None` if it does not exist and is not required.
fn text(path: &Path, is_named: bool) -> Result<Option<(u32, String)>, Diagnostic> {
    let shown = path.display();
    let name_it = "name a text file with `--secrets FILE`";
    let metadata = match fs_err::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs_err::symlink_metadata(path).is_ok() {
                let message = format!("the secrets file `{shown}` is a link to a file that does not exist");
                return Err(Diagnostic::error(message).help("make that file, or remove the link"));
            }
            if !is_named {
                return Ok(None);
            }
            let message = format!("the secrets file `{shown}` does not exist");
            let help = format!(
                "check its name in `--secrets`; `install -m 600 /dev/null {shown}` makes one without secrets"
            );
            return Err(Diagnostic::error(message).help(help));
        }
        Err(error) => return Err(Diagnostic::error(error.to_string()).help(name_it)),
    };
    if metadata.is_dir() {
        return Err(
            Diagnostic::error(format!("`{shown}` is a folder, expected a secrets file")).help(name_it)
        );
    }
    let text = texts::text(path, MAX_FILE).map_err(|why| why.help(name_it))?;
    Ok(Some((metadata.permissions().mode(), text)))
}

/// What components declare of secrets, by the secrets' names.
pub(crate) fn specs(components: &Components) -> BTreeMap<&str, &SecretSpec> {
    let secrets = components.values().flat_map(|component| &component.spec.secrets);
    secrets.map(|(name, spec)| (name.as_str(), spec)).collect()
}

/// The secrets that private files of these nodes need, by name.
pub(crate) fn needed<'a>(
    nodes: &[&NodePlan],
    components: &'a Components,
) -> BTreeMap<&'a str, &'a SecretSpec> {
    let names: BTreeSet<_> =
        nodes.iter().flat_map(|node| &node.private).flat_map(|file| &file.needs).collect();
    specs(components).into_iter().filter(|(name, _)| names.iter().any(|other| *other == name)).collect()
}

/// Reports what is needed, is not given and cannot be generated, because an option names a file that is the user's alone.
pub(crate) fn check_given(
    secrets: &Secrets,
    place: &SecretsPlace,
    needed: &BTreeMap<&str, &SecretSpec>,
    report: &mut Report,
) {
    // Of a file that cannot be read that is said, and what is missing in it is not known.
    if !secrets.are_read() || place.is_generated_into() {
        return;
    }
    for (name, _) in needed.iter().filter(|(name, spec)| spec.generate.is_some() && !secrets.has(name)) {
        let message = format!("the secret `{name}` is missing in `{}`", place.path.display());
        let help = format!(
            "add a line `{name}: VALUE`, such as one of `openssl rand -hex 12`; a build generates it only into a file \
             that is called `{}`",
            SecretsPlace::DEFAULT
        );
        report.push(Diagnostic::error(message).help(help));
    }
}

/// Generates what is needed and the user did not give, and keeps it in the file.
pub(crate) fn generate(
    secrets: &mut Secrets,
    place: &SecretsPlace,
    needed: &BTreeMap<&str, &SecretSpec>,
    tell: Tell<'_>,
) -> Result<(), Failure> {
    let missing = |secrets: &Secrets, name: &str, spec: &SecretSpec| {
        spec.generate.filter(|_| !secrets.has(name)).map(|length| length as usize)
    };
    if needed.iter().all(|(name, spec)| missing(secrets, name, spec).is_none()) {
        return Ok(());
    }
    let file = SecretsFile::lock(&place.path)?;
    // Another build may have been faster: what it keeps there is the secret.
    let kept = file.secrets()?;
    let (mut lines, mut generated) = (String::new(), Vec::new());
    for (name, spec) in needed {
        let Some(length) = missing(secrets, name, spec) else { continue };
        let value = match kept.get(name) {
            Some(value) => value.to_owned(),
            None => {
                let value = random(length)?;
                lines.extend([name, ": \"", &value, "\"\n"]);
                generated.push(*name);
                value
            }
        };
        secrets.insert((*name).to_owned(), value);
    }
    file.append(&lines)?;
    for name in generated {
        tell(&Event::SecretGenerated { name, file: &place.path });
    }
    Ok(())
}

/// Puts a text in place of each secret that [`generate`] would generate, and names them.
pub(crate) fn stand_in<'a>(secrets: &mut Secrets, needed: &BTreeMap<&'a str, &SecretSpec>) -> Vec<&'a str> {
    let missing = needed.iter().filter(|(name, spec)| spec.generate.is_some() && !secrets.has(name));
    let missing: Vec<_> = missing.map(|(name, _)| *name).collect();
    for name in &missing {
        secrets.insert((*name).to_owned(), "yet-to-be-generated".to_owned());
    }
    missing
}

/// What nodes do not have because of missing secrets, a line each.
pub(crate) fn lacking(secrets: &Secrets, nodes: &[&NodePlan]) -> Vec<String> {
    let mut lacking: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for node in nodes {
        for file in &node.private {
            let missing: Vec<_> =
                file.needs.iter().filter(|name| !secrets.has(name)).map(String::as_str).collect();
            if let Some(without) = file.without.as_deref().filter(|_| !missing.is_empty()) {
                lacking.entry((without, missing.join("`, `"))).or_default().push(&node.name);
            }
        }
    }
    let line = |((without, missing), nodes): ((&str, String), Vec<&str>)| {
        format!("{}: {without}: no secret `{missing}`", nodes.join(", "))
    };
    lacking.into_iter().map(line).collect()
}

/// `length` characters, six random bits each.
fn random(length: usize) -> Result<String, Failure> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect())
}
