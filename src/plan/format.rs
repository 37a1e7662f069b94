//! The format of files below /usr: plain files or a system extension.

use serde::Serialize;

use super::shape::ComponentSet;
use crate::diagnostic::{Diagnostic, Report};

/// The form of what components install below /usr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain files.
    #[default]
    Overlay,
    /// One system extension per component: a read-only image that systemd-sysext merges into /usr.
    Sysext,
}

impl Format {
    /// The guest's folder of what first boot must know of the overlay.
    pub fn lists(self) -> &'static str {
        match self {
            Self::Overlay => "/usr/lib/imgbuild",
            Self::Sysext => "/etc/imgbuild",
        }
    }

    /// Reports what a node of its own would have below /usr, which is read-only while extensions are merged.
    pub(super) fn check(self, shape: &ComponentSet, report: &mut Report) {
        if self == Self::Overlay {
            return;
        }
        let files = shape.files.iter().map(|file| (&file.path, &file.component));
        let private = shape.private.iter().map(|file| (&file.path, &file.component));
        for (path, component) in files.chain(private).filter(|(path, _)| path.as_str().starts_with("/usr/")) {
            let message = format!(
                "{path} of `{component}` is a template, but files below /usr are the same on every node"
            );
            report.push(Diagnostic::error(message).help(
                "with `--format sysext` a template cannot be below /usr: move this one to /etc, or leave \
                 out `--format`",
            ));
        }
    }
}
