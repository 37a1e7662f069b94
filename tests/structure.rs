//! The rooms of src/ import each other only as the tables of ARCHITECTURE.md say, and crates stay in the rooms that they name.
#![expect(clippy::disallowed_methods, reason = "the sources are read as files")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex_lite::Regex;

/// The tables under this heading are those that are checked.
const HEADING: &str = "## Rooms";

/// What the document says.
struct Tables {
    /// The rooms from top to bottom, each with those that it may import.
    rooms: Vec<(String, BTreeSet<String>)>,
    /// Words of the sources, each with the rooms that may have it.
    words: Vec<(String, BTreeSet<String>)>,
}

/// A source file: its path below src/ and its text.
type File = (String, String);

impl Tables {
    fn read(document: &str) -> Self {
        let section = document.split_once(HEADING).map_or("", |(_, section)| section);
        let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let mut tables = Self { rooms: Vec::new(), words: Vec::new() };
        for line in section.lines() {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(names).collect();
            match &cells[..] {
                [room, _, imports] if room.len() == 1 => {
                    tables.rooms.push((room[0].clone(), imports.iter().cloned().collect()));
                }
                [words, rooms] => {
                    let rooms: BTreeSet<_> = rooms.iter().cloned().collect();
                    tables.words.extend(words.iter().map(|word| (word.clone(), rooms.clone())));
                }
                _ => {}
            }
        }
        tables
    }

    fn faults(&self, files: &[File]) -> Vec<String> {
        let built: BTreeSet<_> = files.iter().map(|(path, _)| room_of(path)).collect();
        let mut faults = self.faults_of_tables(&built);
        let imports: BTreeMap<_, _> =
            self.rooms.iter().map(|(room, imports)| (room.as_str(), imports)).collect();
        let named = Regex::new(r"\b(?:crate|imgbuild)::(\w+|\{)").unwrap();
        for (path, text) in files {
            let room = room_of(path);
            let Some(allowed) = imports.get(room) else {
                faults.push(format!("src/{path}: the room `{room}` is missing in the table"));
                continue;
            };
            for (number, line) in code(text) {
                let place = format!("src/{path}:{number}");
                for import in imported(&named, line) {
                    if import != room && !allowed.contains(import) {
                        faults.push(format!("{place}: `{room}` may not import `{import}`"));
                    }
                }
                if leaves_by_super(path, line) {
                    faults.push(format!("{place}: `super` leads out of the room; write `crate::ROOM`"));
                }
                for (word, rooms) in &self.words {
                    if !rooms.contains(room) && has(line, word) {
                        faults.push(format!("{place}: `{word}` does not belong in `{room}`"));
                    }
                }
            }
        }
        faults
    }

    /// What is wrong with the tables by themselves.
    fn faults_of_tables(&self, built: &BTreeSet<&str>) -> Vec<String> {
        let mut faults = Vec::new();
        for (position, (room, imports)) in self.rooms.iter().enumerate() {
            if !built.contains(room.as_str()) {
                faults.push(format!("ARCHITECTURE.md: src/ has no room `{room}`"));
            }
            for import in imports {
                // So no rooms import each other in a circle.
                if !self.rooms[position + 1..].iter().any(|(lower, _)| lower == import) {
                    faults.push(format!(
                        "ARCHITECTURE.md: `{import}` is not below `{room}`, which may import it"
                    ));
                }
            }
        }
        let users: BTreeSet<_> = self.words.iter().flat_map(|(_, rooms)| rooms).collect();
        for room in users.into_iter().filter(|room| !built.contains(room.as_str())) {
            faults.push(format!("ARCHITECTURE.md: src/ has no room `{room}`"));
        }
        faults
    }
}

/// The room of a file: its folder in src/, or the file itself.
fn room_of(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The lines that are not comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The rooms that a line names. One `use` for several rooms names `{`, which no table has.
fn imported<'l>(path: &Regex, line: &'l str) -> Vec<&'l str> {
    path.captures_iter(line).map(|found| found.get(1).unwrap().as_str()).collect()
}

/// Whether a line names by `super` what is not of its file's room. A module within a file stands indented.
fn leaves_by_super(path: &str, line: &str) -> bool {
    let depth = path.trim_end_matches("/mod.rs").split('/').count() + usize::from(line.starts_with(' '));
    line.contains(&"super::".repeat(depth))
}

/// Whether a line has a word, from its beginning.
fn has(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

fn sources(folder: &Path, below: &str, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            sources(&entry.path(), &format!("{name}/"), files);
        } else if name.ends_with(".rs") && name != "lib.rs" {
            files.push((name, std::fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

#[test]
fn rooms_import_what_the_architecture_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), "", &mut files);
    files.sort();
    let document = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let faults = Tables::read(&document).faults(&files);
    assert!(faults.is_empty(), "held against the tables in ARCHITECTURE.md:\n{}", faults.join("\n"));
}

#[test]
fn what_the_tables_do_not_allow_is_named_with_its_place() {
    let document = "## Rooms\n\
        | Room | What | May import |\n|---|---|---|\n\
        | `top` | `x` | `plan`, `digest` |\n| `plan` | . | `top` |\n| `gone` | . | |\n| `digest` | . | |\n\n\
        | Only here | Rooms |\n|---|---|\n| `clap::`, `print!` | `top`, `cellar` |\n\n\
        ## Elsewhere\n| `attic` | . | |\n";
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = [
        file("attic.rs", ""),
        file(
            "digest.rs",
            "//! See crate::plan.\nuse crate::{digest, plan};\nmod tests {\n    use super::*;\n",
        ),
        file("plan/checks/mod.rs", "use super::super::digest;\nuse super::node;\n"),
        file("plan/mod.rs", "\nuse crate::digest::Sha256;\n    clap::run(eprint!());\n    print!();\n"),
        file("top/mod.rs", "use crate::plan::Plan;\nuse crate::digest::Sha256;\nuse clap::Parser;\n"),
    ];
    let expected = [
        "ARCHITECTURE.md: `top` is not below `plan`, which may import it",
        "ARCHITECTURE.md: src/ has no room `gone`",
        "ARCHITECTURE.md: src/ has no room `cellar`",
        "src/attic.rs: the room `attic` is missing in the table",
        "src/digest.rs:2: `digest` may not import `{`",
        "src/plan/checks/mod.rs:1: `super` leads out of the room; write `crate::ROOM`",
        "src/plan/mod.rs:2: `plan` may not import `digest`",
        "src/plan/mod.rs:3: `clap::` does not belong in `plan`",
        "src/plan/mod.rs:4: `print!` does not belong in `plan`",
    ];
    assert_eq!(Tables::read(document).faults(&files), expected);
}
