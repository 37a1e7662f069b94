//! The software bill of materials of a node: what goes on it, and where that is from (pure).

mod gather;
mod model;

pub(crate) use gather::bill;
