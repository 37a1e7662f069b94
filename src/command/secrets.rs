//! Reads the secrets file, and keeps in it what is generated.
#![expect(clippy::disallowed_methods, reason = "edge: reads and writes the secrets file")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use fs_err::os::unix::fs::OpenOptionsExt as _;

use super::console::Console;
use super::failure::Failure;
use super::inputs;
use crate::component::{Components, SecretSpec};
use crate::diagnostic::{Diagnostic, Report, Source};
use crate::plan::NodePlan;
use crate::profile::Secrets;

/// The longest secrets file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What generated secrets are made of: no character that a shell, a URL or YAML gives a meaning.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Reads the secrets of a file that may not be there. What is wrong with it goes into `report`.
pub fn read(path: &Path, report: &mut Report) -> Result<Secrets, Failure> {
    let metadata = match fs_err::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Secrets::default()),
        metadata => metadata.map_err(anyhow::Error::new)?,
    };
    let shown = path.display();
    if metadata.permissions().mode() & 0o077 != 0 {
        let message = format!("others can read the secrets in `{shown}`");
        report.push(Diagnostic::error(message).help(format!("`chmod 600 {shown}`")));
    }
    Ok(match inputs::text(path, MAX_FILE) {
        Ok(text) => Secrets::parse(&Source::secret(shown.to_string(), text), report),
        Err(why) => {
            report.push(why.help("name a text file with `--secrets FILE`"));
            Secrets::default()
        }
    })
}

/// What components declare of secrets, by the secrets' names.
pub fn specs(components: &Components) -> BTreeMap<&str, &SecretSpec> {
    let secrets = components.values().flat_map(|component| &component.spec.secrets);
    secrets.map(|(name, spec)| (name.as_str(), spec)).collect()
}

/// The secrets that private files of these nodes need, by name.
pub fn needed<'a>(nodes: &[&NodePlan], components: &'a Components) -> BTreeMap<&'a str, &'a SecretSpec> {
    let names: BTreeSet<_> =
        nodes.iter().flat_map(|node| &node.private).flat_map(|file| &file.needs).collect();
    specs(components).into_iter().filter(|(name, _)| names.iter().any(|other| *other == name)).collect()
}

/// Generates what is needed and the user did not give, and keeps it in the file.
pub fn generate(
    secrets: &mut Secrets,
    path: &Path,
    needed: &BTreeMap<&str, &SecretSpec>,
    console: &Console,
) -> Result<(), Failure> {
    let missing = |secrets: &Secrets, name: &str, spec: &SecretSpec| {
        spec.generate.filter(|_| !secrets.has(name)).map(|length| length as usize)
    };
    if needed.iter().all(|(name, spec)| missing(secrets, name, spec).is_none()) {
        return Ok(());
    }
    let file = SecretsFile::lock(path)?;
    // Another build may have been faster: what it keeps there is the secret.
    let kept = file.parse(&file.text)?;
    let mut lines = String::new();
    for (name, spec) in needed {
        let Some(length) = missing(secrets, name, spec) else { continue };
        let value = match kept.get(name) {
            Some(value) => value.to_owned(),
            None => {
                let value = random(length)?;
                lines.extend([name, ": \"", &value, "\"\n"]);
                console.talk(&format!("generated the secret `{name}`, kept in {}", path.display()));
                value
            }
        };
        secrets.insert((*name).to_owned(), value);
    }
    file.append(&lines)
}

/// Puts a text in place of each secret that [`generate`] would generate, and names them.
pub fn stand_in<'a>(secrets: &mut Secrets, needed: &BTreeMap<&'a str, &SecretSpec>) -> Vec<&'a str> {
    let missing = needed.iter().filter(|(name, spec)| spec.generate.is_some() && !secrets.has(name));
    let missing: Vec<_> = missing.map(|(name, _)| *name).collect();
    for name in &missing {
        secrets.insert((*name).to_owned(), "yet-to-be-generated".to_owned());
    }
    missing
}

/// Says what nodes lack because secrets were not given, each thing once.
pub fn tell_what_is_lacking(secrets: &Secrets, nodes: &[&NodePlan], console: &Console) {
    for line in lacking(secrets, nodes) {
        console.talk(&line);
    }
}

/// What nodes lack because secrets were not given, a line each.
pub fn lacking(secrets: &Secrets, nodes: &[&NodePlan]) -> Vec<String> {
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

/// The secrets file while one build adds to it. What is locked is the folder, so that no lock file is left.
struct SecretsFile<'a> {
    path: &'a Path,
    _lock: fs_err::File,
    text: String,
}

impl<'a> SecretsFile<'a> {
    fn lock(path: &'a Path) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = fs_err::File::open(folder)?;
        folder.file().lock().with_context(|| format!("locking {}", folder.path().display()))?;
        let text = match fs_err::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        Ok(Self { path, _lock: folder, text })
    }

    /// The secrets of a text that is in the file, or that will be.
    fn parse(&self, text: &str) -> Result<Secrets, Failure> {
        let mut report = Report::new();
        let shown = self.path.display().to_string();
        let secrets = Secrets::parse(&Source::secret(shown.as_str(), text), &mut report);
        if report.has_errors() {
            let message = format!("no generated secret can be added to `{shown}`");
            let diagnostic = Diagnostic::error(message).help("write one `name: value` a line there");
            return Err(Failure::Invalid(diagnostic.into()));
        }
        Ok(secrets)
    }

    /// Adds lines: all of them or, if anything fails, none.
    fn append(self, lines: &str) -> Result<(), Failure> {
        if lines.is_empty() {
            return Ok(());
        }
        let context = || format!("keeping generated secrets in {}", self.path.display());
        let gap = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { "\n" };
        let text = [&self.text, gap, lines].concat();
        self.parse(&text)?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let made = self.path.with_file_name(format!(".{name}.new"));
        // What a killed build left: nobody else writes here while the folder is locked.
        let _ = fs_err::remove_file(&made);
        let replaced = write_private(&made, &text).and_then(|()| fs_err::rename(&made, self.path));
        if replaced.is_err() {
            let _ = fs_err::remove_file(&made);
        }
        Ok(replaced.with_context(context)?)
    }
}

/// Writes a new file that nobody else can read, to the disk.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
