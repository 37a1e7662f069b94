//! The name that somebody most likely meant.

/// The candidate nearest to `typed`, if any is near enough to be worth saying.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (typed.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| *distance <= allowed || is_other_case(typed, name))
        .min()
        .map(|(_, name)| name)
}

/// `node-exporter` for `node_exporter`, `CLUSTER` for `cluster`.
fn is_other_case(typed: &str, name: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    plain(typed) == plain(name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["address", "name", "roles", "node_exporter"];
        for (typed, meant) in [
            ("adress", Some("address")),
            ("rolse", Some("roles")),
            ("node-exporter", Some("node_exporter")),
            ("gateway", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
