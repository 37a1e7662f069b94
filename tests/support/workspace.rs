//! A folder in which the program runs as a user runs it: files to work on, arguments, and what came of it.
#![expect(clippy::disallowed_methods, reason = "edge: writes the files that the program reads")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::CommandFactory as _;
use imgbuild::cli::Cli;
use imgbuild::component::Spec;
use tempfile::TempDir;

use super::leaks::Leaks;
use super::releases;
pub use super::run::Run;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_imgbuild");

/// A folder of one test, with the options that name what is in it.
#[must_use]
pub struct Workspace {
    folder: TempDir,
    options: Vec<String>,
}

impl Workspace {
    /// An empty folder: the program works on what is built in.
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), options: Vec::new() }
    }

    /// A folder with a mirror of tiny releases by the names of the built-in ones.
    pub fn with_releases() -> Self {
        Self::with_more_releases(&[])
    }

    /// The same with the release of these components too, given by their component.yaml.
    pub fn with_more_releases(components: &[&str]) -> Self {
        let workspace = Self::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("overlays");
        let builtin = ["node_exporter", "etcd", "prometheus", "grafana"];
        let builtin = builtin.map(|name| fs::read_to_string(root.join(name).join("component.yaml")).unwrap());
        let specs: Vec<_> =
            builtin.into_iter().chain(components.iter().map(|&text| text.to_owned())).collect();
        let mirror = workspace.path("mirror");
        fs::create_dir(&mirror).unwrap();
        releases::synthetic(&mirror, &pins(&specs), &specs);
        fs::rename(mirror.join("releases.yaml"), workspace.path("releases.yaml")).unwrap();
        workspace.option("--releases", "releases.yaml").option("--mirror", "mirror")
    }

    pub fn profile(self, text: impl AsRef<[u8]>) -> Self {
        self.file("profile.yaml", text).option("--profile", "profile.yaml")
    }

    pub fn releases(self, text: impl AsRef<[u8]>) -> Self {
        self.file("releases.yaml", text).option("--releases", "releases.yaml")
    }

    /// A file of a component: `etcd/component.yaml`.
    pub fn component(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.file(&format!("overlays/{path}"), text).option("--overlays", "overlays")
    }

    /// The secrets file, readable by nobody else.
    pub fn secrets(self, text: impl AsRef<[u8]>) -> Self {
        let workspace = self.file("secrets.yaml", text);
        workspace.mode("secrets.yaml", 0o600)
    }

    /// A file at a path in the folder.
    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(path, text);
        self
    }

    /// The same, in a folder that has been worked in.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // What the program wrote may be read-only.
        let _ = fs::remove_file(&path);
        fs::write(path, text).unwrap();
    }

    pub fn mode(self, path: &str, mode: u32) -> Self {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// An option of every run, once.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        if !self.options.iter().any(|option| option == name) {
            self.options.extend([name.to_owned(), value.to_owned()]);
        }
        self
    }

    /// A path in the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The program with these arguments and the folder's options, in an environment that has nothing of ours.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.args(self.options_of(arguments));
        command
    }

    /// The folder's options, less those that mean nothing to the verb among the arguments.
    fn options_of(&self, arguments: &[&str]) -> Vec<&str> {
        let cli = Cli::command();
        let verb = arguments.iter().find_map(|word| cli.find_subcommand(word)).unwrap_or(&cli);
        let verb = arguments.iter().find_map(|word| verb.find_subcommand(word)).unwrap_or(verb);
        let takes =
            |option: &str| verb.get_arguments().any(|one| one.get_long() == option.strip_prefix("--"));
        let options = self.options.chunks(2).filter(|option| takes(&option[0]));
        options.flatten().map(String::as_str).collect()
    }

    /// The same, run by another program, which gets the program's path and its arguments after its own.
    pub fn command_of(&self, other: Command, arguments: &[&str]) -> Command {
        let mut command = self.bare_of(other, arguments);
        command.args(self.options_of(arguments));
        command
    }

    /// The same without the folder's options.
    pub fn bare_of(&self, mut other: Command, arguments: &[&str]) -> Command {
        other.arg(PROGRAM);
        self.prepared(other, arguments)
    }

    /// The program without the folder's options.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        self.prepared(Command::new(PROGRAM), arguments)
    }

    fn prepared(&self, mut command: Command, arguments: &[&str]) -> Command {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let proxy = name.to_lowercase().ends_with("_proxy");
            if proxy || name.starts_with("IMGBUILD_") || ["SOURCE_DATE_EPOCH", "NO_COLOR"].contains(&&*name) {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.folder.path()).env("XDG_CACHE_HOME", self.path("cache"));
        command.env("XDG_STATE_HOME", self.path("state"));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// A run in the background, whose words nobody hears.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path)).unwrap()
    }

    pub fn permissions(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).unwrap().permissions().mode() & 0o7777
    }

    /// Everything below a path, as `path` and bytes, without what is there to lock.
    pub fn files(&self, path: &str) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        collect(&self.path(path), &mut found);
        let root = self.path(path);
        let relative = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
        let mut files: Vec<_> = found.iter().map(|path| (relative(path), fs::read(path).unwrap())).collect();
        files.retain(|(path, _)| path != ".imgbuild.lock");
        files.sort();
        files
    }

    /// Neither outputs nor a store were made.
    #[track_caller]
    pub fn wrote_nothing(&self) {
        for path in ["out", "cache", ".cache", "state", ".local"] {
            assert!(!self.path(path).exists(), "{path} was written");
        }
    }
}

/// Whatever a test did, no secret is left where it does not belong.
impl Drop for Workspace {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            Leaks::of(self.folder.path()).check_folder(self.folder.path());
        }
    }
}

/// Pins of the releases that components name: version 1.2.3 at `releases.invalid`, digests yet unknown.
fn pins(components: &[String]) -> String {
    let pin = |component: &String| {
        let spec: Spec = serde_yaml::from_str(component).unwrap();
        let name = spec.release.unwrap();
        format!(
            "  {name}:\n    version: 1.2.3\n    url: https://releases.invalid/{name}-{{{{ arch }}}}.tar.gz\n    \
             folder: {name}-{{{{ version }}}}\n    artifacts: {{}}\n"
        )
    };
    format!("releases:\n{}", components.iter().map(pin).collect::<String>())
}

pub(super) fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().map_while(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}
