//! Reads and decodes what people wrote, and what earlier builds left: profile, pins, components, secrets, instance-ids.

pub(crate) mod builtin;
pub(crate) mod bundle;
pub(crate) mod instance_ids;
pub(crate) mod lock;
pub(crate) mod recorded;
pub(crate) mod secrets;
mod secrets_file;
mod texts;

use std::collections::BTreeSet;
use std::path::Path;

use crate::component::{Component, Components};
use crate::diagnostic::{Decoded, Report, nearest};
use crate::failure::Failure;
use crate::fetch::BundleSource;
use crate::plan::{Inputs, LastInstances, Plan, PlanError, Request, Selection, resolve};
use crate::profile::{Profile, Secrets};
use crate::release::{Arch, Artifact, Releases};
use crate::settings::{BuildSettings, InputSettings, InputSource, SecretsPlace};
pub(crate) use texts::{MAX_DOCUMENT, Texts, document, releases, text};

/// What people wrote, as far as it could be read.
pub(crate) struct Sources {
    profile: Decoded<Profile>,
    releases: Decoded<Releases>,
    /// The components.
    pub(crate) components: Components,
    partial: Components,
    unreadable: BTreeSet<String>,
    arch: Option<Arch>,
    supply: Option<BundleSource>,
    report: Report,
}

/// A plan, and all that is wrong with what it was made of. With errors it may be rendered, for more of them, but not built.
pub(crate) struct Draft {
    /// The plan.
    pub(crate) plan: Plan,
    /// What is wrong, and what to be warned of.
    pub(crate) report: Report,
}

impl Texts {
    /// Reads them from the bundle, the files or the program itself, as the settings say. What is wrong with files goes into
    /// `report`.
    pub(crate) fn read(settings: &InputSettings, report: &mut Report) -> Result<Self, Failure> {
        let texts = match &settings.source {
            InputSource::Bundle(settings) => bundle::texts(bundle::open(settings)?, report)?,
            InputSource::Files { profile, overlays, releases } => {
                Self::of_files(profile.as_deref(), overlays.as_deref(), releases.as_deref(), report)
            }
        };
        Ok(Self { arch: settings.arch.or(texts.arch), ..texts })
    }
}

impl Sources {
    /// Reads it all. What is wrong with it is kept, so that [`Self::draft`] reports everything at once.
    pub(crate) fn read(settings: &InputSettings) -> Result<Self, Failure> {
        let mut report = Report::new();
        let texts = Texts::read(settings, &mut report)?;
        Self::of(texts, report)
    }

    /// Decodes what was read.
    pub(crate) fn of(texts: Texts, mut report: Report) -> Result<Self, Failure> {
        let Texts { profile, releases, folders, arch, bundle } = texts;
        let supply = bundle.map(bundle::supply);
        let profile = profile.and_then(|source| document(&source, &mut report));
        let releases = releases.and_then(|source| document(&source, &mut report));
        let (mut components, mut partial) = (Components::new(), Components::new());
        let mut unreadable = BTreeSet::new();
        for (name, files) in folders {
            match Component::read(&name, files, &mut report) {
                Some(component) if !component.lossy => _ = components.insert(name, component),
                rest => {
                    partial.extend(rest.map(|component| (name.clone(), component)));
                    unreadable.insert(name);
                }
            }
        }
        let (Some(profile), Some(releases)) = (profile, releases) else {
            return Err(Failure::Invalid(report));
        };
        Ok(Self { profile, releases, components, partial, unreadable, arch, supply, report })
    }

    /// The artifacts of the bundle that it was read from.
    pub(crate) fn supply(&self) -> Option<BundleSource> {
        self.supply.clone()
    }

    /// The secrets; what is wrong with them is kept too.
    pub(crate) fn secrets(&mut self, place: &SecretsPlace) -> Secrets {
        let secrets = secrets::read(place, &mut self.report);
        // The names in components that could not be read are not known.
        if self.unreadable.is_empty() {
            secrets.check(&secrets::specs(&self.components), &mut self.report);
        }
        secrets
    }

    /// The artifacts of these releases, whether the profile needs them or not.
    pub(crate) fn artifacts(mut self, names: &[String]) -> Result<(Vec<Artifact>, Report), Failure> {
        let profile = self.profile.value.as_ref();
        let arch = self.arch.or(profile.map(|profile| profile.arch)).unwrap_or_default();
        let mut artifacts = Vec::new();
        for name in names {
            if let Some(releases) = &self.releases.value
                && !releases.releases.contains_key(name)
            {
                let known: Vec<_> = releases.releases.keys().map(String::as_str).collect();
                let meant = nearest(name, known.iter().copied());
                let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
                let message = format!("unknown release `{}`", name.escape_debug());
                let help =
                    format!("{meant}`{}` has `{}`", self.releases.document.source.name(), known.join("`, `"));
                return Err(Failure::Usage { message, help });
            }
            artifacts.extend(self.releases.artifact(name, arch, &mut self.report));
        }
        if self.report.has_errors() {
            Err(Failure::Invalid(self.report))
        } else {
            Ok((artifacts, self.report))
        }
    }

    /// What is asked of the plan of a build, which goes on from the last builds in `out`.
    pub(crate) fn request(&self, selection: Selection, build: &BuildSettings, out: &Path) -> Request {
        let last_instances = match &self.profile.value {
            Some(profile) => instance_ids::read(profile, out),
            None => LastInstances::new(),
        };
        let delivery = build.delivery.clone();
        Request { selection, layers: build.layers, delivery, last_instances, ..Request::default() }
    }

    /// The plan with everything that is wrong.
    pub(crate) fn draft(&self, request: &Request) -> Result<Draft, Failure> {
        let mut report = self.report.clone();
        let request = Request { arch: self.arch, ..request.clone() };
        let inputs = Inputs {
            profile: &self.profile,
            releases: &self.releases,
            components: &self.components,
            partial: &self.partial,
            unreadable: &self.unreadable,
            request: &request,
        };
        match resolve(&inputs, &mut report) {
            Ok(plan) => Ok(Draft { plan, report }),
            Err(PlanError::Invalid) => Err(Failure::Invalid(report)),
            Err(PlanError::Request(error)) => Err(error.into()),
        }
    }

    /// The pins, if they could be read.
    pub(crate) fn releases(&self) -> Option<&Releases> {
        self.releases.value.as_ref()
    }

    /// The plan and the warnings that go with it, or everything that is wrong.
    pub(crate) fn plan(&self, request: &Request) -> Result<Draft, Failure> {
        match self.draft(request)? {
            Draft { report, .. } if report.has_errors() => Err(Failure::Invalid(report)),
            draft => Ok(draft),
        }
    }
}
