//! What was typed and what the environment says, as values: the only place where an option gets its meaning. Options that
//! contradict each other are refused here, before a file is read.

mod delivery;
mod fetch;
mod folders;
mod input;
mod listen;
mod signing;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::cli::{Building, Delivering, SecretsFile};
use crate::failure::Failure;
use crate::plan::{Delivery, LayerSpec};
use crate::release::Mirror;
pub(crate) use fetch::FetchSettings;
pub(crate) use folders::{CachePlace, Folders, cache_place, scratch_folder};
pub(crate) use input::{BundleSettings, InputSettings, InputSource, Trust};
pub(crate) use listen::listen_address;
pub(crate) use signing::SigningSettings;

/// Reads a variable of the environment.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// All that a build goes by, and whatever says beforehand what one would do.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where profile, pins and components are read from.
    pub(crate) input: InputSettings,
    /// Where secrets are.
    pub(crate) secrets: SecretsPlace,
    /// How artifacts are fetched.
    pub(crate) fetch: FetchSettings,
    /// What is built, and how the nodes get it.
    pub(crate) build: BuildSettings,
    /// Where artifacts and layers are kept.
    pub(crate) folders: Folders,
    /// The folder of the nodes' folders.
    pub(crate) out: PathBuf,
}

/// What is built, and how the nodes get it.
#[derive(Debug)]
pub(crate) struct BuildSettings {
    /// How the nodes get their layers.
    pub(crate) delivery: Delivery,
    /// What the layers are like.
    pub(crate) layers: LayerSpec,
}

/// The secrets file.
#[derive(Clone, Debug)]
pub(crate) struct SecretsPlace {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Whether somebody named it, so that it has to be there.
    pub(crate) is_named: bool,
}

impl Settings {
    /// What these options mean.
    pub(crate) fn resolve(args: Building, environment: Environment<'_>) -> Result<Self, Failure> {
        let input = InputSettings::resolve(args.inputs)?;
        let fetch = FetchSettings::resolve(&args.fetching, &input, environment)?;
        let folders = Folders::resolve(args.fetching.store, environment)?;
        let build = BuildSettings::resolve(&args.delivering, fetch.mirror.as_ref())?;
        Ok(Self {
            input,
            secrets: SecretsPlace::resolve(args.secrets),
            fetch,
            build,
            folders,
            out: args.out.out,
        })
    }
}

impl BuildSettings {
    /// What these options mean, with the mirror that nodes may fetch from.
    pub(crate) fn resolve(args: &Delivering, mirror: Option<&Mirror>) -> Result<Self, Failure> {
        let layers = LayerSpec { format: args.format, epoch: args.source_date_epoch };
        Ok(Self { delivery: delivery::resolve(args, mirror)?, layers })
    }
}

impl SecretsPlace {
    /// The name of the file where no option names one.
    pub(crate) const DEFAULT: &'static str = "secrets.yaml";

    /// What this option means.
    pub(crate) fn resolve(args: SecretsFile) -> Self {
        let is_named = args.secrets.is_some();
        Self { path: args.secrets.unwrap_or_else(|| Self::DEFAULT.into()), is_named }
    }

    /// Whether missing secrets are generated into it: a file of another name is its user's alone.
    pub(crate) fn is_generated_into(&self) -> bool {
        self.path.file_name() == Some(OsStr::new(Self::DEFAULT))
    }
}

/// Something that was typed and makes no sense.
fn usage<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Usage { message: message.into(), help: help.into() })
}
