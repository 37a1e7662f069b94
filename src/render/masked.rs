//! Masks the secrets in user-data, so that it can be shown.

use std::collections::BTreeMap;

use super::bootcmd::END;

/// Begins the command that lays down a private file, up to the file's path.
const PRIVATE: &str = "place 0600 \"$seed\"/'private/";
/// The same in a boot command that no literal block can hold.
const QUOTED: &str = "place 0600 \\\"$seed\\\"/'private/";
/// Begins the line with the administrator's password.
const PASSWORD: &str = "hashed_passwd: ";

/// A piece of user-data.
enum Piece<'a> {
    /// Lines that all may see.
    Public(&'a str),
    /// A value to mask: what it belongs to, the text before it in its line, and the value.
    Secret { of: &'a str, before: &'a str, value: &'a str },
}

/// Two user-data, with marks in place of the secrets. A secret of the second that the first has with another value has
/// another mark.
pub fn masked(first: &str, second: &str) -> (String, String) {
    let (first, second) = (pieces(first), pieces(second));
    let known: BTreeMap<_, _> = first.iter().filter_map(secret).collect();
    let mark = |piece: &Piece<'_>, is_second: bool| match piece {
        Piece::Public(line) => (*line).to_owned(),
        Piece::Secret { of, before, value } => {
            let differs = is_second && known.get(of).is_some_and(|other| other != value);
            format!("{before}<{}>\n", if differs { "another secret" } else { "secret" })
        }
    };
    let text = |pieces: &[Piece<'_>], is_second| pieces.iter().map(|piece| mark(piece, is_second)).collect();
    (text(&first, false), text(&second, true))
}

fn secret<'a>(piece: &Piece<'a>) -> Option<(&'a str, &'a str)> {
    match piece {
        Piece::Public(_) => None,
        Piece::Secret { of, value, .. } => Some((of, value)),
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(line) = rest.split_inclusive('\n').next() {
        rest = &rest[line.len()..];
        let (indent, content) = line.split_at(line.len() - line.trim_start_matches(' ').len());
        if content.starts_with(PASSWORD) {
            let before = &line[..indent.len() + PASSWORD.len()];
            pieces.push(Piece::Secret { of: PASSWORD, before, value: content });
        } else if line.contains(QUOTED) {
            pieces.push(Piece::Secret { of: "bootcmd", before: indent, value: content });
        } else {
            pieces.push(Piece::Public(line));
            if content.starts_with(PRIVATE) {
                let (value, after) = rest.split_at(end_of_document(rest, indent));
                pieces.push(Piece::Secret { of: content, before: indent, value });
                rest = after;
            }
        }
    }
    pieces
}

/// Where a here-document ends. A line of its own may look like the end but for its indentation.
fn end_of_document(text: &str, indent: &str) -> usize {
    let is_end =
        |line: &str| line.strip_prefix(indent).is_some_and(|line| line.trim_end_matches('\n') == END);
    text.split_inclusive('\n').take_while(|line| !is_end(line)).map(str::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user_data(password: &str, files: &[(&str, &str)]) -> String {
        let file = |(path, content): &(&str, &str)| {
            let content = content.replace('\n', "\n    ");
            format!("    {PRIVATE}{path}' <<'{END}'\n    {content}\n    {END}\n")
        };
        let files: String = files.iter().map(file).collect();
        format!("users:\n  - name: a\n    {PASSWORD}\"{password}\"\nbootcmd:\n  - |\n{files}    sync\n")
    }

    #[test]
    fn secrets_are_masked_and_those_that_changed_are_told_from_the_others() {
        let (one, two) = (
            user_data("$6$one", &[("a", "same\n  IMGBUILD_END\nsame2"), ("b", "old")]),
            user_data("$6$two", &[("a", "same\n  IMGBUILD_END\nsame2"), ("b", "new"), ("c", "more")]),
        );
        let (one, two) = masked(&one, &two);
        assert_eq!(one, user_data("x", &[("a", "<secret>"), ("b", "<secret>")]).replace("\"x\"", "<secret>"));
        let marked = [("a", "<secret>"), ("b", "<another secret>"), ("c", "<secret>")];
        assert_eq!(two, user_data("x", &marked).replace("\"x\"", "<another secret>"));
    }

    #[test]
    fn what_is_in_an_odd_form_is_masked_as_a_whole() {
        let quoted = format!("bootcmd:\n  - \"set -eu\\n{QUOTED}a' <<'{END}'\\nhunter2 \\n{END}\\n\"\n");
        let cut = format!("    {PRIVATE}a' <<'{END}'\n    hunter2\nhunter2");
        for text in [&quoted, &cut] {
            let (one, two) = masked(text, text);
            assert!(one == two && !one.contains("hunter2") && one.contains("<secret>"), "{one}");
        }
    }
}
