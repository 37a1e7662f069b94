//! A diagnostic in its machine-readable form.

use serde::Serialize;

use super::report::Severity;

/// One thing that is wrong.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// `error` or `warning`.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where: the culprit first, then what it collides with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Location>,
    /// How to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A place in a file.
#[derive(Debug, Serialize)]
pub struct Location {
    /// The file, as the user calls it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// A few words about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
}
