//! The boot command of user-data: lays down the bootstrap, its unit, and what it must know of this node.

use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::private::PrivateContent;
use super::user_data::OverlayFacts;
use crate::plan::{Format, NodePlan, OVERLAY};

pub(super) const BOOTSTRAP: &str = include_str!("first_boot/bootstrap.sh");
pub(super) const FETCH: &str = include_str!("first_boot/fetch.py");
const UNIT: &str = include_str!("first_boot/imgbuild.service");
const TEMPLATE: &str = include_str!("first_boot/bootcmd.sh.j2");

/// The line that ends every here-document of the boot command.
pub(super) const END: &str = "IMGBUILD_END";

/// The boot command of a node. `Err` says, without a value, why it cannot be written.
pub(super) fn bootcmd(
    node: &NodePlan,
    overlay: &OverlayFacts,
    private: &[PrivateContent],
) -> Result<String, String> {
    let parts = parts(node, overlay);
    let fetches = parts.iter().any(|part| !part.urls.is_empty());
    let values = context! {
        program => &*SHORT_BOOTSTRAP, unit => UNIT, node => node.name.as_str(),
        fetcher => fetches.then_some(&*SHORT_FETCH),
        overlay => context! { sha256 => overlay.sha256.to_string(), room_kib => overlay.room_kib },
        parts => parts.iter().map(Part::line).collect::<Vec<_>>(),
        sysext => node.format == Format::Sysext,
        private => Value::from(Serde(private)),
    };
    let text = ENVIRONMENT.get_template("bootcmd").and_then(|template| template.render(values));
    // What is private must not come out with the error.
    let mut text = text.map_err(|error| error.kind().to_string())?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// A part of the overlay, as the bootstrap looks for it.
struct Part {
    sha256: String,
    what: String,
    size: u64,
    file: String,
    urls: Vec<String>,
}

impl Part {
    fn line(&self) -> String {
        let Self { sha256, what, size, file, urls } = self;
        format!("{sha256}\t{what}\t{size}\t{file}\t{}", urls.join(" "))
    }
}

/// What the overlay is joined of: one file, or its layers one after the other.
fn parts(node: &NodePlan, overlay: &OverlayFacts) -> Vec<Part> {
    if overlay.layers.is_empty() {
        return vec![Part {
            sha256: overlay.sha256.to_string(),
            what: "the overlay".to_owned(),
            size: overlay.size,
            file: OVERLAY.to_owned(),
            urls: node.overlay_urls.clone(),
        }];
    }
    let layers = overlay.layers.iter().map(|layer| Part {
        sha256: layer.sha256.to_string(),
        what: format!("the layer of {}", layer.name),
        size: layer.size,
        file: layer.sha256.to_string(),
        urls: overlay.layers_url.iter().map(|url| format!("{url}/{}", layer.sha256)).collect(),
    });
    layers.collect()
}

/// The programs as user-data has them, and what writes the boot command: the same for every node.
static SHORT_BOOTSTRAP: LazyLock<String> = LazyLock::new(|| without_comments(BOOTSTRAP));
static SHORT_FETCH: LazyLock<String> = LazyLock::new(|| without_comments(FETCH));
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("sh", quoted);
    environment.add_template("bootcmd", TEMPLATE).expect("the template is our own");
    environment
});

/// A program without the lines that are comments, or docstrings of one line: user-data has little room, and the overlay
/// brings the whole text.
fn without_comments(program: &str) -> String {
    let is_comment = |line: &str| {
        let line = line.trim();
        line == "#" || line.starts_with("# ") || line.starts_with("\"\"\"")
    };
    program.split_inclusive('\n').filter(|line| !is_comment(line)).collect()
}

/// A text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{SHORT_BOOTSTRAP, SHORT_FETCH, quoted, without_comments};

    #[test]
    fn comments_go_and_code_stays() {
        let text = "#!/bin/bash\n# Why.\n#\n\t# how\nrun # so\n    \"\"\"What.\"\"\"\necho '\n#x'\n";
        assert_eq!(without_comments(text), "#!/bin/bash\nrun # so\necho '\n#x'\n");
        assert!(SHORT_BOOTSTRAP.starts_with("#!/bin/bash\nset -euf"));
        assert!(SHORT_FETCH.starts_with("\nimport base64\n") && !SHORT_FETCH.contains("\"\"\""));
    }

    #[test]
    fn a_text_is_one_word_of_a_shell() {
        for (text, word) in [("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$(x)", "'$(x)'")] {
            assert_eq!(quoted(text), word);
        }
    }
}
