//! Messages keep to the words that somebody who has the problem would search for.
#![expect(clippy::disallowed_methods, reason = "the sources are read as files")]

use std::path::Path;

use regex_lite::Regex;

/// What no message contains, and what says the same.
const PHRASES: [(&str, &str); 5] = [
    (r"\b(is|are) no [a-z{`]", "`x` is not a valid Y; unknown Y `x`; X does not exist"),
    (r"\b(is|are) none\b", "is missing; is not a valid Y"),
    (r"\bhas not (`|\{)", "does not contain"),
    (r"\bcould not be had\b", "failed to fetch"),
    (r"\bwho(m|se)?ever\b", "anyone who; any client"),
];

/// The files below a folder whose name ends so, with their paths.
fn files(folder: &Path, end: &str, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files(&path, end, found);
        } else if path.to_str().unwrap().ends_with(end) {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The lines of a source that can have a message in them, counted from 1: comments and unit tests have none.
fn lines_with_text(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = source.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().zip(1..).map(|(line, number)| (number, line)).filter(|(_, line)| {
        let line = line.trim_start();
        !line.starts_with("//") && !line.starts_with("# ")
    })
}

#[test]
fn messages_are_in_the_usual_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for (folder, end) in [("src", ".rs"), ("overlays", "component.yaml"), ("tests/golden", ".txt")] {
        files(&root.join(folder), end, &mut found);
    }
    assert!(found.len() > 300, "{} files", found.len());
    let mut faults = Vec::new();
    for (phrase, better) in PHRASES {
        let phrase = Regex::new(phrase).unwrap();
        for (path, text) in &found {
            for (number, line) in lines_with_text(text).filter(|(_, line)| phrase.is_match(line)) {
                faults.push(format!("{path}:{number}: {}\n  write: {better}", line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn comments_and_tests_are_free() {
    let source = "// x is no y\nlet a = \"x is no y\";\n\n#[cfg(test)]\nmod tests {\n\"x is no y\"\n";
    assert_eq!(lines_with_text(source).map(|(number, _)| number).collect::<Vec<_>>(), [2]);
}
