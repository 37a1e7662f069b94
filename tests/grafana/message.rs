//! What reaches a phone: the annotations that Grafana makes of a firing alert, and the message that it sends of them.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::dashboards;
use super::provisioning::{RULES, TELEGRAM, of_the_default_cluster};
use crate::support::oracle::{oracle, stdout};

/// Characters that Telegram takes in one message.
const LIMIT: usize = 4096;

/// An alert as Alertmanager and Grafana hand it to a template.
fn alert(status: &str, labels: &Value, annotations: &Value) -> Value {
    json!({
        "status": status, "labels": labels, "annotations": annotations, "fingerprint": "", "generatorURL": "",
        "startsAt": "2025-11-22T19:58:00Z", "endsAt": "2025-11-22T20:03:21.5Z",
    })
}

/// The message of `alerts`, as amtool renders it; nothing if there is no amtool.
fn message(alerts: &[Value]) -> Option<String> {
    let mut amtool = oracle("amtool")?;
    let folder = TempDir::new().unwrap();
    let telegram = of_the_default_cluster(TELEGRAM);
    let (template, data) = (folder.path().join("telegram.tmpl"), folder.path().join("data.json"));
    fs_err::write(&template, telegram["templates"][0]["template"].as_str().unwrap()).unwrap();
    let common = json!({"cluster": "patroni", "observer": "prmt-1"});
    let all = json!({
        "receiver": "Telegram", "status": "firing", "alerts": alerts, "groupLabels": {}, "commonLabels": common,
        "commonAnnotations": {}, "externalURL": "http://192.168.2.99:3000/",
    });
    fs_err::write(&data, all.to_string()).unwrap();
    let settings = &telegram["contactPoints"][0]["receivers"][0]["settings"];
    amtool.args(["template", "render", "--template.text", settings["message"].as_str().unwrap()]);
    amtool.arg("--template.glob").arg(template).arg("--template.data").arg(data);
    Some(stdout(&mut amtool))
}

#[test]
fn a_message_reads_well_on_a_phone() {
    let down = json!({"alert": "EtcdMemberDown", "node": "ptrn-1", "severity": "critical"});
    let disk = json!({"alertname": "Other", "severity": "warning"});
    let texts = json!({"summary": "etcd on ptrn-1 is down", "description": "Two are left: `<a>` & \"b\"."});
    let alerts = [
        alert("firing", &down, &texts),
        alert("firing", &disk, &json!({})),
        alert("resolved", &down, &texts),
    ];
    let Some(message) = message(&alerts) else { return };
    let expected = "🔥 2 firing, ✅ 1 resolved in patroni

🔴 <b>EtcdMemberDown</b> · ptrn-1
etcd on ptrn-1 is down
<i>Two are left: `&lt;a&gt;` &amp; &#34;b&#34;.</i>
since 22 Nov 19:58 UTC

🟠 <b>Other</b>

since 22 Nov 19:58 UTC

✅ <b>EtcdMemberDown</b> · ptrn-1, after 5m21s

<a href=\"http://192.168.2.99:3000/d/imgbuild-fleet\">fleet</a> · \
<a href=\"http://192.168.2.99:3000/alerting/list\">alerts</a> · \
<a href=\"http://192.168.2.99:3000/alerting/silences\">silences</a> · seen by prmt-1";
    assert_eq!(message, expected);
    assert!(dashboards().iter().any(|board| board.json["uid"] == "imgbuild-fleet"), "the link leads nowhere");
}

#[test]
fn a_message_is_whole_however_many_alerts_and_however_long_their_texts() {
    let labels = json!({"alert": "A".repeat(99), "node": "n".repeat(99), "severity": "critical"});
    let texts = json!({"summary": "s".repeat(999), "description": "d".repeat(999)});
    for (firing, resolved) in [(1, 0), (3, 8), (4, 8), (8, 9), (9, 99), (99, 0), (0, 99)] {
        let mut alerts = vec![alert("firing", &labels, &texts); firing];
        alerts.extend(vec![alert("resolved", &labels, &texts); resolved]);
        let Some(message) = message(&alerts) else { return };
        assert!(message.chars().count() <= LIMIT, "{firing} firing, {resolved} resolved: {}", message.len());
        assert!(message.ends_with("seen by prmt-1"), "{message}");
        assert_eq!(message.contains("… and more"), firing > 8 || resolved > 8, "{firing} {resolved}");
    }
}

#[test]
fn an_alert_of_prometheus_arrives_with_its_labels_and_texts() {
    let Some(mut promtool) = oracle("promtool") else { return };
    let told =
        json!({"severity": "critical", "summary": "ptrn-1 is <down>", "description": "Look \"there\"."});
    let cases = json!({
        "rule_files": ["rules.yml"], "group_eval_order": ["component", "grafana"],
        "tests": [{
            "interval": "1m", "input_series": [{"series": "up{job=\"etcd\", node=\"ptrn-1\"}", "values": "0"}],
            "alert_rule_test": [{"eval_time": "0m", "alertname": "Carrier", "exp_alerts": [
                arrived("NodeDown", &told, "ptrn-1 is <down>", "Look \"there\"."),
                arrived("Foreign", &json!({"severity": "info"}), "Foreign on ptrn-1", ""),
            ]}],
        }],
    });
    let folder = TempDir::new().unwrap();
    fs_err::write(folder.path().join("rules.yml"), carried_rules().to_string()).unwrap();
    fs_err::write(folder.path().join("cases.yml"), cases.to_string()).unwrap();
    stdout(promtool.args(["test", "rules", "cases.yml"]).current_dir(folder.path()));
}

/// Alerts of a component, and Grafana's rule that carries them as a rule of Prometheus: Grafana expands annotations by
/// Prometheus' own code.
fn carried_rules() -> Value {
    let file = of_the_default_cluster(RULES);
    let rule = &file["groups"][0]["rules"][0];
    let carrier = json!({
        "alert": "Carrier", "expr": rule["data"][0]["model"]["expr"], "annotations": rule["annotations"],
    });
    let texts = json!({
        "severity": "critical", "summary": "{{ $labels.node }} is <down>", "description": "Look \"there\".",
    });
    json!({"groups": [
        {"name": "component", "rules": [
            {"alert": "NodeDown", "expr": "up == 0", "labels": texts},
            {"alert": "Foreign", "expr": "up == 0", "labels": {"severity": "info"}},
            {"alert": "Pending", "expr": "up == 0", "for": "1h"},
            {"alert": "Watchdog", "expr": "vector(1)"},
        ]},
        {"name": "grafana", "rules": [carrier]},
    ]})
}

/// What promtool is to find of the alert `name` with `labels` of its own.
fn arrived(name: &str, labels: &Value, summary: &str, description: &str) -> Value {
    let mut all = json!({"alert": name, "job": "etcd", "node": "ptrn-1"});
    all.as_object_mut().unwrap().extend(labels.as_object().unwrap().clone());
    json!({"exp_labels": all, "exp_annotations": {"summary": summary, "description": description}})
}
