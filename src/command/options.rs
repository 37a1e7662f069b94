//! Whether the options agree with each other: found out for every verb alike, before any file is read.

use crate::build::delivery::{self, Way};
use crate::cli::Options;
use crate::command::select;
use crate::failure::Failure;

/// Refuses what no verb could do. Options that a verb does not take have their defaults, which agree.
pub fn check(options: &Options) -> Result<(), Failure> {
    Way::of(options)?;
    delivery::fetched_from(options)?;
    select::mirror(options)?;
    Ok(())
}
