//! Checks across values, beyond the shape of each.

mod components;
mod health;
mod network;
mod nodes;
mod owned;
mod places;
mod profile;
mod rules;
mod settings;
mod texts;
mod users;
mod zones;

pub(super) use components::components;
pub(super) use health::health;
pub(super) use owned::owned;
pub(super) use profile::{is_cluster_name, overlay_url, profile};
pub(super) use rules::rules;
pub(super) use settings::setting;
pub(super) use users::administrator;
