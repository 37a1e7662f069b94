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

/// The candidate of which what was typed is a misspelling: at most two letters differ, or case and separators do.
pub fn misspelt<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_near = |name: &&str| strsim::damerau_levenshtein(typed, name) <= 2 || is_other_case(typed, name);
    nearest(typed, candidates).filter(is_near)
}

/// `node-exporter` for `node_exporter`, `CLUSTER` for `cluster`.
fn is_other_case(typed: &str, name: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    plain(typed) == plain(name)
}

#[cfg(test)]
mod tests {
    use super::{misspelt, nearest};

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
