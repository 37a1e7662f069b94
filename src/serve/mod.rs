//! Answers over HTTP for a folder of outputs: read-only, and only what the manifests in it name.
//!
//! Parsing requests and writing answers is hyper's; what is answered is decided in `answer`. One thread does all:
//! it never blocks on a slow client. A connection is for one request.
//! Their number is bounded, for each address too, as is the time that a head may take; a client must read with a least speed,
//! which bounds the time of the whole answer, however large it is and however slow the link.

mod answer;
mod body;
mod catalogue;
mod connections;
mod range;
mod served_folder;
mod server;
mod site;
mod tally;

pub use body::{OnServed, Served};
pub use catalogue::{Catalogue, Item};
pub use connections::ConnectionLimits;
pub use server::serve;
pub use site::Site;
pub use tally::{Client, Tally};
