//! What the documents say is true: their steps are followed, and their commands, options, fields, variables, exit codes, links
//! and anchors exist.

mod command_line;
mod following;
mod form;
mod names;
mod tables;
