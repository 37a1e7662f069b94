//! Texts compared line by line, so that a mismatch shows what differs and little else.

use similar::TextDiff;

/// Fails with a diff unless both texts are the same.
#[track_caller]
pub fn assert_text(what: &str, got: &str, expected: &str) {
    assert!(got == expected, "{what} is not what is expected\n{}", diff(expected, got));
}

/// What changes an expected text into what came, as `diff -u` shows it.
pub fn diff(expected: &str, got: &str) -> String {
    TextDiff::from_lines(expected, got).unified_diff().header("expected", "got").to_string()
}
