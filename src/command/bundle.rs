//! `imgbuild bundle`: one file with all that an offline build needs.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: finds this program, and asks the clock when a bundle is signed"
)]

use std::time::SystemTime;

use crate::build::{check_installable, requests_of};
use crate::bundle::{Index, NewBundle};
use crate::cli::BundleArgs;
use crate::date::Moment;
use crate::diagnostic::Report;
use crate::event::Event;
use crate::failure::Failure;
use crate::input::{Draft, Sources, Texts};
use crate::pack::{Contents, Place, signing_key};
use crate::plan::{Request, Selection};
use crate::settings::{Environment, FetchSettings, Folders, InputSettings, SecretsPlace, SigningSettings};
use crate::store::Store;
use crate::terminal::Console;

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
    let signing = sign.map(|key| SigningSettings::resolve(key, environment));
    let program = with_program.then(std::env::current_exe).transpose()?;
    let place = Place { output: &output, is_split: split.is_some() };
    place.check()?;
    let signing_key_file = signing.as_ref().map(|signing| signing.key.as_path());
    place.check_inputs(&input, [signing_key_file, program.as_deref(), Some(&secrets_place.path)])?;
    let key = signing.as_ref().map(signing_key).transpose()?;
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

/// When a bundle is signed: two of them can tell which is newer.
fn now() -> Moment {
    // A clock that stands before 1970 says nothing, and makes nothing newer.
    Moment(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
