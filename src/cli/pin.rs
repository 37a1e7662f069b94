//! `imgbuild pin`: which release goes to which version, and what vouches for its digests.

use clap::{Args, ValueEnum as _};

use super::options::{Fetching, Inputs};
use crate::digest::{Sha256, Sha256Error};
use crate::release::Arch;

/// What `pin` is asked for.
#[derive(Args, Debug)]
pub struct PinArgs {
    /// The release, by its name in the pins file.
    #[arg(required_unless_present = "check", conflicts_with = "check")]
    pub release: Option<String>,
    /// Its new version, without upstream's `v`.
    #[arg(required_unless_present = "check")]
    pub version: Option<String>,
    /// Upstream's build number of that version, for releases whose URL contains one.
    #[arg(long, value_name = "NUMBER", requires = "version")]
    pub build: Option<String>,
    /// A digest that you have confirmed yourself, instead of upstream's checksum file.
    #[arg(long, value_name = "ARCH=HEX", value_parser = by_hand, requires = "version")]
    pub sha256: Vec<(Arch, Sha256)>,
    /// If upstream has no checksum file, download the artifact and pin the digest of what was received.
    #[arg(long, requires = "version")]
    pub trust_first_use: bool,
    /// Show what would change, and change nothing.
    #[arg(long, requires = "version")]
    pub dry_run: bool,
    /// Check the pins instead; does not use the network.
    #[arg(long)]
    pub check: bool,
    /// What people wrote of a cluster.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Where checksum files and artifacts come from.
    #[command(flatten)]
    pub fetching: Fetching,
}

fn by_hand(text: &str) -> Result<(Arch, Sha256), String> {
    let (arch, hex) = text.split_once('=').ok_or("expected ARCH=HEX, such as `amd64=4d5f...`")?;
    let arch = Arch::from_str(arch, false)?;
    Ok((arch, hex.parse().map_err(|error: Sha256Error| error.to_string())?))
}
