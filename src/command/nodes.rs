//! Which nodes are meant, and what is said where there is no plan for them.

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::diagnostic::nearest;
use crate::failure::Failure;
use crate::plan::{LAYERS, RequestError};

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let usage = |message, help| Self::Usage { message, help };
        match error {
            RequestError::UnknownNode { name, cluster, known } => unknown(&name, &cluster, &known),
            RequestError::NamedAsLayers => usage(
                format!("invalid node name `{LAYERS}`: the folder of the nodes' layers has this name"),
                "rename the node, or choose another `--delivery`".to_owned(),
            ),
            RequestError::NeverBuilt { node, instance_id } => usage(
                format!("`--reprovision` needs a previous build of `{node}`; none found"),
                format!("`imgbuild {node}` builds it as a new instance: `{instance_id}`"),
            ),
            RequestError::UnreadableBuild(why) => Self::Other(anyhow::anyhow!(why)),
        }
    }
}

fn unknown(name: &str, cluster: &str, known: &[String]) -> Failure {
    // Somebody may have meant a verb.
    let cli = Cli::command();
    let verbs: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
    if verbs.contains(&name) {
        return Failure::Usage {
            message: format!("expected a node, got `{name}`"),
            help: format!("write a command before its nodes: `imgbuild {name} ...`"),
        };
    }
    if [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending)) {
        return Failure::Usage {
            message: format!("expected a node, got `{}`", name.escape_debug()),
            help: format!("did you mean `--profile {}`?", name.escape_debug()),
        };
    }
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    let meant = nearest(name, known.iter().copied().chain(verbs));
    let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
    let shown = known.iter().take(20).copied().collect::<Vec<_>>().join("`, `");
    let more = if known.len() > 20 { " and more" } else { "" };
    Failure::Usage {
        message: format!("unknown node `{}`", name.escape_debug()),
        help: format!("{meant}the nodes of the cluster `{cluster}` are `{shown}`{more}"),
    }
}
