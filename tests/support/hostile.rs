//! Text that some reader takes for something else than text, or that is hard to write in some form.

/// Sorted by what each is taken for.
#[rustfmt::skip]
pub const HOSTILE: &[&str] = &[
    // Booleans and nulls of YAML 1.1 and 1.2.
    "no", "No", "NO", "yes", "Yes", "YES", "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N",
    "true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL", "~", "",
    // Numbers, in bases of 2, 8, 16 and 60, and what is nearly one.
    "0", "-0", "+1", "007", "0644", "0o644", "0O644", "0x1F", "0b101", "1_000", "1_000.5", "0_7", "1_",
    "_1", "1e3", "1E3", "1e20", "1.5", ".5", "5.", "08", "09", "0x", "0x_1", ".inf", "-.inf", "+.INF",
    ".nan", ".NaN", "inf", "nan", "12:30", "12:30:45", "23:59", "1:59.5", "52:54:00:12:34:56",
    "99999999999999999999",
    // Dates.
    "2024-01-01", "2024-1-1", "2024-01-01 10:20:30", "2024-01-01T10:20:30Z", "2024-01-01t10:20:30.5-05:00",
    // Tags and keys with a meaning.
    "=", "<<", "!", "!!str", "!!binary aGk=", "&a", "*a", "!!python/object:os.system", "__proto__",
    // Indicators, alone and in places where they count.
    "-", "- a", "?", "? a", ":", ": a", "a: b", "a:", "a :b", "a #b", "#", "# a", " # a", ",", "a, b", "[",
    "]", "[a]", "{", "}", "{a: b}", "{{ a }}", "{% a %}", "|", ">", "|+", "%", "%YAML 1.1", "@", "@a", "`",
    "a`", "---", "--- a", "...", "... a", "'", "''", "it's", "\"", "\"\"", "\"a\"", "\\", "\\n", "a\\",
    "a\"b'c",
    // Spaces and breaks at the edges.
    " ", "  ", " a", "a ", "  a  ", "\t", "\ta", "a\t", "a\tb", "\n", "\n\n", "\na", "\n\na", "a\n",
    "a\n\n", "a\n\n\n", "a\nb", "a\nb\n", "a\n\nb\n", " a\nb", "  a\n b\n", "\ta\nb\n", "a\n\tb\n",
    "a\n b\n", "a \nb \n", "a\n \nb", "a\n  ", "a\n\t\n", " \na", "\n a\n", "\n\ta\n", "a\n\n ",
    "a\n# b\n", "# a\nb\n", "---\na\n", "a\n---\nb\n", "a\n...\n", "- a\n- b\n", "a: b\nc: d\n",
    "\"a\nb\"\n", "%a\nb\n", "\n#\n",
    "#!/bin/sh\nset -eu\ncat <<EOF\n\tx: ${y}\nEOF\nif a; then\n    b\nfi\n",
    // Other line breaks, and characters that are not printable or not visible.
    "\r", "a\r", "\ra", "a\rb", "a\r\nb\r\n", "\r\n", "a\n\rb\n", "\u{85}", "a\u{85}b", "a\nb\u{85}c\n",
    "\u{2028}", "a\u{2028}b", "a\nb\u{2028}\n", "\u{2029}", "\u{feff}", "\u{feff}a", "a\u{feff}",
    "a\n\u{feff}b\n", "\0", "a\0b", "\u{1}", "\u{7}", "\u{8}", "\u{b}", "\u{c}", "\u{1b}[31m", "\u{1f}",
    "\u{7f}", "\u{80}", "\u{9f}", "\u{a0}", "a\u{a0}", "\u{ad}", "a\n\u{7f}\n", "\u{200b}", "\u{202e}abc",
    "\u{d7ff}", "\u{e000}", "\u{f8ff}", "\u{fdd0}", "\u{fffd}", "\u{fffe}", "\u{ffff}", "\u{10000}",
    "\u{1f600}", "\u{1fffe}", "\u{e0001}", "\u{10fffd}", "\u{10ffff}", "ü", "Привет", "日本", "e\u{301}",
    // Plain words.
    "a", "etcd", "Node Exporter", "/etc/hosts", "ptrn-1", "a-b_c.d", "http://ptrn-1:2379", "root:root",
    "0.0.0.0", "192.168.2.96/24", "fe80::1", "::1", "v3.6.4", "3.6.4",
];
