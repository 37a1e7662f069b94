//! From what is wanted to what is locked.

use std::collections::{BTreeMap, BTreeSet};

use super::lists::{Lists, Suites, manifest};
use super::refused::Refused;
use super::wishes::Wish;
use crate::date::Moment;
use crate::digest::Sha256;
use crate::failure::Failure;
use crate::fetch::{FetchOptions, Times};
use crate::package::base::Base;
use crate::package::candidates::Candidates;
use crate::package::lock::{Lock, LockMoment, LockedPackage, LockedRelease, LockedSystem, PackageArch};
use crate::package::name::PackageName;
use crate::package::refusal::Wanted;
use crate::package::resolve::{fits, resolve};
use crate::package::solution::Solution;
use crate::release::Releases;

/// The most bytes that the packages of a system may have.
const MAX_SIZE: u64 = 4 << 30;

/// What a lock is made of.
pub(super) struct Request<'a> {
    /// The pins.
    pub releases: &'a Releases,
    /// What is wanted.
    pub wishes: &'a [Wish],
    /// The digest of all that decides it.
    pub inputs: Sha256,
    /// For which moment the archives are asked.
    pub times: Times,
    /// The moment that it is, for archives that know no other.
    pub now: Moment,
    /// The present lock.
    pub known: Option<&'a Lock>,
    /// Reads a file beside the pins file.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>, Failure>,
    /// How files are fetched.
    pub fetching: &'a FetchOptions,
    /// Says what is being done.
    pub tell: &'a dyn Fn(&str),
}

/// A lock, and what somebody may want to know of how it was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// The lock.
    pub lock: Lock,
    /// Choices and gaps.
    pub notes: BTreeSet<String>,
}

/// Makes a lock. Where the archives have signed nothing new since the present one, that is it.
pub(super) fn make(request: &Request<'_>) -> Result<Made, Refused> {
    let archs: Vec<_> = request.wishes.iter().map(|wish| wish.arch.to_string()).collect();
    let mut suites = Vec::new();
    for (wish, arch) in request.wishes.iter().zip(&archs) {
        suites.push(Suites::read(request, wish, arch)?);
    }
    if let Some(known) = request.known.filter(|known| is_current(request, known, &suites)) {
        return Ok(Made { lock: known.clone(), notes: BTreeSet::new() });
    }
    let mut made = Made { lock: Lock::empty(request.inputs), notes: BTreeSet::new() };
    for (wish, mut suites) in request.wishes.iter().zip(suites) {
        let system = locked(request, wish, &mut suites, &mut made.notes)?;
        made.lock.systems.insert(wish.key(), system);
    }
    Ok(made)
}

fn is_current(request: &Request<'_>, known: &Lock, suites: &[Suites<'_>]) -> bool {
    let digests = |releases: &[LockedRelease]| releases.iter().map(|one| one.sha256).collect::<Vec<_>>();
    let is_same = |(wish, suites): (&Wish, &Suites<'_>)| {
        known
            .systems
            .get(&wish.key())
            .is_some_and(|system| digests(&system.releases) == digests(&suites.releases()))
    };
    known.inputs == request.inputs && request.wishes.iter().zip(suites).all(is_same)
}

fn locked<'a>(
    request: &Request<'a>,
    wish: &Wish,
    suites: &mut Suites<'a>,
    notes: &mut BTreeSet<String>,
) -> Result<LockedSystem, Refused> {
    let (manifest, image) = manifest(request, wish)?;
    let lists = suites.lists(request, wish)?;
    let arch = wish.arch.to_string();
    let candidates = Candidates::new(&lists.packages, &arch)?;
    let base = Base::new(&manifest, &candidates)?;
    let mut all = Solution::default();
    let mut combined = Vec::new();
    for combination in &wish.combinations {
        let wanted: Vec<Wanted> = combination.iter().cloned().collect();
        let solution = resolve(&candidates, &base, &wish.system, &wanted)?;
        combined.push(solution.packages.clone());
        all.merge(solution);
    }
    if combined.len() > 1 {
        // What one node needs of a package, another that has it gets too.
        for packages in &combined {
            fits(&candidates, &base, &wish.system, all.closure(packages))?;
        }
    }
    notes.append(&mut all.notes);
    if !base.outdated.is_empty() {
        notes.insert(format!(
            "{} of the packages of `{}` are in its archives in other versions only: what they provide is taken from those",
            base.outdated.len(),
            wish.system
        ));
    }
    let packages = packages(&all, &candidates, &lists)?;
    let system = LockedSystem {
        at: LockMoment(request.times.at),
        image,
        releases: suites.releases(),
        wanted: wish.wanted(),
        packages,
    };
    if system.size() > MAX_SIZE {
        let message = format!(
            "the packages for `{}` have {} bytes, at most {MAX_SIZE} are taken",
            wish.system,
            system.size()
        );
        return Err(Refused::Integrity { message, help: "name smaller packages".to_owned() });
    }
    Ok(system)
}

fn packages(
    solution: &Solution,
    candidates: &Candidates<'_>,
    lists: &Lists,
) -> Result<BTreeMap<PackageName, LockedPackage>, Refused> {
    let name = |text: &str| -> PackageName { text.parse().expect("the index was read with valid names") };
    let mut packages = BTreeMap::new();
    for index in &solution.packages {
        let package = candidates.package(*index);
        let refused = |why: String| Refused::Integrity {
            message: format!(
                "{} {} of {}: {why}",
                package.name,
                package.version,
                lists.from[usize::from(package.list)]
            ),
            help: "nothing of this archive is used: tell its maintainers, or take another mirror".to_owned(),
        };
        let file = package.file().map_err(|error| refused(error.to_string()))?;
        let source = package.source().parse().map_err(|_| refused("its `Source` is invalid".to_owned()))?;
        let needs = solution.needs.get(index).into_iter().flatten();
        let locked = LockedPackage {
            version: package.version.clone(),
            arch: PackageArch::named(package.arch()).expect("packages of other architectures are left out"),
            from: lists.from[usize::from(package.list)].clone(),
            path: file.path,
            size: file.size,
            room: package.room(),
            sha256: file.sha256,
            source,
            needs: needs.map(|need| name(&candidates.package(*need).name)).collect(),
        };
        packages.insert(name(&package.name), locked);
    }
    Ok(packages)
}
