//! Virtual machines of built nodes, in QEMU and with a network of their own. I/O, except `arguments` and `console`.
#![expect(clippy::disallowed_methods, reason = "edge: starts programs and reads what was built")]

mod arguments;
mod base_image;
mod boot;
mod built_node;
mod console;
mod error;
mod fleet;
mod leash;
mod room;

pub(crate) use arguments::Accelerator;
pub(crate) use base_image::BaseImage;
pub(crate) use boot::{Progress, boot};
pub(crate) use built_node::BuiltNode;
pub(crate) use console::Verdict;
pub(crate) use error::MachineError;
pub(crate) use fleet::Ending;
use fleet::Fleet;
pub use leash::become_leashed;
