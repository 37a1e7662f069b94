//! What packages say of each other: `Depends`, `Conflicts`, `Provides` and the like (Debian policy 7.1).

use std::fmt;

use super::name::is_name;
use super::version::Version;

/// The longest field that is read, in bytes: three times the longest in Debian.
const MAX_FIELD: usize = 256 << 10;

/// Another package, in some of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation<'a> {
    /// The package's name, or a virtual one.
    pub name: &'a str,
    /// What stands behind a colon: `any` or an architecture.
    pub qualifier: Option<&'a str>,
    /// Which versions.
    pub constraint: Option<Constraint>,
}

/// Some versions of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// How they compare.
    pub operator: Operator,
    /// With which version.
    pub version: Version,
}

/// How versions compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

/// Packages of which one is enough.
pub type Alternatives<'a> = Vec<Relation<'a>>;

/// Why a field cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelationError {
    /// It is too long.
    #[error("it has {0} bytes, at most {MAX_FIELD} are read")]
    TooLong(usize),
    /// A part is not a relation.
    #[error("`{}` is not a valid relation", .0.escape_debug())]
    Odd(String),
}

impl Constraint {
    /// Whether a version is among them.
    pub fn allows(&self, version: &Version) -> bool {
        let order = version.cmp(&self.version);
        match self.operator {
            Operator::Earlier => order.is_lt(),
            Operator::EarlierOrEqual => order.is_le(),
            Operator::Equal => order.is_eq(),
            Operator::LaterOrEqual => order.is_ge(),
            Operator::Later => order.is_gt(),
        }
    }
}

impl Relation<'_> {
    /// Whether this version of the named package is meant.
    pub fn allows(&self, version: &Version) -> bool {
        self.constraint.as_ref().is_none_or(|constraint| constraint.allows(version))
    }

    /// Whether a virtual package that is provided in this version, or in none, is meant.
    pub fn allows_provided(&self, version: Option<&Version>) -> bool {
        match (&self.constraint, version) {
            (None, _) => true,
            (Some(constraint), Some(version)) => constraint.allows(version),
            (Some(_), None) => false,
        }
    }
}

/// Reads a field: groups of alternatives, all of which are wanted.
pub fn parse(field: &str) -> Result<Vec<Alternatives<'_>>, RelationError> {
    if field.len() > MAX_FIELD {
        return Err(RelationError::TooLong(field.len()));
    }
    let groups = field.split(',').map(str::trim).filter(|group| !group.is_empty());
    groups.map(|group| group.split('|').map(relation).collect()).collect()
}

/// Reads a field that has no alternatives, such as `Provides`.
pub fn parse_list(field: &str) -> Result<Vec<Relation<'_>>, RelationError> {
    let groups = parse(field)?.into_iter();
    groups
        .map(|mut group| match (group.pop(), group.is_empty()) {
            (Some(relation), true) => Ok(relation),
            (relation, _) => Err(RelationError::Odd(relation.map_or(String::new(), |one| one.to_string()))),
        })
        .collect()
}

fn relation(text: &str) -> Result<Relation<'_>, RelationError> {
    let text = text.trim();
    let odd = || RelationError::Odd(text.chars().take(80).collect());
    let (named, constraint) = match text.split_once('(') {
        Some((named, rest)) => {
            let inside = rest.trim_end().strip_suffix(')').ok_or_else(odd)?.trim();
            (named.trim_end(), Some(self::constraint(inside).ok_or_else(odd)?))
        }
        None => (text, None),
    };
    let (name, qualifier) = named.split_once(':').map_or((named, None), |(name, arch)| (name, Some(arch)));
    let is_arch =
        |arch: &str| !arch.is_empty() && arch.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    if !is_name(name) || qualifier.is_some_and(|arch| !is_arch(arch)) {
        return Err(odd());
    }
    Ok(Relation { name, qualifier, constraint })
}

fn constraint(text: &str) -> Option<Constraint> {
    let (operator, version) = text.split_at(text.find(|c| !"<=>".contains(c))?);
    let operator = match operator {
        "<<" => Operator::Earlier,
        // `<` and `>` are old spellings, which dpkg reads so.
        "<=" | "<" => Operator::EarlierOrEqual,
        "=" => Operator::Equal,
        ">=" | ">" => Operator::LaterOrEqual,
        ">>" => Operator::Later,
        _ => return None,
    };
    Some(Constraint { operator, version: version.trim().parse().ok()? })
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        })
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(qualifier) = self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        match &self.constraint {
            Some(Constraint { operator, version }) => write!(f, " ({operator} {version})"),
            None => Ok(()),
        }
    }
}

/// Alternatives as a field has them.
pub fn shown(alternatives: &[Relation<'_>]) -> String {
    alternatives.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_shown_as_it_was_written() {
        let field = "libc6 (>= 2.38), python3:any, python3-etcd | python3-consul (<< 1:2~), init-system-helpers (= 1)";
        let groups = parse(field).unwrap();
        assert_eq!(groups.iter().map(|group| shown(group)).collect::<Vec<_>>().join(", "), field);
        assert!(parse("\n a ( >=1 ) ,\n bb,").is_err());
        assert_eq!(parse("aa(>=1),\n bb,").unwrap().len(), 2);
    }

    #[test]
    fn versions_are_allowed_as_the_operator_says() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        for (field, fits, fits_not) in [
            ("aa (<< 2)", "2~", "2"),
            ("aa (<= 2)", "2", "2+"),
            ("aa (= 2)", "2-0", "2-1"),
            ("aa (>= 2)", "2", "2~"),
            ("aa (>> 2)", "2+b1", "2"),
            ("aa (> 2)", "2", "1"),
        ] {
            let relation = &parse(field).unwrap()[0][0];
            assert!(relation.allows(&version(fits)) && !relation.allows(&version(fits_not)), "{field}");
            assert!(!relation.allows_provided(None) && relation.allows_provided(Some(&version(fits))));
        }
    }

    #[test]
    fn what_is_not_a_relation_is_refused() {
        for field in [
            "aa (>= )",
            "aa (2)",
            "aa (>= 1",
            "aa [amd64]",
            "aa <nocheck>",
            "aa:",
            "A",
            "aa bb",
            "|",
            "aa (~ 1)",
        ] {
            assert!(parse(field).is_err(), "{field}");
        }
        assert!(parse_list("aa | bb").is_err());
        assert_eq!(parse(&"aa, ".repeat(70_000)), Err(RelationError::TooLong(280_000)));
    }
}
