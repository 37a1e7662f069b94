//! Makes `packages.lock`: asks the archives, chooses, and says what changes.

mod change;
mod desk;
mod lists;
mod make;
mod refused;
mod wishes;

pub(crate) use desk::{Desk, Kept, Wanted};
