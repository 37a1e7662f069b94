//! JSON that programs write and that may have been modified since.

use serde::de::DeserializeOwned;

/// Reads a value, or says why not, with no control character: serde repeats names of the text, and a terminal would
/// obey them.
pub fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| {
        error
            .to_string()
            .chars()
            .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_without_what_a_terminal_obeys() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        let why = from_json::<Empty>(br#"{"\u001b[2J": 1}"#).unwrap_err();
        assert!(why.contains("unknown field `\u{fffd}[2J`") && why.contains("line 1"), "{why}");
    }
}
