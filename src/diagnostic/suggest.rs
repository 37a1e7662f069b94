//! Suggests the name that was most likely meant.

/// Other names of the same thing.
const SYNONYMS: [(&str, &str); 9] = [
    ("x86_64", "amd64"),
    ("x86-64", "amd64"),
    ("x64", "amd64"),
    ("intel", "amd64"),
    ("aarch64", "arm64"),
    ("armv8", "arm64"),
    ("arm", "arm64"),
    ("hosts", "nodes"),
    ("dns", "nameservers"),
];

/// The candidate nearest to `typed`, if any is near enough to be worth saying.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (typed.chars().count() / 3).max(1);
    let candidates: Vec<_> = candidates.into_iter().collect();
    let synonym = SYNONYMS.iter().find(|(other, name)| *other == typed && candidates.contains(name));
    if let Some((_, name)) = synonym {
        return candidates.into_iter().find(|candidate| candidate == name);
    }
    let (length, plain_typed) = (typed.chars().count(), plain(typed));
    let is_near = |name: &&str| {
        // A distance is never less than the difference of the lengths, which costs less to know.
        let is_as_long = name.chars().count().abs_diff(length) <= allowed;
        is_as_long && strsim::damerau_levenshtein(typed, name) <= allowed || plain(name) == plain_typed
    };
    let near = candidates.into_iter().filter(is_near);
    near.min_by_key(|name| (strsim::damerau_levenshtein(typed, name), *name))
}

/// The candidate of which what was typed is a misspelling: at most two letters differ, or case and separators do.
pub fn misspelt<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_near = |name: &&str| strsim::damerau_levenshtein(typed, name) <= 2 || plain(typed) == plain(name);
    nearest(typed, candidates).filter(is_near)
}

/// The label of a name that is not among those that are known.
pub(crate) fn meant<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(|| "not known".to_owned(), |name| format!("did you mean `{name}`?"))
}

/// Names for a message, in back-quotes.
pub(crate) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

/// `node-exporter` as `node_exporter`, `CLUSTER` as `cluster`.
fn plain(text: &str) -> String {
    text.to_lowercase().replace(['-', '_', ' '], "")
}

#[cfg(test)]
mod tests {
    use super::{misspelt, nearest};

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["address", "name", "roles", "node_exporter", "amd64", "arm64"];
        for (typed, meant) in [
            ("adress", Some("address")),
            ("rolse", Some("roles")),
            ("node-exporter", Some("node_exporter")),
            ("gateway", None),
            ("", None),
            ("x86_64", Some("amd64")),
            ("aarch64", Some("arm64")),
            ("dns", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }

    #[test]
    fn another_name_is_no_misspelling() {
        let known = ["admin_password", "grafana_admin_password"];
        for (typed, meant) in [
            ("admin_pasword", Some("admin_password")),
            ("Admin-Password", Some("admin_password")),
            ("loki_admin_password", None),
        ] {
            assert_eq!(misspelt(typed, known), meant, "{typed}");
        }
    }
}
