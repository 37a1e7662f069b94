//! What people are told of an event.

use super::Console;
use crate::event::Event;

impl Console {
    /// Shows an event.
    pub fn event(&self, event: &Event<'_>) {
        match event {
            Event::Report(report) => self.report(report),
            Event::Fetch(event) => self.progress.show(event),
            Event::CacheUnusable(why) => {
                self.say(&format!("warning: the cache of layers is not used: {why}\nhelp: {}", why.help()));
            }
            Event::WaitingForBuild { lock } => self.say(&format!(
                "waiting for another build that writes there: it holds the lock `{}`",
                lock.display()
            )),
            event => {
                if let Some(line) = line(event) {
                    self.talk(&line);
                }
            }
        }
    }
}

/// The line that `--quiet` hides.
fn line(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Warning(line) => format!("warning: {line}"),
        Event::SudoWithoutPassword { admin } => {
            format!("`{admin}` uses sudo without a password: no secret `{}`", crate::profile::ADMIN_PASSWORD)
        }
        Event::Renewed { node, instance } => {
            let before = instance.replaces.as_ref()?;
            format!("{node}: the instance-id is `{}`, no longer `{before}`", instance.id)
        }
        Event::SecretGenerated { name, file } => {
            format!("generated the secret `{name}`, kept in {}", file.display())
        }
        Event::WouldGenerate { name } => format!("a build would generate the secret `{name}`"),
        Event::OutputDamaged { path } => {
            format!("{} was modified after the build; rewriting it", path.display())
        }
        Event::OncePerInstance { node, parts } => format!(
            "{node}: `{}` changed: cloud-init applies that once per instance, so a node that has booted takes it up only \
             after `imgbuild {node} --reprovision`",
            parts.join("`, `")
        ),
        Event::Unchanged { is_all: true, .. } => "nothing has changed since the last build".to_owned(),
        Event::Unchanged { count, of, .. } => {
            format!("{count} of {of} nodes have not changed since the last build")
        }
        Event::Lacking(line) | Event::Asking(line) => (*line).to_owned(),
        Event::Report(_) | Event::Fetch(_) | Event::CacheUnusable(_) | Event::WaitingForBuild { .. } => {
            return None;
        }
    })
}
