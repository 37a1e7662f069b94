//! The project's documents, as far as tests look at them: fenced blocks, tables, links, code.
#![expect(clippy::disallowed_methods, reason = "edge: reads the project's documents")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A document of the project.
pub struct Document {
    pub path: PathBuf,
    pub text: String,
}

/// A fenced block.
pub struct Block<'a> {
    /// The line of its fence, from 1.
    pub line: usize,
    /// What stands behind the fence: the language, then words that say what tests do with it.
    pub info: &'a str,
    pub text: String,
}

impl Document {
    /// A document by its path in the project.
    pub fn read(path: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        Self { text: fs::read_to_string(&path).unwrap(), path }
    }

    /// Its path in the project.
    pub fn name(&self) -> &str {
        self.path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap()
    }

    /// Those that people read, of users and of contributors.
    pub fn all() -> Vec<Self> {
        let mut found = Vec::new();
        let mut folders = vec!["docs".to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
                let list = if entry.file_type().unwrap().is_dir() { &mut folders } else { &mut found };
                list.push(path);
            }
        }
        found.sort();
        let others = [
            "README.md",
            "CHANGELOG.md",
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
            "src/render/first_boot/README.md",
        ]
        .map(str::to_owned);
        found.into_iter().chain(others).map(|path| Self::read(&path)).collect()
    }

    /// The fenced blocks, in order.
    pub fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        for (index, line) in self.text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(_) if open => open = false,
                Some(info) => {
                    open = true;
                    blocks.push(Block { line: index + 1, info, text: String::new() });
                }
                None if open => blocks.last_mut().unwrap().text.extend([line, "\n"]),
                None => {}
            }
        }
        assert!(!open, "{} has a block without end", self.path.display());
        blocks
    }

    /// The text without its fenced blocks.
    pub fn prose(&self) -> String {
        let mut open = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            if line.starts_with("```") {
                open = !open;
            } else if !open {
                prose.extend([line, "\n"]);
            }
        }
        prose
    }

    /// What links lead to.
    pub fn links(&self) -> Vec<String> {
        let prose = self.prose();
        prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
    }

    /// What a link to each heading ends with, as GitHub makes it.
    pub fn anchors(&self) -> BTreeSet<String> {
        let prose = self.prose();
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        let anchor = |heading: &str| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        };
        headings.map(anchor).collect()
    }

    /// The code that stands between words.
    pub fn code(&self) -> Vec<String> {
        self.prose().split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// The cells of the first table below a heading, less its own first two lines.
    pub fn table(&self, heading: &str) -> Vec<Vec<String>> {
        let below = self.text.lines().skip_while(|line| *line != heading).skip(1);
        let section = below.take_while(|line| !line.starts_with('#'));
        let rows = section.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
        let cells = |row: &str| {
            row.trim_matches('|').split(" | ").map(|cell| cell.trim_matches(['|', ' ']).to_owned()).collect()
        };
        rows.skip(2).map(cells).collect()
    }
}

impl Block<'_> {
    /// Its language.
    pub fn language(&self) -> &str {
        self.info.split(' ').next().unwrap_or_default()
    }

    /// Whether it has this tag.
    pub fn has(&self, tag: &str) -> bool {
        self.info.split(' ').skip(1).any(|word| word == tag)
    }

    /// The value of a tag such as `file=PATH`.
    pub fn value(&self, tag: &str) -> Option<&str> {
        self.info.split(' ').skip(1).find_map(|word| word.strip_prefix(tag)?.strip_prefix('='))
    }

    /// Its commands, one a line, without what continues them.
    pub fn commands(&self) -> Vec<String> {
        let lines = self.text.replace("\\\n", " ");
        lines.lines().map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned()).collect()
    }
}
