//! `imgbuild bundle`: one file with all that an offline build needs.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: reads the program, the key and its password, writes the signature"
)]

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::build::{check_installable, requests_of};
use crate::bundle::{Index, NewBundle, Occupied, SigningKey, occupied};
use crate::cli::BundleArgs;
use crate::date::Moment;
use crate::diagnostic::Report;
use crate::event::Event;
use crate::failure::Failure;
use crate::files::{folder_of, is_same};
use crate::input::bundle::MAX_KEY;
use crate::input::{self, Draft, Sources, Texts};
use crate::pack::Contents;
use crate::plan::{Request, Selection};
use crate::settings::{Environment, FetchSettings, Folders, InputSettings, InputSource, SecretsPlace};
use crate::store::Store;
use crate::terminal::Console;

/// The environment variable with the password of a secret key: an argument would be seen by other users.
const PASSWORD: &str = "IMGBUILD_SIGN_PASSWORD";

/// Writes a bundle of the nodes that are named, or of all.
pub(super) fn run(args: BundleArgs, environment: Environment<'_>, console: &Console) -> Result<(), Failure> {
    let BundleArgs { nodes, output, split, sign, with_program, inputs, secrets, fetching, all: _ } = args;
    let input = InputSettings::resolve(inputs)?;
    let fetch = FetchSettings::resolve(&fetching, &input, environment)?;
    let folders = Folders::resolve(fetching.store, environment)?;
    let secrets_place = SecretsPlace::resolve(secrets);
    let mut report = Report::new();
    let texts = Texts::read(&input, &mut report)?;
    let mut sources = Sources::of(texts.clone(), report)?;
    let secrets = sources.secrets(&secrets_place);
    let selection = Selection::named_or_all(nodes);
    let Draft { plan, report } = sources.plan(&Request { selection, ..Request::default() })?;
    let nodes = plan.selected_nodes();
    console.report(&report);
    check_installable(&nodes)?;
    let program = with_program.then(std::env::current_exe).transpose()?;
    let place = Place { output: &output, is_split: split.is_some() };
    place.check()?;
    place.check_inputs(&input, [sign.as_deref(), program.as_deref(), Some(&secrets_place.path)])?;
    let key = sign.as_deref().map(|path| signing_key(path, environment)).transpose()?;
    let store = Store::open(folders.store)?;
    let requests = requests_of(&nodes);
    let fetch = fetch.with_supply(sources.supply());
    let fetched = store.fetch_all(&requests, &fetch, &|event| console.event(&Event::Fetch(event)))?;
    let mut contents = Contents::of(&texts, &plan)?;
    contents.refuse(&secrets)?;
    contents.artifacts(&nodes, &requests, &fetched);
    if let Some(program) = program {
        contents.program(program)?;
    }
    let names = nodes.iter().map(|node| node.name.clone()).collect();
    let index = Index::new(plan.cluster.name.clone(), names, texts.arch, contents.parts());
    let new = NewBundle { index: &index, path: &output, split, key: key.as_ref(), time: now() };
    let written = new.write(|part| contents.open(part, &store))?;
    if console.json {
        let result = serde_json::json!({ "path": written.path, "size": written.size, "index": index });
        return Ok(Console::data_json(&result)?);
    }
    Ok(Console::data(format!("{}\n", written.path.display()))?)
}

/// Where a bundle is to be.
struct Place<'a> {
    output: &'a Path,
    is_split: bool,
}

impl Place<'_> {
    /// Refuses, before anything is fetched, a place where no bundle can be or where it would not be found.
    fn check(&self) -> Result<(), Failure> {
        let folder = self.output.parent().filter(|folder| !folder.as_os_str().is_empty());
        if self.output.file_name().is_none() || folder.is_some_and(|folder| !folder.is_dir()) {
            return self.refused("its folder does not exist", "create it, or choose another file");
        }
        let Ok(there) = fs_err::metadata(self.output) else { return Ok(()) };
        if !there.is_file() {
            return self.refused("it is not a plain file", "name another file");
        }
        if self.is_split {
            let why = "a file of this name would be taken for the split bundle";
            return self.refused(why, "remove it, or name another file");
        }
        Ok(())
    }

    /// Refuses, before anything is fetched, a place where the bundle would replace what it is made of, `others` among it, or
    /// any file that is not of an earlier bundle.
    fn check_inputs(&self, input: &InputSettings, others: [Option<&Path>; 3]) -> Result<(), Failure> {
        const HELP: &str = "name another file, or move that one away";
        let mut inputs: Vec<PathBuf> = others.into_iter().flatten().map(Path::to_owned).collect();
        match &input.source {
            InputSource::Bundle(bundle) => {
                inputs.push(bundle.path.clone());
                inputs.extend(crate::bundle::names(&bundle.path, true));
            }
            InputSource::Files { profile, overlays, releases } => {
                inputs.extend([profile, releases].into_iter().flatten().cloned());
                if overlays.as_deref().is_some_and(|overlays| is_below(self.output, overlays)) {
                    let why = "it is in the folder of components, an input of the bundle";
                    return self.refused(why, HELP);
                }
            }
        }
        for output in crate::bundle::names(self.output, self.is_split) {
            if let Some(input) = inputs.iter().find(|input| is_same(input, &output)) {
                let (output, input) = (output.display(), input.display());
                return self
                    .refused(format!("the output `{output}` is the same file as the input `{input}`"), HELP);
            }
        }
        match occupied(self.output, self.is_split)? {
            None => Ok(()),
            Some(Occupied { path, why }) => self.refused(format!("`{}` {why}", path.display()), HELP),
        }
    }

    fn refused(&self, why: impl Into<String>, help: &str) -> Result<(), Failure> {
        let message = format!("--output {}: {}", self.output.display(), why.into());
        Err(Failure::Usage { message, help: help.to_owned() })
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

fn signing_key(path: &Path, environment: Environment<'_>) -> Result<SigningKey, Failure> {
    let there = fs_err::metadata(path)
        .and_then(|found| if found.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) });
    there.map_err(|error| {
        let help = "`minisign -G -p imgbuild.pub -s imgbuild.key` makes a key: `--sign imgbuild.key`";
        Failure::unreadable(path, "a minisign secret key", &error, help)
    })?;
    let text = input::text(path, MAX_KEY).map_err(|why| anyhow::anyhow!("{}", why.message()))?;
    // A variable that is set to nothing is as if it were not set.
    let password = environment(PASSWORD).and_then(|password| password.into_string().ok());
    let password = password.filter(|password| !password.is_empty());
    SigningKey::read(&text, password).map_err(|error| Failure::Usage {
        message: format!("--sign {}: {error}", path.display()),
        help: format!("`minisign -G` makes a key; one with a password needs it in {PASSWORD}"),
    })
}
