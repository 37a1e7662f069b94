//! What members are asked, and what comes of their answers.

use super::Inquiry;
use crate::cluster::NodeIndex;
use crate::component::Change;
use crate::event::Tell;
use crate::failure::Failure;
use crate::plan::Joins;

/// What changes.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// How.
    pub(crate) change: Change,
    /// The node's name.
    pub(crate) name: &'a str,
    /// The node, if the profile has it.
    pub(crate) node: Option<NodeIndex>,
}

/// How members are asked.
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    /// Whether somebody has seen that the change is safe, where no other member answers.
    pub(crate) confirmed: bool,
    /// Whether nobody is asked.
    pub(crate) offline: bool,
}

/// What the members say to a change.
#[derive(Default)]
pub(crate) struct Answer {
    /// The commands by which they are told.
    pub(crate) commands: String,
    /// The members that the node then finds, by component.
    pub(crate) joins: Joins,
}

impl Answer {
    /// What all of them say. Refuses a change that is not safe.
    pub(crate) fn of(inquiries: &[Inquiry<'_>], asking: Asking, tell: Tell<'_>) -> Result<Self, Failure> {
        let mut answer = Self::default();
        for inquiry in inquiries {
            let known = inquiry.known(asking, tell)?;
            answer.commands += &inquiry.commands(&known)?;
            answer.joins.insert(inquiry.component.name.clone(), inquiry.joined(&known));
        }
        Ok(answer)
    }
}
