//! `imgbuild replace` and `imgbuild member`: a node comes, goes, moves or dies, and those that keep a list of it are told.

use serde_json::json;

use crate::build::{self, Job};
use crate::cli::Building;
use crate::cluster::NodeIndex;
use crate::component::Change;
use crate::event::Event;
use crate::failure::Failure;
use crate::input::{Draft, Sources, recorded};
use crate::membership::{Answer, Asking, Inquiry, Subject};
use crate::output::{IMAGE, Manifest};
use crate::plan::{Plan, Selection};
use crate::settings::{Environment, Settings};
use crate::terminal::Console;

/// What is to change.
pub(super) struct Wanted {
    /// How.
    pub change: Change,
    /// The node.
    pub node: String,
    /// Whether the user has confirmed that it is safe.
    pub confirmed: bool,
    /// What a build goes by.
    pub building: Building,
}

/// Changes the lists of members that a node is in: builds it so that it joins them, and prints the commands by which the
/// others are told.
pub(super) fn run(wanted: Wanted, environment: Environment<'_>, console: &Console) -> Result<(), Failure> {
    let Wanted { change, node: name, confirmed, building } = wanted;
    let settings = Settings::resolve(building, environment)?;
    let change = MemberChange { change, name: &name, confirmed, settings: &settings, console };
    if change.change == Change::Remove { change.remove() } else { change.build() }
}

/// A change of the lists of members that a node is in.
struct MemberChange<'a> {
    change: Change,
    name: &'a str,
    confirmed: bool,
    settings: &'a Settings,
    console: &'a Console,
}

impl MemberChange<'_> {
    /// Builds the node as it is after the change.
    fn build(&self) -> Result<(), Failure> {
        let Self { change, name, settings, console, .. } = *self;
        let mut sources = Sources::read(&settings.input)?;
        let secrets = sources.secrets(&settings.secrets);
        let selection = Selection::Named(vec![name.to_owned()]);
        let mut request = sources.request(selection, &settings.build, &settings.out);
        let mut draft = sources.draft(&request)?;
        let mut commands = String::new();
        if !draft.report.has_errors() {
            build::check_obstacles(&draft.plan, &settings.out)?;
            let node = draft.plan.selected[0];
            let answer = self.ask(&draft.plan, Some(node), &sources)?;
            commands = answer.commands;
            if change == Change::Move {
                request.reprovision = self.has_moved(&draft.plan, node)?;
            } else {
                request.joins.insert(name.to_owned(), answer.joins);
            }
            draft = sources.draft(&request)?;
        }
        let tell = |event: &Event<'_>| console.event(event);
        let job = Job::new(&draft.plan, &sources, settings, &tell);
        let fetch = settings.fetch.with_supply(sources.supply());
        let manifests = build::build(&job, secrets, draft.report, &settings.folders, &fetch)?;
        self.print(&commands, manifests.first(), || {
            let seed = settings.out.join(name).join(IMAGE).display().to_string();
            let when = if commands.is_empty() {
                "now: the others know of it"
            } else {
                "once these commands are run"
            };
            match change {
                Change::Move => format!("{name}: attach {seed} and reboot {when}"),
                _ => format!("{name}: boot an empty machine from {seed} {when}"),
            }
        })
    }

    /// A member goes: nothing is built, and the profile may not have it any more.
    fn remove(&self) -> Result<(), Failure> {
        let Self { name, settings, console, .. } = *self;
        let sources = Sources::read(&settings.input)?;
        let request = sources.request(Selection::All, &settings.build, &settings.out);
        let Draft { plan, report } = sources.plan(&request)?;
        console.report(&report);
        let node = plan.cluster.find(name);
        let commands = self.ask(&plan, node, &sources)?.commands;
        self.print(&commands, None, || {
            let when = if commands.is_empty() {
                "now: the others do not know it"
            } else {
                "once these commands are run"
            };
            let profile = if node.is_some() { ", and take it out of the profile" } else { "" };
            format!("{name}: shut it down {when}{profile}")
        })
    }

    /// Asks the members that run whether the change may be.
    fn ask(&self, plan: &Plan, node: Option<NodeIndex>, sources: &Sources) -> Result<Answer, Failure> {
        let recorded = recorded::read(plan, &self.settings.out)?;
        let subject = Subject { change: self.change, name: self.name, node };
        let inquiries = Inquiry::all(subject, plan, &sources.components, &recorded)?;
        let asking = Asking { confirmed: self.confirmed, offline: self.settings.fetch.offline };
        Answer::of(&inquiries, asking, &|event| self.console.event(event))
    }

    /// Whether a node has another address than in its last build. cloud-init configures the network once per instance, and so
    /// only a new one takes up the new address.
    fn has_moved(&self, plan: &Plan, node: NodeIndex) -> Result<bool, Failure> {
        let before = recorded::address(plan, &self.settings.out, node)?;
        if before.is_none() {
            let name = self.name;
            self.console.say(&format!(
                "warning: no earlier build of `{name}` was found: if cloud-init on it has run as `{}`, it keeps its \
                 address; `imgbuild {name} --reprovision` builds it as the next instance",
                node.of(&plan.nodes).instance.id
            ));
        }
        Ok(before.is_some_and(|before| before != plan.cluster[node].address))
    }

    /// Prints the commands, and says to people what comes before and after them.
    fn print(
        &self,
        commands: &str,
        manifest: Option<&Manifest>,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.console.json {
            let lines: Vec<_> = commands.lines().collect();
            return Ok(Console::data_json(&json!({ "commands": lines, "manifest": manifest }))?);
        }
        self.console.talk(&words());
        Ok(Console::lines(commands)?)
    }
}
