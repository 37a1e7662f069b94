//! Known problems of a release, and the versions that fix them.

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

/// A known problem of a release.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `description` and `fixed_in`")]
pub struct Problem {
    /// What it is published as, such as a CVE number.
    #[serde(default)]
    pub id: Option<String>,
    /// What can happen, in one line.
    pub description: String,
    /// How bad it is, where upstream says so.
    #[serde(default)]
    pub severity: Option<ProblemSeverity>,
    /// The first version of each line of versions (`3.5`, `3.11`) in which it is fixed; empty while there is none. A line
    /// that is not named is cured from the highest version on.
    #[schemars(with = "Vec<String>")]
    pub fixed_in: Vec<Version>,
}

/// How bad a problem is, in the words of advisories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProblemSeverity {
    /// Low.
    Low,
    /// Medium, also called moderate.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// A problem that a pinned version has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KnownProblem {
    /// What it is published as.
    pub id: Option<String>,
    /// What can happen, in one line.
    pub description: String,
    /// How bad it is.
    pub severity: Option<ProblemSeverity>,
    /// The next version without it, if there is one.
    pub fixed_in: Option<Version>,
}

impl Problem {
    /// The problem as `version` has it; `None` if it is cured there. A version that cannot be compared may have it.
    pub fn in_version(&self, version: &str) -> Option<KnownProblem> {
        let version = comparable(version);
        let highest = self.fixed_in.iter().max();
        let line = |fix: &&Version| version.as_ref().is_some_and(|own| is_same_line(own, fix));
        let fix = self.fixed_in.iter().filter(line).min().or(highest);
        if let (Some(version), Some(fix)) = (&version, fix)
            && version >= fix
        {
            return None;
        }
        let Self { id, description, severity, .. } = self.clone();
        Some(KnownProblem { id, description, severity, fixed_in: fix.cloned() })
    }
}

impl KnownProblem {
    /// It in one line, with the version that cures it.
    pub fn line(&self) -> String {
        let id = self.id.as_ref().map_or(String::new(), |id| format!(" ({id})"));
        let cure =
            self.fixed_in.as_ref().map_or("no fix is known".to_owned(), |fix| format!("fixed in {fix}"));
        format!("{}{id}, {cure}", self.description)
    }
}

fn is_same_line(a: &Version, b: &Version) -> bool {
    (a.major, a.minor) == (b.major, b.minor)
}

/// `1.10` is not a semantic version; it means `1.10.0`.
fn comparable(version: &str) -> Option<Version> {
    Version::parse(version).or_else(|_| Version::parse(&format!("{version}.0"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_ends_with_its_fix_on_each_line_of_versions() {
        for (fixed_in, version, expected) in [
            (&["3.6.5"][..], "3.6.4", Some(Some("3.6.5"))),
            (&["3.6.5"], "3.6.5-rc.0", Some(Some("3.6.5"))),
            (&["3.6.5"], "3.6.5", None),
            (&["3.6.5"], "3.6.10", None),
            (&["3.6.5"], "4.0.0", None),
            (&["3.6.5"], "3.5.99", Some(Some("3.6.5"))),
            (&["3.5.2", "3.11.2"], "3.5.0", Some(Some("3.5.2"))),
            (&["3.5.2", "3.11.2"], "3.5.2", None),
            (&["3.5.2", "3.11.2"], "3.6.0", Some(Some("3.11.2"))),
            (&["3.5.2", "3.11.2"], "3.12.0", None),
            (&["1.10.1"], "1.10", Some(Some("1.10.1"))),
            (&["1.10.1"], "2026-11-22T1", Some(Some("1.10.1"))),
            (&[], "1.0.0", Some(None)),
        ] {
            let fixed_in = fixed_in.iter().map(|text| text.parse().unwrap()).collect();
            let problem = Problem { id: None, description: "it breaks".into(), severity: None, fixed_in };
            let known = problem.in_version(version).map(|known| known.fixed_in.map(|fix| fix.to_string()));
            assert_eq!(known, expected.map(|fix| fix.map(str::to_owned)), "{version} of {problem:?}");
        }
    }

    #[test]
    fn a_problem_is_told_in_one_line() {
        let mut problem = KnownProblem {
            id: Some("CVE-1".into()),
            description: "anyone may stop it".into(),
            severity: Some(ProblemSeverity::High),
            fixed_in: Some(Version::new(1, 2, 3)),
        };
        assert_eq!(problem.line(), "anyone may stop it (CVE-1), fixed in 1.2.3");
        (problem.id, problem.fixed_in) = (None, None);
        assert_eq!(problem.line(), "anyone may stop it, no fix is known");
    }
}
