//! Checks health addresses: a URL on the node that the first boot asks.

use crate::cluster::{Cluster, Member};
use crate::component::Component;

/// Whether the first boot can ask at this address; `Err` says why not.
pub(in crate::plan) fn health(
    url: &str,
    component: &Component,
    cluster: &Cluster,
    member: &Member,
) -> Result<(), String> {
    // The list of what is started has lines, and tabs between its fields.
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("it contains a space or a control character".to_owned());
    }
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or("expected `http://` at its beginning")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.is_empty() || authority.starts_with(':') {
        return Err("its host is missing".to_owned());
    }
    let own = cluster.services.get(&component.name).map_or(0, |service| service.ports.len());
    if own < component.spec.ports.len() {
        // An invalid port was reported where it is written.
        return Ok(());
    }
    let Some((host, port)) = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) else {
        return Ok(());
    };
    let port: u16 = port.parse().map_err(|_| format!("`{port}` is not a TCP port"))?;
    let address = member.address.to_string();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_own = ["127.0.0.1", "localhost", "::1", member.name.as_str(), address.as_str()].contains(&host);
    let services = member.components.iter().filter_map(|name| cluster.services.get(name));
    let is_known = services.flat_map(|service| &service.ports).any(|known| *known == port);
    if is_own && !is_known && !component.spec.ports.is_empty() {
        return Err(format!("no component of the node lists {port} in its `ports`"));
    }
    Ok(())
}
