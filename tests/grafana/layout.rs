//! Dashboards as files and as pictures: their form, what each panel must say, and where it stands.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{dashboards, list, text};

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;

#[test]
fn files_have_the_form_that_shows_a_change_as_one_line() {
    for board in dashboards() {
        let pretty = serde_json::to_string_pretty(&sorted(board.json)).unwrap() + "\n";
        let file = board.file.display();
        assert!(
            board.text == pretty,
            "run `python3 -m json.tool --sort-keys --no-ensure-ascii --indent 2 {file}`"
        );
    }
}

/// The same value with the keys of every object in alphabetical order, as Grafana exports them.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(members.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        scalar => scalar,
    }
}

#[test]
fn identifiers_are_fixed_and_unique() {
    let (mut uids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for board in dashboards() {
        let (uid, title) = (text(&board.json["uid"]), text(&board.json["title"]));
        assert!(uid.starts_with("imgbuild-") && uid.len() <= 40, "{uid}");
        assert!(uids.insert(uid.to_owned()), "{uid} twice");
        assert!(titles.insert(title.to_owned()), "{title} twice");
        let mut ids = BTreeSet::new();
        for panel in list(&board.json["panels"]) {
            let id = panel["id"].as_u64().unwrap();
            assert!(ids.insert(id), "{uid}: panel {id} twice");
        }
    }
}

#[test]
fn what_a_running_grafana_counts_is_left_out() {
    for board in dashboards() {
        for key in ["id", "version", "iteration", "gnetId", "__inputs", "__requires", "__elements"] {
            assert!(board.json.get(key).is_none(), "{}: `{key}`", board.file.display());
        }
        assert_eq!(
            board.json["schemaVersion"],
            41,
            "{}: not the format of Grafana 12.1",
            board.file.display()
        );
    }
}

#[test]
fn panels_stand_in_the_grid_and_on_no_other() {
    for board in dashboards() {
        let mut taken = BTreeSet::new();
        for panel in list(&board.json["panels"]) {
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            let title = text(&panel["title"]);
            assert!(at("w") > 0 && at("h") > 0 && at("x") + at("w") <= COLUMNS, "{title} leaves the grid");
            for y in at("y")..at("y") + at("h") {
                for x in at("x")..at("x") + at("w") {
                    assert!(
                        taken.insert((y, x)),
                        "{}: {title} covers another panel",
                        text(&board.json["uid"])
                    );
                }
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    for board in dashboards() {
        let uid = text(&board.json["uid"]);
        assert!((10..=25).contains(&board.panels().count()), "{uid}: too few panels or too many");
        for panel in board.panels() {
            let title = text(&panel["title"]);
            assert!(!title.is_empty(), "{uid}: a panel has no title");
            assert!(text(&panel["description"]).len() > 10, "{uid}: {title} has no description");
            assert!(
                !text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty(),
                "{uid}: {title} has no unit"
            );
            assert!(!list(&panel["targets"]).is_empty(), "{uid}: {title} asks nothing");
        }
    }
}

#[test]
fn everything_asks_the_one_data_source() {
    let expected = serde_json::json!({"type": "prometheus", "uid": "prometheus"});
    for board in dashboards() {
        let sources = [board.variables(), list(&board.json["annotations"]["list"])].concat();
        for asks in board.panels().chain(&sources) {
            assert_eq!(asks["datasource"], expected, "{}: {asks}", board.file.display());
        }
        assert_eq!(board.text.matches("\"datasource\"").count(), board.panels().count() + sources.len());
    }
}

#[test]
fn dashboards_find_each_other() {
    let boards = dashboards();
    let uids: BTreeSet<_> = boards.iter().map(|board| text(&board.json["uid"])).collect();
    for board in &boards {
        assert!(
            list(&board.json["tags"]).contains(&"imgbuild".into()),
            "the links of the others go by this tag"
        );
        let by_tag = |link: &Value| link["type"] == "dashboards" && link["tags"] == board.json["tags"];
        assert!(list(&board.json["links"]).iter().any(by_tag), "{}: no links", board.file.display());
        for path in board.text.split("\"/d/").skip(1) {
            let uid = path.split(['/', '?', '"']).next().unwrap();
            assert!(uids.contains(uid), "{}: link to {uid}", board.file.display());
        }
    }
}

#[test]
fn every_dashboard_marks_when_alerts_fired() {
    for board in dashboards() {
        let marks = list(&board.json["annotations"]["list"]);
        assert!(marks.iter().any(|mark| text(&mark["expr"]).contains("ALERTS{")), "{}", board.file.display());
        for mark in marks {
            // Releases of Grafana 12 differ in where they look for the query.
            assert_eq!(mark["expr"], mark["target"]["expr"], "{}", text(&mark["name"]));
            assert_eq!(mark["step"], mark["target"]["interval"], "{}", text(&mark["name"]));
        }
    }
}
