//! Reads a machine's serial console for the verdict of its first boot.

use std::collections::VecDeque;
use std::io::{BufRead, Read as _};

use serde::Serialize;

/// How many lines of the console are kept to show why a node failed.
const TAIL: usize = 30;
/// Where a line that does not end is cut, in bytes: what a guest says must not fill the host's memory.
const LONGEST_LINE: u64 = 4096;

/// What a node's first-boot program said when it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// Its services are healthy.
    Ready,
    /// They are not.
    Failed {
        /// Why, in the program's words.
        reason: String,
    },
}

/// Reads lines until the console says the node's verdict, or ends; gives the last lines too.
pub(super) fn watch(node: &str, console: &mut impl BufRead) -> (Option<Verdict>, Vec<String>) {
    let mut tail = VecDeque::with_capacity(TAIL);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A console that cannot be read any more has ended.
        if !matches!(console.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line), Ok(1..)) {
            return (None, tail.into());
        }
        let text = printable(&line);
        if let Some(verdict) = verdict(node, &text) {
            return (Some(verdict), tail.into());
        }
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(text);
    }
}

/// The line without what would steer the terminal that it is printed on.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.chars().filter(|character| !character.is_control()).collect()
}

fn verdict(node: &str, line: &str) -> Option<Verdict> {
    let said = line.strip_prefix("imgbuild: ")?.strip_prefix(node)?;
    match said {
        " ready" => Some(Verdict::Ready),
        _ => Some(Verdict::Failed { reason: said.strip_prefix(" failed: ")?.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read as _};

    use super::{LONGEST_LINE, TAIL, Verdict, watch};

    #[test]
    fn the_verdict_is_a_line_of_its_own() {
        let (verdict, tail) =
            watch("ptrn-1", &mut "login: \r\n\x1b[mup\nimgbuild: ptrn-1 ready\r\nmore".as_bytes());
        assert_eq!((verdict, tail), (Some(Verdict::Ready), vec!["login: ".to_owned(), "[mup".to_owned()]));
        let (verdict, _) = watch("ptrn-1", &mut "imgbuild: ptrn-1 failed: no overlay\r\n".as_bytes());
        assert_eq!(verdict, Some(Verdict::Failed { reason: "no overlay".to_owned() }));
    }

    #[test]
    fn what_only_looks_like_a_verdict_is_none() {
        for text in ["imgbuild: ptrn-11 ready", "> imgbuild: ptrn-1 ready", "imgbuild: ptrn-1 is new", ""] {
            assert_eq!(watch("ptrn-1", &mut text.as_bytes()).0, None, "{text}");
        }
    }

    #[test]
    fn the_end_of_a_long_console_is_kept() {
        let lines =
            (0..1000).fold(String::new(), |lines, number| lines + "line " + &number.to_string() + "\n");
        let (_, tail) = watch("ptrn-1", &mut lines.as_bytes());
        assert_eq!((tail.len(), tail.last().unwrap().as_str()), (TAIL, "line 999"));
        let (_, tail) = watch("ptrn-1", &mut BufReader::new(std::io::repeat(b'x').take(LONGEST_LINE * 3)));
        assert_eq!(tail.len(), 3);
    }
}
