//! What must hold beyond the shape of each value.

mod components;
mod health;
mod nodes;
mod owned;
mod places;
mod profile;
mod rules;
mod users;

pub(super) use components::components;
pub(super) use health::health;
pub(super) use owned::owned;
pub(super) use profile::{overlay_url, profile, setting};
pub(super) use rules::rules;
pub(super) use users::administrator;
