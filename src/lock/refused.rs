//! Why there is no lock.

use crate::component::Components;
use crate::diagnostic::{Diagnostic, Report};
use crate::failure::Failure;
use crate::fetch::ArchiveError;
use crate::package::candidates::FieldError;
use crate::package::refusal::{Refusal, Wanted};
use crate::package::resolve::Unresolved;
use crate::plan::Plan;

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum Refused {
    /// An archive could not be read, or is not to be trusted.
    Archive(Box<ArchiveError>),
    /// The packages do not fit together.
    Packages(Vec<Refusal>),
    /// Something signed cannot be used.
    Integrity {
        /// What, and what is wrong with it.
        message: String,
        /// How to go on.
        help: String,
    },
    /// What the user wrote.
    Input(Box<Failure>),
}

impl Refused {
    /// It as a failure that points at what the user can change.
    pub(super) fn failure(self, plan: &Plan, components: &Components) -> Failure {
        match self {
            Self::Archive(error) => (*error).into(),
            Self::Integrity { message, help } => Failure::Integrity { message, help },
            Self::Input(failure) => *failure,
            Self::Packages(refusals) if refusals.iter().any(|refusal| refusal.is_contradiction) => {
                let refusal = refusals.into_iter().find(|refusal| refusal.is_contradiction);
                let Refusal { message, help, .. } = refusal.expect("there is one");
                Failure::Integrity { message, help }
            }
            Self::Packages(refusals) => {
                let mut report = Report::new();
                for refusal in refusals {
                    let diagnostic = Diagnostic::error(refusal.message).help(refusal.help);
                    report.push(match refusal.wanted {
                        Some(wanted) => placed(diagnostic, &wanted, plan, components),
                        None => diagnostic,
                    });
                }
                Failure::Invalid(report)
            }
        }
    }
}

/// Points at the package's name in component.yaml.
fn placed(diagnostic: Diagnostic, wanted: &Wanted, plan: &Plan, components: &Components) -> Diagnostic {
    let mut named = plan.nodes.iter().flat_map(|node| &node.packages);
    let named = named.find(|one| one.component == wanted.component && one.name == wanted.name);
    match (named, components.get(&wanted.component)) {
        (Some(named), Some(component)) => {
            let span = component.document.span(&["packages".into(), named.position.into()]);
            diagnostic.at(&component.document.source, span, "")
        }
        _ => diagnostic,
    }
}

impl From<ArchiveError> for Refused {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(Box::new(error))
    }
}

impl From<FieldError> for Refused {
    fn from(error: FieldError) -> Self {
        let help = "this is a fault of the archive: tell the package's maintainers".to_owned();
        Self::Integrity { message: error.to_string(), help }
    }
}

impl From<Unresolved> for Refused {
    fn from(why: Unresolved) -> Self {
        match why {
            Unresolved::Refused(refusals) => Self::Packages(refusals),
            Unresolved::Field(error) => error.into(),
        }
    }
}
