//! `imgbuild schema`: the JSON schemas of what people write, made from the types that read it.

use schemars::schema_for;

use crate::cli::SchemaKind;
use crate::component::Spec;
use crate::failure::Failure;
use crate::profile::Profile;
use crate::release::Releases;
use crate::terminal::Console;

/// Prints one schema.
pub(super) fn run(kind: SchemaKind) -> Result<(), Failure> {
    let schema = match kind {
        SchemaKind::Profile => schema_for!(Profile),
        SchemaKind::Component => schema_for!(Spec),
        SchemaKind::Releases => schema_for!(Releases),
    };
    Ok(Console::data_json(&schema)?)
}
