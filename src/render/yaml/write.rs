//! Writes the blocks of a document: maps, lists, comments.

use std::fmt::{self, Formatter, Write as _};

use super::scalar::{fits_literal_block, is_visible, plain_or_quoted, write_literal_block};
use super::{Yaml, YamlMap};

/// Writes a map indented by `depth` steps of two spaces; its first one goes on in the
/// line of the list item before it if there is one (`in_item`).
pub(super) fn write_map(out: &mut Formatter<'_>, map: &YamlMap, depth: usize, in_item: bool) -> fmt::Result {
    for (number, entry) in map.entries.iter().enumerate() {
        write_comment(out, &entry.comment, depth)?;
        if number > 0 || !in_item {
            indent(out, depth)?;
        }
        let key = plain_or_quoted(&entry.key);
        if key.len() > MAX_SIMPLE_KEY {
            writeln!(out, "? {key}")?;
            indent(out, depth)?;
        } else {
            out.write_str(&key)?;
        }
        out.write_char(':')?;
        match &entry.value {
            // No further to the right than its name: user-data has little room.
            Yaml::List(items) if !items.is_empty() => {
                out.write_char('\n')?;
                write_list(out, items, depth, false)?;
            }
            value => write_value(out, value, depth)?,
        }
    }
    Ok(())
}

/// Writes a list indented by `depth` steps.
fn write_list(out: &mut Formatter<'_>, items: &[Yaml], depth: usize, in_item: bool) -> fmt::Result {
    for (number, item) in items.iter().enumerate() {
        if number > 0 || !in_item {
            indent(out, depth)?;
        }
        out.write_char('-')?;
        match item {
            Yaml::Map(map) if !map.entries.is_empty() && !begins_with_comment(item) => {
                out.write_char(' ')?;
                write_map(out, map, depth + 1, true)?;
            }
            Yaml::List(items) if !items.is_empty() && !begins_with_comment(item) => {
                out.write_char(' ')?;
                write_list(out, items, depth + 1, true)?;
            }
            _ => write_value(out, item, depth)?,
        }
    }
    Ok(())
}

/// Writes what follows a colon or a dash, up to the end of the line; `depth` is that of what is around it.
fn write_value(out: &mut Formatter<'_>, value: &Yaml, depth: usize) -> fmt::Result {
    match value {
        Yaml::Map(map) if !map.entries.is_empty() => {
            out.write_char('\n')?;
            write_map(out, map, depth + 1, false)
        }
        Yaml::List(items) if !items.is_empty() => {
            out.write_char('\n')?;
            write_list(out, items, depth + 1, false)
        }
        Yaml::Map(_) => out.write_str(" {}\n"),
        Yaml::List(_) => out.write_str(" []\n"),
        Yaml::Bool(value) => writeln!(out, " {value}"),
        Yaml::Integer(number) => writeln!(out, " {number}"),
        Yaml::Text(text) if fits_literal_block(text) => write_literal_block(out, text, depth + 1),
        Yaml::Text(text) => writeln!(out, " {}", plain_or_quoted(text)),
    }
}

/// Whether the first line of a block would be a comment, which cannot follow a dash.
fn begins_with_comment(value: &Yaml) -> bool {
    match value {
        Yaml::Map(map) => map.entries.first().is_some_and(|entry| !entry.comment.is_empty()),
        Yaml::List(items) => items.first().is_some_and(begins_with_comment),
        _ => false,
    }
}

/// Bytes of a key with nothing but a colon: longer ones need `?` (YAML 1.1 and 1.2 say 1024 characters).
const MAX_SIMPLE_KEY: usize = 1000;

/// Writes a comment; what could end it or is not allowed in a document is replaced.
pub(super) fn write_comment(out: &mut Formatter<'_>, comment: &str, depth: usize) -> fmt::Result {
    for line in comment.lines() {
        let line: String =
            line.chars().map(|c| if is_visible(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
        indent(out, depth)?;
        writeln!(out, "{}", format!("# {line}").trim_end())?;
    }
    Ok(())
}

/// Begins a line `depth` steps from the left.
pub(super) fn indent(out: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    (0..depth).try_for_each(|_| out.write_str("  "))
}
