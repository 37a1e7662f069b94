//! How the nodes of a build get their layers: what was asked for, and what is written beside the nodes' folders for it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::Options;
use crate::command::select;
use crate::digest::Sha256;
use crate::failure::Failure;
use crate::output::{
    Delivery, LAYERS, LayerSource, Outputs, SHARED, Seen, Staged, known_layers, layers_are_current,
    remove_unused_layers, shared_is_current, write_layers, write_shared,
};
use crate::plan::{Format, Plan};
use crate::release::Artifact;

/// What a build delivers by.
#[derive(Clone, Debug)]
pub struct Way {
    /// How.
    pub delivery: Delivery,
    /// The address below which the layers are.
    pub layers_url: Option<String>,
}

impl Way {
    /// What the options ask for.
    pub fn of(options: &Options) -> Result<Self, Failure> {
        let delivery = options.delivery;
        let layers_url = match (&options.url, delivery) {
            (Some(url), Delivery::Http) => Some(format!("{}/{LAYERS}", plain(url)?)),
            (None, Delivery::Http) => {
                return usage(
                    "`--delivery http` lacks the address that the nodes fetch from",
                    "add `--url http://HOST:PORT`, where `imgbuild serve` or another server answers",
                );
            }
            (Some(_), _) => {
                return usage("`--url` is for `--delivery http`", "add that, or leave out `--url`");
            }
            (None, _) => None,
        };
        Ok(Self { delivery, layers_url })
    }

    /// Refuses a node in whose folder others fetch.
    pub fn check(&self, plan: &Plan) -> Result<(), Failure> {
        if self.delivery == Delivery::Http && plan.node(LAYERS).is_some() {
            let message = format!("a node is called `{LAYERS}`, as the folder of what the nodes fetch");
            return usage(&message, "rename the node, or deliver in another way");
        }
        Ok(())
    }

    /// Whether what is written depends on all nodes of the profile, whichever are built.
    pub fn is_of_all(&self) -> bool {
        self.delivery == Delivery::Shared
    }

    /// Writes what the nodes share, unless it is there.
    pub fn stage(
        &self,
        outputs: &mut Outputs,
        epoch: u64,
        layers: Vec<LayerSource<'_>>,
    ) -> Result<Option<Shared>, Failure> {
        let root = outputs.root().to_owned();
        let seen = &mut outputs.seen;
        let (is_current, place) = match self.delivery {
            Delivery::Image | Delivery::Download => return Ok(None),
            Delivery::Shared => (shared_is_current(&layers, &root, seen)?, "."),
            Delivery::Http => (layers_are_current(&layers, seen)?, LAYERS),
        };
        if is_current {
            return Ok(None);
        }
        let staged = outputs.stage(place)?;
        let files = if self.delivery == Delivery::Shared {
            vec![(SHARED.to_owned(), write_shared(layers, epoch, staged.path())?.sha256)]
        } else {
            let written = write_layers(layers, staged.path())?.into_iter();
            written.map(|digest| (format!("{LAYERS}/{digest}"), digest)).collect()
        };
        Ok(Some(Shared { staged, files }))
    }

    /// The layers beside the nodes before a build, which [`Way::tidy`] may remove after it.
    pub fn layers_before(&self, outputs: &Outputs) -> Result<BTreeSet<Sha256>, Failure> {
        let is_beside = self.delivery == Delivery::Http;
        Ok(if is_beside { known_layers(outputs.root(), &outputs.seen)? } else { BTreeSet::new() })
    }

    /// Removes those of these layers that no node needs any more.
    pub fn tidy(out: &Path, before: &BTreeSet<Sha256>) -> Result<(), Failure> {
        if !before.is_empty() {
            remove_unused_layers(out, before)?;
        }
        Ok(())
    }
}

/// What nodes share, before it has its place.
pub struct Shared {
    staged: Staged,
    /// Its files, as they will be called, with their digests.
    files: Vec<(String, Sha256)>,
}

impl Shared {
    /// What is yet to be published.
    pub fn staged(&self) -> &Staged {
        &self.staged
    }

    /// Puts it there.
    pub fn publish(self, seen: &mut Seen) -> Result<(), Failure> {
        self.staged.publish_files()?;
        self.files.iter().try_for_each(|(name, digest)| Ok(seen.wrote(name, *digest)?))
    }
}

/// What is beside the nodes' folders.
pub fn beside(options: &Options) -> Option<PathBuf> {
    match options.delivery {
        Delivery::Image | Delivery::Download => None,
        Delivery::Shared => Some(options.out.join(SHARED)),
        Delivery::Http => Some(options.out.join(LAYERS)),
    }
}

/// By what address a node fetches an artifact.
type Place = Box<dyn Fn(&Artifact) -> String>;

/// Where the nodes fetch the releases from, if they do that themselves.
pub fn fetched_from(options: &Options) -> Result<Option<Place>, Failure> {
    if options.delivery != Delivery::Download {
        return Ok(None);
    }
    if options.format == Format::Sysext {
        return usage(
            "a system extension is made of what a release holds, which `--delivery download` leaves to the node",
            "leave out `--format sysext`, or deliver in another way",
        );
    }
    let Some(mirror) = select::mirror(options)? else {
        return Ok(Some(Box::new(|artifact| artifact.url.clone())));
    };
    if mirror.address("https://upstream/").is_none() {
        return usage(
            "with `--delivery download` the nodes fetch from the mirror themselves, and they cannot from this one",
            "`--mirror http://HOST:PORT`, a web server without user name and password; or leave out `--mirror`",
        );
    }
    Ok(Some(Box::new(move |artifact| mirror.address(&artifact.url).unwrap_or_else(|| artifact.url.clone()))))
}

/// An address that paths can be put behind, and that anybody may read.
fn plain(url: &str) -> Result<&str, Failure> {
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let is_plain = |rest: &str| {
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "'\"\\`$?#@".contains(c);
        !rest.starts_with('/') && !rest.is_empty() && !rest.contains(is_odd)
    };
    if rest.is_some_and(is_plain) {
        return Ok(url.trim_end_matches('/'));
    }
    // It may hold a password, and is not repeated.
    usage(
        "the address of `--url` is no plain web address",
        "`http://HOST:PORT`, also with `https` or a path, without user name, `?` or `#`",
    )
}

fn usage<T>(message: &str, help: &str) -> Result<T, Failure> {
    Err(Failure::Usage { message: message.to_owned(), help: help.to_owned() })
}
