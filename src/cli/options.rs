//! The options that every command has.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::output::Delivery;
use crate::plan::Format;
use crate::release::Arch;

/// Options that every command has.
#[derive(Args, Debug)]
pub struct Options {
    /// The profile; the built-in one by default.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_PROFILE", global = true)]
    pub profile: Option<PathBuf>,
    /// A folder of components, which go before built-in ones of the same name.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_OVERLAYS", global = true)]
    pub overlays: Option<PathBuf>,
    /// The pins; the built-in ones by default.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_RELEASES", global = true)]
    pub releases: Option<PathBuf>,
    /// Where the nodes' folders are written.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_OUT", default_value = "out", global = true)]
    pub out: PathBuf,
    /// Where verified artifacts and finished layers are kept; by default in the user's cache folder.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_STORE", global = true)]
    pub store: Option<PathBuf>,
    /// Where secrets are read from, and kept when they are generated.
    #[arg(
        long,
        value_name = "FILE",
        env = "IMGBUILD_SECRETS",
        default_value = "secrets.yaml",
        global = true
    )]
    pub secrets: PathBuf,
    /// The architecture of all nodes, whatever the profile says.
    #[arg(long, env = "IMGBUILD_ARCH", global = true)]
    pub arch: Option<Arch>,
    /// Fetch `https://HOST/PATH` from `MIRROR/HOST/PATH`; a folder or a web address.
    #[arg(long, value_name = "DIR|URL", env = "IMGBUILD_MIRROR", hide_env_values = true, global = true)]
    pub mirror: Option<String>,
    /// Take profile, pins, components and artifacts from this bundle alone; never touch the network.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_BUNDLE", global = true)]
    pub bundle: Option<PathBuf>,
    /// Use what is in the store alone; never touch the network.
    #[arg(long, env = "IMGBUILD_OFFLINE", value_parser = clap::builder::BoolishValueParser::new(), global = true)]
    pub offline: bool,
    /// How the nodes get their layers.
    #[arg(long, value_name = "HOW", env = "IMGBUILD_DELIVERY", default_value = "image", global = true)]
    pub delivery: Delivery,
    /// In which form the nodes get what is below /usr.
    #[arg(long, value_name = "FORM", env = "IMGBUILD_FORMAT", default_value = "overlay", global = true)]
    pub format: Format,
    /// Where the nodes fetch their layers with `--delivery http`: what answers for the folder of `--out`.
    #[arg(long, value_name = "URL", env = "IMGBUILD_URL", global = true)]
    pub url: Option<String>,
    /// Print results as JSON.
    #[arg(long, env = "IMGBUILD_JSON", value_parser = clap::builder::BoolishValueParser::new(), global = true)]
    pub json: bool,
    /// Print errors and results alone.
    #[arg(long, short, env = "IMGBUILD_QUIET", value_parser = clap::builder::BoolishValueParser::new(), global = true)]
    pub quiet: bool,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", env = "IMGBUILD_COLOR", default_value = "auto", global = true)]
    pub color: Color,
    /// The modification time of every file in an overlay and an image, in seconds since 1970.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOURCE_DATE_EPOCH",
        default_value_t = 0,
        value_parser = epoch,
        global = true,
        hide = true
    )]
    pub source_date_epoch: u64,
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
