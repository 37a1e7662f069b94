//! serde over a [`Node`]: texts stay as they were written, and errors keep their path.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor};

use super::document::{NodeValue, Path, Step, YamlKey, YamlNode};

/// What separates a message of [`DecodeProblem::Invalid`] from its way on.
pub const HELP: &str = "\nhelp: ";

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeProblem {
    /// Another kind of value, or none that the type takes.
    Invalid(String),
    /// A key that the mapping does not have, and those that it has.
    UnknownField(String, &'static [&'static str]),
    /// A word that is not one of those allowed.
    UnknownVariant(String, &'static [&'static str]),
    /// A key that the mapping must have.
    MissingField(&'static str),
}

/// A value that does not fit its type, and the way to it from the node that was read.
#[derive(Clone, Debug)]
pub struct DecodeError {
    /// What is wrong.
    pub problem: DecodeProblem,
    /// Where; the last step comes last.
    pub path: Path,
    /// Whether it is the key at the end of the path, not its value.
    pub is_key: bool,
}

impl DecodeError {
    fn new(problem: DecodeProblem) -> Self {
        Self { problem, path: Vec::new(), is_key: false }
    }

    fn of_key(self) -> Self {
        let problem = match self.problem {
            DecodeProblem::UnknownVariant(name, known) => DecodeProblem::UnknownField(name, known),
            other => other,
        };
        Self { problem, is_key: true, ..self }
    }

    fn below(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            DecodeProblem::Invalid(message) => f.write_str(message),
            DecodeProblem::UnknownField(name, _) => write!(f, "unknown key `{name}`"),
            DecodeProblem::UnknownVariant(name, known) => {
                write!(f, "unknown value `{name}`, expected one of `{}`", known.join("`, `"))
            }
            DecodeProblem::MissingField(name) => write!(f, "the key `{name}` is missing"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(DecodeProblem::Invalid(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let single = match found {
            Unexpected::Str(text) => Some(text.escape_debug().to_string()),
            Unexpected::Bool(value) => Some(value.to_string()),
            Unexpected::Signed(number) => Some(number.to_string()),
            Unexpected::Unsigned(number) => Some(number.to_string()),
            _ => None,
        };
        let found = match found {
            Unexpected::Unit => "nothing".to_owned(),
            Unexpected::Map => "a mapping".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Str(text) => format!("the text `{}`", text.escape_debug()),
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Signed(number) => format!("the number {number}"),
            Unexpected::Unsigned(number) => format!("the number {number}"),
            Unexpected::Float(number) => format!("the number {number}"),
            other => other.to_string(),
        };
        let expected = in_words(&expected.to_string()).to_owned();
        let help = single.filter(|_| expected == "a list");
        let help = help.map_or(String::new(), |text| format!("{HELP}write it in brackets: `[{text}]`"));
        Self::new(DecodeProblem::Invalid(format!("expected {expected}, got {found}{help}")))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(DecodeProblem::UnknownField(field.to_owned(), expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(DecodeProblem::UnknownVariant(variant.to_owned(), expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(DecodeProblem::MissingField(field))
    }
}

/// What serde expects, in YAML's terms.
fn in_words(expected: &str) -> &str {
    match expected {
        "a string" => "a text",
        "a boolean" => "`true` or `false`",
        "a map" => "a mapping",
        "a sequence" => "a list",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number that is not negative",
        other => other,
    }
}

/// What a plain scalar means to a reader that has no type in mind: YAML 1.2's core schema, less its traps.
/// A number that would not be written back the same way (`0644`, `1e3`, `1_000`) stays a text.
fn visit_plain<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, DecodeError> {
    if text == "true" || text == "false" {
        return visitor.visit_bool(text == "true");
    }
    if let Some(number) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
        return visitor.visit_i64(number);
    }
    if let Some(number) = text.parse::<u64>().ok().filter(|number| number.to_string() == text) {
        return visitor.visit_u64(number);
    }
    let is_decimal = text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    match text.parse::<f64>() {
        Ok(number) if is_decimal => visitor.visit_f64(number),
        _ => visitor.visit_str(text),
    }
}

macro_rules! any_value {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.deserialize_any(visitor)
        }
    )*};
}

macro_rules! text_value {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match &self.value {
                NodeValue::Scalar { text, .. } if !self.is_null() => visitor.visit_str(text),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de YamlNode {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.value {
            _ if self.is_null() => visitor.visit_unit(),
            NodeValue::Scalar { text, plain: true } => visit_plain(text, visitor),
            NodeValue::Scalar { text, plain: false } => visitor.visit_str(text),
            NodeValue::Sequence(items) => {
                visitor.visit_seq(Items { items: items.iter().enumerate(), len: items.len() })
            }
            NodeValue::Mapping(entries) => {
                visitor.visit_map(Entries { entries: entries.iter(), value: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.value {
            NodeValue::Scalar { text, .. } => {
                visitor.visit_enum(IntoDeserializer::<DecodeError>::into_deserializer(text.as_str()))
            }
            other => Err(DecodeError::new(DecodeProblem::Invalid(format!("expected a word, got {other}")))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    text_value! { deserialize_str deserialize_string deserialize_identifier deserialize_char }
    any_value! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_seq deserialize_map
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        v: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_any(v)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.value {
            // serde's derived readers accept a list as the fields in order, which is never meant.
            NodeValue::Sequence(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }
}

struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, YamlNode>>,
    len: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|error| error.below(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len)
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, (YamlKey, YamlNode)>,
    value: Option<(&'de str, &'de YamlNode)>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some((&key.text, value));
        seed.deserialize(StrDeserializer::new(&key.text))
            .map(Some)
            .map_err(|error: DecodeError| error.of_key().below(Step::from(&key.text)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let Some((key, value)) = self.value.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        seed.deserialize(value).map_err(|error| error.below(Step::from(key)))
    }
}
