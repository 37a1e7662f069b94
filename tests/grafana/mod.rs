//! What Grafana is given: dashboards, data source, alert rules, contact points, and how a message looks.
//!
//! Grafana itself is packaged nowhere that tests can reach. So its files are held against the formats it documents,
//! its queries are read by promtool, and its two kinds of Go template are run by the programs that they were made for:
//! annotations by promtool, messages by amtool. `scripts/dashboard-types` holds the dashboards against Grafana's own types.
#![expect(clippy::disallowed_methods, reason = "edge: reads the components' files and lists of metrics")]

mod expressions;
mod layout;
mod message;
mod password;
mod provisioning;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A dashboard of a component, as its file has it.
struct Dashboard {
    file: PathBuf,
    text: String,
    json: Value,
}

impl Dashboard {
    /// The panels that show something: a row is a heading.
    fn panels(&self) -> impl Iterator<Item = &Value> {
        list(&self.json["panels"]).iter().filter(|panel| panel["type"] != "row")
    }

    /// Every query with the title of what asks it: panels, annotations and variables.
    fn queries(&self) -> Vec<(&str, &str)> {
        let panels = self.panels().flat_map(|panel| {
            list(&panel["targets"]).iter().map(|target| (text(&panel["title"]), text(&target["expr"])))
        });
        let marks = list(&self.json["annotations"]["list"]).iter();
        panels.chain(marks.map(|mark| (text(&mark["name"]), text(&mark["expr"])))).collect()
    }

    /// The variables that a reader can choose.
    fn variables(&self) -> &[Value] {
        list(&self.json["templating"]["list"])
    }
}

/// The dashboards of all components, in the order of their paths.
fn dashboards() -> Vec<Dashboard> {
    let mut files: Vec<_> = below(&overlays())
        .into_iter()
        .filter(|file| file.parent().is_some_and(|folder| folder.ends_with("dashboards")))
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no dashboards below {}", overlays().display());
    files.into_iter().map(dashboard).collect()
}

fn dashboard(file: PathBuf) -> Dashboard {
    let text = std::fs::read_to_string(&file).unwrap();
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    Dashboard { file, text, json }
}

/// All files below `folder`.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

fn overlays() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("overlays")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
