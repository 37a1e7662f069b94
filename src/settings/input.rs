//! Where profile, pins and components are read from.

use std::path::PathBuf;

use super::usage;
use crate::cli::Inputs;
use crate::date::Moment;
use crate::failure::Failure;
use crate::release::Arch;

/// Where profile, pins and components are read from.
#[derive(Clone, Debug)]
pub(crate) struct InputSettings {
    /// Files, or a bundle.
    pub source: InputSource,
    /// The architecture of all nodes, overriding the profile.
    pub arch: Option<Arch>,
}

/// Where texts are read from.
#[derive(Clone, Debug)]
pub(crate) enum InputSource {
    /// From files; what is built in takes the place of those that are not named.
    Files {
        /// The profile.
        profile: Option<PathBuf>,
        /// The folder of components, which go before built-in ones of the same name.
        overlays: Option<PathBuf>,
        /// The pins.
        releases: Option<PathBuf>,
    },
    /// From a bundle alone.
    Bundle(BundleSettings),
}

/// A bundle that takes the place of files and the network.
#[derive(Clone, Debug)]
pub(crate) struct BundleSettings {
    /// The file.
    pub path: PathBuf,
    /// What its signature must be, if it needs one.
    pub trust: Option<Trust>,
}

/// What the signature of a bundle must be.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    /// The minisign key, as text or file.
    pub key: String,
    /// It must not be older.
    pub not_before: Option<Moment>,
}

impl InputSettings {
    /// What these options mean.
    pub(crate) fn resolve(args: Inputs) -> Result<Self, Failure> {
        let Inputs { profile, overlays, releases, arch, bundle, key, not_before } = args;
        let Some(path) = bundle else {
            return Ok(Self { source: InputSource::Files { profile, overlays, releases }, arch });
        };
        for (option, is_given) in [
            ("--profile", profile.is_some()),
            ("--releases", releases.is_some()),
            ("--overlays", overlays.is_some()),
        ] {
            if is_given {
                return brings_its_own(option);
            }
        }
        let trust = key.map(|key| Trust { key, not_before });
        Ok(Self { source: InputSource::Bundle(BundleSettings { path, trust }), arch })
    }

    /// Whether a bundle takes the place of files and the network.
    pub(crate) fn is_bundle(&self) -> bool {
        matches!(self.source, InputSource::Bundle(_))
    }
}

/// Refuses an option that says where to take something from that is in the bundle.
pub(super) fn brings_its_own<T>(option: &str) -> Result<T, Failure> {
    usage(
        format!("--bundle cannot be combined with {option}: a bundle contains its own"),
        format!("leave one of them out, and its environment variable: `--bundle` or `{option}`"),
    )
}
