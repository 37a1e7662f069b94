//! Provisioning files: the fields that Grafana 12.1 documents, names that fit together, and where a dollar may stand.

use std::collections::BTreeSet;
use std::path::Path;

use imgbuild::component::Components;
use imgbuild::diagnostic::Report;
use imgbuild::template::Templates;
use minijinja::context;
use minijinja::value::Value as Context;
use serde_yaml::Value;

use super::{below, overlays};

const DATASOURCES: &str = "files/etc/grafana/provisioning/datasources/prometheus.yaml.j2";
const DASHBOARDS: &str = "files/etc/grafana/provisioning/dashboards/imgbuild.yaml";
pub(super) const RULES: &str = "files/etc/grafana/provisioning/alerting/rules.yaml.j2";
pub(super) const TELEGRAM: &str = "private/etc/grafana/provisioning/alerting/telegram.yaml.j2";
const FILES: [&str; 4] = [DATASOURCES, DASHBOARDS, RULES, TELEGRAM];

/// The fields of each mapping of a provisioning file, by the way to it; `*` where the names are free.
/// From Grafana's provisioning reference and its readers in pkg/services/provisioning.
const FIELDS: [(&str, &str); 21] = [
    ("", "apiVersion datasources providers groups contactPoints policies templates"),
    ("datasources", "orgId name uid type access url isDefault editable jsonData"),
    ("datasources.jsonData", "httpMethod timeInterval manageAlerts"),
    ("providers", "orgId name folder type disableDeletion allowUiUpdates updateIntervalSeconds options"),
    ("providers.options", "path"),
    ("groups", "orgId name folder interval rules"),
    ("groups.rules", "uid title condition data for noDataState execErrState labels annotations"),
    ("groups.rules.data", "refId relativeTimeRange datasourceUid model"),
    ("groups.rules.data.relativeTimeRange", "from to"),
    (
        "groups.rules.data.model",
        "refId datasource expr instant range intervalMs maxDataPoints type expression conditions",
    ),
    ("groups.rules.data.model.datasource", "type uid"),
    ("groups.rules.data.model.conditions", "evaluator"),
    ("groups.rules.data.model.conditions.evaluator", "type params"),
    ("groups.rules.labels", "*"),
    ("groups.rules.annotations", "*"),
    ("contactPoints", "orgId name receivers"),
    ("contactPoints.receivers", "uid type settings"),
    (
        "contactPoints.receivers.settings",
        "bottoken chatid message parse_mode disable_web_page_preview disable_notifications",
    ),
    ("policies", "orgId receiver group_by group_wait group_interval repeat_interval routes"),
    ("policies.routes", "receiver object_matchers group_wait group_interval repeat_interval"),
    ("templates", "orgId name template"),
];

/// A cluster whose observers are `observers`, seen from the node `node`.
fn cluster(observers: &[(&str, &str)], node: &str) -> Context {
    let members: Vec<_> = observers.iter().map(|&(name, url_host)| context! { name, url_host }).collect();
    let prometheus = context! { members, settings => context! { port => 9090, scrape_interval => "15s" } };
    context! {
        cluster => context! { name => "patroni" },
        node => context! { name => node },
        components => context! { prometheus },
        secrets => context! { telegram_chat_id => "-1001234567890" },
    }
}

fn default_cluster() -> Context {
    cluster(&[("prmt-1", "192.168.2.99")], "prmt-1")
}

/// The file of the component grafana as the node gets it.
pub(super) fn rendered(file: &str, context: &Context) -> Value {
    let text = std::fs::read_to_string(overlays().join("grafana").join(file)).unwrap();
    let templates = Templates::new(&Components::new(), &mut Report::new());
    let yaml = if file.ends_with(".j2") { templates.expand(&text, context).unwrap() } else { text };
    serde_yaml::from_str(&yaml).unwrap_or_else(|error| panic!("{file}: {error}\n{yaml}"))
}

pub(super) fn of_the_default_cluster(file: &str) -> Value {
    rendered(file, &default_cluster())
}

fn items(value: &Value) -> &[Value] {
    value.as_sequence().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value:?}"))
}

/// The rules of the rules file.
fn rules(file: &Value) -> Vec<&Value> {
    items(&file["groups"]).iter().flat_map(|group| items(&group["rules"])).collect()
}

#[test]
fn files_have_only_the_fields_that_grafana_documents() {
    for file in FILES {
        let value = of_the_default_cluster(file);
        assert_eq!(value["apiVersion"], Value::from(1), "{file}");
        fields(&value, "", file);
    }
}

fn fields(value: &Value, at: &str, file: &str) {
    for item in items(value) {
        fields(item, at, file);
    }
    let Some(members) = value.as_mapping() else { return };
    let known =
        FIELDS.iter().find(|(path, _)| *path == at).unwrap_or_else(|| panic!("{file}: {at} is no mapping"));
    for (key, member) in members {
        let key = text(key);
        assert!(known.1 == "*" || known.1.split(' ').any(|field| field == key), "{file}: {at}: `{key}`");
        fields(member, format!("{at}.{key}").trim_start_matches('.'), file);
    }
}

#[test]
fn the_data_source_is_the_own_prometheus_or_that_of_the_first_observer() {
    let both = [("prmt-1", "192.168.2.99"), ("prmt-2", "192.168.2.100")];
    for (observers, node, url) in [
        (&both[..1], "prmt-1", "http://127.0.0.1:9090"),
        (&both[..], "prmt-2", "http://127.0.0.1:9090"),
        (&both[..], "eyes", "http://192.168.2.99:9090"),
        (&[("o", "[fd00::1]")], "eyes", "http://[fd00::1]:9090"),
    ] {
        let file = rendered(DATASOURCES, &cluster(observers, node));
        let [source] = items(&file["datasources"]) else { panic!("not one data source: {file:?}") };
        assert_eq!((text(&source["url"]), text(&source["uid"])), (url, "prometheus"), "{node}");
    }
}

#[test]
fn the_silence_alert_names_the_prometheus_that_is_asked() {
    let both = [("prmt-1", "192.168.2.99"), ("prmt-2", "192.168.2.100")];
    for (node, watched) in [("prmt-1", "prmt-1"), ("prmt-2", "prmt-2"), ("eyes", "prmt-1")] {
        let file = rendered(RULES, &cluster(&both, node));
        let labels = &rules(&file)[1]["labels"];
        assert_eq!((text(&labels["node"]), text(&labels["observer"])), (watched, node));
    }
}

#[test]
fn dashboards_are_looked_for_where_they_are_put() {
    let file = of_the_default_cluster(DASHBOARDS);
    assert_eq!(text(&file["providers"][0]["options"]["path"]), "/etc/grafana/dashboards");
}

#[test]
fn rules_refer_to_what_is_there() {
    let file = of_the_default_cluster(RULES);
    let mut uids = BTreeSet::new();
    for rule in rules(&file) {
        let uid = text(&rule["uid"]);
        assert!(uids.insert(uid) && uid.len() <= 40, "{uid}");
        let refs: BTreeSet<_> = items(&rule["data"]).iter().map(|query| text(&query["refId"])).collect();
        assert!(refs.contains(text(&rule["condition"])), "{uid}: its condition");
        for query in items(&rule["data"]) {
            let (source, model) = (text(&query["datasourceUid"]), &query["model"]);
            assert_eq!(
                (text(&model["refId"]), text(&model["datasource"]["uid"])),
                (text(&query["refId"]), source)
            );
            let expression = source == "__expr__" && refs.contains(text(&model["expression"]));
            assert!(expression || source == "prometheus" && model["instant"] == true, "{uid}: {query:?}");
        }
    }
}

#[test]
fn silence_alarms_and_a_quiet_prometheus_does_not() {
    let file = of_the_default_cluster(RULES);
    let states: Vec<_> = rules(&file)
        .into_iter()
        .map(|rule| [&rule["title"], &rule["noDataState"], &rule["execErrState"]].map(text))
        .collect();
    assert_eq!(
        states,
        [["Firing in Prometheus", "OK", "KeepLast"], ["Prometheus is silent", "Alerting", "Alerting"]]
    );
}

#[test]
fn a_dollar_stands_only_where_grafana_leaves_it_alone() {
    let rules_file = of_the_default_cluster(RULES);
    for rule in rules(&rules_file) {
        for (_, label) in rule["labels"].as_mapping().unwrap() {
            assert!(!text(label).replace("$$", "").contains('$'), "a label is expanded: {label:?}");
        }
        for (_, annotation) in rule["annotations"].as_mapping().unwrap() {
            assert!(!text(annotation).contains("${") && !text(annotation).contains("$__"), "{annotation:?}");
        }
        for query in items(&rule["data"]) {
            assert!(!serde_yaml::to_string(&query["model"]).unwrap().contains('$'), "{query:?}");
        }
    }
    let telegram = of_the_default_cluster(TELEGRAM);
    for template in items(&telegram["templates"]) {
        assert!(!text(&template["template"]).contains('$'));
    }
    for receiver in items(&telegram["contactPoints"]).iter().flat_map(|point| items(&point["receivers"])) {
        for (key, setting) in receiver["settings"].as_mapping().unwrap() {
            let dollar = setting.as_str().is_some_and(|text| text.contains('$'));
            assert_eq!(dollar, text(key) == "bottoken", "{key:?}");
        }
    }
}

#[test]
fn a_cluster_with_a_dollar_in_its_name_keeps_it() {
    let named = context! { cluster => context! { name => "a$b" }, ..default_cluster() };
    assert_eq!(text(&rules(&rendered(RULES, &named))[0]["labels"]["cluster"]), "a$$b");
}

#[test]
fn the_chat_is_a_string_however_it_looks() {
    for chat in ["-1001234567890", "42", "1e3", "@alerts", "0x1f"] {
        let secrets = context! { telegram_chat_id => chat };
        let file = rendered(TELEGRAM, &context! { secrets, ..default_cluster() });
        for point in items(&file["contactPoints"]) {
            assert_eq!(point["receivers"][0]["settings"]["chatid"], Value::from(chat));
        }
    }
}

#[test]
fn routes_lead_to_contact_points_that_exist() {
    let file = of_the_default_cluster(TELEGRAM);
    let points: BTreeSet<_> =
        items(&file["contactPoints"]).iter().map(|point| text(&point["name"])).collect();
    let [root] = items(&file["policies"]) else { panic!("an organisation has one tree of policies") };
    for route in items(&root["routes"]).iter().chain([root]) {
        assert!(points.contains(text(&route["receiver"])), "{route:?}");
    }
    let receivers = items(&file["contactPoints"]).iter().flat_map(|point| items(&point["receivers"]));
    let uids: BTreeSet<_> = receivers.map(|receiver| text(&receiver["uid"])).collect();
    assert_eq!(uids.len(), points.len());
}

#[test]
fn without_the_secrets_nothing_speaks_of_a_contact_point() {
    let public = of_the_default_cluster(RULES);
    let keys: Vec<_> = public.as_mapping().unwrap().keys().map(text).collect();
    assert_eq!(keys, ["apiVersion", "groups"]);
    for rule in rules(&public) {
        assert!(rule.get("notification_settings").is_none());
    }
}

#[test]
fn the_alerting_folder_holds_only_what_grafana_reads_there() {
    let files = below(&overlays().join("grafana"));
    for file in files.iter().filter(|file| file.parent().is_some_and(|folder| folder.ends_with("alerting"))) {
        let name = file.file_name().unwrap().to_str().unwrap().trim_end_matches(".j2");
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        assert!(matches!(extension, Some("yaml" | "yml" | "json")), "{name}");
    }
}
