//! `imgbuild lock`: how the lock of the packages is made or kept.

use std::path::PathBuf;

use clap::Args;

use super::options::{Fetching, Inputs};
use crate::date::Moment;

/// What `lock` is asked for.
#[derive(Args, Clone, Debug)]
pub struct LockArgs {
    /// The lock; by default packages.lock in the profile's folder.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_LOCK")]
    pub lock: Option<PathBuf>,
    /// Take what the archives have now.
    #[arg(long)]
    pub upgrade: bool,
    /// Take what the archives had at this day or moment, such as `2026-11-28` (UTC).
    #[arg(long, value_name = "TIME", conflicts_with = "upgrade")]
    pub at: Option<Moment>,
    /// Say whether the lock is whole and made of these inputs; fetch and write nothing.
    #[arg(long, conflicts_with_all = ["upgrade", "at", "dry_run"])]
    pub check: bool,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// What people wrote of a cluster.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Where the archives are read from.
    #[command(flatten)]
    pub fetching: Fetching,
}
