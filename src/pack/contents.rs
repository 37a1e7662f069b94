//! What goes into a bundle: what people wrote, the artifacts that nodes need, and this program.
#![expect(clippy::disallowed_methods, reason = "edge: reads the program")]

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::bundle::{OVERLAYS, PROFILE, PROGRAM, Part, RELEASES};
use crate::diagnostic::{Diagnostic, Report, Source};
use crate::digest::Sha256;
use crate::failure::Failure;
use crate::fetch::{ArtifactRequest, Fetched};
use crate::input::Texts;
use crate::input::bundle::MAX_COMPONENTS;
use crate::plan::{NodePlan, Plan};
use crate::profile::Secrets;
use crate::store::Store;

/// The parts of a bundle and where their bytes are.
pub(crate) struct Contents(BTreeMap<String, (Part, Bytes)>);

/// Where the bytes of a part are.
enum Bytes {
    Here(Arc<[u8]>),
    Store(Sha256),
    File(PathBuf),
}

impl Contents {
    /// What the user wrote.
    pub(crate) fn of(texts: &Texts, plan: &Plan) -> Result<Self, Failure> {
        let mut contents = Self(BTreeMap::new());
        let text = |source: &Option<Arc<Source>>| -> Arc<[u8]> {
            source.as_ref().map_or("", |source| source.text()).as_bytes().into()
        };
        contents.add(PROFILE.to_owned(), &plan.cluster.name, text(&texts.profile));
        contents.add(RELEASES.to_owned(), "releases", text(&texts.releases));
        let mut total = 0;
        for (component, folder) in &texts.folders {
            for (path, file) in folder {
                total += file.bytes.len() as u64;
                contents.add(format!("{OVERLAYS}{component}/{path}"), component, Arc::clone(&file.bytes));
            }
        }
        if total > MAX_COMPONENTS {
            let message =
                format!("the components have {total} bytes, expected at most {MAX_COMPONENTS} in a bundle");
            return Err(anyhow::anyhow!(message).into());
        }
        Ok(contents)
    }

    /// Refuses texts that a secret has strayed into: a bundle goes through many hands.
    pub(crate) fn refuse(&self, secrets: &Secrets) -> Result<(), Failure> {
        let mut report = Report::new();
        for (path, (_, bytes)) in &self.0 {
            let Bytes::Here(bytes) = bytes else { continue };
            if let Some(name) = secrets.named_in(bytes) {
                let message = format!("`{path}` contains the value of the secret `{name}`");
                let help =
                    "remove it there: secrets belong in the secrets file, which a bundle never contains";
                report.push(Diagnostic::error(message).help(help));
            }
        }
        if report.has_errors() { Err(Failure::Invalid(report)) } else { Ok(()) }
    }

    fn add(&mut self, path: String, name: &str, bytes: Arc<[u8]>) {
        let (size, sha256) = (bytes.len() as u64, Sha256::of(&bytes));
        let part = Part { path: path.clone(), name: name.to_owned(), version: None, size, sha256 };
        self.0.insert(path, (part, Bytes::Here(bytes)));
    }

    /// The artifacts that these nodes need, which are in the store.
    pub(crate) fn artifacts(
        &mut self,
        nodes: &[&NodePlan],
        requests: &[ArtifactRequest],
        fetched: &[Fetched],
    ) {
        let artifacts = nodes.iter().flat_map(|node| node.artifacts());
        let known: BTreeMap<_, _> = artifacts.map(|artifact| (artifact.title(), artifact)).collect();
        for (request, fetched) in requests.iter().zip(fetched) {
            let Some(artifact) = known.get(&request.name) else { continue };
            let path = Part::artifact_path(&fetched.sha256);
            let part = Part {
                path: path.clone(),
                name: artifact.release.clone(),
                version: Some(format!("{} {}", artifact.version, artifact.arch)),
                size: fetched.size,
                sha256: fetched.sha256,
            };
            self.0.insert(path, (part, Bytes::Store(fetched.sha256)));
        }
    }

    /// The program at `file`.
    pub(crate) fn program(&mut self, file: PathBuf) -> Result<(), Failure> {
        let (sha256, size) = Sha256::of_reader(fs_err::File::open(&file)?)?;
        let part = Part {
            path: PROGRAM.to_owned(),
            name: "imgbuild".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            size,
            sha256,
        };
        self.0.insert(PROGRAM.to_owned(), (part, Bytes::File(file)));
        Ok(())
    }

    /// The parts.
    pub(crate) fn parts(&self) -> Vec<Part> {
        self.0.values().map(|(part, _)| part.clone()).collect()
    }

    /// The bytes of a part.
    pub(crate) fn open(&self, part: &Part, store: &Store) -> io::Result<Box<dyn Read>> {
        Ok(match self.0.get(&part.path).map(|(_, bytes)| bytes) {
            Some(Bytes::Here(bytes)) => Box::new(Cursor::new(Arc::clone(bytes))),
            Some(Bytes::Store(sha256)) => Box::new(store.read(sha256).map_err(io::Error::other)?),
            Some(Bytes::File(path)) => Box::new(fs_err::File::open(path)?),
            None => Box::new(io::empty()),
        })
    }
}
