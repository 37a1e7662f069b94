//! What is reported while something goes on, to whoever shows it.

use std::path::Path;

use crate::diagnostic::Report;
use crate::fetch;
use crate::plan::Instance;
use crate::store::NotPrivate;

/// One thing that is worth telling.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something about what people wrote.
    Report(&'a Report),
    /// What a build would lack, or what is known to be wrong with it: a line that need not be seen.
    Warning(&'a str),
    /// The administrator uses sudo without a password.
    SudoWithoutPassword {
        /// The administrator.
        admin: &'a str,
    },
    /// A node becomes a new instance.
    Renewed {
        /// The node.
        node: &'a str,
        /// The instance.
        instance: &'a Instance,
    },
    /// An artifact goes a step further.
    Fetch(&'a fetch::FetchEvent<'a>),
    /// Layers are neither taken from the cache nor kept there.
    CacheUnusable(&'a NotPrivate),
    /// A secret was generated.
    SecretGenerated {
        /// Its name.
        name: &'a str,
        /// The file that it is kept in.
        file: &'a Path,
    },
    /// A secret would be generated.
    WouldGenerate {
        /// Its name.
        name: &'a str,
    },
    /// What a node lacks because a secret was not given.
    Lacking(&'a str),
    /// Another build writes to the same folder: its end is awaited.
    WaitingForBuild {
        /// What it holds.
        lock: &'a Path,
    },
    /// An output is not what its build wrote, and is written again.
    OutputDamaged {
        /// The file.
        path: &'a Path,
    },
    /// What cloud-init does once per instance changes for a node that may have booted.
    OncePerInstance {
        /// The node.
        node: &'a str,
        /// What changes.
        parts: &'a [String],
    },
    /// Nodes that are not written, because they would come out the same.
    Unchanged {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
        /// Whether nothing at all is written.
        is_all: bool,
    },
    /// A member does not answer, and is asked again.
    Asking(&'a str),
}

/// To whom events are reported: from any thread.
pub(crate) type Tell<'a> = &'a (dyn Fn(&Event<'_>) + Sync);
