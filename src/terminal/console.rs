//! The two streams: data goes to stdout, talk to stderr. Nothing else prints, and nothing is printed that a terminal would obey.
#![expect(clippy::disallowed_methods, reason = "edge: prints")]

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};

use super::progress::Progress;
use crate::cli::{Color, Speaking};
use crate::diagnostic::Report;
use crate::escape::{Styled, escaped, escaped_bytes, escaped_json};
use crate::failure::Failure;

/// Where a command prints.
pub struct Console {
    color: ColorChoice,
    quiet: bool,
    /// Whether results are printed as JSON.
    pub json: bool,
    /// Whether a program knows already how it ended.
    answered: AtomicBool,
    pub(super) progress: Progress,
}

impl Console {
    /// The streams as the options want them.
    pub fn new(options: &Speaking) -> Self {
        let color = match options.color {
            Color::Auto => AutoStream::choice(&io::stderr()),
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let progress = if options.quiet {
            Progress::quiet()
        } else if io::stderr().is_terminal() {
            Progress::bars()
        } else {
            Progress::lines(io::stderr())
        };
        Self { color, quiet: options.quiet, json: options.json, answered: AtomicBool::new(false), progress }
    }

    /// Prints data, byte for byte; on a terminal only what it can show.
    pub fn data(bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            out.write_all(escaped_bytes(bytes.as_ref()).as_bytes())?;
        } else {
            out.write_all(bytes.as_ref())?;
        }
        out.flush()
    }

    /// Prints lines for people, wherever they go.
    pub fn lines(text: &str) -> io::Result<()> {
        Self::data(escaped(text).as_bytes())
    }

    /// Prints a value as JSON, indented.
    pub fn data_json(value: &impl serde::Serialize) -> io::Result<()> {
        Self::json(&serde_json::to_string_pretty(value)?)
    }

    /// Prints a value as a line of JSON.
    pub fn line_json(value: &impl serde::Serialize) -> io::Result<()> {
        Self::json(&serde_json::to_string(value)?)
    }

    fn json(text: &str) -> io::Result<()> {
        Self::data([&escaped_json(text), "\n"].concat())
    }

    /// The same for a result that says itself what is wrong.
    pub fn answer_json(&self, value: &impl serde::Serialize) -> io::Result<()> {
        self.answered.store(true, Ordering::Relaxed);
        Self::data_json(value)
    }

    /// The same for one of several such results, each a line.
    pub fn answer_json_line(&self, value: &impl serde::Serialize) -> io::Result<()> {
        self.answered.store(true, Ordering::Relaxed);
        Self::line_json(value)
    }

    /// Says something that may be left out.
    pub fn talk(&self, line: &str) {
        if !self.quiet {
            self.say(line);
        }
    }

    /// Says something that the user must see.
    pub fn say(&self, text: &str) {
        Self::complain(text);
    }

    /// The same before anybody knows how the command wants to speak.
    pub fn complain(text: &str) {
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(io::stderr(), "{}", escaped(text));
    }

    /// Says something that has colours.
    fn show(&self, text: &Styled) {
        let _ = writeln!(AutoStream::new(io::stderr(), self.color), "{}", text.as_str());
    }

    /// Shows what is wrong.
    pub fn report(&self, report: &Report) {
        if !report.is_empty() {
            self.show(&Styled::new(&report.render(self.has_color())));
        }
    }

    /// Shows why a command failed: to people, and to programs that asked for JSON.
    pub fn failure(&self, failure: &Failure) {
        if self.json && !self.answered.load(Ordering::Relaxed) {
            // What is said to people follows, whether or not a program reads this.
            let _ = Self::line_json(&failure.json());
        }
        if let Failure::Invalid(report) = failure {
            return self.report(report);
        }
        self.say(&format!("error: {failure}"));
        if let Some(help) = failure.help() {
            self.say(&format!("help: {help}"));
        }
    }

    fn has_color(&self) -> bool {
        !matches!(self.color, ColorChoice::Never)
    }
}
