//! How artifacts are fetched: from where, and how servers are reached.

use super::input::brings_its_own;
use super::{Environment, InputSettings};
use crate::cli::Fetching;
use crate::failure::Failure;
use crate::fetch::{BundleSource, FetchOptions, NetworkSettings, ProxyError};
use crate::release::{Mirror, MirrorError};

/// How artifacts are fetched.
#[derive(Clone, Debug)]
pub(crate) struct FetchSettings {
    /// Where they are taken from instead of upstream.
    pub mirror: Option<Mirror>,
    /// Whether the network is never touched.
    pub offline: bool,
    network: NetworkSettings,
}

impl FetchSettings {
    /// What these options mean where texts are read from `input`.
    pub(crate) fn resolve(
        args: &Fetching,
        input: &InputSettings,
        environment: Environment<'_>,
    ) -> Result<Self, Failure> {
        if input.is_bundle() && args.mirror.is_some() {
            return brings_its_own("--mirror");
        }
        let mirror = args.mirror.as_deref().map(str::parse).transpose();
        let mirror = mirror.map_err(|error: MirrorError| Failure::Usage {
            message: format!("--mirror: {error}"),
            help: "expected a folder or an http or https URL".to_owned(),
        })?;
        let is_asked = !args.offline && !input.is_bundle() && !mirror.as_ref().is_some_and(Mirror::is_folder);
        // Nothing is asked where the environment cannot be understood; where no server is, it need not be.
        let network = if is_asked { network(environment)? } else { NetworkSettings::default() };
        Ok(Self { mirror, offline: args.offline, network })
    }

    /// The same, with the artifacts of a bundle.
    pub(crate) fn with_supply(&self, supply: Option<BundleSource>) -> FetchOptions {
        let Self { mirror, offline, network } = self.clone();
        FetchOptions { mirror, supply, offline, network, ..FetchOptions::default() }
    }
}

fn network(environment: Environment<'_>) -> Result<NetworkSettings, Failure> {
    NetworkSettings::from_environment(environment)
        .map_err(|error: ProxyError| Failure::Usage { message: error.to_string(), help: error.help() })
}
