//! Which nodes are meant, and where the store is.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: the environment names the user's cache folder and the proxies"
)]

use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::build::layers;
use crate::cli::{Cli, Options};
use crate::diagnostic::nearest;
use crate::failure::Failure;
use crate::fetch::{FetchOptions, Mirror, MirrorError, Network, ProxyError};
use crate::input;
use crate::plan::{NodePlan, Plan};
use crate::store::{Cache, DERIVED, Store};
use crate::terminal::Console;

/// The nodes of these names, each once, in the profile's order; all if `all`.
pub fn nodes<'a>(plan: &'a Plan, names: &[String], all: bool) -> Result<Vec<&'a NodePlan>, Failure> {
    if let Some(name) = names.iter().find(|name| plan.node(name).is_none()) {
        return Err(unknown(plan, name));
    }
    Ok(plan.nodes.iter().filter(|node| all || names.contains(&node.name)).collect())
}

fn unknown(plan: &Plan, name: &str) -> Failure {
    // Somebody may have meant a verb.
    let cli = Cli::command();
    let verbs: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
    if verbs.contains(&name) {
        return Failure::Usage {
            message: format!("`{name}` stands where a node is expected"),
            help: format!("a command stands before its nodes: `imgbuild {name} ...`"),
        };
    }
    if [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending)) {
        return Failure::Usage {
            message: format!("`{}` stands where a node is expected", name.escape_debug()),
            help: format!("did you mean `--profile {}`?", name.escape_debug()),
        };
    }
    let known: Vec<_> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    let meant = nearest(name, known.iter().copied().chain(verbs));
    let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
    let shown = known.iter().take(20).copied().collect::<Vec<_>>().join("`, `");
    let more = if known.len() > 20 { " and more" } else { "" };
    Failure::Usage {
        message: format!("unknown node `{}`", name.escape_debug()),
        help: format!("{meant}the nodes of the cluster `{}` are `{shown}`{more}", plan.cluster.name),
    }
}

/// The store that the options name, or the user's own.
pub fn store(options: &Options) -> Result<Store, Failure> {
    let root = options.store.clone().or_else(cache_folder).ok_or_else(|| Failure::Usage {
        message: "neither XDG_CACHE_HOME nor HOME says where the store can be".to_owned(),
        help: "name a folder with --store".to_owned(),
    })?;
    Ok(Store::open(root)?)
}

/// The user's own cache of layers, wherever the store is: a store may be anybody's. What cannot be believed is not used.
pub fn cache(console: &Console) -> Cache {
    let Some((cache, state)) = cache_folder().zip(user_folder("XDG_STATE_HOME", ".local/state")) else {
        return Cache::none();
    };
    Cache::open(cache.join(DERIVED), state.join("imgbuild/cache.key")).unwrap_or_else(|why| {
        layers::unkept(&why, console);
        Cache::none()
    })
}

fn cache_folder() -> Option<PathBuf> {
    Some(user_folder("XDG_CACHE_HOME", ".cache")?.join("imgbuild"))
}

/// A folder that the environment names (XDG Base Directory Specification), or where it is by default.
fn user_folder(name: &str, default: &str) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder(name).or_else(|| Some(folder("HOME")?.join(default)))
}

/// How artifacts are fetched.
pub fn fetching(options: &Options) -> Result<FetchOptions, Failure> {
    let mirror = mirror(options)?;
    let supply = input::bundle::open(options)?.map(input::bundle::supply);
    let network = if options.offline || supply.is_some() || mirror.as_ref().is_some_and(Mirror::is_folder) {
        Network::default()
    } else {
        network()?
    };
    Ok(FetchOptions { mirror, supply, offline: options.offline, network, ..FetchOptions::default() })
}

/// What the environment says of the network. Nothing is asked where it cannot be understood.
fn network() -> Result<Network, Failure> {
    Network::from_environment(|name| std::env::var_os(name))
        .map_err(|error: ProxyError| Failure::Usage { message: error.to_string(), help: error.help() })
}

/// The mirror that is used in place of upstream's servers.
pub fn mirror(options: &Options) -> Result<Option<Mirror>, Failure> {
    let mirror = options.mirror.as_deref().map(str::parse).transpose();
    mirror.map_err(|error: MirrorError| Failure::Usage {
        message: format!("--mirror: {error}"),
        help: "a mirror is a folder or an http(s) address".to_owned(),
    })
}
