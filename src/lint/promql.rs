//! `PromQL` expressions, read by a parser that was compared with `promtool check rules` of Prometheus 3.5.

use promql_parser::parser::parse;

/// The longest expression that is parsed, in bytes, and the deepest nesting: the parser's work and stack grow with both.
const LONGEST: usize = 8 << 10;
const DEEPEST: usize = 64;

/// Functions that some Prometheus has and the parser does not: of 2.x, and of later versions than it knows.
const OF_OTHER_VERSIONS: [&str; 7] = [
    "holt_winters",
    "first_over_time",
    "histogram_quantiles",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
];

/// What can be said of an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpressionCheck {
    /// Prometheus takes it.
    Sound,
    /// Prometheus refuses it, for this reason.
    Wrong(String),
    /// It was not looked at, for this reason.
    Unchecked(String),
}

/// Reads an expression as Prometheus does.
pub(super) fn check(expression: &str) -> ExpressionCheck {
    if expression.len() > LONGEST || depth(expression) > DEEPEST {
        return ExpressionCheck::Unchecked(format!(
            "it is longer than {LONGEST} bytes, or nests deeper than {DEEPEST}"
        ));
    }
    let Err(reason) = parse(expression) else { return ExpressionCheck::Sound };
    let unknown =
        reason.strip_prefix("unknown function with name '").and_then(|rest| rest.strip_suffix('\''));
    if let Some(name) = unknown.filter(|name| OF_OTHER_VERSIONS.contains(name)) {
        return ExpressionCheck::Unchecked(format!(
            "not every version of Prometheus has the function `{name}`"
        ));
    }
    // Digits may be grouped, as in `1_000`, which the parser does not know.
    if reason.starts_with("bad number") && reason.ends_with('_') {
        return ExpressionCheck::Unchecked("it has a number with `_` in it".to_owned());
    }
    ExpressionCheck::Wrong(match reason.as_str() {
        "invalid promql query" => {
            "an operand, an operator or a parenthesis is missing or misplaced".to_owned()
        }
        _ => reason,
    })
}

fn depth(expression: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in expression.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What promtool of Prometheus 3.5.3 said of each.
    #[test]
    fn expressions_are_judged_as_promtool_judges_them() {
        for expression in [
            "up == 0",
            "up{job='a', instance=~\"b.*\",}",
            "{__name__=~\"up|down\"}",
            "{\"up.dots\", \"label dots\"=\"a\"}",
            "rate(up[1h30m] offset -5m)",
            "max_over_time(deriv(rate(up[5m])[30m:1m])[1h:])",
            "sum by (job) (rate(up[5m])) > on() group_left() vector(1)",
            "sum without () (up) / ignoring(job) group_left(x) up",
            "up @ end() unless up AND up # comment",
            "histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))",
            "1 == bool 2",
            "-up ^ .5 atan2 0x1F",
            "up{by=\"a\", on=\"b\", bool=\"c\"}",
            "label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")",
        ] {
            assert_eq!(check(expression), ExpressionCheck::Sound, "{expression}");
        }
        for expression in [
            "",
            "# comment",
            "pg_up{job=\"postgres_exporter\" == 0",
            "up{job=a}",
            "up{job=~\"(\"}",
            "rate(up)",
            "rate(up[5])m",
            "rate(up[-5m])",
            "sum(rate(up[5m])",
            "sum by job (up)",
            "rat(up[5m])",
            "topk(up)",
            "up and 1",
            "1 > 2",
            "up + on(job) group_left(job) up",
            "up[5m] > 1",
            "up =~ \"a\"",
            "\"a\" + 1",
            "$job",
            "{{ 7*7 }}",
            "up up",
        ] {
            assert!(matches!(check(expression), ExpressionCheck::Wrong(_)), "{expression}");
        }
        for expression in ["holt_winters(up[5m], 0.5, 0.5)", "up > 1_000"] {
            assert!(matches!(check(expression), ExpressionCheck::Unchecked(_)), "{expression}");
        }
    }

    #[test]
    fn no_expression_takes_the_stack_or_the_day() {
        for (begin, middle, end) in [
            ("(", "up", ")"),
            ("sum(", "up", ")"),
            ("a+", "a", ""),
            ("-", "1", ""),
            ("up[1m", ":]", ""),
            ("a and ", "a", ""),
            ("{a=\"", "", "\"}"),
        ] {
            for count in [60, 1_300, 8_000, 100_000] {
                let _ = check(&[&begin.repeat(count), middle, &end.repeat(count)].concat());
            }
        }
    }
}
