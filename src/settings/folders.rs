//! The user's own folders, as the environment names them (XDG Base Directory Specification).

use std::path::PathBuf;

use super::Environment;
use crate::failure::Failure;
use crate::store::DERIVED;

/// Where the user's own cache of layers is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CachePlace {
    /// The folder.
    pub folder: PathBuf,
    /// The file of the key that authenticates what is in it.
    pub key: PathBuf,
}

/// Where artifacts and layers are kept.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The store.
    pub store: PathBuf,
    /// The user's own cache of layers; `None` where nothing says where it can be.
    pub cache: Option<CachePlace>,
}

impl Folders {
    /// The store that was named, or the user's own, and the user's own cache.
    pub(crate) fn resolve(store: Option<PathBuf>, environment: Environment<'_>) -> Result<Self, Failure> {
        let store = store.or_else(|| cache_folder(environment)).ok_or_else(|| Failure::Usage {
            message: "failed to find a folder for the store: neither XDG_CACHE_HOME nor HOME is set"
                .to_owned(),
            help: "name a folder with --store".to_owned(),
        })?;
        Ok(Self { store, cache: cache_place(environment) })
    }
}

/// The user's own cache of layers, wherever the store is: a store may be anybody's. `None` where nothing says where it can be.
pub(crate) fn cache_place(environment: Environment<'_>) -> Option<CachePlace> {
    let folder = cache_folder(environment)?.join(DERIVED);
    let key = user_folder(environment, "XDG_STATE_HOME", ".local/state")?.join("imgbuild/cache.key");
    Some(CachePlace { folder, key })
}

/// Where disks of some gigabytes can be: /tmp is often in memory.
pub(crate) fn scratch_folder(environment: Environment<'_>) -> PathBuf {
    environment("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

fn cache_folder(environment: Environment<'_>) -> Option<PathBuf> {
    Some(user_folder(environment, "XDG_CACHE_HOME", ".cache")?.join("imgbuild"))
}

fn user_folder(environment: Environment<'_>, name: &str, default: &str) -> Option<PathBuf> {
    let folder = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder(name).or_else(|| Some(folder("HOME")?.join(default)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn places(variables: &[(&str, &str)]) -> (Option<String>, Option<(String, String)>) {
        let environment = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let store = Folders::resolve(None, &environment).ok().map(|folders| folders.store);
        let cache = cache_place(&environment);
        let text = |path: PathBuf| path.display().to_string();
        (store.map(text), cache.map(|cache| (text(cache.folder), text(cache.key))))
    }

    #[test]
    fn the_users_folders_are_where_xdg_says() {
        for (variables, store, cache) in [
            (&[][..], None, None),
            (
                &[("HOME", "/h")],
                Some("/h/.cache/imgbuild"),
                Some(("/h/.cache/imgbuild/derived", "/h/.local/state/imgbuild/cache.key")),
            ),
            (&[("XDG_CACHE_HOME", "/c")], Some("/c/imgbuild"), None),
            (
                &[("XDG_CACHE_HOME", "/c"), ("XDG_STATE_HOME", "/s"), ("HOME", "/h")],
                Some("/c/imgbuild"),
                Some(("/c/imgbuild/derived", "/s/imgbuild/cache.key")),
            ),
            // A relative path is ignored, as the specification has it.
            (
                &[("XDG_CACHE_HOME", "c"), ("HOME", "/h")],
                Some("/h/.cache/imgbuild"),
                Some(("/h/.cache/imgbuild/derived", "/h/.local/state/imgbuild/cache.key")),
            ),
        ] {
            let cache = cache.map(|(folder, key)| (folder.to_owned(), key.to_owned()));
            assert_eq!(places(variables), (store.map(str::to_owned), cache), "{variables:?}");
        }
    }
}
