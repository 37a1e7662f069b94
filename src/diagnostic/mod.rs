//! Source text and positions in it, diagnostics, and their rendering (pure).

mod builder;
mod decode;
mod deserialize;
mod document;
mod entries;
mod json;
mod listed;
mod malformed;
mod report;
mod source;
mod suggest;
mod syntax;

pub use decode::{Decoded, decode};
pub use deserialize::{DecodeError, DecodeProblem, HELP};
pub use document::{Document, NodeValue, Path, Step, YamlKey, YamlNode};
pub use entries::Entries;
pub use json::from_json;
pub use listed::{Listed, Location};
pub use malformed::Malformed;
pub use report::{Diagnostic, Label, Report, Severity};
pub(crate) use source::line_span;
pub use source::{Source, Span};
pub(crate) use suggest::{meant, quoted};
pub use suggest::{misspelt, nearest};
