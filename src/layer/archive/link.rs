//! Where the symbolic links of an archive lead: nowhere but inside the folder that was selected.

use crate::layer::tree::is_link_target;

/// The target in its shortest form when the link `below` (its name below the folder) stays in the folder with it.
///
/// `..` is taken at the beginning of a target alone: there it leads through real directories, since nothing is
/// placed below a symbolic link. After another part, which may be a link itself, it could lead anywhere.
pub(super) fn within(below: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let parts: Vec<_> = target.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let up = parts.iter().take_while(|part| **part == "..").count();
    let depth = below.split('/').count() - 1;
    if up > depth || parts[up..].contains(&"..") {
        return None;
    }
    Some(parts.join("/")).filter(|target| is_link_target(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_in_their_folder() {
        for (below, target, within_folder) in [
            ("a", "b", Some("b")),
            ("a", "./b//c/", Some("b/c")),
            ("x/a", "../b", Some("../b")),
            ("x/y/a", "../../b/c", Some("../../b/c")),
            ("x/a", "..", Some("..")),
            ("a", "..", None),
            ("a", "../b", None),
            ("x/a", "../../b", None),
            ("x/y/a", "b/../../../..", None),
            ("x/y/a", "b/..", None),
            ("a", "/etc/passwd", None),
            ("a", "", None),
            ("a", ".", None),
            ("a", "b\nc", None),
        ] {
            assert_eq!(within(below, target).as_deref(), within_folder, "{below} -> {target}");
        }
    }
}
