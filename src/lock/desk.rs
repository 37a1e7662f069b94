//! Whether a lock is kept, made anew or refused.

use std::collections::BTreeSet;
use std::path::Path;

use super::change::Changes;
use super::make::{Made, Request, make};
use super::wishes::{Wish, digest, wishes};
use crate::component::Components;
use crate::date::Moment;
use crate::digest::Sha256;
use crate::failure::{Exit, Failure};
use crate::fetch::{FetchOptions, Times};
use crate::package::lock::Lock;
use crate::plan::Plan;
use crate::release::{Mirror, Releases};

/// What a lock is made of, and the present one.
pub(crate) struct Desk<'a> {
    plan: &'a Plan,
    components: &'a Components,
    releases: &'a Releases,
    known: Option<&'a Lock>,
    wishes: Vec<Wish>,
    inputs: Sha256,
}

/// What is asked for.
pub(crate) struct Wanted<'a> {
    /// Whether the archives are asked for what they have now.
    pub upgrade: bool,
    /// The moment for which they are asked, if somebody named one.
    pub at: Option<Moment>,
    /// Whether the lock is only looked at.
    pub check: bool,
    /// The moment that it is.
    pub now: Moment,
    /// How files are fetched.
    pub fetch: &'a FetchOptions,
    /// Reads a file beside the pins file.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>, Failure>,
    /// Says what is being done.
    pub tell: &'a dyn Fn(&str),
}

/// The lock, and what is said of it if nothing was made.
pub(crate) struct Kept {
    /// The lock.
    pub made: Made,
    /// What is said of it.
    pub what: Option<String>,
}

impl<'a> Desk<'a> {
    /// The lock of a plan.
    pub(crate) fn new(
        plan: &'a Plan,
        components: &'a Components,
        releases: &'a Releases,
        known: Option<&'a Lock>,
    ) -> Self {
        let wishes = wishes(plan);
        let inputs = digest(&wishes, releases);
        Self { plan, components, releases, known, wishes, inputs }
    }

    /// Keeps the lock where it is made of these inputs, and makes it anew otherwise. `path` is what it is called.
    pub(crate) fn keep(&self, wanted: &Wanted<'_>, path: &Path) -> Result<Kept, Failure> {
        let is_folder = wanted.fetch.mirror.as_ref().is_some_and(Mirror::is_folder);
        let moves = wanted.upgrade || wanted.at.is_some();
        let is_current = self.known.is_some_and(|known| known.inputs == self.inputs);
        if self.known.is_none() && self.wishes.is_empty() {
            return Ok(self.kept("no component needs packages".to_owned()));
        }
        if is_current && !moves {
            return Ok(self.kept(format!("{} is up to date", path.display())));
        }
        if wanted.check || (wanted.fetch.offline && !is_folder) {
            return self.refused(path);
        }
        let recorded = self.known.filter(|_| !wanted.upgrade).and_then(Lock::at);
        let request = Request {
            releases: self.releases,
            wishes: &self.wishes,
            inputs: self.inputs,
            times: Times { at: wanted.at.or(recorded).unwrap_or(wanted.now), is_named: wanted.at.is_some() },
            now: wanted.now,
            known: self.known,
            read: wanted.read,
            fetching: wanted.fetch,
            tell: wanted.tell,
        };
        let made = make(&request).map_err(|refused| refused.failure(self.plan, self.components))?;
        Ok(Kept { made, what: None })
    }

    /// What a lock changes of the present one.
    pub(crate) fn changes(&self, made: &Made) -> Changes {
        Changes::new(self.known, &made.lock)
    }

    fn kept(&self, what: String) -> Kept {
        let lock = self.known.cloned().unwrap_or_else(|| Lock::empty(self.inputs));
        Kept { made: Made { lock, notes: BTreeSet::new() }, what: Some(what) }
    }

    fn refused(&self, path: &Path) -> Result<Kept, Failure> {
        let path = path.display();
        let message = match self.known {
            None => format!("`{path}` is missing"),
            Some(known) if known.inputs != self.inputs => {
                format!(
                    "`{path}` is stale: the archives, the system or the packages that are wanted changed since"
                )
            }
            Some(_) => format!("`{path}` cannot be moved to another moment offline"),
        };
        let help = "`imgbuild lock` makes it, where there is a network".to_owned();
        Err(Failure::Refused { exit: Exit::Invalid, message, help })
    }
}
