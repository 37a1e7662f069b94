//! The files of a node among each other: what units start and read must be there, rule files must be what Prometheus takes.

use std::collections::BTreeSet;

use super::unit::{Assignment, assignments, plain_path, program};
use super::{Finding, rules};
use crate::component::Syntax;
use crate::diagnostic::{Diagnostic, Report, Source, nearest};
use crate::digest::Sha256;
use crate::guest::IMAGE_USERS;
use crate::guest::RESERVED;
use crate::guest::{GuestPath, Mode};
use crate::plan::{FileOrigin, NodePlan};
use crate::render::NodeFile;

/// Where Ubuntu's image has nothing: what is there comes of a component, or is missing.
const OURS: [&str; 4] = ["/usr/local/", "/opt/", "/srv/", "/etc/"];
/// Files in /etc that every Ubuntu has and that units read.
const OF_THE_SYSTEM: [&str; 5] =
    ["/etc/environment", "/etc/os-release", "/etc/lsb-release", "/etc/locale.conf", "/etc/default/"];
/// Where systemd looks for units.
const UNIT_FOLDERS: [&str; 4] = [
    "/etc/systemd/system/",
    "/usr/lib/systemd/system/",
    "/lib/systemd/system/",
    "/usr/local/lib/systemd/system/",
];
/// A file of the guest whose bytes are known.
struct Known<'a> {
    path: &'a GuestPath,
    mode: Mode,
    bytes: &'a [u8],
    origin: &'a FileOrigin,
}

/// Looks at the files of nodes, and at rule files that many have only once.
#[derive(Default)]
pub(crate) struct Linter {
    seen: BTreeSet<Sha256>,
}

impl Linter {
    /// Reports what is wrong with the files of a node, `rendered` and those of its layers. `admin` is the login name
    /// of the administrator.
    pub(crate) fn check(
        &mut self,
        node: &NodePlan,
        rendered: &[NodeFile],
        admin: Option<&str>,
        report: &mut Report,
    ) {
        let layers = node.layers.iter().flat_map(|layer| &layer.files);
        let layers = layers.map(|file| Known {
            path: &file.path,
            mode: file.mode,
            bytes: &file.bytes,
            origin: &file.origin,
        });
        let rendered = rendered.iter().map(|file| Known {
            path: &file.path,
            mode: file.mode,
            bytes: &file.bytes,
            origin: &file.origin,
        });
        let files: Vec<_> = layers.chain(rendered).collect();
        for file in &files {
            if self.holds_rules(node, file)
                && let Ok(text) = std::str::from_utf8(file.bytes)
            {
                for found in rules::check(text) {
                    report.push(diagnostic(file, text, found, node));
                }
            }
        }
        let guest = Guest::new(node, &files, admin);
        for file in files.iter().filter(|file| is_unit(file.path.as_str())) {
            let Ok(text) = std::str::from_utf8(file.bytes) else { continue };
            for found in guest.unit(text) {
                report.push(diagnostic(file, text, found, node));
            }
        }
    }

    /// Whether a file is among those that Prometheus takes for rules, and is seen for the first time.
    fn holds_rules(&mut self, node: &NodePlan, file: &Known<'_>) -> bool {
        let is_yaml = [".yml", ".yaml"].iter().any(|end| file.path.as_str().ends_with(end));
        let mut folders = node.folders.iter().filter(|(_, syntax)| *syntax == Syntax::PrometheusRules);
        is_yaml
            && folders.any(|(folder, _)| file.path.is_within(folder))
            && self.seen.insert(Sha256::of(file.bytes))
    }
}

fn is_unit(path: &str) -> bool {
    let below = UNIT_FOLDERS.iter().find_map(|folder| path.strip_prefix(folder));
    below.is_some_and(|name| {
        [".service", ".socket", ".mount", ".swap", ".conf"].iter().any(|end| name.ends_with(end))
    })
}

fn diagnostic(file: &Known<'_>, text: &str, found: Finding, node: &NodePlan) -> Diagnostic {
    let (name, origin) = match file.origin {
        FileOrigin::File(name) => (name.as_str(), String::new()),
        FileOrigin::Template(key) => {
            (file.path.as_str(), format!("this is what the template `{key}` gives on `{}`", node.name))
        }
        FileOrigin::Made => (file.path.as_str(), String::new()),
    };
    let source = Source::new(name, text);
    let diagnostic =
        if found.is_error { Diagnostic::error(found.message) } else { Diagnostic::warning(found.message) };
    let gap = match (found.help.as_str(), origin.as_str()) {
        ("", _) | (_, "") => "",
        (help, _) if help.ends_with('?') => " ",
        _ => "; ",
    };
    let help = [&found.help, gap, &origin].concat();
    let diagnostic = diagnostic.at(&source, found.span, "");
    if help.is_empty() { diagnostic } else { diagnostic.help(help) }
}

/// What units of a node can rely on.
struct Guest<'a> {
    files: BTreeSet<String>,
    /// Files that exist and are not executable.
    plain: BTreeSet<&'a str>,
    /// Folders whose contents are not known: of releases, and those that services write to.
    open: Vec<String>,
    users: BTreeSet<String>,
}

impl<'a> Guest<'a> {
    fn new(node: &'a NodePlan, files: &'a [Known<'a>], admin: Option<&str>) -> Self {
        let mut users: BTreeSet<_> = IMAGE_USERS.iter().copied().chain(admin).map(str::to_owned).collect();
        let mut open = Vec::new();
        for (file, line) in files.iter().flat_map(|file| lines(file).map(move |line| (file, line))) {
            let mut fields = line.split_whitespace();
            let (kind, name) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            let name = name.trim_matches('"').to_owned();
            if file.path.as_str().contains("/sysusers.d/") && kind.starts_with(['u', 'g']) {
                users.insert(name);
            } else if file.path.as_str().contains("/tmpfiles.d/") && kind.starts_with(['d', 'D']) {
                open.push(name);
            }
        }
        let installed = node.layers.iter().flat_map(|layer| &layer.install);
        let (folders, single): (Vec<_>, Vec<_>) = installed.partition(|(from, ..)| from.ends_with('/'));
        open.extend(folders.into_iter().map(|(_, to, _)| to.to_string()));
        open.extend(RESERVED.iter().map(|path| (*path).to_owned()));
        let is_plain = |mode: Mode| mode.bits() & 0o111 == 0;
        let fixed =
            single.iter().filter(|(.., mode)| mode.is_some_and(is_plain)).map(|(_, to, _)| to.as_str());
        let plain = files.iter().filter(|file| is_plain(file.mode)).map(|file| file.path.as_str());
        let plain = plain.chain(fixed).collect();
        let paths = files.iter().map(|file| file.path).chain(single.iter().map(|(_, to, _)| to));
        let paths = paths.chain(node.private.iter().map(|file| &file.path));
        // Those too that could not be rendered, which is reported.
        let paths = paths.chain(node.files.iter().map(|file| &file.path));
        Self { files: paths.map(|path| merged(path.as_str())).collect(), plain, open, users }
    }

    /// What is wrong with a unit, as far as it can be decided.
    fn unit(&self, text: &str) -> Vec<Finding> {
        let lines = assignments(text);
        let is_set = |key: &str| lines.iter().any(|line| line.key == key && line.value != "no");
        let mut found = Vec::new();
        for line in &lines {
            found.extend(match line.key.as_str() {
                key if key.starts_with("Exec") && line.section == "Service" => self.program(line),
                "User" | "Group" | "SupplementaryGroups" if !is_set("DynamicUser") => self.users(line),
                "EnvironmentFile" => self.file(line),
                "WorkingDirectory" => self.folder(line),
                _ => None,
            });
        }
        found
    }

    fn program(&self, line: &Assignment) -> Option<Finding> {
        let path = program(&line.value)?;
        if self.plain.contains(path.as_str()) {
            let message = format!("`{}` starts {path}, which is not executable", line.key);
            return Some(Finding::error(
                line.span.clone(),
                message,
                "give it the mode \"0755\" in component.yaml",
            ));
        }
        if self.has(&path) {
            return None;
        }
        let name = path.rsplit('/').next()?;
        let namesake = self.files.iter().find(|file| file.rsplit('/').next() == Some(name));
        if namesake.is_none() && !is_ours(&path) {
            return None;
        }
        let meant =
            namesake.map(String::as_str).or_else(|| nearest(&path, self.files.iter().map(String::as_str)));
        let message = format!("`{}` starts {path}, which no file of the node provides", line.key);
        Some(Finding::error(line.span.clone(), message, did_you_mean(meant)))
    }

    fn users(&self, line: &Assignment) -> Option<Finding> {
        let is_named = |name: &&str| !name.contains(['%', '$']) && !name.bytes().all(|b| b.is_ascii_digit());
        let mut names = line.value.split_whitespace().filter(is_named);
        let name = names.find(|name| !self.users.contains(*name))?;
        let message = format!("`{}` is `{name}`, which nothing on the node creates", line.key);
        let help = match nearest(name, self.users.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`user: {name: ...}` in component.yaml makes a system user and its group".to_owned(),
        };
        Some(Finding::error(line.span.clone(), message, help))
    }

    fn file(&self, line: &Assignment) -> Option<Finding> {
        let path = plain_path(&line.value).filter(|path| !path.contains(['*', '?', '[']))?;
        if self.has(&path) || !is_ours(&path) || OF_THE_SYSTEM.iter().any(|known| path.starts_with(known)) {
            return None;
        }
        let meant = nearest(&path, self.files.iter().map(String::as_str));
        let message = format!("`{}` reads {path}, which no file of the node provides", line.key);
        Some(Finding::error(line.span.clone(), message, did_you_mean(meant)))
    }

    fn folder(&self, line: &Assignment) -> Option<Finding> {
        let path = plain_path(line.value.trim_end_matches('/')).filter(|path| is_ours(path))?;
        let below = format!("{path}/");
        let has_files = self.files.range(below.clone()..).next().is_some_and(|file| file.starts_with(&below));
        let is_made = self.open.iter().any(|open| open.starts_with(&below));
        if has_files || is_made || self.has(&path) {
            return None;
        }
        let message = format!("`{}` is {path}, which nothing on the node creates", line.key);
        Some(Finding::error(line.span.clone(), message, "add it to `directories` in component.yaml"))
    }

    fn has(&self, path: &str) -> bool {
        let is_below = |folder: &String| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        self.files.contains(&merged(path)) || self.open.iter().any(|open| open == path || is_below(open))
    }
}

fn is_ours(path: &str) -> bool {
    OURS.iter().any(|folder| path.starts_with(folder))
}

fn did_you_mean(path: Option<&str>) -> String {
    path.map_or_else(
        || "add it to the component's `files/` or `install`".to_owned(),
        |path| format!("did you mean {path}?"),
    )
}

/// A path as it is once /bin, /sbin and /lib are links to /usr's.
fn merged(path: &str) -> String {
    let is_merged = ["/bin/", "/sbin/", "/lib/"].iter().any(|folder| path.starts_with(folder));
    if is_merged { format!("/usr{path}") } else { path.to_owned() }
}

/// The lines of what declares users and folders.
fn lines<'a>(file: &Known<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let declares = ["/sysusers.d/", "/tmpfiles.d/"].iter().any(|folder| file.path.as_str().contains(folder));
    std::str::from_utf8(file.bytes).ok().filter(|_| declares).into_iter().flat_map(str::lines)
}
