//! The instance-ids by which cloud-init knows nodes. A node's is its name, until it becomes a new instance; which one it has
//! is recorded with its build.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::RequestError;
use crate::diagnostic::{Diagnostic, Report};

/// The instance-ids of the last builds of nodes, by node.
pub type LastInstances = BTreeMap<String, LastInstance>;

/// What the last build of a node says of its instance-id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastInstance {
    /// It has this one.
    Known(String),
    /// It could not be read, for this reason.
    Unreadable(String),
}

/// A node's instance-id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// What cloud-init knows it by: it does once what it does once per instance.
    #[serde(rename = "instance_id")]
    pub id: String,
    /// The one that its last build has, if this is a new one.
    #[serde(skip)]
    pub replaces: Option<String>,
}

impl Instance {
    /// The instance that the last build of the node has. One that cannot be read goes into `report`.
    pub(super) fn last(name: &str, last: Option<&LastInstance>, report: &mut Report) -> Self {
        let id = match last {
            // Another node's, or nobody's, is not this one's.
            Some(LastInstance::Known(id)) if count(id, name).is_some() => id,
            Some(LastInstance::Known(_)) | None => name,
            Some(LastInstance::Unreadable(why)) => {
                let help = format!("its instance-id is assumed to be `{name}`");
                report.push(Diagnostic::warning(why).help(help));
                name
            }
        };
        Self { id: id.to_owned(), replaces: None }
    }

    /// An instance that the node never was: the one after that of its last build, which must be known.
    pub(super) fn next(self, name: &str, last: Option<&LastInstance>) -> Result<Self, RequestError> {
        match last {
            None => Err(RequestError::NeverBuilt { node: name.to_owned(), instance_id: self.id }),
            Some(LastInstance::Unreadable(why)) => Err(RequestError::UnreadableBuild(why.clone())),
            Some(LastInstance::Known(_)) => {
                let next = count(&self.id, name).unwrap_or(1).saturating_add(1);
                Ok(Self { id: format!("{name}-{next}"), replaces: Some(self.id) })
            }
        }
    }
}

/// The number of a node's instance: 1 is called by the node's name alone, 2 `NAME-2`.
fn count(id: &str, name: &str) -> Option<u32> {
    let rest = id.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(1);
    }
    let number = rest.strip_prefix('-')?;
    number.parse().ok().filter(|count: &u32| *count > 1 && *number == count.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_counted_by_their_names() {
        for (id, expected) in [
            ("ptrn-1", Some(1)),
            ("ptrn-1-2", Some(2)),
            ("ptrn-1-10", Some(10)),
            ("ptrn-1-1", None),
            ("ptrn-1-02", None),
            ("ptrn-1-+2", None),
            ("ptrn-12", None),
            ("ptrn-1-99999999999", None),
            ("other", None),
        ] {
            assert_eq!(count(id, "ptrn-1"), expected, "{id}");
        }
    }

    #[test]
    fn a_new_instance_follows_the_last_one_that_is_the_nodes_own() {
        for (last, id, next) in [
            ("a", "a", "a-2"),
            ("a-2", "a-2", "a-3"),
            ("b-7", "a", "a-2"),
            ("a-4294967295", "a-4294967295", "a-4294967295"),
        ] {
            let last = LastInstance::Known(last.to_owned());
            let instance = Instance::last("a", Some(&last), &mut Report::new());
            assert_eq!(instance, Instance { id: id.to_owned(), replaces: None });
            let renewed = instance.next("a", Some(&last)).unwrap();
            assert_eq!(renewed, Instance { id: next.to_owned(), replaces: Some(id.to_owned()) });
        }
    }

    #[test]
    fn without_a_build_that_can_be_read_there_is_no_next_instance() {
        let mut report = Report::new();
        let never = Instance::last("a", None, &mut report).next("a", None);
        assert!(matches!(never, Err(RequestError::NeverBuilt { node, instance_id }) if node == instance_id));
        assert!(report.is_empty());
        let broken = LastInstance::Unreadable("it is torn".to_owned());
        let instance = Instance::last("a", Some(&broken), &mut report);
        assert_eq!((instance.id.as_str(), report.is_empty(), report.has_errors()), ("a", false, false));
        let next = instance.next("a", Some(&broken));
        assert!(matches!(next, Err(RequestError::UnreadableBuild(why)) if why == "it is torn"));
    }
}
