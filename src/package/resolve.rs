//! Which packages must be installed together: what apt would choose, and an error where it would guess.
//!
//! Dependencies on one package are followed first, alternatives afterwards in their order; a package of that name goes before
//! one that provides it. What comes of it is looked at as a whole: a wrong choice is an error, never a broken node.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::base::Base;
use super::candidates::{Candidates, FieldError};
use super::refusal::{Refusal, Wanted};
use super::relation::{Alternatives, Relation, shown};
use super::solution::Solution;
use super::world::{Fault, Member, World};

/// The most packages that are installed together.
const MAX_PACKAGES: usize = 2_000;

/// Why nothing was found.
#[derive(Debug)]
pub enum Unresolved {
    /// There is no such set.
    Refused(Vec<Refusal>),
    /// An archive has a package that cannot be read.
    Field(FieldError),
}

impl From<FieldError> for Unresolved {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

impl From<Refusal> for Unresolved {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

/// Why a package is among the chosen.
#[derive(Clone, Debug)]
pub(super) enum Reason {
    Wanted(Wanted),
    NeededBy(u32),
}

/// What meets a relation that nothing chosen meets.
enum Offer {
    One(u32),
    Several(Vec<u32>),
    Nothing,
}

pub(super) struct Resolver<'a> {
    pub(super) world: World<'a>,
    /// What the system is called.
    pub(super) system: &'a str,
    pub(super) reasons: BTreeMap<u32, Reason>,
    fresh: VecDeque<u32>,
    later: VecDeque<(u32, Alternatives<'a>)>,
    /// Newer versions of the image's packages, by what made them needed.
    forced: BTreeMap<u32, BTreeSet<u32>>,
    notes: BTreeSet<String>,
}

/// The packages that must be installed so that these are there.
pub fn resolve<'a>(
    candidates: &'a Candidates<'a>,
    base: &'a Base<'a>,
    system: &'a str,
    wanted: &[Wanted],
) -> Result<Solution, Unresolved> {
    let mut resolver = Resolver::new(candidates, base, system);
    let refused: Vec<_> = wanted.iter().filter_map(|wanted| resolver.want(wanted).err()).collect();
    if !refused.is_empty() {
        return Err(Unresolved::Refused(refused));
    }
    loop {
        resolver.settle()?;
        let faults = resolver.world.faults()?;
        if !resolver.mend(&faults)? {
            let refused = resolver.refusals(&faults);
            return if refused.is_empty() {
                Ok(resolver.solution()?)
            } else {
                Err(Unresolved::Refused(refused))
            };
        }
    }
}

impl<'a> Resolver<'a> {
    fn new(candidates: &'a Candidates<'a>, base: &'a Base<'a>, system: &'a str) -> Self {
        Self {
            world: World::new(candidates, base),
            system,
            reasons: BTreeMap::new(),
            fresh: VecDeque::new(),
            later: VecDeque::new(),
            forced: BTreeMap::new(),
            notes: BTreeSet::new(),
        }
    }

    fn want(&mut self, wanted: &Wanted) -> Result<(), Refusal> {
        let candidates = self.world.candidates;
        let Some(index) = candidates.candidate(wanted.name.as_str()) else {
            return Err(self.unknown(wanted));
        };
        let is_newer =
            |installed: &super::base::Installed<'_>| candidates.package(index).version > *installed.version;
        if self.world.base.get(wanted.name.as_str()).is_none_or(is_newer) {
            self.add(index, Reason::Wanted(wanted.clone()))?;
        }
        Ok(())
    }

    fn add(&mut self, index: u32, reason: Reason) -> Result<(), Refusal> {
        let package = self.world.candidates.package(index);
        if self.world.chosen.contains_key(&*package.name) {
            return Ok(());
        }
        self.world.chosen.insert(&package.name, index);
        self.reasons.insert(index, reason);
        self.fresh.push_back(index);
        if let Some(rival) = self.world.candidates.rival(index) {
            return Err(self.rivals(index, rival));
        }
        if self.world.chosen.len() > MAX_PACKAGES {
            return Err(self.too_many(index, MAX_PACKAGES));
        }
        Ok(())
    }

    /// Follows what was added, until nothing is open.
    fn settle(&mut self) -> Result<(), Unresolved> {
        loop {
            while let Some(index) = self.fresh.pop_front() {
                for group in self.world.candidates.needs(index)? {
                    match &group[..] {
                        [one] if !self.world.candidates.versions(one.name).is_empty() => {
                            self.choose(index, &group)?;
                        }
                        _ => self.later.push_back((index, group)),
                    }
                }
            }
            let Some((index, group)) = self.later.pop_front() else { return Ok(()) };
            self.choose(index, &group)?;
        }
    }

    /// Adds what meets one of these, unless that is there.
    fn choose(&mut self, of: u32, group: &[Relation<'a>]) -> Result<(), Refusal> {
        if self.world.meets_any(group) {
            return Ok(());
        }
        for relation in group {
            match self.offer(relation) {
                Offer::One(index) => {
                    self.note(of, group, index);
                    return self.add(index, Reason::NeededBy(of));
                }
                Offer::Several(providers) => return Err(self.ambiguous(of, relation, &providers)),
                Offer::Nothing => {}
            }
        }
        Err(self.unmet(of, group))
    }

    fn offer(&self, relation: &Relation<'_>) -> Offer {
        let candidates = self.world.candidates;
        let base = self.world.base;
        let is_free = |index: u32| {
            let package = candidates.package(index);
            let is_newer =
                base.get(&package.name).is_none_or(|installed| package.version > *installed.version);
            is_newer && !self.world.chosen.contains_key(&*package.name)
        };
        let named = candidates.candidate(relation.name).filter(|index| {
            relation.allows(&candidates.package(*index).version)
                && candidates.qualifies(relation, Some(*index))
        });
        if let Some(index) = named.filter(|index| is_free(*index)) {
            return Offer::One(index);
        }
        let providers = candidates.providers(relation.name).iter();
        let providers = providers
            .filter(|one| relation.qualifier.is_none() && relation.allows_provided(one.version.as_ref()));
        let mut providers: Vec<_> =
            providers.map(|one| one.package).filter(|index| is_free(*index)).collect();
        providers.dedup();
        match providers[..] {
            [] => Offer::Nothing,
            [one] => Offer::One(one),
            _ => Offer::Several(providers),
        }
    }

    /// A choice among alternatives of something that a component wants: somebody may have meant another.
    fn note(&mut self, of: u32, group: &[Relation<'_>], index: u32) {
        if group.len() > 1 && matches!(self.reasons.get(&of), Some(Reason::Wanted(_))) {
            let [of, took] = [of, index].map(|index| &self.world.candidates.package(index).name);
            self.notes.insert(format!("{of} needs {}: took {took}", shown(group)));
        }
    }

    /// Takes newer versions of the image's packages where those of the image are in the way. Whether there were any.
    fn mend(&mut self, faults: &[Fault<'a>]) -> Result<bool, Unresolved> {
        let mut has_changed = false;
        for fault in faults {
            let (name, cause) = match fault {
                Fault::Unmet { of: Member::Base(name), needs } => (*name, self.replaced(needs)),
                Fault::Clash { of: Member::Base(name), with: Member::Chosen(cause), .. }
                | Fault::Clash { of: Member::Chosen(cause), with: Member::Base(name), .. } => {
                    (*name, Some(*cause))
                }
                _ => continue,
            };
            let candidates = self.world.candidates;
            let newer = candidates.candidate(name).zip(self.world.base.get(name));
            let newer =
                newer.filter(|(index, installed)| candidates.package(*index).version > *installed.version);
            if let (Some((index, _)), Some(cause)) = (newer, cause)
                && !self.world.chosen.contains_key(name)
            {
                self.add(index, Reason::NeededBy(cause))?;
                self.forced.entry(cause).or_default().insert(index);
                has_changed = true;
            }
        }
        Ok(has_changed)
    }

    /// The chosen package in whose place was what met one of these.
    pub(super) fn replaced(&self, needs: &[Relation<'_>]) -> Option<u32> {
        let named = needs.iter().filter_map(|relation| self.world.chosen.get(relation.name));
        let provided = needs.iter().flat_map(|relation| self.world.base.providers(relation.name));
        named
            .copied()
            .next()
            .or_else(|| provided.filter_map(|one| self.world.chosen.get(one.owner)).copied().next())
    }

    fn solution(self) -> Result<Solution, FieldError> {
        let mut needs = self.forced;
        let packages: BTreeSet<_> = self.world.chosen.values().copied().collect();
        for index in &packages {
            let own = needs.entry(*index).or_default();
            for group in self.world.candidates.needs(*index)? {
                if !self.world.base_meets_any(&group) {
                    own.extend(self.world.chosen_of(&group));
                }
            }
            own.remove(index);
        }
        Ok(Solution { packages, needs, notes: self.notes })
    }
}

/// Refuses packages that cannot be on one node, however they were chosen.
pub fn fits<'a>(
    candidates: &'a Candidates<'a>,
    base: &'a Base<'a>,
    system: &'a str,
    packages: impl IntoIterator<Item = u32>,
) -> Result<(), Unresolved> {
    let mut resolver = Resolver::new(candidates, base, system);
    for index in packages {
        resolver.world.chosen.insert(&candidates.package(index).name, index);
    }
    let faults = resolver.world.faults()?;
    let refused = resolver.refusals(&faults);
    if refused.is_empty() { Ok(()) } else { Err(Unresolved::Refused(refused)) }
}
