//! Whether the options agree with each other: found out for every verb alike, before any file is read.

use super::delivery::{self, Way};
use super::failure::Failure;
use super::select;
use crate::cli::Options;

/// Refuses what no verb could do. Options that a verb does not take have their defaults, which agree.
pub fn check(options: &Options) -> Result<(), Failure> {
    Way::of(options)?;
    delivery::fetched_from(options)?;
    select::mirror(options)?;
    Ok(())
}
