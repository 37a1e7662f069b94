//! Why packages cannot be installed together, in the words of who wants them.

use super::name::PackageName;
use super::relation::{Relation, shown};
use super::resolve::{Reason, Resolver};
use super::world::{Fault, Member};
use crate::diagnostic::nearest;

/// A package that a component names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The package.
    pub name: PackageName,
    /// The component.
    pub component: String,
}

/// Something that cannot be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What and why.
    pub message: String,
    /// How to go on.
    pub help: String,
    /// Whose wish it comes of.
    pub wanted: Option<Wanted>,
    /// Whether the archives contradict themselves, rather than somebody wants what cannot be.
    pub is_contradiction: bool,
}

/// The most names that are listed.
const SHOWN: usize = 12;

impl Resolver<'_> {
    /// A name that no archive has, or not as a package.
    pub(super) fn unknown(&self, wanted: &Wanted) -> Refusal {
        let (name, system) = (wanted.name.as_str(), self.system);
        let candidates = self.world.candidates;
        if let Some(index) = candidates.versions(name).first() {
            return Refusal { wanted: Some(wanted.clone()), ..self.phased(*index) };
        }
        let mut providers: Vec<_> = candidates.providers(name).iter().map(|one| one.package).collect();
        providers.dedup();
        let (message, help) = if providers.is_empty() {
            let meant = nearest(name, candidates.names());
            let help = meant.map_or_else(
                || "name a package of the archives of that system, in the pins file".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            );
            (format!("{system} does not have a package `{name}`"), help)
        } else {
            let message = format!("`{name}` is a virtual package, provided by {}", self.names(&providers));
            (message, "name one of them".to_owned())
        };
        Refusal { message, help, wanted: Some(wanted.clone()), is_contradiction: false }
    }

    fn phased(&self, index: u32) -> Refusal {
        let package = self.world.candidates.package(index);
        let share = package.phase().unwrap_or_default();
        Refusal {
            message: format!("{} {} is phased at {share} %: not released yet", package.name, package.version),
            help: "wait until its archive has it for all, or name an earlier moment with `--at`".to_owned(),
            wanted: None,
            is_contradiction: false,
        }
    }

    /// Two lists that disagree about a package.
    pub(super) fn rivals(&self, index: u32, rival: u32) -> Refusal {
        let package = self.world.candidates.package(index);
        let digest =
            |index| self.world.candidates.package(index).field("SHA256").unwrap_or("none").to_owned();
        Refusal {
            message: format!(
                "two different {} {}: sha256 {} and {}",
                package.name,
                package.version,
                digest(index),
                digest(rival)
            ),
            help: "the archives contradict each other: leave the package out of one of them with `only`"
                .to_owned(),
            wanted: self.root(index),
            is_contradiction: true,
        }
    }

    pub(super) fn too_many(&self, index: u32, limit: usize) -> Refusal {
        Refusal {
            message: format!("more than {limit} packages, {} among them", self.chain(index)),
            help: "name smaller packages".to_owned(),
            wanted: self.root(index),
            is_contradiction: false,
        }
    }

    /// A virtual package that several provide.
    pub(super) fn ambiguous(&self, of: u32, relation: &Relation<'_>, providers: &[u32]) -> Refusal {
        Refusal {
            message: format!(
                "{relation}, needed by {}, is provided by {}",
                self.chain(of),
                self.names(providers)
            ),
            help: "name one of them in `packages`".to_owned(),
            wanted: self.root(of),
            is_contradiction: false,
        }
    }

    /// A need that no archive meets.
    pub(super) fn unmet(&self, of: u32, group: &[Relation<'_>]) -> Refusal {
        let mut has = Vec::new();
        for relation in group {
            let candidates = self.world.candidates;
            let versions = candidates.versions(relation.name);
            let phased = versions.iter().find(|index| {
                let package = candidates.package(**index);
                package.phase().is_some() && relation.allows(&package.version)
            });
            if let Some(index) = phased {
                return Refusal { wanted: self.root(of), ..self.phased(*index) };
            }
            has.push(match (versions.first(), self.world.base.get(relation.name)) {
                (Some(index), _) => {
                    let package = candidates.package(*index);
                    format!("{} has {} {}", self.system, package.name, package.version)
                }
                (None, Some(installed)) => format!("its image has {} {}", relation.name, installed.version),
                (None, None) => format!("{} does not have {}", self.system, relation.name),
            });
        }
        let message =
            format!("nothing satisfies {}, needed by {}; {}", shown(group), self.chain(of), has.join(", "));
        let help = "an archive that has it belongs to the system's `archives` in the pins file".to_owned();
        Refusal { message, help, wanted: self.root(of), is_contradiction: false }
    }

    /// What is wrong with the whole; of two packages that exclude each other, what the first says.
    pub(super) fn refusals(&self, faults: &[Fault<'_>]) -> Vec<Refusal> {
        let is_known = |at: usize, fault: &Fault<'_>| {
            match fault {
            Fault::Clash { of, with, .. } => faults[..at].iter().any(
                |earlier| matches!(earlier, Fault::Clash { of: a, with: b, .. } if (a, b) == (with, of) || (a, b) == (of, with)),
            ),
            _ => false,
        }
        };
        let faults = faults.iter().enumerate().filter(|(at, fault)| !is_known(*at, fault));
        faults.map(|(_, fault)| self.fault(fault)).collect()
    }

    fn fault(&self, fault: &Fault<'_>) -> Refusal {
        match fault {
            Fault::Unmet { of: Member::Chosen(index), needs } => self.unmet(*index, needs),
            Fault::Unmet { of: Member::Base(name), needs } => {
                let cause = self.replaced(needs);
                let by = cause.map_or_else(|| "the packages".to_owned(), |index| self.versioned(index));
                Refusal {
                    message: format!("{by} would break {name} of the image, which needs {}", shown(needs)),
                    help: "take a newer image, or another version with `--at`".to_owned(),
                    wanted: cause.and_then(|index| self.root(index)),
                    is_contradiction: false,
                }
            }
            Fault::Clash { of, says, with } => self.clash(*of, says, *with),
            Fault::Cycle(cycle) => Refusal {
                message: format!("{} need each other before they are unpacked", self.names(cycle)),
                help: "this is a fault of the archive: tell the packages' maintainers".to_owned(),
                wanted: cycle.first().and_then(|index| self.root(*index)),
                is_contradiction: false,
            },
        }
    }

    fn clash(&self, of: Member<'_>, says: &super::candidates::Exclusion<'_>, with: Member<'_>) -> Refusal {
        let verb = if says.field == "Breaks" { "breaks" } else { "conflicts with" };
        match (of, with) {
            (Member::Chosen(a), Member::Chosen(b)) => {
                let [name_a, name_b] = [a, b].map(|index| &self.world.candidates.package(index).name);
                let message = format!(
                    "{name_a} and {name_b} exclude each other, {name_a} {verb} {}: {}; {}",
                    says.relation,
                    self.chain(a),
                    self.chain(b)
                );
                let help = "leave one of them out, or let the components run on different nodes".to_owned();
                Refusal { message, help, wanted: self.root(a), is_contradiction: false }
            }
            (Member::Chosen(index), Member::Base(name)) => Refusal {
                message: format!(
                    "{} {verb} {}, as {name} of the image is: {}",
                    self.world.candidates.package(index).name,
                    says.relation,
                    self.chain(index)
                ),
                help: "the packages of the image are never removed: name another package".to_owned(),
                wanted: self.root(index),
                is_contradiction: false,
            },
            (Member::Base(name), Member::Chosen(index)) => Refusal {
                message: format!("{name} of the image {verb} {}: {}", says.relation, self.chain(index)),
                help: "the packages of the image are never removed: name another package".to_owned(),
                wanted: self.root(index),
                is_contradiction: false,
            },
            (Member::Base(_), Member::Base(_)) => {
                unreachable!("what is wrong with the image alone is not looked for")
            }
        }
    }

    /// A package and why it is there: `x, needed by y, wanted by patroni`.
    fn chain(&self, index: u32) -> String {
        let mut text = self.world.candidates.package(index).name.to_string();
        let mut at = index;
        // Who is needed comes after who needs it.
        for _ in 0..self.reasons.len() {
            match self.reasons.get(&at) {
                Some(Reason::NeededBy(other)) => {
                    text.extend([", needed by ", &self.world.candidates.package(*other).name]);
                    at = *other;
                }
                Some(Reason::Wanted(wanted)) => {
                    text.extend([", wanted by `", &wanted.component, "`"]);
                    break;
                }
                None => break,
            }
        }
        text
    }

    fn root(&self, index: u32) -> Option<Wanted> {
        let mut at = index;
        for _ in 0..=self.reasons.len() {
            match self.reasons.get(&at)? {
                Reason::NeededBy(other) => at = *other,
                Reason::Wanted(wanted) => return Some(wanted.clone()),
            }
        }
        None
    }

    fn versioned(&self, index: u32) -> String {
        let package = self.world.candidates.package(index);
        format!("{} {}", package.name, package.version)
    }

    fn names(&self, indices: &[u32]) -> String {
        let names = indices
            .iter()
            .take(SHOWN)
            .map(|index| format!("`{}`", self.world.candidates.package(*index).name));
        let names = names.collect::<Vec<_>>().join(", ");
        let more = indices.len().saturating_sub(SHOWN);
        if more > 0 { format!("{names} and {more} more") } else { names }
    }
}
