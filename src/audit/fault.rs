//! The result of an audit: parts, sizes and faults.

use std::fmt;

use serde::Serialize;

use super::AuditKind;
use crate::digest::Sha256;

/// What an audit came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// What was checked.
    pub kind: AuditKind,
    /// How many parts it has.
    pub parts: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// What is wrong; nothing, if all is as it was written.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The part that it is wrong with.
    pub part: String,
    /// What is wrong with it.
    #[serde(flatten)]
    pub problem: FaultKind,
}

/// What can be wrong with a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "lowercase")]
pub enum FaultKind {
    /// It has other bytes than those that were written.
    Damaged {
        /// Their digest.
        expected: Sha256,
        /// The digest of what is there.
        got: Sha256,
    },
    /// It is not there, or not all of it.
    Missing,
    /// The same of what holds secrets: digests of it are not told, for they would help to guess those.
    #[serde(rename = "damaged")]
    DamagedSecret,
    /// It holds secrets, and its mode lets others read it.
    Exposed {
        /// The mode, in octal.
        mode: String,
    },
    /// It is there, and nothing says that it should be.
    Undeclared,
    /// It is not what such a part is.
    Malformed {
        /// Why not.
        why: String,
    },
}

impl Audit {
    /// An audit that has found nothing yet.
    pub(super) fn new(kind: AuditKind) -> Self {
        Self { kind, parts: 0, bytes: 0, faults: Vec::new() }
    }

    /// Keeps what is wrong with a part.
    pub fn found(&mut self, part: impl Into<String>, problem: FaultKind) {
        self.faults.push(Fault { part: part.into(), problem });
    }

    /// Keeps that a part is not what such a part is.
    pub fn malformed(&mut self, part: impl Into<String>, why: impl Into<String>) {
        self.found(part, FaultKind::Malformed { why: why.into() });
    }

    /// Counts a part, and keeps that it is damaged if it is.
    pub(super) fn checked(&mut self, part: &str, size: u64, expected: Sha256, got: Sha256) {
        self.parts += 1;
        self.bytes += size;
        if expected != got {
            self.found(part, FaultKind::Damaged { expected, got });
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names come from what is checked, which may be anybody's.
        let part = self.part.escape_debug();
        match &self.problem {
            FaultKind::Damaged { expected, got } => {
                write!(f, "`{part}` is damaged: expected sha256 {expected}, got {got}")
            }
            FaultKind::Missing => write!(f, "`{part}` is missing or truncated"),
            FaultKind::DamagedSecret => {
                write!(f, "`{part}` is damaged: its digests are not shown, because it holds secrets")
            }
            FaultKind::Exposed { mode } => {
                write!(
                    f,
                    "others can read `{part}`, which holds secrets: expected mode 0600, got {mode}; `chmod 600` it"
                )
            }
            FaultKind::Undeclared => write!(f, "`{part}` is not declared"),
            FaultKind::Malformed { why } => write!(f, "`{part}`: {why}"),
        }
    }
}
