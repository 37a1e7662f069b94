//! What a run of the program came to.

use std::path::Path;
use std::process::{Command, Output};

use super::diff::assert_text;
use super::leaks::Leaks;

/// What a run came to.
pub struct Run {
    output: Output,
    /// What was run, for messages.
    command: String,
}

impl Run {
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let leaks = Leaks::of(command.get_current_dir().unwrap_or(Path::new(".")));
        for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            leaks.check(stream, bytes);
        }
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        Self { output, command: format!("imgbuild {}", arguments.join(" ")) }
    }

    #[track_caller]
    pub fn exit(self, code: i32) -> Self {
        let Self { output, command } = &self;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command}\n{errors}");
        self
    }

    /// How it ended, where several ways are right.
    #[track_caller]
    pub fn exit_in(self, codes: &[i32]) -> Self {
        let code = self.output.status.code();
        assert!(
            code.is_some_and(|code| codes.contains(&code)),
            "{}: {code:?}\n{}",
            self.command,
            self.errors()
        );
        self
    }

    /// All of stderr.
    #[track_caller]
    pub fn stderr(self, expected: &str) -> Self {
        assert_text(&format!("stderr of {}", self.command), &self.errors(), expected);
        self
    }

    /// All of stdout.
    #[track_caller]
    pub fn stdout(self, expected: &str) -> Self {
        assert_text(&format!("stdout of {}", self.command), &self.data(), expected);
        self
    }

    /// Parts of stderr.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        let errors = self.errors();
        for part in parts {
            assert!(errors.contains(part), "{}: `{part}` is missing in\n{errors}", self.command);
        }
        self
    }

    /// What must not be in stderr or stdout.
    #[track_caller]
    pub fn hides(self, part: &str) -> Self {
        let all = self.errors() + &self.data();
        assert!(!all.contains(part), "{}: `{part}` is in\n{all}", self.command);
        self
    }

    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    pub fn data(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.data()))
    }
}
