//! Records the owner of each guest path of a node: exactly one.

use std::collections::BTreeMap;

use crate::guest::GuestPath;

/// The paths that components of one node claim.
#[derive(Debug, Default)]
pub(super) struct Claims {
    owners: BTreeMap<GuestPath, String>,
}

impl Claims {
    /// Claims a file, or a folder with all below it. `Err` names the present owner.
    pub(super) fn add(&mut self, path: &GuestPath, owner: &str) -> Result<(), String> {
        if let Some(other) = self.holder(path) {
            return Err(other.to_owned());
        }
        self.owners.insert(path.clone(), owner.to_owned());
        Ok(())
    }

    fn holder(&self, path: &GuestPath) -> Option<&str> {
        if let Some(owner) = self.owners.get(path) {
            return Some(owner);
        }
        let mut above = path.parent();
        while let Some(parent) = above {
            // A file cannot be a folder too, and what is in a claimed folder is claimed.
            if let Some(owner) = self.owners.get(&parent) {
                return Some(owner);
            }
            above = parent.parent();
        }
        // Anything below makes this path a folder, which no other component may claim as a file or as a whole.
        let below = self
            .owners
            .range(path.clone()..)
            .take_while(|(other, _)| other.as_str().starts_with(path.as_str()));
        below.into_iter().find(|(other, _)| other.is_within(path)).map(|(_, owner)| owner.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_owner_and_so_has_a_folder() {
        let path = |text: &str| text.parse::<GuestPath>().unwrap();
        let mut claims = Claims::default();
        assert_eq!(claims.add(&path("/etc/a.conf"), "a"), Ok(()));
        assert_eq!(claims.add(&path("/usr/share/g"), "g"), Ok(()));
        for (text, holder) in [
            ("/etc/a.conf", Some("a")),
            ("/etc/a.conf/below", Some("a")),
            ("/etc", Some("a")),
            ("/usr/share/g/x/y", Some("g")),
            ("/usr/share", Some("g")),
            ("/usr/share/g-other", None),
            ("/etc/a.conf.d", None),
        ] {
            let got = claims.add(&path(text), "b");
            assert_eq!(got.err().as_deref(), holder, "{text}");
        }
    }
}
