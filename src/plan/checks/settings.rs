//! Checks component settings: type, pattern and bounds.

use serde_yaml::Value;

use crate::component::{
    Component, PrometheusDuration, Setting, SettingFormat, matches_whole, meant_duration,
};
use crate::diagnostic::{Document, Report, Step};

/// What is wrong with a value.
struct Misfit {
    message: String,
    label: String,
    help: Option<String>,
}

/// Whether the component has the setting, and its value has the kind of its default, and the form and the bounds that the
/// component asks for. One that it does not have is not reported here.
pub(in crate::plan) fn setting(
    document: &Document,
    component: &Component,
    name: &str,
    value: &Value,
    report: &mut Report,
) -> bool {
    let Some(setting) = component.spec.settings.get(name) else { return false };
    let component = component.name.as_str();
    let named = format!("{component}.{name}");
    let Some(misfit) = of_kind(&named, value, setting).or_else(|| of_form(&named, value, setting)) else {
        return true;
    };
    let path = ["settings".into(), component.into(), name.into()];
    let default = serde_json::to_string(&setting.default).expect("values of YAML are values of JSON");
    let told = format!("{}; the default is `{default}`", setting.description);
    let help = misfit.help.map_or_else(|| told.clone(), |help| format!("{help}; {told}"));
    report.push(document.error(&path, misfit.message, misfit.label).help(help));
    false
}

/// The bounds that a component sets itself can be compared with its values.
pub(super) fn bounds(component: &Component, report: &mut Report) {
    for (name, setting) in &component.spec.settings {
        let is_duration = setting.format == Some(SettingFormat::Duration);
        let bounds = [
            ("default", Some(&setting.default)),
            ("minimum", setting.minimum.as_ref()),
            ("maximum", setting.maximum.as_ref()),
        ];
        for (key, bound) in bounds {
            let Some(bound) = bound.filter(|_| is_duration || key != "default") else { continue };
            let good = if is_duration { as_duration(bound).is_some() } else { bound.is_number() };
            if !good {
                let message = format!(
                    "the {key} of the setting `{name}` is not {}",
                    if is_duration { "a duration" } else { "a number" }
                );
                let path = [Step::from("settings"), Step::from(name), Step::from(key)];
                let label = if is_duration { "expected one such as `15s`" } else { "expected a number" };
                report.push(component.document.error(&path, message, label));
            }
        }
    }
}

fn as_duration(value: &Value) -> Option<PrometheusDuration> {
    value.as_str()?.parse().ok()
}

fn of_kind(named: &str, value: &Value, setting: &Setting) -> Option<Misfit> {
    let default = &setting.default;
    let fits = default.is_null() || kind(value) == kind(default) || (default.is_f64() && value.is_number());
    if fits {
        return None;
    }
    let meant = meant(value, setting);
    let label = meant
        .as_ref()
        .map_or_else(|| format!("expected {}", kind(default)), |meant| format!("did you mean `{meant}`?"));
    let help = match (value, default) {
        (Value::String(text), Value::Number(_)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some("write a number without quotes".to_owned())
        }
        (Value::String(_), Value::Number(_)) if meant.is_some() => {
            Some("write the number alone, the unit is fixed".to_owned())
        }
        (Value::Number(_), Value::String(_)) if setting.format.is_some() => {
            Some("a duration has a unit".to_owned())
        }
        (Value::Number(_) | Value::Bool(_), Value::String(_)) => {
            Some("quote a text that looks like another type".to_owned())
        }
        _ => None,
    };
    let message = format!("`{named}`: expected {}, got {}", kind(default), shown(value));
    Some(Misfit { message, label, help })
}

/// The value as it was meant, in YAML.
fn meant(value: &Value, setting: &Setting) -> Option<String> {
    match (value, &setting.default) {
        (Value::String(text), Value::Number(_)) => {
            let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            let number = &text[..digits];
            let unit = text[digits..].trim_start();
            let is_unit = unit == "%" || unit.chars().all(char::is_alphabetic);
            let is_plain = is_unit && unit.len() <= 12 && number.parse::<f64>().is_ok();
            is_plain.then(|| number.to_owned())
        }
        (Value::String(text), Value::Bool(_)) => match text.to_lowercase().as_str() {
            "yes" | "on" | "y" | "1" => Some("true".to_owned()),
            "no" | "off" | "n" | "0" => Some("false".to_owned()),
            _ => None,
        },
        (Value::Number(number), Value::String(default))
            if setting.format == Some(SettingFormat::Duration) =>
        {
            meant_duration(&number.to_string(), default)
        }
        (Value::Number(number), Value::String(_)) => Some(format!("\"{number}\"")),
        (Value::Bool(truth), Value::String(_)) => Some(format!("\"{truth}\"")),
        _ => None,
    }
}

fn of_form(named: &str, value: &Value, setting: &Setting) -> Option<Misfit> {
    let text = value.as_str().map(|text| text.escape_debug().to_string());
    if let (Some(pattern), Some(text)) = (&setting.pattern, value.as_str())
        && !matches_whole(pattern, text)
    {
        let message = format!("`{}` is not a valid value of `{named}`", text.escape_debug());
        return Some(Misfit { message, label: format!("expected a match of `{pattern}`"), help: None });
    }
    if setting.format == Some(SettingFormat::Duration)
        && let Some(Err(why)) = value.as_str().map(str::parse::<PrometheusDuration>)
    {
        let text = text.unwrap_or_default();
        let meant = meant_duration(&text, setting.default.as_str().unwrap_or_default());
        let label = meant.map_or_else(
            || "expected one such as `15d12h`".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        let help = Some("the units are `y`, `w`, `d`, `h`, `m`, `s` and `ms`, the longest first".to_owned());
        return Some(Misfit { message: format!("`{text}` {why}"), label, help });
    }
    let below = setting.minimum.as_ref().and_then(|bound| beyond(named, value, bound, true));
    below.or_else(|| setting.maximum.as_ref().and_then(|bound| beyond(named, value, bound, false)))
}

/// What is wrong with a value below its minimum, or above its maximum.
fn beyond(named: &str, value: &Value, bound: &Value, is_least: bool) -> Option<Misfit> {
    let (is_less, is_more) = match (as_duration(value), as_duration(bound)) {
        (Some(value), Some(bound)) => (value < bound, value > bound),
        _ => (value.as_f64()? < bound.as_f64()?, value.as_f64()? > bound.as_f64()?),
    };
    let (word, is_beyond) = if is_least { ("least", is_less) } else { ("most", is_more) };
    let (value, bound) = (plain(value), plain(bound));
    is_beyond.then(|| Misfit {
        message: format!(
            "`{named}` is `{value}`, {} `{bound}`",
            if is_least { "less than" } else { "more than" }
        ),
        label: format!("expected at {word} `{bound}`"),
        help: None,
    })
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.escape_debug().to_string(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => kind(value).to_owned(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(_) => format!("the text `{}`", plain(value)),
        Value::Number(_) => format!("the number {}", plain(value)),
        Value::Bool(_) => format!("`{}`", plain(value)),
        _ => kind(value).to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(number) if number.is_f64() => "a decimal number",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) | Value::Tagged(_) => "a mapping",
    }
}
