//! The options, in groups: a verb takes the groups that mean something to it.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use crate::date::Moment;
use crate::output::DeliveryKind;
use crate::plan::Format;
use crate::release::Arch;

/// How every command speaks.
#[derive(Args, Clone, Debug)]
pub struct Speaking {
    /// Print results and errors as JSON.
    #[arg(long, env = "IMGBUILD_JSON", value_parser = BoolishValueParser::new(), global = true)]
    pub json: bool,
    /// Print only errors and results.
    #[arg(long, short, env = "IMGBUILD_QUIET", value_parser = BoolishValueParser::new(), global = true)]
    pub quiet: bool,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", env = "IMGBUILD_COLOR", default_value = "auto", global = true)]
    pub color: Color,
}

/// What people wrote of a cluster.
#[derive(Args, Clone, Debug)]
pub struct Inputs {
    /// The profile; the built-in one by default.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_PROFILE")]
    pub profile: Option<PathBuf>,
    /// A folder of components, which override built-in ones of the same name.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_OVERLAYS")]
    pub overlays: Option<PathBuf>,
    /// The pins; the built-in ones by default.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_RELEASES")]
    pub releases: Option<PathBuf>,
    /// The architecture of all nodes, overriding the profile.
    #[arg(long, env = "IMGBUILD_ARCH")]
    pub arch: Option<Arch>,
    /// Read profile, pins, components and artifacts only from this bundle; never use the network.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_BUNDLE")]
    pub bundle: Option<PathBuf>,
    /// The minisign key, as text or file, with which the bundle must be signed.
    #[arg(long, value_name = "PUB", env = "IMGBUILD_KEY", requires = "bundle")]
    pub key: Option<String>,
    /// Refuse a bundle that was signed before this day or moment, such as `2026-11-28` (UTC).
    #[arg(long, value_name = "TIME", env = "IMGBUILD_NOT_BEFORE", requires = "key")]
    pub not_before: Option<Moment>,
}

/// Secrets.
#[derive(Args, Clone, Debug)]
pub struct SecretsFile {
    /// The secrets file; by default secrets.yaml, if it exists. Missing secrets are generated into a file of
    /// that name.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_SECRETS")]
    pub secrets: Option<PathBuf>,
}

/// Where artifacts come from.
#[derive(Args, Clone, Debug)]
pub struct Fetching {
    /// Where verified artifacts are kept; by default in the user's cache folder.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_STORE")]
    pub store: Option<PathBuf>,
    /// Fetch `https://HOST/PATH` from `MIRROR/HOST/PATH`; a folder or a URL.
    #[arg(long, value_name = "DIR|URL", env = "IMGBUILD_MIRROR", hide_env_values = true)]
    pub mirror: Option<String>,
    /// Use only artifacts in the store; never use the network.
    #[arg(long, env = "IMGBUILD_OFFLINE", value_parser = BoolishValueParser::new())]
    pub offline: bool,
}

/// How the nodes get what is built.
#[derive(Args, Clone, Debug)]
pub struct Delivering {
    /// How the nodes get their layers.
    #[arg(long, value_name = "DELIVERY", env = "IMGBUILD_DELIVERY", default_value = "image")]
    pub delivery: DeliveryKind,
    /// How files below /usr are installed: plain files or a system extension.
    #[arg(long, value_name = "FORMAT", env = "IMGBUILD_FORMAT", default_value = "overlay")]
    pub format: Format,
    /// The URL from which nodes fetch their layers with `--delivery http`; it serves the folder of `--out`.
    #[arg(long, value_name = "URL", env = "IMGBUILD_URL")]
    pub url: Option<String>,
    /// The modification time of every file in an overlay and an image, in seconds since 1970.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOURCE_DATE_EPOCH",
        default_value_t = 0,
        value_parser = epoch,
        hide = true
    )]
    pub source_date_epoch: u64,
}

/// The folder of outputs.
#[derive(Args, Clone, Debug)]
pub struct Out {
    /// Where the nodes' folders are written.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_OUT", default_value = "out")]
    pub out: PathBuf,
}

/// All that a build goes by, and whatever says beforehand what one would do.
#[derive(Args, Clone, Debug)]
pub struct Building {
    /// What people wrote of a cluster.
    #[command(flatten)]
    pub inputs: Inputs,
    /// The folder of outputs.
    #[command(flatten)]
    pub out: Out,
    /// Secrets.
    #[command(flatten)]
    pub secrets: SecretsFile,
    /// Where artifacts come from.
    #[command(flatten)]
    pub fetching: Fetching,
    /// How the nodes get what is built.
    #[command(flatten)]
    pub delivering: Delivering,
}

fn epoch(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "SOURCE_DATE_EPOCH is a number of seconds since 1970")
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
