//! What is wrong in profile, pins, components, templates and secrets: all of it in one run, each with its place and a
//! way on. The messages are golden files: `tests/golden/errors/AREA/CASE.txt`.

mod components;
mod inputs;
mod mutations;
mod profile;
mod releases;
mod secrets;
mod templates;

use std::collections::BTreeMap;

use super::support::golden::assert_folder;
use super::support::workspace::Workspace;

const PROFILE: &str = include_str!("../../profiles/patroni.yaml");
const RELEASES: &str = include_str!("../../profiles/releases.yaml");

/// A change of a text: what is replaced, and by what.
type Change<'a> = (&'a str, &'a str);

/// A text with changes, each of which changes something.
#[track_caller]
fn changed(text: &str, changes: &[Change<'_>]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "there is no `{from}`");
        text.replacen(from, to, 1)
    })
}

/// `check` fails with exit code 3 in each workspace, writes nothing, and says what the golden files of `area` say.
fn assert_messages(area: &str, cases: impl IntoIterator<Item = (&'static str, Workspace)>) {
    let mut messages = BTreeMap::new();
    for (name, workspace) in cases {
        let run = workspace.run(&["check"]).exit(3).stdout("");
        workspace.wrote_nothing();
        let message = run.errors();
        assert!(message.starts_with("error: ") || message.starts_with("warning: "), "{name}: {message}");
        let earlier = messages.insert(format!("{name}.txt"), message);
        assert!(earlier.is_none(), "two cases are called {name}");
    }
    assert_folder(&format!("errors/{area}"), &messages);
}
