//! `imgbuild bundle`: one file with all that an offline build needs.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: reads the program, the key and its password, writes the signature"
)]

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::select;
use crate::build::layers;
use crate::bundle::{
    Index, NewBundle, OVERLAYS, Occupied, PROFILE, PROGRAM, Part, RELEASES, SigningKey, occupied,
};
use crate::cli::{BundleArgs, Options};
use crate::date::Moment;
use crate::diagnostic::{Diagnostic, Report, Source};
use crate::digest::Sha256;
use crate::failure::Failure;
use crate::fetch::{ArtifactRequest, Fetched};
use crate::files::{folder_of, is_same};
use crate::input::bundle::MAX_COMPONENTS;
use crate::input::secrets;
use crate::input::{self, Texts, Written};
use crate::plan::{NodePlan, Plan};
use crate::profile::Secrets;
use crate::store::Store;
use crate::terminal::Console;

/// The environment variable with the password of a secret key: an argument would be seen by other users.
const PASSWORD: &str = "IMGBUILD_SIGN_PASSWORD";
/// The longest file of a key that is read, in bytes.
pub const MAX_KEY: u64 = 64 << 10;

/// Writes a bundle of the nodes that are named, or of all.
pub fn run(wanted: &BundleArgs, options: &Options, console: &Console) -> Result<(), Failure> {
    let mut report = Report::new();
    let texts = Texts::read(options, &mut report)?;
    let mut written = Written::of(texts.clone(), report)?;
    let secrets = written.secrets(options);
    let (plan, _, report) = written.plan(options)?;
    let nodes = select::nodes(&plan, &wanted.nodes, wanted.nodes.is_empty())?;
    console.report(&report);
    check_place(wanted)?;
    check_inputs(wanted, options)?;
    let key = wanted.sign.as_deref().map(signing_key).transpose()?;
    let store = select::store(options)?;
    let requests = layers::requests_of(&nodes);
    let progress = console.progress();
    let fetched = store.fetch_all(&requests, &select::fetching(options)?, &|event| progress.show(event))?;
    drop(progress);
    let mut contents = Contents::of(&texts, &plan)?;
    contents.refuse(&secrets)?;
    contents.artifacts(&nodes, &requests, &fetched);
    if wanted.with_program {
        contents.program(std::env::current_exe()?)?;
    }
    let names = nodes.iter().map(|node| node.name.clone()).collect();
    let arch = options.arch.or(texts.arch);
    let index = Index::new(plan.cluster.name.clone(), names, arch, contents.parts());
    let new = NewBundle {
        index: &index,
        path: &wanted.output,
        split: wanted.split,
        key: key.as_ref(),
        time: now(),
    };
    let written = new.write(|part| contents.open(part, &store))?;
    if console.json {
        let result = serde_json::json!({ "path": written.path, "size": written.size, "index": index });
        return Ok(Console::data_json(&result)?);
    }
    Ok(Console::data(format!("{}\n", written.path.display()))?)
}

/// Refuses, before anything is fetched, a place where no bundle can be or where it would not be found.
fn check_place(wanted: &BundleArgs) -> Result<(), Failure> {
    let place = wanted.output.display();
    let no = |why: String, help: &str| {
        Err(Failure::Usage { message: format!("--output {place}: {why}"), help: help.to_owned() })
    };
    let folder = wanted.output.parent().filter(|folder| !folder.as_os_str().is_empty());
    if wanted.output.file_name().is_none() || folder.is_some_and(|folder| !folder.is_dir()) {
        return no("there is no such folder".to_owned(), "make it, or name another file");
    }
    let Ok(there) = fs_err::metadata(&wanted.output) else { return Ok(()) };
    if !there.is_file() {
        return no("what is there is no file".to_owned(), "name another file");
    }
    if wanted.split.is_some() {
        let why = "a file of this name would be taken for the split bundle".to_owned();
        return no(why, "remove it, or name another file");
    }
    Ok(())
}

/// Refuses, before anything is fetched, a place where the bundle would replace what it is made of, or any file that is not of
/// an earlier bundle.
fn check_inputs(wanted: &BundleArgs, options: &Options) -> Result<(), Failure> {
    let no = |why: String| {
        let message = format!("--output {}: {why}", wanted.output.display());
        Err(Failure::Usage { message, help: "name another file, or move that one away".to_owned() })
    };
    let is_split = wanted.split.is_some();
    let program = wanted.with_program.then(std::env::current_exe).transpose()?;
    let bundle = options.bundle.iter().flat_map(|bundle| {
        let pieces = crate::bundle::names(bundle, true);
        [bundle.clone()].into_iter().chain(pieces)
    });
    let given = [&options.profile, &options.releases, &wanted.sign, &program].into_iter().flatten().cloned();
    let inputs: Vec<_> = given.chain([secrets::path(options).to_owned()]).chain(bundle).collect();
    for output in crate::bundle::names(&wanted.output, is_split) {
        if let Some(input) = inputs.iter().find(|input| is_same(input, &output)) {
            return no(format!(
                "`{}` is `{}`, which the bundle is made of",
                output.display(),
                input.display()
            ));
        }
    }
    if options.overlays.as_deref().is_some_and(|overlays| is_below(&wanted.output, overlays)) {
        return no("it is in the folder of the components, which the bundle is made of".to_owned());
    }
    match occupied(&wanted.output, is_split)? {
        None => Ok(()),
        Some(Occupied { path, why }) => no(format!("`{}` {why}", path.display())),
    }
}

/// Whether a file is, or would be, somewhere in a folder.
fn is_below(file: &Path, folder: &Path) -> bool {
    let place = fs_err::canonicalize(folder_of(file)).ok();
    place.zip(fs_err::canonicalize(folder).ok()).is_some_and(|(place, folder)| place.starts_with(folder))
}

/// When a bundle is signed: two of them can tell which is newer.
fn now() -> Moment {
    // A clock that stands before 1970 says nothing, and makes nothing newer.
    Moment(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let there = fs_err::metadata(path)
        .and_then(|found| if found.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) });
    there.map_err(|error| {
        let help = "`minisign -G -p imgbuild.pub -s imgbuild.key` makes a key: `--sign imgbuild.key`";
        Failure::unreadable(path, "a minisign secret key", &error, help)
    })?;
    let text = input::text(path, MAX_KEY).map_err(|why| anyhow::anyhow!("{}", why.message()))?;
    // A variable that is set to nothing is as if it were not set.
    let password = std::env::var(PASSWORD).ok().filter(|password| !password.is_empty());
    SigningKey::read(&text, password).map_err(|error| Failure::Usage {
        message: format!("--sign {}: {error}", path.display()),
        help: format!("`minisign -G` makes a key; one with a password needs it in {PASSWORD}"),
    })
}

/// The parts of a bundle and where their bytes are.
struct Contents(BTreeMap<String, (Part, Bytes)>);

/// Where the bytes of a part are.
enum Bytes {
    Here(Arc<[u8]>),
    Store(Sha256),
    File(PathBuf),
}

impl Contents {
    /// What the user wrote.
    fn of(texts: &Texts, plan: &Plan) -> Result<Self, Failure> {
        let mut contents = Self(BTreeMap::new());
        let text = |source: &Option<Arc<Source>>| -> Arc<[u8]> {
            source.as_ref().map_or("", |source| source.text()).as_bytes().into()
        };
        contents.add(PROFILE.to_owned(), &plan.cluster.name, text(&texts.profile));
        contents.add(RELEASES.to_owned(), "releases", text(&texts.releases));
        let mut total = 0;
        for (component, folder) in &texts.folders {
            for (path, file) in folder {
                total += file.bytes.len() as u64;
                contents.add(format!("{OVERLAYS}{component}/{path}"), component, Arc::clone(&file.bytes));
            }
        }
        if total > MAX_COMPONENTS {
            let message =
                format!("the components have {total} bytes, a bundle takes {MAX_COMPONENTS} at most");
            return Err(anyhow::anyhow!(message).into());
        }
        Ok(contents)
    }

    /// Refuses texts that a secret has strayed into: a bundle goes through many hands.
    fn refuse(&self, secrets: &Secrets) -> Result<(), Failure> {
        let mut report = Report::new();
        for (path, (_, bytes)) in &self.0 {
            let Bytes::Here(bytes) = bytes else { continue };
            if let Some(name) = secrets.named_in(bytes) {
                let message = format!("`{path}` has the value of the secret `{name}` in it");
                let help =
                    "take it out there: secrets stand in the secrets file alone, and no bundle takes that";
                report.push(Diagnostic::error(message).help(help));
            }
        }
        if report.has_errors() { Err(Failure::Invalid(report)) } else { Ok(()) }
    }

    fn add(&mut self, path: String, name: &str, bytes: Arc<[u8]>) {
        let (size, sha256) = (bytes.len() as u64, Sha256::of(&bytes));
        let part = Part { path: path.clone(), name: name.to_owned(), version: None, size, sha256 };
        self.0.insert(path, (part, Bytes::Here(bytes)));
    }

    /// The artifacts that these nodes need, which are in the store.
    fn artifacts(&mut self, nodes: &[&NodePlan], requests: &[ArtifactRequest], fetched: &[Fetched]) {
        let artifacts =
            nodes.iter().flat_map(|node| &node.layers).filter_map(|layer| layer.artifact.as_ref());
        let known: BTreeMap<_, _> = artifacts.map(|artifact| (artifact.title(), artifact)).collect();
        for (request, fetched) in requests.iter().zip(fetched) {
            let Some(artifact) = known.get(&request.name) else { continue };
            let path = Part::artifact_path(&fetched.sha256);
            let part = Part {
                path: path.clone(),
                name: artifact.release.clone(),
                version: Some(format!("{} {}", artifact.version, artifact.arch)),
                size: fetched.size,
                sha256: fetched.sha256,
            };
            self.0.insert(path, (part, Bytes::Store(fetched.sha256)));
        }
    }

    /// The program at `file`.
    fn program(&mut self, file: PathBuf) -> Result<(), Failure> {
        let (sha256, size) = Sha256::of_reader(fs_err::File::open(&file)?)?;
        let part = Part {
            path: PROGRAM.to_owned(),
            name: "imgbuild".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            size,
            sha256,
        };
        self.0.insert(PROGRAM.to_owned(), (part, Bytes::File(file)));
        Ok(())
    }

    fn parts(&self) -> Vec<Part> {
        self.0.values().map(|(part, _)| part.clone()).collect()
    }

    fn open(&self, part: &Part, store: &Store) -> io::Result<Box<dyn Read>> {
        Ok(match self.0.get(&part.path).map(|(_, bytes)| bytes) {
            Some(Bytes::Here(bytes)) => Box::new(Cursor::new(Arc::clone(bytes))),
            Some(Bytes::Store(sha256)) => Box::new(store.read(sha256).map_err(io::Error::other)?),
            Some(Bytes::File(path)) => Box::new(fs_err::File::open(path)?),
            None => Box::new(io::empty()),
        })
    }
}
