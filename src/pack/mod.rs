//! What goes into a bundle, where it is written, and what signs it.

mod contents;
mod key;
mod place;

pub(crate) use contents::Contents;
pub(crate) use key::signing_key;
pub(crate) use place::Place;
