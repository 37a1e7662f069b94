//! The cache of layers: what others wrote into it, or into a store, reaches no overlay.
#![expect(clippy::disallowed_methods, reason = "tests look at the cache from outside")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use imgbuild::digest::Sha256;
use imgbuild::layer::LayerIndex;
use imgbuild::store::{Cache, LayerRecord, NotPrivate};

use super::support::run::Run;
use super::support::small::away;
use super::support::workspace::Workspace;

/// Where a user's own cache is, and the key that its records are authenticated with.
const CACHE: &str = "cache/imgbuild/derived";
const KEY: &str = "state/imgbuild/cache.key";

/// What a record may be harmed by.
type Harm = fn(&Workspace);

/// Nodes that have several layers, one image without secrets and one with them.
const BUILD: [&str; 5] = ["ptrn-1", "prmt-1", "--store", "store", "--offline"];

/// A cluster whose nodes were built, and their outputs as they must be.
fn built() -> (Workspace, Vec<(String, Vec<u8>)>) {
    let workspace = Workspace::with_releases();
    workspace.run(&BUILD).exit(0);
    let out = workspace.files("out");
    (workspace, out)
}

/// Builds again, from nothing but store and cache.
#[track_caller]
fn rebuilds(workspace: &Workspace, out: &[(String, Vec<u8>)]) -> Run {
    fs::remove_dir_all(workspace.path("out")).unwrap();
    let run = workspace.run(&BUILD).exit(0);
    assert!(workspace.files("out") == out, "the outputs are not those of an honest build");
    run
}

fn names(workspace: &Workspace, folder: &str) -> Vec<String> {
    workspace.files(&format!("{CACHE}/{folder}")).into_iter().map(|(name, _)| name).collect()
}

/// Puts a cache into a workspace as somebody else's key vouches for it: every layer there has other files.
fn forge(workspace: &Workspace) {
    let forged = workspace.path("forged");
    let cache = Cache::open(&forged, workspace.path("theirs/key")).unwrap();
    assert!(cache.prepare().unwrap());
    let own = Cache::open(workspace.path(CACHE), workspace.path(KEY)).unwrap();
    for name in names(workspace, "records") {
        let name: Sha256 = name.parse().unwrap();
        let record: LayerRecord<LayerIndex> = own.layer(&name).unwrap().unwrap();
        let mut layer = cache.new_layer().unwrap();
        layer.write_all(b"anything").unwrap();
        layer.commit(&name, record.index).unwrap();
    }
    fs::remove_dir_all(workspace.path(CACHE)).unwrap();
    fs::rename(forged, workspace.path(CACHE)).unwrap();
}

#[test]
fn a_store_has_artifacts_and_nothing_else() {
    let (workspace, out) = built();
    let archives = workspace.files("mirror").into_iter().filter(|(name, _)| name.contains("amd64"));
    let mut expected: Vec<_> = archives.map(|(_, bytes)| format!("sha256/{}", Sha256::of(bytes))).collect();
    expected.extend(["CACHEDIR.TAG".to_owned()]);
    expected.sort();
    let in_store = |folder: &str| {
        let files = workspace.files(folder).into_iter().map(|(name, _)| name);
        files.filter(|name| !name.starts_with("lock/")).collect::<Vec<_>>()
    };
    assert_eq!(in_store("store"), expected);
    workspace.run(&["fetch", "--store", "other"]).exit(0);
    assert_eq!(in_store("other"), expected);

    // A depot that somebody filled in another way: what is not an artifact is not read, and is named.
    let cache = workspace.files(CACHE);
    for (name, bytes) in &cache {
        workspace.write(&format!("store/{name}"), bytes);
    }
    fs::remove_dir_all(workspace.path(CACHE)).unwrap();
    rebuilds(&workspace, &out);
    let run = away(&workspace, &["verify", "store"]).exit(4);
    run.says(&["`records` is not declared", "`joined` is not declared", "`images` is not declared"]);
}

#[test]
fn what_another_key_vouches_for_is_made_anew() {
    let (workspace, out) = built();
    forge(&workspace);
    rebuilds(&workspace, &out);
    // Nor where there is no key yet that could contradict it.
    forge(&workspace);
    fs::remove_file(workspace.path(KEY)).unwrap();
    rebuilds(&workspace, &out);
    // And the other way round: the same forgery with the key that it was made with is what a build would take.
    forge(&workspace);
    fs::rename(workspace.path("theirs/key"), workspace.path(KEY)).unwrap();
    fs::remove_dir_all(workspace.path("out")).unwrap();
    workspace.run(&BUILD).exit(0);
    assert!(workspace.files("out") != out, "the forgery is none, and this test proves nothing");
}

#[test]
fn a_record_that_was_changed_is_made_anew() {
    let harms: [(&str, Harm); 4] = [
        ("every record", |workspace| {
            for folder in ["records", "joined", "images"] {
                for name in names(workspace, folder) {
                    let path = format!("{CACHE}/{folder}/{name}");
                    let mut bytes = workspace.read(&path);
                    let last = bytes.len() - 2;
                    bytes[last] ^= 1;
                    workspace.write(&path, bytes);
                }
            }
        }),
        ("names that were exchanged", |workspace| {
            for folder in ["records", "joined", "images"] {
                let mut names = names(workspace, folder);
                let texts: BTreeMap<_, _> = names
                    .iter()
                    .map(|name| (name.clone(), workspace.read(&format!("{CACHE}/{folder}/{name}"))))
                    .collect();
                names.rotate_left(1);
                for (name, (_, text)) in names.iter().zip(&texts) {
                    workspace.write(&format!("{CACHE}/{folder}/{name}"), text);
                }
            }
        }),
        ("records that are empty", |workspace| {
            for name in names(workspace, "records") {
                workspace.write(&format!("{CACHE}/records/{name}"), "");
            }
        }),
        ("links in place of records", |workspace| {
            for name in names(workspace, "records") {
                let path = workspace.path(&format!("{CACHE}/records/{name}"));
                fs::rename(&path, workspace.path("elsewhere")).unwrap();
                symlink(workspace.path("elsewhere"), path).unwrap();
            }
        }),
    ];
    for (what, harm) in harms {
        let (workspace, out) = built();
        harm(&workspace);
        let run = rebuilds(&workspace, &out);
        assert!(!run.errors().contains("warning: the cache of layers"), "{what}");
        let again = Cache::open(workspace.path(CACHE), workspace.path(KEY)).unwrap();
        for name in names(&workspace, "records") {
            let name: Sha256 = name.parse().unwrap();
            assert!(again.layer::<LayerIndex>(&name).unwrap().is_some(), "{what}: kept anew");
        }
    }
}

#[test]
fn folders_that_others_can_write_to_are_not_used() {
    let open = |workspace: &Workspace, path: &str, mode| {
        fs::set_permissions(workspace.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    let (workspace, out) = built();
    for (path, mode) in [(CACHE, 0o755), (CACHE, 0o770), ("state/imgbuild", 0o777)] {
        open(&workspace, path, mode);
        let told = rebuilds(&workspace, &out);
        let place = workspace.path(path).display().to_string();
        told.says(&[
            &format!("warning: the cache of layers is not used: `{place}` is open to other users"),
            &format!("help: `chmod 700 {place}`"),
        ]);
        open(&workspace, path, 0o700);
        assert!(!rebuilds(&workspace, &out).errors().contains("warning: the cache of layers"), "{path}");
    }
    fs::rename(workspace.path(CACHE), workspace.path("elsewhere")).unwrap();
    symlink(workspace.path("elsewhere"), workspace.path(CACHE)).unwrap();
    rebuilds(&workspace, &out).says(&["is not a folder, but a link or a file", "XDG_CACHE_HOME"]);
    // Who is not root cannot give files away.
    if chown(workspace.path("elsewhere"), Some(1), Some(1)).is_ok() {
        fs::remove_file(workspace.path(CACHE)).unwrap();
        fs::rename(workspace.path("elsewhere"), workspace.path(CACHE)).unwrap();
        rebuilds(&workspace, &out).says(&["belongs to another user", "XDG_CACHE_HOME"]);
    }
}

#[test]
fn a_key_that_others_could_know_is_replaced() {
    let (workspace, out) = built();
    assert_eq!((workspace.permissions(KEY), workspace.read(KEY).len()), (0o600, 32));
    assert_eq!((workspace.permissions(CACHE), workspace.permissions("state/imgbuild")), (0o700, 0o700));
    let harms: [Harm; 4] = [
        |workspace| fs::set_permissions(workspace.path(KEY), fs::Permissions::from_mode(0o640)).unwrap(),
        |workspace| workspace.write(KEY, "short"),
        |workspace| fs::remove_file(workspace.path(KEY)).unwrap(),
        |workspace| {
            fs::rename(workspace.path(KEY), workspace.path("elsewhere")).unwrap();
            symlink(workspace.path("elsewhere"), workspace.path(KEY)).unwrap();
        },
    ];
    for harm in harms {
        let before = workspace.read(KEY);
        harm(&workspace);
        rebuilds(&workspace, &out);
        assert_ne!(workspace.read(KEY), before);
        assert!(fs::symlink_metadata(workspace.path(KEY)).unwrap().is_file());
        assert_eq!((workspace.permissions(KEY), workspace.read(KEY).len()), (0o600, 32));
    }
}

#[test]
fn without_a_cache_a_build_makes_its_layers_and_keeps_none() {
    let (workspace, out) = built();
    fs::remove_dir_all(workspace.path("cache")).unwrap();
    fs::remove_dir_all(workspace.path("out")).unwrap();
    let mut command = workspace.command(&BUILD);
    let run = Run::of(command.env_remove("HOME").env_remove("XDG_CACHE_HOME")).exit(0);
    run.hides("warning: the cache of layers");
    assert!(workspace.files("out") == out);
    fs::remove_dir_all(workspace.path("out")).unwrap();
    let mut command = workspace.command(&BUILD);
    let run = Run::of(command.env("XDG_CACHE_HOME", "/proc/none")).exit(0);
    assert!(workspace.files("out") == out);
    run.says(&["warning: the cache of layers is not used", "/proc/none/imgbuild"]);
}

#[test]
fn layers_are_found_by_what_they_were_made_from() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let cache = Cache::open(place("cache"), place("state/key")).unwrap();
    let key = Sha256::of("inputs");
    assert_eq!(cache.layer::<Vec<String>>(&key).unwrap(), None);
    assert!(!place("cache").exists() && !place("state").exists(), "nothing is made to find nothing");
    assert!(cache.prepare().unwrap());
    let make = || {
        let mut layer = cache.new_layer().unwrap();
        layer.write_all(b"layer").unwrap();
        layer.commit(&key, vec!["/etc/hosts".to_owned()]).unwrap()
    };
    let record = make();
    assert_eq!((record.sha256, record.size), (Sha256::of("layer"), 5));
    let again = Cache::open(place("cache"), place("state/key")).unwrap();
    for cache in [&cache, &again] {
        assert_eq!(cache.layer(&key).unwrap(), Some(record.clone()));
        assert_eq!(cache.layer::<u32>(&key).unwrap(), None, "an index in another form is none");
    }
    let blob = place("cache/sha256").join(record.sha256.to_string());
    fs::remove_file(&blob).unwrap();
    assert_eq!(cache.layer::<Vec<String>>(&key).unwrap(), None, "a record without its file is none");
    fs::write(&blob, b"other").unwrap();
    assert_eq!(cache.layer::<Vec<String>>(&key).unwrap(), None, "a damaged layer is none");
    assert!(blob.with_extension("damaged").exists());
    assert_eq!(make(), record);
    assert_eq!(cache.layer(&key).unwrap(), Some(record));
    assert_eq!(Cache::none().layer::<Vec<String>>(&key).unwrap(), None);

    drop(cache.new_layer().unwrap());
    let staged = |path: &Path| fs::read_dir(path).unwrap().count();
    assert_eq!(staged(&place("cache/tmp")), 0, "a layer that is given up leaves nothing");
    let layer = cache.new_layer().unwrap();
    let left = place("cache/tmp/left-by-a-killed-build");
    fs::write(&left, b"").unwrap();
    assert!(cache.prepare().unwrap() && left.exists(), "it could be the other build's");
    drop(layer);
    assert!(cache.prepare().unwrap() && !left.exists());
    fs::set_permissions(place("cache"), fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(cache.prepare(), Err(NotPrivate::Mode { mode: 0o750, .. })));
}
