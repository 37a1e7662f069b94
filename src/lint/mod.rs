//! Whether files of the guest are what their readers take: YAML and JSON, alert rules, systemd units (pure).
//!
//! What is wrong with them shows on the node otherwise: Prometheus does not start, a unit fails.

mod go_template;
mod guest;
mod promql;
mod rules;
mod unit;

use std::ops::Range;

pub(crate) use guest::Linter;

/// Something in a text that its reader does not take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Whether the reader refuses it; else it could not be decided.
    pub is_error: bool,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Range<usize>,
    /// How to go on; may be empty.
    pub help: String,
}

impl Finding {
    fn error(span: Range<usize>, message: String, help: impl Into<String>) -> Self {
        Self { is_error: true, message, span, help: help.into() }
    }

    fn undecided(span: Range<usize>, message: String, help: impl Into<String>) -> Self {
        Self { is_error: false, message, span, help: help.into() }
    }
}
