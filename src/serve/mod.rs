//! Answers over HTTP for a folder of outputs: read-only, and only what the manifests in it name.
//!
//! Parsing requests and writing answers is hyper's; what is answered is decided in `answer`. One thread does all:
//! it waits for nobody, since a client that is slow is asked again when it has room. A connection is for one request;
//! their number is bounded, as is the time that a head may take and that a client may read nothing.

mod answer;
mod body;
mod catalogue;
mod folder;
mod range;
mod server;
mod site;
mod tally;

pub use body::{Report, Served};
pub use catalogue::{Catalogue, Item};
pub use server::serve;
pub use site::Site;
pub use tally::{Client, Tally};
