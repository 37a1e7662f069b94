//! What a person sees of a run: the program on a pseudo-terminal, which gets colours, bars and escapes that pipes do not.

use std::process::{Command, Stdio};

use super::leaks::Leaks;
use super::oracle::oracle;

/// Runs a command on a terminal of script(1), looks for secrets in what comes there, with escapes and without, and gives that
/// and the exit code; `None` where there is no script(1).
#[track_caller]
pub fn on_terminal(inner: &Command) -> Option<(Vec<u8>, i32)> {
    let folder = inner.get_current_dir().unwrap();
    let mut command = oracle("script")?;
    command.args(["--quiet", "--return", "--command", &line(inner), "/dev/null"]).current_dir(folder);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.env("TERM", "xterm-256color").stdin(Stdio::null()).output().unwrap();
    let leaks = Leaks::of(folder);
    leaks.check("the terminal", &output.stdout);
    leaks.check("what is seen on the terminal", seen(&output.stdout).as_bytes());
    Some((output.stdout, output.status.code().unwrap()))
}

/// A command as a line of sh(1).
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = words.map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''")));
    quoted.collect::<Vec<_>>().join(" ")
}

/// What stays of a terminal's bytes when all escapes are gone (ECMA-48: control sequences, strings, others of two bytes).
pub fn seen(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (mut seen, mut rest) = (String::new(), text.chars());
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => match rest.next() {
                Some('[') => _ = rest.find(|end| ('@'..='~').contains(end)),
                Some(']' | 'P' | '_' | '^' | 'X') => {
                    let mut last = ' ';
                    _ = rest.find(|end| {
                        let is_end = *end == '\u{7}' || last == '\u{1b}' && *end == '\\';
                        last = *end;
                        is_end
                    });
                }
                _ => {}
            },
            '\n' | '\t' => seen.push(character),
            character if character.is_control() => {}
            character => seen.push(character),
        }
    }
    seen
}

#[test]
fn escapes_hide_nothing() {
    for text in
        ["sec\x1b[1;31mret\x1b[0m", "se\rc\x1b]8;;http://h\x1b\\ret", "s\x1b]0;title\x07ecret", "secr\x1b7et"]
    {
        assert_eq!(seen(text.as_bytes()), "secret", "{text:?}");
    }
    assert_eq!(seen(b"a line\r\nand one\r\n"), "a line\nand one\n");
}
