//! Where a bundle is written: never over what it is made of, nor over a file that is not of a bundle.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what is there")]

use std::path::{Path, PathBuf};

use crate::bundle::{Occupied, names, occupied};
use crate::failure::Failure;
use crate::files::{folder_of, is_same};
use crate::settings::{InputSettings, InputSource};

/// Where a bundle is to be.
pub(crate) struct Place<'a> {
    /// The file.
    pub(crate) output: &'a Path,
    /// Whether it is cut into pieces.
    pub(crate) is_split: bool,
}

impl Place<'_> {
    /// Refuses, before anything is fetched, a place where no bundle can be or where it would not be found.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let folder = self.output.parent().filter(|folder| !folder.as_os_str().is_empty());
        if self.output.file_name().is_none() || folder.is_some_and(|folder| !folder.is_dir()) {
            return self.refused("its folder does not exist", "create it, or choose another file");
        }
        let Ok(there) = fs_err::metadata(self.output) else { return Ok(()) };
        if !there.is_file() {
            return self.refused("it is not a plain file", "name another file");
        }
        if self.is_split {
            let why = "a file of this name would be taken for the split bundle";
            return self.refused(why, "remove it, or name another file");
        }
        Ok(())
    }

    /// Refuses, before anything is fetched, a place where the bundle would replace what it is made of, `others` among it, or
    /// any file that is not of an earlier bundle.
    pub(crate) fn check_inputs(
        &self,
        input: &InputSettings,
        others: [Option<&Path>; 3],
    ) -> Result<(), Failure> {
        const HELP: &str = "name another file, or move that one away";
        let mut inputs: Vec<PathBuf> = others.into_iter().flatten().map(Path::to_owned).collect();
        match &input.source {
            InputSource::Bundle(bundle) => {
                inputs.push(bundle.path.clone());
                inputs.extend(names(&bundle.path, true));
            }
            InputSource::Files { profile, overlays, releases } => {
                inputs.extend([profile, releases].into_iter().flatten().cloned());
                if overlays.as_deref().is_some_and(|overlays| is_below(self.output, overlays)) {
                    let why = "it is in the folder of components, an input of the bundle";
                    return self.refused(why, HELP);
                }
            }
        }
        for output in names(self.output, self.is_split) {
            if let Some(input) = inputs.iter().find(|input| is_same(input, &output)) {
                let (output, input) = (output.display(), input.display());
                return self
                    .refused(format!("the output `{output}` is the same file as the input `{input}`"), HELP);
            }
        }
        match occupied(self.output, self.is_split)? {
            None => Ok(()),
            Some(Occupied { path, why }) => self.refused(format!("`{}` {why}", path.display()), HELP),
        }
    }

    fn refused(&self, why: impl Into<String>, help: &str) -> Result<(), Failure> {
        let message = format!("--output {}: {}", self.output.display(), why.into());
        Err(Failure::Usage { message, help: help.to_owned() })
    }
}

/// Whether a file is, or would be, somewhere in a folder.
fn is_below(file: &Path, folder: &Path) -> bool {
    let place = fs_err::canonicalize(folder_of(file)).ok();
    place.zip(fs_err::canonicalize(folder).ok()).is_some_and(|(place, folder)| place.starts_with(folder))
}
