//! What is read of others, with any bytes in its place: no panic, no more than the limits allow, no failure without a
//! word. `scripts/fuzz` searches for such bytes, the project's tests try the seeds and small changes of them.

mod archives;
mod bundles;
mod images;
mod packages;
mod written;

use imgbuild::diagnostic::{Document, Report, Source, decode};
use imgbuild::digest::Sha256;
use imgbuild::release::{Releases, audit, digest_for, moved};

pub use archives::archive;
pub use bundles::index;
pub use images::image;
pub use packages::{KEY, inrelease, keyring, lock, packages};
pub use written::{CONFIGURATION, PROFILE, RELEASES, SPEC, check};

/// Takes any bytes, and says whether they are good ones; panics if it does not take them well.
type Target = fn(&[u8]) -> bool;

/// Every target by its name.
pub const TARGETS: [(&str, Target); 11] = [
    ("profile", profile),
    ("component", component),
    ("pins", pins),
    ("checksums", checksums),
    ("archive", archive),
    ("index", index),
    ("image", image),
    ("inrelease", inrelease),
    ("packages", packages),
    ("lock", lock),
    ("keyring", keyring),
];

/// A profile, with the example's pins and a component.
pub fn profile(data: &[u8]) -> bool {
    judge(check(&String::from_utf8_lossy(data), RELEASES, SPEC, CONFIGURATION))
}

/// A component.yaml and, after a zero byte, one of its templates.
pub fn component(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let (spec, template) = text.split_once('\0').unwrap_or((&text, CONFIGURATION));
    judge(check(PROFILE, RELEASES, spec, template))
}

/// A pins file: what a build, `pin --check` and `pin` do with it.
pub fn pins(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let is_good = judge(check(PROFILE, &text, SPEC, CONFIGURATION));
    let mut report = Report::new();
    let Some(document) = Document::parse(&Source::new("pins.yaml", text), &mut report) else { return false };
    let pins = decode::<Releases>(document, &mut report);
    audit(&pins, &pins, &mut report);
    for (name, release) in pins.value.iter().flat_map(|value| &value.releases) {
        let mut to = release.clone();
        "7.8.9".clone_into(&mut to.version);
        for pin in to.artifacts.values_mut() {
            (pin.sha256, pin.size) = (Sha256::of("new"), pin.size.map_or(Some(1), |_| None));
        }
        // Only the text for these pins may come of it; it is an error otherwise.
        if let Err(why) = moved(&pins, name, &to) {
            report.push(why);
        }
    }
    report.render(true);
    is_good
}

/// One of upstream's checksum files: a digest that comes out of it is in it.
pub fn checksums(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let digests = ["SHA256SUMS", "a.tgz.sha256"].map(|name| digest_for("a.tgz", name, &text));
    for digest in digests.iter().flatten() {
        assert!(text.to_lowercase().contains(&digest.to_string()), "{digest} came out of nothing");
    }
    digests.iter().any(Result::is_ok)
}

/// What is wrong is said, and what is said is shown.
fn judge((is_whole, report): (bool, Report)) -> bool {
    let shown = report.render(true) + &report.render(false);
    assert!(is_whole || report.has_errors(), "it fails without a word: {shown}");
    assert_eq!(report.is_empty(), shown.is_empty());
    is_whole && !report.has_errors()
}
