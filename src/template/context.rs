//! The template context: the cluster once, and the rest for each component and node.

use std::collections::BTreeMap;
use std::net::IpAddr;

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use crate::cluster::{Cluster, Member, NodeIndex, Peer, url_host};

/// The values that are the same for all nodes, made once and shared.
pub struct Context {
    cluster: Value,
    network: Value,
    system: Value,
    nodes: Vec<Value>,
    /// Those that join members of a component, as its templates see them.
    joining: BTreeMap<String, BTreeMap<NodeIndex, Value>>,
    all_nodes: Value,
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
    /// What it boots, where the pins say what that is.
    base: &'a str,
    roles: &'a [String],
    components: &'a [String],
    joins: Vec<PeerView<'a>>,
}

#[derive(Serialize)]
struct PeerView<'a> {
    name: &'a str,
    address: String,
    url_host: String,
}

impl<'a> PeerView<'a> {
    fn new(peer: &'a Peer) -> Self {
        Self { name: &peer.name, address: peer.address.to_string(), url_host: url_host(peer.address) }
    }
}

impl<'a> NodeView<'a> {
    fn new(member: &'a Member, address: IpAddr, cluster: &'a Cluster) -> Self {
        Self {
            name: &member.name,
            address: address.to_string(),
            url_host: url_host(address),
            prefix: cluster.network.subnet.prefix_len(),
            arch: member.arch.to_string(),
            base: cluster.system.base.as_deref().unwrap_or_default(),
            roles: &member.roles,
            components: &member.components,
            joins: Vec::new(),
        }
    }
}

impl Context {
    /// The view of a cluster.
    pub fn new(cluster: &Cluster) -> Self {
        let view = |member: &Member| value(NodeView::new(member, member.address, cluster));
        let views: Vec<Value> = cluster.members.iter().map(view).collect();
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
            all_nodes: Value::from(views.clone()),
            joining: joining(cluster),
            nodes: views,
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
            nodes => self.all_nodes.clone(),
            components => self.all_components.clone(),
            members => part("members"),
            settings => part("settings"),
            release => part("release"),
        }
    }

    /// What the templates of `component` see on this node.
    pub fn of_node(&self, component: &str, index: NodeIndex) -> Value {
        let joining = self.joining.get(component).and_then(|nodes| nodes.get(&index));
        let node = joining.unwrap_or_else(|| index.of(&self.nodes)).clone();
        context! { node, ..self.of_component(component) }
    }

    /// The same for a node that is at another address than the profile has it.
    pub fn of_node_at(&self, component: &str, cluster: &Cluster, index: NodeIndex, address: IpAddr) -> Value {
        context! { node => Self::node_at(cluster, index, address), ..self.of_component(component) }
    }

    /// A node, at an address that may not be the profile's.
    pub fn node_at(cluster: &Cluster, index: NodeIndex, address: IpAddr) -> Value {
        value(NodeView::new(&cluster[index], address, cluster))
    }

    /// What `recognized_by` of `component` sees of an answer's body.
    pub fn with_body(&self, component: &str, body: Option<&serde_json::Value>) -> Value {
        context! { body => value(body), ..self.of_component(component) }
    }

    /// What `members` of `component` sees of an answer.
    pub fn with_answer(&self, component: &str, answer: &serde_json::Value) -> Value {
        context! { answer => value(answer), ..self.of_component(component) }
    }

    /// The same, with secrets.
    pub fn with_secrets(
        &self,
        component: &str,
        index: NodeIndex,
        secrets: &BTreeMap<String, String>,
    ) -> Value {
        context! { secrets => value(secrets), ..self.of_node(component, index) }
    }
}

/// The nodes that join members of a component, by component.
fn joining(cluster: &Cluster) -> BTreeMap<String, BTreeMap<NodeIndex, Value>> {
    let mut joining: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    for (index, member) in cluster.indexed() {
        for (component, members) in &member.joins {
            let joins = members.iter().map(PeerView::new).collect();
            let view = NodeView { joins, ..NodeView::new(member, member.address, cluster) };
            joining.entry(component.clone()).or_default().insert(index, value(view));
        }
    }
    joining
}

/// Anything that serialises, as templates see it.
pub fn value(data: impl Serialize) -> Value {
    Value::from(Serde(data))
}
