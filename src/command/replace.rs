//! `imgbuild replace`: builds a node as an empty machine in the place of a dead one, if the others can spare it.

use serde_json::json;

use super::build::build;
use super::console::Console;
use super::failure::{Exit, Failure};
use super::inputs;
use crate::cli::Options;
use crate::component::{COMMANDS, Component, Components, Replace};
use crate::diagnostic::Report;
use crate::live::{Members, Pulse};
use crate::plan::Plan;

/// Builds the node, and prints the commands by which the others are told.
pub fn run(name: &str, confirmed: bool, options: &Options, console: &Console) -> Result<(), Failure> {
    let mut written = inputs::Written::read(options)?;
    written.replacement = Some(name.to_owned());
    let mut commands = String::new();
    let prepare = |plan: &mut Plan, components: &Components| {
        let vacancies = vacancies(plan, components, name)?;
        for vacancy in vacancies {
            let known = vacancy.inquire(confirmed, options.offline)?;
            commands += &vacancy.commands(&known)?;
        }
        Ok(())
    };
    let manifests = build(written, (&[name.to_owned()], false), prepare, options, console)?;
    if console.json {
        let lines: Vec<_> = commands.lines().collect();
        return Ok(Console::data_json(&json!({ "commands": lines, "manifest": manifests.first() }))?);
    }
    let seed = options.out.join(name).join("seed.iso");
    let when = if commands.is_empty() { "now: the others know of it" } else { "once these commands are run" };
    console.talk(&format!("{name}: boot an empty machine from {} {when}", seed.display()));
    Ok(Console::lines(&commands)?)
}

/// The place of a dead member of a component.
struct Vacancy<'a> {
    plan: &'a Plan,
    component: &'a Component,
    replace: &'a Replace,
    /// The index of the dead node.
    index: usize,
    /// The indexes of the others that run the component.
    others: Vec<usize>,
}

/// What is known of the members that live.
#[derive(Default)]
struct Known {
    alive: Vec<usize>,
    answer: Option<serde_json::Value>,
}

/// What runs on the node and has others that must be told.
fn vacancies<'a>(
    plan: &'a Plan,
    components: &'a Components,
    name: &str,
) -> Result<Vec<Vacancy<'a>>, Failure> {
    let members = &plan.cluster.members;
    let index = members.iter().position(|member| member.name == name).unwrap_or_default();
    let mut vacancies = Vec::new();
    for component in members[index].components.iter().filter_map(|name| components.get(name)) {
        let Some(replace) = &component.spec.replace else { continue };
        let runs_it = |other: &usize| *other != index && members[*other].components.contains(&component.name);
        let others: Vec<_> = (0..members.len()).filter(runs_it).collect();
        if others.is_empty() {
            return Err(Failure::Usage {
                message: format!(
                    "`{name}` is the only member of `{}`: there are no others to join",
                    component.name
                ),
                help: format!("`imgbuild {name}` builds it anew, without its data"),
            });
        }
        vacancies.push(Vacancy { plan, component, replace, index, others });
    }
    if vacancies.is_empty() {
        return Err(Failure::Usage {
            message: format!("nothing that runs on `{name}` has members that must be told"),
            help: format!("`imgbuild {name}` builds it: boot an empty machine from its seed"),
        });
    }
    Ok(vacancies)
}

impl Vacancy<'_> {
    fn name(&self, index: usize) -> &str {
        &self.plan.cluster.members[index].name
    }

    /// Asks the members whether they can spare the node. Where none of the others answers, `confirmed` stands for it.
    fn inquire(&self, confirmed: bool, offline: bool) -> Result<Known, Failure> {
        let mut silent = Vec::new();
        if !offline {
            let members = Members::new()?;
            let asked: Vec<_> = std::iter::once(self.index).chain(self.others.iter().copied()).collect();
            let urls = asked.iter().map(|index| self.url("alive", &self.replace.alive, *index));
            let pulses = members.pulses(&urls.collect::<Result<Vec<_>, _>>()?);
            if !matches!(pulses[0], Pulse::Silent(_)) {
                return Err(self.lives());
            }
            let others = || asked.iter().copied().zip(&pulses).skip(1);
            if let Some(answer) = self.answer(&members, others(), &mut silent)? {
                let alive =
                    others().filter(|(_, pulse)| **pulse == Pulse::Well).map(|(index, _)| index).collect();
                let known = Known { alive, answer: Some(answer) };
                self.judge(&known)?;
                return Ok(known);
            }
        }
        if confirmed { Ok(Known::default()) } else { Err(self.unasked(&silent)) }
    }

    /// What the first says that says anything, those before the others that are well. Others go into `silent`.
    fn answer<'p>(
        &self,
        members: &Members,
        pulses: impl Iterator<Item = (usize, &'p Pulse)>,
        silent: &mut Vec<String>,
    ) -> Result<Option<serde_json::Value>, Failure> {
        let mut speaking = Vec::new();
        for (index, pulse) in pulses {
            match pulse {
                Pulse::Well => speaking.insert(0, index),
                Pulse::Ill(_) => speaking.push(index),
                Pulse::Silent(why) => silent.push(format!("{}: {why}", self.name(index))),
            }
        }
        for index in speaking {
            match members.ask(&self.url("ask", &self.replace.ask, index)?) {
                Ok(answer) => return Ok(Some(answer)),
                Err(why) => silent.push(format!("{}: {why}", self.name(index))),
            }
        }
        Ok(None)
    }

    /// Refuses where a demand of the component is not met.
    fn judge(&self, known: &Known) -> Result<(), Failure> {
        let seen = self.seen(known);
        for (index, demand) in self.replace.checks.iter().enumerate() {
            let broken = |key: &str, why: &str| {
                let path = ["replace".into(), "checks".into(), index.into(), key.into()];
                let message = format!("this cannot be evaluated: {why}");
                Failure::from(Report::from(self.component.document.error(&path, message, "")))
            };
            if self.plan.templates.holds(&demand.that, &seen).map_err(|why| broken("that", &why))? {
                continue;
            }
            let otherwise = self.plan.templates.expand(&demand.otherwise, &seen);
            return Err(Failure::Refused {
                exit: Exit::Failed,
                message: otherwise.map_err(|why| broken("otherwise", &why))?,
                help: demand.help.clone().unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn commands(&self, known: &Known) -> Result<String, Failure> {
        let template = format!("{}/{COMMANDS}", self.component.name);
        let mut report = Report::new();
        let text = self.plan.templates.render(&template, &self.seen(known), false, &mut report);
        text.ok_or(Failure::Invalid(report))
    }

    fn seen(&self, known: &Known) -> minijinja::Value {
        self.plan.context.with_answer(&self.component.name, self.index, &known.alive, known.answer.as_ref())
    }

    fn url(&self, key: &str, template: &str, index: usize) -> Result<String, Failure> {
        let seen = self.plan.context.of_node(&self.component.name, index);
        self.plan.templates.expand(template, &seen).map_err(|why| {
            let message = format!("this template does not render: {why}");
            Report::from(self.component.document.error(&["replace".into(), key.into()], message, "")).into()
        })
    }

    fn lives(&self) -> Failure {
        let (node, component) = (self.name(self.index), &self.component.name);
        Failure::Refused {
            exit: Exit::Failed,
            message: format!("`{component}` on `{node}` answers: that machine is not dead"),
            help: "shut it down for good first; two machines with one address harm the cluster".to_owned(),
        }
    }

    fn unasked(&self, silent: &[String]) -> Failure {
        let node = self.name(self.index);
        let why = match silent {
            [] => ": the network is off".to_owned(),
            _ => format!("\n  {}", silent.join("\n  ")),
        };
        Failure::Refused {
            exit: Exit::Network,
            message: format!("no other member of `{}` can be asked whether it can spare `{node}`{why}", self.component.name),
            help: "run this where the nodes can be reached; or see for yourself that the others are well, and say so with \
                   `--confirmed`"
                .to_owned(),
        }
    }
}
