//! component.yaml: which release a component needs, what of it goes where, what runs, and what must hold.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use crate::guest::{GuestPath, Mode};

/// What a component declares. Fields that are said to be templates are rendered for each node, over the same names
/// as the component's files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a component")]
pub struct Spec {
    /// What it is, in one line.
    pub description: String,
    /// Whether it runs on every node, without being named in a role.
    #[serde(default)]
    pub everywhere: bool,
    /// The release that it installs files of, by its name in the pins file.
    #[serde(default)]
    pub release: Option<String>,
    /// The Debian packages that it needs, by name: templates over `settings` and `node`, left out where empty. The lock says
    /// in which versions.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Which members of the release's archive go where.
    #[serde(default)]
    pub install: Vec<Install>,
    /// The system user that it runs as.
    #[serde(default)]
    pub user: Option<SystemUser>,
    /// Folders that are made on first boot. What is in them is never touched.
    #[serde(default)]
    pub directories: Vec<Directory>,
    /// Permissions of files of `files/`, where they differ from 0644 (0755 for what begins with `#!`).
    #[serde(default)]
    pub modes: BTreeMap<GuestPath, Mode>,
    /// The systemd units that are enabled and started; their files are in `files/` or in the release.
    #[serde(default)]
    pub units: Vec<String>,
    /// What a profile can set, with what holds if it does not.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// The TCP ports that it listens on: templates.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Where it serves metrics in Prometheus' format.
    #[serde(default)]
    pub metrics: Option<Metrics>,
    /// What tells that it is up.
    #[serde(default)]
    pub health: Option<Health>,
    /// The secrets that it can use.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSpec>,
    /// The files of `private/`, which hold secrets.
    #[serde(default)]
    pub private: Vec<PrivateFile>,
    /// Folders that it takes from every component of the cluster.
    #[serde(default)]
    pub collects: Vec<Collect>,
    /// What must hold of the cluster.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// How its members, which keep a member list, are told of a change. Default: they need not be told.
    #[serde(default)]
    pub membership: Option<Membership>,
}

/// A member of the release's archive and its place in the guest.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `from` and `to`")]
pub struct Install {
    /// A file below the archive's top folder, or, with a slash at the end, a folder and all that is in it: a template over the
    /// release's `version` and `arch`. A release that is one file has no names in it, and any will do.
    pub from: String,
    /// Its path in the guest.
    pub to: GuestPath,
    /// Its permissions. Default: 0755 for what the archive has as executable, else 0644.
    #[serde(default)]
    pub mode: Option<Mode>,
}

/// A system user, with a group of the same name (sysusers.d(5)).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `name`")]
pub struct SystemUser {
    /// The user's name.
    pub name: String,
    /// The home folder. Default: none.
    #[serde(default)]
    pub home: Option<GuestPath>,
}

/// A folder that is made on first boot (tmpfiles.d(5), type `d`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `path`")]
pub struct Directory {
    /// Its path.
    pub path: GuestPath,
    /// Its permissions. Default: 0755.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// The user and group that own it. Default: root.
    #[serde(default)]
    pub owner: Option<String>,
}

/// A setting with its default, whose kind (text, number, truth value, list) is the kind of every value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `default` and `description`")]
pub struct Setting {
    /// What holds if the profile says nothing.
    #[schemars(with = "serde_json::Value")]
    pub default: Value,
    /// What it is, with its unit.
    pub description: String,
    /// A regular expression that a text matches as a whole.
    #[serde(default)]
    pub pattern: Option<String>,
    /// What a text is.
    #[serde(default)]
    pub format: Option<SettingFormat>,
    /// The least that a number or a duration may be.
    #[serde(default)]
    #[schemars(with = "serde_json::Value")]
    pub minimum: Option<Value>,
    /// The most that a number or a duration may be.
    #[serde(default)]
    #[schemars(with = "serde_json::Value")]
    pub maximum: Option<Value>,
}

/// What the text of a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SettingFormat {
    /// A duration as Prometheus writes it, such as `15d12h`.
    Duration,
}

/// Where metrics are served.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `port`")]
pub struct Metrics {
    /// The TCP port: a template.
    pub port: String,
    /// The path. Default: /metrics.
    #[serde(default = "metrics_path")]
    pub path: String,
    /// The scrape job. Default: the component's name.
    #[serde(default)]
    pub job: Option<String>,
    /// How often it is scraped, as Prometheus writes durations. Default: as everything else.
    #[serde(default)]
    pub interval: Option<String>,
}

fn metrics_path() -> String {
    "/metrics".to_owned()
}

/// What tells that a component is up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `url`")]
pub struct Health {
    /// An address on the node that answers with a 2xx status when all is well: a template.
    pub url: String,
    /// How long it may take until it does, in seconds. Default: 120.
    #[serde(default = "health_timeout")]
    pub timeout: u32,
}

/// How long a component may take until it is up, in seconds, if it does not say so itself.
pub const HEALTH_TIMEOUT: u32 = 120;

fn health_timeout() -> u32 {
    HEALTH_TIMEOUT
}

/// A secret that a component can use.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `description`")]
pub struct SecretSpec {
    /// What it is.
    pub description: String,
    /// A regular expression that its value matches as a whole.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The number of random characters that are generated where the user gives no value. Default: the secret is
    /// optional and has no value then.
    #[serde(default)]
    pub generate: Option<u32>,
}

/// A file of `private/`, written to the guest with mode 0600 through user-data alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `path`")]
pub struct PrivateFile {
    /// Its path in the guest.
    pub path: GuestPath,
    /// The user and group that own it. Default: root.
    #[serde(default)]
    pub owner: Option<String>,
    /// The secrets without which it is left out.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What a node that is built without it does not have; the build prints it in one line: "alerts are not sent to Telegram".
    #[serde(default)]
    pub without: Option<String>,
}

/// A folder that a component takes from every component that runs in the cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `folder` and `into`")]
pub struct Collect {
    /// The folder, beside the other's component.yaml.
    pub folder: String,
    /// Where its files go on the nodes that run this component.
    pub into: GuestPath,
    /// What the files are, so that `check` can read them as the component does.
    #[serde(default)]
    pub syntax: Option<Syntax>,
}

/// A kind of files that `check` can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Syntax {
    /// Rule files of Prometheus.
    PrometheusRules,
}

/// What must hold of a cluster that runs this component.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `that` and `otherwise`")]
pub struct Check {
    /// An expression over the same names as the component's files, less `node`.
    pub that: String,
    /// What is wrong if it does not hold: a template.
    pub otherwise: String,
    /// How to go on.
    #[serde(default)]
    pub help: Option<String>,
    /// The setting that the message points at. Default: the profile's nodes.
    #[serde(default)]
    pub setting: Option<String>,
}

/// How members that keep a list of themselves are asked, and told that one comes, goes or moves: by the commands of
/// `membership/commands.sh.j2`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `alive`, `recognized_by`, `ask` and `members`")]
pub struct Membership {
    /// An address that answers with a 2xx status if a member is well: a template, with that member as `node`.
    pub alive: String,
    /// An expression over `body`, the JSON answered there, that holds of every answer of a member, well or not. What
    /// else answers at that address is not a member.
    pub recognized_by: String,
    /// An address that answers to a POST of `{}` with what a member knows of all, in JSON: a template likewise.
    pub ask: String,
    /// The members, as a JSON list of objects with `id`, `name`, `host` and `votes`: a template over `answer`, that JSON.
    pub members: String,
    /// What must hold, so that the list can change.
    #[serde(default)]
    pub checks: Vec<Demand>,
}

/// What changes in a list of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// An empty machine takes the place of a dead one.
    Replace,
    /// A member comes.
    Add,
    /// A member goes.
    Remove,
    /// A member gets another address, and keeps its data.
    Move,
}

/// What must hold so that a list of members can change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `that` and `otherwise`")]
pub struct Demand {
    /// The changes of which it must hold. Default: all.
    #[serde(default)]
    pub changes: Option<Vec<Change>>,
    /// An expression.
    pub that: String,
    /// What is wrong if it does not hold: a template.
    pub otherwise: String,
    /// How to go on: a template.
    #[serde(default)]
    pub help: Option<String>,
}

impl Demand {
    /// Whether it must hold of this change.
    pub fn concerns(&self, change: Change) -> bool {
        self.changes.as_ref().is_none_or(|changes| changes.contains(&change))
    }
}

/// Whether a text matches a pattern of component.yaml as a whole. An invalid pattern, which is reported where it
/// is written, matches everything.
pub fn matches_whole(pattern: &str, text: &str) -> bool {
    regex_lite::Regex::new(&format!("^(?:{pattern})$")).map_or(true, |pattern| pattern.is_match(text))
}
