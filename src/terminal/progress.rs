//! Shows people how a fetch goes: bars on a terminal, a line for each artifact elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use indicatif::{DecimalBytes, MultiProgress, ProgressBar, ProgressStyle};

use crate::escape::escaped;
use crate::fetch::{FetchEvent, FetchStep, Outcome};

/// Where the events of a fetch are shown.
pub struct Progress(Kind);

enum Kind {
    Quiet,
    Lines(Mutex<Box<dyn Write + Send>>),
    Bars { all: MultiProgress, each: Mutex<BTreeMap<usize, ProgressBar>> },
}

impl Progress {
    /// Nowhere.
    pub fn quiet() -> Self {
        Self(Kind::Quiet)
    }

    /// As lines of text.
    pub fn lines(to: impl Write + Send + 'static) -> Self {
        Self(Kind::Lines(Mutex::new(Box::new(to))))
    }

    /// As bars on the terminal that stderr is, with a line above them for each artifact that is done.
    pub fn bars() -> Self {
        Self(Kind::Bars { all: MultiProgress::new(), each: Mutex::default() })
    }

    /// Shows an event. A failure to show it does not fail the fetch.
    pub fn show(&self, event: &FetchEvent) {
        let line = line(event).map(|line| escaped(&line).into_owned());
        match &self.0 {
            Kind::Quiet => {}
            Kind::Lines(to) => {
                if let Some(line) = line {
                    let _ = writeln!(to.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
                }
            }
            Kind::Bars { all, each } => {
                let mut each = each.lock().unwrap_or_else(PoisonError::into_inner);
                move_bar(all, &mut each, event);
                if let Some(line) = line {
                    let _ = all.println(line);
                }
            }
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Quiet => "Progress::quiet",
            Kind::Lines(_) => "Progress::lines",
            Kind::Bars { .. } => "Progress::bars",
        })
    }
}

/// What is said of an event, if anything.
fn line(event: &FetchEvent) -> Option<String> {
    let name = &event.artifact.name;
    Some(match event.step {
        FetchStep::Waiting => format!("{name}: another build is fetching it, waiting"),
        FetchStep::Damaged => format!("{name}: the store's copy is damaged, so it is not used"),
        FetchStep::Retrying { cause, pause } => {
            format!("{name}: {cause}; retrying in {:.1} s", pause.as_secs_f32())
        }
        FetchStep::Done { outcome: Outcome::Cached, size } => {
            format!("{name}: cached {}", DecimalBytes(size))
        }
        FetchStep::Done { outcome: Outcome::Fetched, size } => {
            format!("{name}: fetched {}", DecimalBytes(size))
        }
        FetchStep::Done { outcome: Outcome::Resumed { from }, size } => {
            format!(
                "{name}: resumed {}, of which {} were already downloaded",
                DecimalBytes(size),
                DecimalBytes(from)
            )
        }
        FetchStep::Started { .. } | FetchStep::Received(_) | FetchStep::Failed => return None,
    })
}

fn move_bar(all: &MultiProgress, each: &mut BTreeMap<usize, ProgressBar>, event: &FetchEvent) {
    match event.step {
        FetchStep::Started { from, total } => {
            let bar = each.entry(event.index).or_insert_with(|| all.add(new_bar(&event.artifact.name)));
            match total {
                Some(total) => bar.set_length(total),
                None => bar.unset_length(),
            }
            bar.set_position(from);
            // The speed is that of what comes now.
            bar.reset_eta();
        }
        FetchStep::Received(bytes) => {
            if let Some(bar) = each.get(&event.index) {
                bar.set_position(bytes);
            }
        }
        FetchStep::Done { .. } | FetchStep::Failed => {
            if let Some(bar) = each.remove(&event.index) {
                bar.finish_and_clear();
            }
        }
        FetchStep::Waiting | FetchStep::Damaged | FetchStep::Retrying { .. } => {}
    }
}

fn new_bar(name: &str) -> ProgressBar {
    let template = "{prefix:32!} {wide_bar} {decimal_bytes:>10} of {decimal_total_bytes:<10} {decimal_bytes_per_sec:>12}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::no_length().with_style(style).with_prefix(escaped(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;
    use crate::fetch::ArtifactRequest;

    #[test]
    fn each_artifact_says_how_it_came_and_how_big_it_is() {
        let artifact = ArtifactRequest {
            name: "etcd 3.6.4 amd64".into(),
            url: String::new(),
            sha256: Sha256::of(""),
            size: None,
        };
        let said = |step| line(&FetchEvent { index: 0, artifact: &artifact, step });
        let done = |outcome| said(FetchStep::Done { outcome, size: 24_100_000 });
        assert_eq!(done(Outcome::Cached).as_deref(), Some("etcd 3.6.4 amd64: cached 24.10 MB"));
        assert_eq!(done(Outcome::Fetched).as_deref(), Some("etcd 3.6.4 amd64: fetched 24.10 MB"));
        assert_eq!(
            done(Outcome::Resumed { from: 10_000_000 }).as_deref(),
            Some("etcd 3.6.4 amd64: resumed 24.10 MB, of which 10.00 MB were already downloaded")
        );
        assert_eq!(said(FetchStep::Received(1)), None);
    }
}
