//! The secrets file: names and values, kept from every message.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use crate::component::{SecretSpec, matches_whole};
use crate::diagnostic::{Diagnostic, Document, NodeValue, Report, Source, Step, nearest};

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
    document: Option<Document>,
}

impl Secrets {
    /// Reads a secrets file: one `name: value` a line, values taken as they are written.
    pub fn parse(source: &Arc<Source>, report: &mut Report) -> Self {
        let Some(document) = Document::parse(source, report) else { return Self::default() };
        let NodeValue::Mapping(entries) = &document.root.value else {
            let message = "the secrets file is no list of names and values";
            report.push(document.error(&[], message, "").help("write one `name: value` a line"));
            return Self::default();
        };
        let mut values = BTreeMap::new();
        for (key, node) in entries {
            let path = [Step::from(&key.text)];
            match &node.value {
                NodeValue::Scalar { .. } if node.is_null() => {}
                NodeValue::Scalar { text, .. } if text.len() > MAX_VALUE || text.contains('\0') => {
                    let message = format!("a secret is a text of at most {MAX_VALUE} bytes, without NUL");
                    report.push(document.error(&path, message, ""));
                }
                NodeValue::Scalar { text, .. } => {
                    values.insert(key.text.clone(), SecretString::from(text.clone()));
                }
                _ => report.push(document.error(&path, "a secret is a single text", "").help("quote it")),
            }
        }
        Self { values, document: Some(document) }
    }

    /// Compares names and forms with what components declare. No message has a value in it, nor a name that is unknown:
    /// it may be a value in the wrong place.
    pub fn check(&self, known: &BTreeMap<&str, &SecretSpec>, report: &mut Report) {
        let Some(document) = &self.document else { return };
        for (name, value) in &self.values {
            let path = [Step::from(name)];
            if name == ADMIN_PASSWORD {
                continue;
            }
            let Some(spec) = known.get(name.as_str()) else {
                let names = || known.keys().copied().chain([ADMIN_PASSWORD]);
                let meant =
                    nearest(name, names()).map_or(String::new(), |name| format!("did you mean `{name}`? "));
                let names: Vec<_> = names().collect();
                let diagnostic = Diagnostic::error("no component has a secret of this name")
                    .at(&document.source, document.key_span(&path), "")
                    .help(format!("{meant}the secrets are `{}`", names.join("`, `")));
                report.push(diagnostic);
                continue;
            };
            if spec.pattern.as_ref().is_some_and(|pattern| !matches_whole(pattern, value.expose_secret())) {
                let message = format!("the secret `{name}` has not the form of one");
                report.push(document.error(&path, message, "").help(spec.description.clone()));
            }
        }
    }

    /// Whether there is a secret of this name.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value of a secret.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(secrecy::ExposeSecret::expose_secret)
    }

    /// The name of a secret whose value stands in `bytes`, if it is long enough not to be there by chance.
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

    /// Values that stand for the real ones wherever those must not be seen.
    #[must_use]
    pub fn masked(&self) -> Self {
        let mask = |name: &String| (name.clone(), SecretString::from(format!("<secret {name}>")));
        Self { values: self.values.keys().map(mask).collect(), document: None }
    }
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
    fn no_message_has_a_value_in_it() {
        for (text, message) in [
            ("chat_id: hunter2\n", "the secret `chat_id` has not the form"),
            ("chat-id: hunter2\n", "did you mean `chat_id`?"),
            ("hunter2: chat_id\n", "no component has a secret of this name"),
            ("chat_id: [hunter2]\n", "a secret is a single text"),
            ("hunter2\n", "the secrets file is no list"),
            ("- hunter2\n", "the secrets file is no list"),
            ("chat_id: 1\nchat_id: hunter2\n", "stands here twice"),
            ("hunter2: 1\nhunter2: 2\n", "stands here twice"),
            ("chat_id: \"hunter2\n", "this is no YAML"),
            ("chat_id: *hunter2\n", "YAML"),
        ] {
            let (_, shown) = read(text);
            assert!(shown.contains(message) && shown.contains("secrets.yaml:"), "{text:?} gave\n{shown}");
            assert!(!shown.contains("hunter2"), "{text:?} gave\n{shown}");
        }
    }
}
