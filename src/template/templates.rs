//! The templates of all components: parsed once, strict about names, bounded in work.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::component::Components;
use crate::diagnostic::{Diagnostic, Report, Source, line_span, nearest};

/// What one rendering may cost, in minijinja's instructions: far above any honest template over ten thousand
/// nodes, and an end to `{% for %}` in `{% for %}` in `{% for %}`.
const FUEL: u64 = 10_000_000;

/// The suffix that makes a file a template; the guest's file has the name without it.
pub const SUFFIX: &str = ".j2";

/// Every template of every component, by `component/path/in/its/folder`.
pub struct Templates {
    environment: Environment<'static>,
    sources: BTreeMap<String, Arc<Source>>,
}

impl Templates {
    /// Parses them; those that do not parse go into `report`.
    pub fn new(components: &Components, report: &mut Report) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Files are of many kinds; a template that writes YAML or JSON says `|tojson` itself.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        let syntax =
            SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.expect("Jinja's own delimiters can be told apart"));
        environment.set_fuel(Some(FUEL));
        let mut templates = Self { environment, sources: BTreeMap::new() };
        for component in components.values() {
            for (path, file) in component.files.iter().filter(|(path, _)| path.ends_with(SUFFIX)) {
                templates.add(&format!("{}/{path}", component.name), &file.name, &file.bytes, report);
            }
        }
        templates
    }

    fn add(&mut self, key: &str, name: &str, bytes: &[u8], report: &mut Report) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            report.push(
                Diagnostic::error(format!("the template `{name}` is not valid UTF-8"))
                    .help("save it as UTF-8"),
            );
            return;
        };
        self.sources.insert(key.to_owned(), Source::new(name, text));
        if let Err(error) = self.environment.add_template_owned(key.to_owned(), text.to_owned()) {
            report.push(self.diagnostic(key, &error, None, true));
        }
    }

    /// Whether there is a template of this key.
    pub fn contains(&self, key: &str) -> bool {
        self.sources.contains_key(key)
    }

    /// The text of a template. `None` if the template does not exist or fails to render; `report` says why, without
    /// a value of the context if that is `private`.
    pub fn render(&self, key: &str, context: &Value, private: bool, report: &mut Report) -> Option<String> {
        let template = self.environment.get_template(key).ok()?;
        match template.render(context) {
            Ok(text) => Some(text),
            Err(error) => {
                report.push(self.diagnostic(key, &error, Some(context), !private));
                None
            }
        }
    }

    /// Whether the template gives every node the same text. `false` may be said of one that does.
    ///
    /// What another template reads is not among the variables of one that takes it in (`include`, `import`, `extends`),
    /// nor is what `debug` shows: whatever has such a word is taken to depend on the node.
    pub fn is_same_everywhere(&self, key: &str) -> bool {
        let Ok(template) = self.environment.get_template(key) else { return false };
        let reaches_out =
            ["include", "import", "extends", "debug"].iter().any(|word| template.source().contains(word));
        !reaches_out && !template.undeclared_variables(false).contains("node")
    }

    /// A text of component.yaml or of the profile that may have `{{ }}` in it.
    pub fn expand(&self, text: &str, context: &Value) -> Result<String, String> {
        self.environment.render_str(text, context).map_err(|error| {
            match Undefined::find(text, &error, context) {
                Some(Undefined { meant: Some(meant), .. }) => {
                    format!("{}; did you mean `{meant}`?", reason(&error))
                }
                Some(Undefined { known, .. }) => format!("{}; {known}", reason(&error)),
                None => reason(&error),
            }
        })
    }

    /// Whether a text is an expression.
    pub fn compiles(&self, expression: &str) -> Result<(), String> {
        self.environment.compile_expression(expression).map(|_| ()).map_err(|error| reason(&error))
    }

    /// Whether an expression holds.
    pub fn holds(&self, expression: &str, context: &Value) -> Result<bool, String> {
        let compiled = self.environment.compile_expression(expression).map_err(|error| reason(&error))?;
        compiled.eval(context).map(|value| value.is_true()).map_err(|error| reason(&error))
    }

    fn diagnostic(&self, key: &str, error: &Error, context: Option<&Value>, quote: bool) -> Diagnostic {
        let what = if quote { reason(error) } else { error.kind().to_string() };
        // An error inside an included template names that one.
        let source = error.name().and_then(|name| self.sources.get(name)).or_else(|| self.sources.get(key));
        let mut diagnostic = Diagnostic::error(format!("failed to render this template: {what}"));
        let undefined =
            source.zip(context).and_then(|(source, seen)| Undefined::find(source.text(), error, seen));
        if let Some(source) = source {
            let line = || line_span(source.text(), error.line().unwrap_or(1));
            let meant = undefined.as_ref().and_then(|undefined| undefined.meant.as_ref());
            let label = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`?"));
            diagnostic = diagnostic.at(source, error.range().unwrap_or_else(line), label);
        }
        match error.kind() {
            ErrorKind::UndefinedError if undefined.is_some() => {
                diagnostic.help(undefined.map(|undefined| undefined.known).unwrap_or_default())
            }
            ErrorKind::UndefinedError if quote => diagnostic.help(
                "`node`, `nodes`, `cluster`, `members`, `settings`, `components` and `release` can be used",
            ),
            ErrorKind::UndefinedError => {
                diagnostic.help("of `secrets`, those that `needs` names can be used")
            }
            ErrorKind::TemplateNotFound => {
                diagnostic.help("templates are called as `etcd/files/etc/etcd/etcd.conf.j2` is")
            }
            ErrorKind::OutOfFuel => diagnostic.help("it loops forever"),
            _ => diagnostic
                .help("the syntax is that of Jinja; `{% raw %}` protects braces that are meant as such"),
        }
    }
}

/// How many names are listed where one is not known.
const LISTED: usize = 12;

/// A name that templates do not see.
struct Undefined {
    /// The one that may be meant.
    meant: Option<String>,
    /// Those that could be.
    known: String,
}

impl Undefined {
    /// Looks up what an error points at in `text`, part by part, in what the template sees.
    fn find(text: &str, error: &Error, seen: &Value) -> Option<Self> {
        let range = error.range().filter(|_| error.kind() == ErrorKind::UndefinedError)?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        // The place begins within a chain of names.
        let before = text.get(..range.start)?.trim_end_matches(|c| is_word(c) || c == '.').len();
        let parts: Vec<_> = text.get(before..range.end)?.split('.').map(str::trim).collect();
        if !parts.iter().all(|part| !part.is_empty() && part.chars().all(is_word)) {
            return None;
        }
        let mut value = seen.clone();
        for (index, part) in parts.iter().enumerate() {
            match value.get_attr(part) {
                Ok(next) if !next.is_undefined() => value = next,
                _ => return Some(Self::among(&value, &parts, index)),
            }
        }
        None
    }

    /// The part at `index` is not among the names of `value`.
    fn among(value: &Value, parts: &[&str], index: usize) -> Self {
        let names: Vec<_> = value.try_iter().into_iter().flatten().map(|name| name.to_string()).collect();
        let meant = nearest(parts[index], names.iter().map(String::as_str));
        let meant = meant.map(|meant| [&parts[..index], &[meant], &parts[index + 1..]].concat().join("."));
        let more = if names.len() > LISTED { " and more" } else { "" };
        let shown = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join("`, `");
        let known = if names.is_empty() { "nothing".to_owned() } else { format!("`{shown}`{more}") };
        let known = match index {
            0 => format!("{known} can be used"),
            _ => format!("`{}` has {known}", parts[..index].join(".")),
        };
        Self { meant, known }
    }
}

fn reason(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()))
}
