//! Asks the running members of a component whether their list may change, and makes the commands for it.

mod answer;
mod context;
mod seats;

use crate::cluster::{NodeIndex, Peer};
use crate::component::{COMMANDS, Change, Component, Components, Membership};
use crate::diagnostic::{Report, Step};
use crate::event::{Event, Tell};
use crate::failure::{Exit, Failure};
use crate::input::recorded::Recorded;
use crate::plan::Plan;
use crate::probe::{Members, Probe, Reply, TIMEOUTS};
pub(crate) use answer::{Answer, Asking, Subject};
use context::{ChangeContext, ListedMember};
use seats::{FoundMember, LiveMembers, MemberHealth, Seat};

/// A change of the list that a component's members keep of themselves.
pub(crate) struct Inquiry<'a> {
    plan: &'a Plan,
    component: &'a Component,
    membership: &'a Membership,
    change: Change,
    name: &'a str,
    /// The node that comes, goes, moves or is replaced, if the profile has it.
    node: Option<Seat>,
    /// The others that run the component.
    others: Vec<Seat>,
}

impl<'a> Inquiry<'a> {
    /// Of each component of the node whose members keep a list of themselves; of all such components, where the profile
    /// does not have the node.
    pub(crate) fn all(
        Subject { change, name, node }: Subject<'a>,
        plan: &'a Plan,
        components: &'a Components,
        recorded: &Recorded,
    ) -> Result<Vec<Self>, Failure> {
        let mut inquiries = Vec::new();
        for component in components.values() {
            let Some(membership) = &component.spec.membership else { continue };
            let seat = |node: NodeIndex| Seat::of(plan, &component.name, node, recorded);
            let (own, others): (Vec<_>, Vec<_>) =
                plan.cluster.running(&component.name).map(seat).partition(|seat| Some(seat.node) == node);
            if node.is_some() && own.is_empty() || others.is_empty() && own.is_empty() {
                continue;
            }
            if others.is_empty() {
                return Err(alone(&component.name, name));
            }
            let node = own.into_iter().next();
            inquiries.push(Self { plan, component, membership, change, name, node, others });
        }
        if inquiries.is_empty() { Err(nobody(name, node.is_some())) } else { Ok(inquiries) }
    }

    /// Asks the members, and refuses changes that are not safe. Where no other member answers, `confirmed` is required.
    fn known(&self, asking: Asking, tell: Tell<'_>) -> Result<LiveMembers, Failure> {
        let Asking { confirmed, offline } = asking;
        let mut silent = Vec::new();
        if !offline {
            let wait = |line: &str| tell(&Event::Asking(line));
            let members = Members::new(&TIMEOUTS, &wait)?;
            // Whether one runs that goes or moves makes no difference.
            let asks_own = matches!(self.change, Change::Replace | Change::Add);
            let own: Vec<_> = self.node.iter().filter(|_| asks_own).flat_map(Seat::found).collect();
            let others: Vec<_> = self.others.iter().flat_map(Seat::found).collect();
            let pulses = self.pulses(&members, own.iter().chain(&others))?;
            let (of_own, of_others) = pulses.split_at(own.len());
            self.is_dead(of_own, confirmed)?;
            let others: Vec<_> = others.into_iter().zip(of_others).collect();
            if let Some(list) = self.list(&members, &others, &mut silent)? {
                let known = LiveMembers::of_list(&others, list);
                self.judge(&known)?;
                return Ok(known);
            }
        }
        if confirmed { Ok(LiveMembers::default()) } else { Err(self.unasked(&silent)) }
    }

    /// How those are that are asked.
    fn pulses<'f>(
        &self,
        members: &Members<'_>,
        asked: impl Iterator<Item = &'f FoundMember>,
    ) -> Result<Vec<MemberHealth>, Failure> {
        let probes = asked.map(|found| self.probe("alive", &self.membership.alive, *found));
        let probes = probes.collect::<Result<Vec<_>, _>>()?;
        let replies = members.replies(&probes).into_iter();
        replies.zip(&probes).map(|(reply, probe)| self.pulse(reply, probe)).collect()
    }

    fn pulse(&self, reply: Reply, probe: &Probe) -> Result<MemberHealth, Failure> {
        let Reply::Answered { status, body } = &reply else {
            return Ok(MemberHealth::None(format!("{}: {reply}", probe.name), reply));
        };
        let seen = self.plan.context.with_body(&self.component.name, body.as_ref());
        let recognized = self.plan.templates.holds(&self.membership.recognized_by, &seen);
        Ok(match recognized.map_err(|why| self.broken(&["recognized_by".into()], &why))? {
            true if (200..300).contains(status) => MemberHealth::Well,
            true => MemberHealth::Ill,
            false => {
                let why = format!(
                    "{}: the service at {} is not `{}`: status {status}",
                    probe.name, probe.url, self.component.name
                );
                MemberHealth::None(why, reply)
            }
        })
    }

    /// Refuses where a machine runs that must not.
    fn is_dead(&self, pulses: &[MemberHealth], confirmed: bool) -> Result<(), Failure> {
        let is_up = |pulse: &MemberHealth| match pulse {
            MemberHealth::Well | MemberHealth::Ill => true,
            MemberHealth::None(_, Reply::Slow(_)) => !confirmed,
            MemberHealth::None(..) => false,
        };
        let Some(pulse) = pulses.iter().find(|pulse| is_up(pulse)) else { return Ok(()) };
        let (name, component) = (self.name, &self.component.name);
        let (message, help) = match (self.change, pulse) {
            (Change::Move | Change::Remove, _) => return Ok(()),
            (Change::Replace, MemberHealth::None(why, _)) => (
                format!("`{component}` on `{name}` may be alive:\n  {why}"),
                "shut it down for good first; if you know that it is off, confirm it with `--confirmed`",
            ),
            (Change::Replace, _) => (
                format!("`{component}` on `{name}` responds: that machine is not dead"),
                "shut it down for good first; two machines with one address harm the cluster",
            ),
            (Change::Add, _) => (
                format!("`{component}` on `{name}` is running already"),
                "one that has joined needs nothing more; a machine that was booted before has founded a cluster of its own: \
                 shut it down, and boot an empty one",
            ),
        };
        Err(Failure::Refused { exit: Exit::Failed, message, help: help.to_owned() })
    }

    /// The list of the first that gives one, those before the others that are well. Others go into `silent`.
    fn list(
        &self,
        members: &Members<'_>,
        pulses: &[(FoundMember, &MemberHealth)],
        silent: &mut Vec<String>,
    ) -> Result<Option<Vec<ListedMember>>, Failure> {
        let mut speaking = Vec::new();
        for (found, pulse) in pulses {
            match pulse {
                MemberHealth::Well => speaking.insert(0, *found),
                MemberHealth::Ill => speaking.push(*found),
                MemberHealth::None(why, _) => silent.push(why.clone()),
            }
        }
        for found in speaking {
            let probe = self.probe("ask", &self.membership.ask, found)?;
            match members.ask(&probe) {
                Ok(answer) => return self.entries(&answer).map(Some),
                Err(why) => silent.push(format!("{}: {why}", probe.name)),
            }
        }
        Ok(None)
    }

    /// The members that an answer names.
    fn entries(&self, answer: &serde_json::Value) -> Result<Vec<ListedMember>, Failure> {
        let key = ["members".into()];
        let seen = self.plan.context.with_answer(&self.component.name, answer);
        let text = self.plan.templates.expand(&self.membership.members, &seen);
        let text = text.map_err(|why| self.broken(&key, &why))?;
        serde_json::from_str(&text).map_err(|why| self.broken(&key, &format!("not a list of members: {why}")))
    }

    /// Refuses where a demand of the component is not met.
    fn judge(&self, known: &LiveMembers) -> Result<(), Failure> {
        let seen = self.seen(known);
        let demands = self.membership.checks.iter().enumerate();
        for (index, demand) in demands.filter(|(_, demand)| demand.concerns(self.change)) {
            let broken =
                |key: &str, why: &str| self.broken(&["checks".into(), index.into(), key.into()], why);
            if self.plan.templates.holds(&demand.that, &seen).map_err(|why| broken("that", &why))? {
                continue;
            }
            let expand = |key: &str, text: &str| {
                self.plan.templates.expand(text, &seen).map_err(|why| broken(key, &why))
            };
            return Err(Failure::Refused {
                exit: Exit::Failed,
                message: expand("otherwise", &demand.otherwise)?,
                help: expand("help", demand.help.as_deref().unwrap_or_default())?,
            });
        }
        Ok(())
    }

    /// The commands by which the others are told.
    fn commands(&self, known: &LiveMembers) -> Result<String, Failure> {
        let template = format!("{}/{COMMANDS}", self.component.name);
        let mut report = Report::new();
        let text = self.plan.templates.render(&template, &self.seen(known), false, &mut report);
        text.ok_or(Failure::Invalid(report))
    }

    /// The members that the node finds when it joins, itself among them: those of the list, at this moment. All that the
    /// profile has, where no member could be asked.
    fn joined(&self, known: &LiveMembers) -> Vec<Peer> {
        let own = self.node.iter().map(|seat| FoundMember { node: seat.node, address: seat.addresses[0] });
        let others = self.others.iter().filter_map(|seat| match &known.list {
            Some(list) => seat.listed(list),
            None => seat.found().next(),
        });
        let mut found: Vec<_> = others.chain(own).collect();
        found.sort_by_key(|found| found.node);
        let name = |found: &FoundMember| self.plan.cluster[found.node].name.clone();
        found.iter().map(|found| Peer { name: name(found), address: found.address }).collect()
    }

    fn seen(&self, known: &LiveMembers) -> minijinja::Value {
        ChangeContext { inquiry: self, known }.value()
    }

    fn probe(&self, key: &str, template: &str, found: FoundMember) -> Result<Probe, Failure> {
        let cluster = &self.plan.cluster;
        let seen = self.plan.context.of_node_at(&self.component.name, cluster, found.node, found.address);
        let url =
            self.plan.templates.expand(template, &seen).map_err(|why| self.broken(&[key.into()], &why))?;
        Ok(Probe { name: cluster[found.node].name.clone(), url })
    }

    /// That something of component.yaml's `membership` fails.
    fn broken(&self, path: &[Step], why: &str) -> Failure {
        let path: Vec<_> = std::iter::once("membership".into()).chain(path.iter().cloned()).collect();
        let message = format!("failed to evaluate: {why}");
        Report::from(self.component.document.error(&path, message, "")).into()
    }

    fn unasked(&self, silent: &[String]) -> Failure {
        let why = match silent {
            [] => ": the network is off".to_owned(),
            _ => format!("\n  {}", silent.join("\n  ")),
        };
        let (component, name) = (&self.component.name, self.name);
        let what = match self.change {
            Change::Replace => "can be replaced safely",
            Change::Add => "can be added safely",
            Change::Remove => "can be removed safely",
            Change::Move => "can be moved safely",
        };
        let help = match self.change {
            Change::Replace => {
                "run this where the nodes can be reached; or check yourself that the other members are healthy, and confirm it with \
                 `--confirmed`"
            }
            _ => "run this where the nodes can be reached",
        };
        Failure::Refused {
            exit: Exit::Network,
            message: format!(
                "no other member of `{component}` responded, so it is unknown whether `{name}` {what}{why}"
            ),
            help: help.to_owned(),
        }
    }
}

fn alone(component: &str, name: &str) -> Failure {
    Failure::Usage {
        message: format!("`{name}` is the only member of `{component}`: no other member is left to join"),
        help: format!("`imgbuild {name}` builds it anew, without its data"),
    }
}

fn nobody(name: &str, is_known: bool) -> Failure {
    let help = if is_known {
        format!("`imgbuild {name}` builds it: boot an empty machine from its seed")
    } else {
        "no component of this cluster has a member list".to_owned()
    };
    Failure::Usage { message: format!("no component on `{name}` has a member list"), help }
}
