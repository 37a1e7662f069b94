//! What dashboards ask Prometheus: every query parses, and names only what the programs are known to expose.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use regex_lite::Regex;
use serde_json::json;

use super::{Dashboard, dashboards, list, text};
use crate::support::oracle::{oracle, stdout};

/// Labels that Prometheus gives every series it scrapes here.
const TARGET_LABELS: [&str; 3] = ["job", "instance", "node"];
/// Labels by which the rules of the components hand an alert's texts on.
const ALERT_TEXTS: [&str; 2] = ["summary", "description"];
/// What Grafana fills in by itself; `1` is a group of a regular expression.
const BUILT_IN: [&str; 4] = ["__rate_interval", "__interval", "__range", "1"];
const KEYWORDS: [&str; 5] = ["and", "or", "unless", "offset", "bool"];

/// The labels of each metric of one program.
type Metrics = BTreeMap<String, BTreeSet<String>>;

/// Reads the lists that `scripts/metric-names` made of the running programs, by job.
fn known() -> BTreeMap<String, Metrics> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/metrics");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let lists = files.map(|file| {
        let job = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        (job, text.lines().filter(|line| !line.starts_with('#')).map(metric).collect())
    });
    lists.collect()
}

/// `name{label,label}` of a list.
fn metric(line: &str) -> (String, BTreeSet<String>) {
    let (name, labels) = line.split_once('{').unwrap_or((line, ""));
    let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
    let texts = ALERT_TEXTS.iter().filter(|_| name == "ALERTS").copied();
    let labels = labels.chain(TARGET_LABELS).chain(texts).map(str::to_owned).collect();
    (name.to_owned(), labels)
}

/// A metric in a query, with the labels that it is selected by.
struct Selected {
    metric: String,
    job: Option<String>,
    labels: Vec<String>,
}

/// What a query names.
struct Named {
    selected: Vec<Selected>,
    /// Labels that it groups or matches by.
    grouped: BTreeSet<String>,
    /// Labels that it makes, and those it makes them of.
    made: BTreeSet<String>,
}

impl Named {
    /// Takes `query` apart, from what is plain to see to what is left: selectors, strings, lists of labels, words.
    fn by(query: &str) -> Self {
        let (mut selected, rest) = selectors(query);
        let literal = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
        let made = literal.captures_iter(&rest).map(|found| found[1].to_owned()).collect();
        let rest = literal.replace_all(&rest, "");
        let list = Regex::new(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)").unwrap();
        let lists: Vec<_> = list.captures_iter(&rest).map(|found| found[1].to_owned()).collect();
        let labels = lists.iter().flat_map(|list| list.split(',')).map(|label| label.trim().to_owned());
        let rest = list.replace_all(&rest, "");
        let rest = Regex::new(r"\[[^\]]*\]|\$\w+").unwrap().replace_all(&rest, "");
        let word = Regex::new(r"\b([a-zA-Z_:][\w:]*)(\s*\()?").unwrap();
        let bare = word.captures_iter(&rest).filter(|found| found.get(2).is_none());
        let bare = bare.map(|found| found[1].to_owned()).filter(|word| !KEYWORDS.contains(&word.as_str()));
        selected.extend(bare.map(|metric| Selected { metric, job: None, labels: Vec::new() }));
        Self { selected, grouped: labels.collect(), made }
    }
}

/// The metrics with labels in braces, and what is left of the query without them.
fn selectors(query: &str) -> (Vec<Selected>, String) {
    let selector = Regex::new(r#"([a-zA-Z_:][\w:]*)\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\}"#).unwrap();
    let matcher = Regex::new(r#"(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)""#).unwrap();
    let selected = selector.captures_iter(query).map(|found| {
        let matchers: Vec<_> = matcher.captures_iter(&found[2]).collect();
        let job = matchers.iter().find(|one| &one[1] == "job" && &one[2] == "=");
        Selected {
            metric: found[1].to_owned(),
            job: job.map(|job| job[3].to_owned()),
            labels: matchers.iter().map(|one| one[1].to_owned()).collect(),
        }
    });
    (selected.collect(), selector.replace_all(query, "").into_owned())
}

#[test]
fn what_a_query_names_is_found() {
    let named = Named::by(
        r#"sum by (le) (rate(a_bucket{job="etcd", x=~"}"}[$__rate_interval])) * on (To) group_left (peer)
           label_join(b offset 5m, "To", "", "id") unless up == 0"#,
    );
    let selected: Vec<_> =
        named.selected.iter().map(|one| (one.metric.as_str(), one.job.as_deref())).collect();
    assert_eq!(selected, [("a_bucket", Some("etcd")), ("b", None), ("up", None)]);
    assert_eq!(named.selected[0].labels, ["job", "x"]);
    assert_eq!(named.grouped, ["To", "le", "peer"].map(str::to_owned).into());
    assert_eq!(named.made, ["", "To", "id"].map(str::to_owned).into());
}

#[test]
fn queries_name_only_what_the_programs_expose() {
    let known = known();
    for board in dashboards() {
        for (title, query) in board.queries() {
            judge(&known, query).unwrap_or_else(|what| panic!("{}: {title}: {what}", board.file.display()));
        }
    }
}

/// Says which metric or label of `query` no program exposes.
fn judge(known: &BTreeMap<String, Metrics>, query: &str) -> Result<BTreeSet<String>, String> {
    let named = Named::by(query);
    let mut labels: BTreeSet<_> = named.made.clone();
    for one in &named.selected {
        let of_job = |(job, _): &(&String, &Metrics)| one.job.as_ref().is_none_or(|wanted| *job == wanted);
        let found = known.iter().filter(of_job).find_map(|(_, metrics)| metrics.get(&one.metric));
        let found = found.ok_or_else(|| format!("nothing exposes `{}`", one.metric))?;
        if let Some(label) = one.labels.iter().find(|label| !found.contains(*label)) {
            return Err(format!("`{}` has no label `{label}`", one.metric));
        }
        labels.extend(found.iter().cloned());
    }
    match named.grouped.iter().find(|label| !labels.contains(*label)) {
        Some(label) => Err(format!("no series of it has a label `{label}` to group by")),
        None => Ok(labels),
    }
}

#[test]
fn what_no_program_exposes_is_refused() {
    let known = known();
    for (query, expected) in [
        ("etcd_server_has_boss{job=\"etcd\"}", "nothing exposes `etcd_server_has_boss`"),
        ("etcd_server_has_leader{job=\"prometheus\"}", "nothing exposes `etcd_server_has_leader`"),
        ("up{zone=\"a\"}", "`up` has no label `zone`"),
        ("sum by (zone) (up)", "no series of it has a label `zone` to group by"),
    ] {
        assert_eq!(judge(&known, query).unwrap_err(), expected, "{query}");
    }
}

#[test]
fn legends_and_tables_name_labels_that_are_there() {
    let (known, braces) = (known(), Regex::new(r"\{\{\s*(\w+)\s*\}\}").unwrap());
    for board in dashboards() {
        let targets = board.panels().flat_map(|panel| list(&panel["targets"]));
        let legends = targets.map(|target| (text(&target["expr"]), text(&target["legendFormat"])));
        let marks = list(&board.json["annotations"]["list"]).iter().flat_map(|mark| {
            let formats = [text(&mark["titleFormat"]), text(&mark["textFormat"])];
            formats.map(|format| (text(&mark["expr"]), format))
        });
        for (query, format) in legends.chain(marks) {
            let labels = judge(&known, query).unwrap();
            for label in braces.captures_iter(format).map(|found| found[1].to_owned()) {
                assert!(labels.contains(&label), "{}: {{{{{label}}}}} of {query}", board.file.display());
            }
        }
    }
}

#[test]
fn variables_are_defined_where_they_are_used() {
    let (known, dollar) = (known(), Regex::new(r"\$\{?(\w+)").unwrap());
    let values = Regex::new(r"^label_values\((.*), (\w+)\)$").unwrap();
    for board in dashboards() {
        let names: BTreeSet<_> = board.variables().iter().map(|variable| text(&variable["name"])).collect();
        for (title, query) in board.queries() {
            for used in dollar.captures_iter(query).map(|found| found[1].to_owned()) {
                let is_known = names.contains(used.as_str()) || BUILT_IN.contains(&used.as_str());
                assert!(is_known, "{}: {title}: ${used}", board.file.display());
            }
        }
        for variable in board.variables() {
            assert_eq!(variable["definition"], variable["query"]["query"]);
            let found = values.captures(text(&variable["definition"])).expect("label_values(SERIES, LABEL)");
            assert!(judge(&known, &found[1]).unwrap().contains(&found[2]));
        }
    }
}

#[test]
fn promtool_reads_every_query() {
    let Some(mut promtool) = oracle("promtool") else { return };
    let queries: Vec<_> = dashboards().iter().flat_map(filled).collect();
    let rules: Vec<_> =
        queries.iter().map(|query| json!({"record": "dashboard:query", "expr": query})).collect();
    let mut file = tempfile::NamedTempFile::with_suffix(".yml").unwrap();
    let groups = json!({"groups": [{"name": "dashboards", "rules": rules}]});
    file.write_all(groups.to_string().as_bytes()).unwrap();
    let said = stdout(promtool.args(["check", "rules", "--lint=none"]).arg(file.path()));
    assert!(said.contains(&format!("{} rules found", queries.len())), "{said}");
}

/// The queries of a dashboard with its variables filled in, as Grafana would send them.
fn filled(board: &Dashboard) -> Vec<String> {
    let mut values = vec![("$__rate_interval", "1m"), ("$__interval", "15s"), ("$__range", "6h")];
    let names: Vec<_> = board.variables().iter().map(|one| format!("${}", text(&one["name"]))).collect();
    values.extend(names.iter().map(|name| (name.as_str(), "ptrn-1")));
    let fill =
        |query: &str| values.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value));
    board.queries().into_iter().map(|(_, query)| fill(query)).collect()
}
