//! The secrets file: names and values, which no message may contain.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::crypt::Password;
use crate::component::{SecretSpec, matches_whole};
use crate::diagnostic::{Diagnostic, Document, NodeValue, Report, Source, Step, misspelt};

/// The secret that becomes the administrator's password, in clear or as a hash of crypt(3).
pub const ADMIN_PASSWORD: &str = "admin_password";

/// The longest value, in bytes: all of them travel in user-data.
const MAX_VALUE: usize = 4096;

/// The shortest value, in bytes, that tells that a text has it: shorter ones are words.
const TELLING: usize = 12;

/// Secrets by name.
#[derive(Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
    /// The names without a value.
    unset: Vec<String>,
    document: Option<Document>,
}

impl Secrets {
    /// Reads a secrets file: one `name: value` a line, values taken as they are written.
    pub fn parse(source: &Arc<Source>, report: &mut Report) -> Self {
        let Some(document) = Document::parse(source, report) else { return Self::default() };
        let NodeValue::Mapping(entries) = &document.root.value else {
            let message = "the secrets file is not a list of names and values";
            report.push(document.error(&[], message, "").help("write one `name: value` per line"));
            return Self::default();
        };
        let (mut values, mut unset) = (BTreeMap::new(), Vec::new());
        for (key, node) in entries {
            let path = [Step::from(&key.text)];
            match &node.value {
                NodeValue::Scalar { .. } if node.is_null() => unset.push(key.text.clone()),
                NodeValue::Scalar { text, .. } if text.chars().all(is_invisible) => {
                    let help = "write its value in the quotes, or remove the line";
                    report.push(document.error(&path, "a secret is empty", "").help(help));
                }
                NodeValue::Scalar { text, .. } if text.len() > MAX_VALUE || text.contains('\0') => {
                    let message =
                        format!("invalid secret: expected a text of at most {MAX_VALUE} bytes, without NUL");
                    report.push(document.error(&path, message, ""));
                }
                NodeValue::Scalar { text, .. } => {
                    values.insert(key.text.clone(), SecretString::from(text.clone()));
                }
                _ => report.push(
                    document.error(&path, "invalid secret: expected a single text", "").help("quote it"),
                ),
            }
        }
        Self { values, unset, document: Some(document) }
    }

    /// Compares names and forms with what components declare. No message has a value in it, nor a name that is unknown:
    /// it may be a value in the wrong place.
    pub fn check(&self, known: &BTreeMap<&str, &SecretSpec>, report: &mut Report) {
        let Some(document) = &self.document else { return };
        for (name, value) in &self.values {
            let path = [Step::from(name)];
            if name == ADMIN_PASSWORD {
                if let Err(why) = Password::read(value.expose_secret()) {
                    let message = format!("the secret `{ADMIN_PASSWORD}` {}", why.message);
                    report.push(document.error(&path, message, "").help(why.help));
                }
                continue;
            }
            let Some(spec) = known.get(name.as_str()) else {
                let diagnostic = unknown(name, known);
                report.push(diagnostic.at(&document.source, document.key_span(&path), ""));
                continue;
            };
            if spec.pattern.as_ref().is_some_and(|pattern| !matches_whole(pattern, value.expose_secret())) {
                let message = format!("the secret `{name}` is not valid");
                report.push(document.error(&path, message, "").help(spec.description.clone()));
            }
        }
        // A generated value would be a duplicate of the key.
        for name in &self.unset {
            if known.get(name.as_str()).is_some_and(|spec| spec.generate.is_some()) {
                let message = format!("the secret `{name}` has no value");
                let help = "write one, or remove the line: a build generates missing secrets";
                report.push(document.error(&[Step::from(name)], message, "").help(help));
            }
        }
    }

    /// Whether they were read from a file, whatever is in it.
    pub fn are_read(&self) -> bool {
        self.document.is_some()
    }

    /// Whether there is a secret of this name.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value of a secret.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(secrecy::ExposeSecret::expose_secret)
    }

    /// The name of a secret whose value is in `bytes`, if it is long enough not to be there by chance.
    pub fn named_in(&self, bytes: &[u8]) -> Option<&str> {
        let stands =
            |value: &[u8]| value.len() >= TELLING && bytes.windows(value.len()).any(|part| part == value);
        let mut values = self.values.iter();
        values.find(|(_, value)| stands(value.expose_secret().as_bytes())).map(|(name, _)| name.as_str())
    }

    /// Adds a secret that was generated.
    pub fn insert(&mut self, name: String, value: String) {
        self.values.insert(name, SecretString::from(value));
    }

    /// Placeholders in place of the values, where those must not be shown.
    #[must_use]
    pub fn masked(&self) -> Self {
        let mask = |name: &String| (name.clone(), SecretString::from(format!("<secret {name}>")));
        Self { values: self.values.keys().map(mask).collect(), ..Self::default() }
    }
}

/// A secret that no component declares: a name that is misspelt, or left over from a component that is gone.
fn unknown(name: &str, known: &BTreeMap<&str, &SecretSpec>) -> Diagnostic {
    let names: Vec<_> = known.keys().copied().chain([ADMIN_PASSWORD]).collect();
    let all = format!("the secrets are `{}`", names.join("`, `"));
    let message = "unknown secret: no component declares it";
    let is_a_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    match misspelt(name, names.iter().copied()) {
        Some(meant) => Diagnostic::error(message).help(format!("did you mean `{meant}`? {all}")),
        None if !name.chars().all(is_a_name) => Diagnostic::error(message).help(all),
        None => Diagnostic::warning(format!("{message}, so it is not used")).help(format!(
            "remove the line if its component is gone, else name the folder of components with `--overlays DIR`; {all}"
        )),
    }
}

/// Characters that show nothing: white space, and what has no width (Unicode's U+200B to U+200D, U+2060, U+FEFF).
fn is_invisible(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// The names alone: the document has the values in it.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Secrets, String) {
        let mut report = Report::new();
        let secrets = Secrets::parse(&Source::secret("secrets.yaml", text), &mut report);
        let spec = SecretSpec {
            description: "a number, such as -100123".to_owned(),
            pattern: Some("-?[0-9]+".to_owned()),
            generate: None,
        };
        secrets.check(&BTreeMap::from([("chat_id", &spec)]), &mut report);
        (secrets, report.render(false))
    }

    #[test]
    fn values_are_taken_as_written() {
        let (secrets, shown) = read("chat_id: -1001234567890\nadmin_password: no\n");
        assert_eq!(shown, "");
        assert_eq!(
            (secrets.get("chat_id"), secrets.get("admin_password")),
            (Some("-1001234567890"), Some("no"))
        );
        assert!(!format!("{secrets:?}").contains("10012345"));
    }

    #[test]
    fn a_value_that_is_no_word_is_found_in_a_text() {
        let (secrets, _) = read("chat_id: -1001234567890\nadmin_password: password\n");
        assert_eq!(secrets.named_in(b"id=-1001234567890\n"), Some("chat_id"));
        assert_eq!(secrets.named_in(b"a password, -100123456789"), None);
    }

    #[test]
    fn an_empty_value_is_refused_and_none_at_all_is_as_if_missing() {
        for blank in ["\"\"", "\" \"", "\"\\t\\n\"", "\"\\u200b\"", "''", "|\n\n"] {
            for name in ["chat_id", "admin_password", "other"] {
                let (secrets, shown) = read(&format!("{name}: {blank}\n"));
                assert!(!secrets.has(name) && shown.contains("error: a secret is empty"), "{blank}: {shown}");
            }
        }
        for none in ["", "~", "null"] {
            let (secrets, shown) = read(&format!("chat_id: {none}\nadmin_password: {none}\n"));
            assert!(!secrets.has("chat_id") && !secrets.has("admin_password") && shown.is_empty(), "{shown}");
        }
    }

    #[test]
    fn no_message_has_a_value_in_it() {
        for (text, message) in [
            ("chat_id: hunter2\n", "the secret `chat_id` is not valid"),
            ("chat-id: hunter2\n", "did you mean `chat_id`?"),
            ("hunter2: chat_id\n", "warning: unknown secret: no component declares it, so it is not used"),
            ("chat_id: [hunter2]\n", "invalid secret: expected a single text"),
            ("hunter2\n", "the secrets file is not a list"),
            ("- hunter2\n", "the secrets file is not a list"),
            ("hunter2-x: chat_id\n", "error: unknown secret: no component declares it"),
            ("admin_password: $6$hunter2\n", "begins like a hash of sha512crypt, but is not a valid one"),
            ("admin_password: $hunter2$hunter2\n", "of a kind that crypt(3) of Ubuntu does not check"),
            ("admin_password: |\n  hunter2\n", "contains a line break or another control character"),
            ("chat_id: 1\nchat_id: hunter2\n", "duplicate key"),
            ("hunter2: 1\nhunter2: 2\n", "duplicate key"),
            ("chat_id: \"hunter2\n", "the quote that opens here is not closed"),
            ("chat_id: *hunter2\n", "unknown anchor"),
        ] {
            let (_, shown) = read(text);
            assert!(shown.contains(message) && shown.contains("secrets.yaml:"), "{text:?} gave\n{shown}");
            assert!(!shown.contains("hunter2"), "{text:?} gave\n{shown}");
        }
    }
}
