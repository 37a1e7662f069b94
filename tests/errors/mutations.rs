//! Whatever a profile, a component or the pins are changed into: no panic, and a failure says why.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fuzzing::{CONFIGURATION, PROFILE, RELEASES, SPEC, check};

/// What somebody at a keyboard can do to a text.
#[derive(Clone, Debug)]
enum Edit {
    Delete,
    Duplicate,
    Swap(usize),
    Replace(String),
    Insert(usize, String),
}

fn edit() -> impl Strategy<Value = (usize, Edit)> {
    let odd = prop_oneof![
        "\\PC{0,12}",
        "[a-z]{1,8}: [\\[{\"'&*!|>%@`-]?[a-z0-9]{0,5}",
        " {0,9}- [{\\[]?[a-z]{0,4}",
        Just("\u{feff}".to_owned()),
        Just("\t".to_owned()),
        Just("{{ settings }}{% for".to_owned()),
        Just("99999999999999999999999".to_owned()),
        Just("-0".to_owned()),
    ];
    let edit = prop_oneof![
        Just(Edit::Delete),
        Just(Edit::Duplicate),
        any::<usize>().prop_map(Edit::Swap),
        odd.clone().prop_map(Edit::Replace),
        (any::<usize>(), odd).prop_map(|(at, text)| Edit::Insert(at, text)),
    ];
    (any::<usize>(), edit)
}

fn apply(text: &str, edits: &[(usize, Edit)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (line, edit) in edits {
        if lines.is_empty() {
            break;
        }
        let line = line % lines.len();
        match edit {
            Edit::Delete => _ = lines.remove(line),
            Edit::Duplicate => lines.insert(line, lines[line].clone()),
            Edit::Swap(other) => {
                let other = other % lines.len();
                lines.swap(line, other);
            }
            Edit::Replace(text) => lines[line].clone_from(text),
            Edit::Insert(at, text) => {
                let mut characters: Vec<char> = lines[line].chars().collect();
                let at = at % (characters.len() + 1);
                characters.splice(at..at, text.chars());
                lines[line] = characters.into_iter().collect();
            }
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn what_is_mutated_is_right_to_begin_with() {
    let (is_whole, report) = check(PROFILE, RELEASES, SPEC, CONFIGURATION);
    assert!(is_whole, "{}", report.render(false));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic_or_fail_without_a_word(edits in vec(edit(), 1..6), which in 0..4_usize) {
        let mut texts = [PROFILE, RELEASES, SPEC, CONFIGURATION].map(str::to_owned);
        texts[which] = apply(&texts[which], &edits);
        let (is_whole, report) = check(&texts[0], &texts[1], &texts[2], &texts[3]);
        let shown = report.render(true) + &report.render(false);
        prop_assert!(is_whole || report.has_errors(), "{}", shown);
        prop_assert_eq!(report.is_empty(), shown.is_empty());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200), which in 0..4_usize) {
        let mut texts = [PROFILE, RELEASES, SPEC, CONFIGURATION].map(str::to_owned);
        texts[which] = String::from_utf8_lossy(&bytes).into_owned();
        let (is_whole, report) = check(&texts[0], &texts[1], &texts[2], &texts[3]);
        prop_assert!(is_whole || report.has_errors(), "{}", report.render(false));
    }
}
