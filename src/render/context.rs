//! What templates see: the cluster once, and for each component and node the rest.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use crate::plan::{Cluster, Member};

/// The values that are the same for all nodes, made once and shared.
pub struct Context {
    cluster: Value,
    network: Value,
    system: Value,
    nodes: Value,
    components: BTreeMap<String, Value>,
    all_components: Value,
}

#[derive(Serialize)]
struct NodeView<'a> {
    name: &'a str,
    address: String,
    /// The address as a URL has it: IPv6 in brackets.
    url_host: String,
    prefix: u8,
    arch: String,
    roles: &'a [String],
    components: &'a [String],
    replacement: bool,
}

impl<'a> NodeView<'a> {
    fn new(member: &'a Member, cluster: &Cluster) -> Self {
        let address = member.address.to_string();
        let url_host = if member.address.is_ipv6() { format!("[{address}]") } else { address.clone() };
        Self {
            name: &member.name,
            address,
            url_host,
            prefix: cluster.network.subnet.prefix_len(),
            arch: member.arch.to_string(),
            roles: &member.roles,
            components: &member.components,
            replacement: member.replacement,
        }
    }
}

impl Context {
    /// The view of a cluster.
    pub fn new(cluster: &Cluster) -> Self {
        let views: Vec<Value> =
            cluster.members.iter().map(|member| value(NodeView::new(member, cluster))).collect();
        let mut components = BTreeMap::new();
        for (name, service) in &cluster.services {
            let members: Vec<Value> = cluster
                .members
                .iter()
                .zip(&views)
                .filter(|(member, _)| member.components.contains(name))
                .map(|(_, view)| view.clone())
                .collect();
            let view = context! {
                name,
                members,
                settings => value(&service.settings),
                metrics => value(&service.metrics),
                release => value(&service.release),
            };
            components.insert(name.clone(), view);
        }
        Self {
            cluster: context! { name => cluster.name.as_str() },
            network: value(cluster.network_view()),
            system: context! { timezone => cluster.system.timezone.clone() },
            nodes: Value::from(views),
            all_components: Value::from(components.clone()),
            components,
        }
    }

    /// What the templates of `component` see that do not depend on a node.
    pub fn of_component(&self, component: &str) -> Value {
        let own = self.components.get(component).cloned().unwrap_or_default();
        let part = |key: &str| own.get_attr(key).unwrap_or_default();
        context! {
            cluster => self.cluster.clone(),
            network => self.network.clone(),
            system => self.system.clone(),
            nodes => self.nodes.clone(),
            components => self.all_components.clone(),
            members => part("members"),
            settings => part("settings"),
            release => part("release"),
        }
    }

    /// What the templates of `component` see on the node with this index.
    pub fn of_node(&self, component: &str, index: usize) -> Value {
        let node = self.nodes.get_item_by_index(index).unwrap_or_default();
        context! { node, ..self.of_component(component) }
    }

    /// The same, with what is known of the running members: the indexes of those that are well, and what one of them
    /// answers, if any could be asked.
    pub fn with_answer(
        &self,
        component: &str,
        index: usize,
        alive: &[usize],
        answer: Option<&serde_json::Value>,
    ) -> Value {
        let view = |index: &usize| self.nodes.get_item_by_index(*index).unwrap_or_default();
        let alive: Vec<_> = alive.iter().map(view).collect();
        let seen = context! { alive, ..self.of_node(component, index) };
        match answer {
            Some(answer) => context! { answer => value(answer), ..seen },
            None => seen,
        }
    }

    /// The same, with secrets.
    pub fn with_secrets(&self, component: &str, index: usize, secrets: &BTreeMap<String, String>) -> Value {
        context! { secrets => value(secrets), ..self.of_node(component, index) }
    }
}

/// Anything that serialises, as templates see it.
fn value(data: impl Serialize) -> Value {
    Value::from(Serde(data))
}
