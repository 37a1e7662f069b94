//! What to say of a selection that an archive does not have: releases rename their files and their top folder.

use std::collections::BTreeSet;

use super::{ArchiveError, full_name};

/// How many names are suggested.
const NEAR: usize = 3;

/// How alike (0 to 1, Jaro-Winkler) a name must be to be suggested; `etcdctl` and `etcdutl` are 0.94 alike.
const ALIKE: f64 = 0.8;

/// The error for the selection `from` below `top`, given all names of the archive.
pub(super) fn explain(from: &str, top: &str, names: &[&str]) -> ArchiveError {
    let expected = full_name(top, "");
    let actual_top = only_folder(names).filter(|actual| *actual != expected).map(str::to_owned);
    let folders = actual_top.is_some() || names.iter().any(|name| is_within(name, &expected));
    let base = match &actual_top {
        Some(actual) => actual,
        None if folders => &expected,
        None => "",
    };
    let near = near(&full_name("", from), base, names);
    ArchiveError::Missing { from: from.to_owned(), top: expected, actual_top, folders, near }
}

/// Whether a name is that of a folder, or below it.
fn is_within(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder)
        .is_some_and(|rest| folder.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

/// The folder that holds every member, if there is one.
fn only_folder<'a>(names: &[&'a str]) -> Option<&'a str> {
    let tops: BTreeSet<_> = names.iter().filter_map(|name| name.split('/').next()).collect();
    let is_folder = names.iter().any(|name| name.contains('/'));
    tops.first().copied().filter(|_| tops.len() == 1 && is_folder)
}

/// The names below `base` that are most like `wanted`, as selections would give them.
fn near(wanted: &str, base: &str, names: &[&str]) -> Vec<String> {
    let prefix = if base.is_empty() { String::new() } else { format!("{base}/") };
    let below: BTreeSet<_> = names.iter().filter_map(|name| name.strip_prefix(&prefix)).collect();
    let mut scored: Vec<_> = below.into_iter().map(|name| (likeness(wanted, name), name)).collect();
    scored.retain(|(score, _)| *score >= ALIKE);
    // The sort is stable: equally near names stay in the order of the set.
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(NEAR).map(|(_, name)| name.to_owned()).collect()
}

/// Alike as a whole, or by the file's name alone: what moved to another folder is near too.
fn likeness(wanted: &str, name: &str) -> f64 {
    let last = |path: &str| path.rsplit('/').next().expect("a split has a first part").to_owned();
    strsim::jaro_winkler(wanted, name).max(strsim::jaro_winkler(&last(wanted), &last(name)))
}
