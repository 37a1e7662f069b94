//! A node as it would be: the image's packages with others in their place or beside them.

use std::collections::BTreeMap;

use super::base::Base;
use super::candidates::{Candidates, Exclusion, FieldError};
use super::relation::{Alternatives, Relation};

/// An image with chosen packages.
pub(super) struct World<'a> {
    /// What can be chosen.
    pub candidates: &'a Candidates<'a>,
    /// What is there.
    pub base: &'a Base<'a>,
    /// What is chosen, by name: one version of each.
    pub chosen: BTreeMap<&'a str, u32>,
}

/// A package of such a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member<'a> {
    /// One of the image.
    Base(&'a str),
    /// One that was chosen.
    Chosen(u32),
}

/// Something that keeps packages from being on one node.
#[derive(Clone, Debug)]
pub(super) enum Fault<'a> {
    /// A package lacks another.
    Unmet {
        /// Which.
        of: Member<'a>,
        /// What it needs.
        needs: Alternatives<'a>,
    },
    /// Two packages exclude each other.
    Clash {
        /// The one that says so.
        of: Member<'a>,
        /// What it says.
        says: Exclusion<'a>,
        /// The other.
        with: Member<'a>,
    },
    /// Packages of which each must be there before the next is unpacked.
    Cycle(Vec<u32>),
}

impl<'a> World<'a> {
    /// The image alone.
    pub(super) fn new(candidates: &'a Candidates<'a>, base: &'a Base<'a>) -> Self {
        Self { candidates, base, chosen: BTreeMap::new() }
    }

    /// The package that meets a relation.
    pub(super) fn meets(&self, relation: &Relation<'_>) -> Option<Member<'a>> {
        if let Some((name, index)) = self.chosen.get_key_value(relation.name) {
            let package = self.candidates.package(*index);
            debug_assert_eq!(*name, &*package.name);
            if relation.allows(&package.version) && self.candidates.qualifies(relation, Some(*index)) {
                return Some(Member::Chosen(*index));
            }
        } else if let Some(name) = self.met_by_base(relation) {
            return Some(Member::Base(name));
        }
        self.provider(relation)
    }

    /// Whether one of these is met, by whatever.
    pub(super) fn meets_any(&self, group: &[Relation<'_>]) -> bool {
        group.iter().any(|relation| self.meets(relation).is_some())
    }

    /// Whether one of these is met by the image, if nothing is chosen.
    pub(super) fn base_meets_any(&self, group: &[Relation<'_>]) -> bool {
        let base = World::new(self.candidates, self.base);
        base.meets_any(group)
    }

    fn met_by_base(&self, relation: &Relation<'_>) -> Option<&'a str> {
        let (name, installed) = self.base.entry(relation.name)?;
        let fits = relation.allows(installed.version) && self.candidates.qualifies(relation, installed.known);
        fits.then_some(name)
    }

    fn provider(&self, relation: &Relation<'_>) -> Option<Member<'a>> {
        let of_base = self.base.providers(relation.name).iter();
        let fits = |version: Option<&_>| relation.allows_provided(version) && relation.qualifier.is_none();
        let mut of_base =
            of_base.filter(|one| fits(one.version.as_ref()) && !self.chosen.contains_key(one.owner));
        if let Some(one) = of_base.next() {
            return Some(Member::Base(one.owner));
        }
        let mut chosen = self.candidates.providers(relation.name).iter();
        chosen
            .find(|one| fits(one.version.as_ref()) && self.has(one.package))
            .map(|one| Member::Chosen(one.package))
    }

    /// Whether this package is chosen.
    pub(super) fn has(&self, index: u32) -> bool {
        self.chosen.get(&*self.candidates.package(index).name) == Some(&index)
    }

    /// All that keeps the packages from being on one node. What is wrong with the image alone is not said.
    pub(super) fn faults(&self) -> Result<Vec<Fault<'a>>, FieldError> {
        let mut faults = Vec::new();
        for index in self.chosen.values().copied() {
            let of = Member::Chosen(index);
            let needs = self.candidates.needs(index)?.into_iter().filter(|needs| !self.meets_any(needs));
            faults.extend(needs.map(|needs| Fault::Unmet { of, needs }));
            for says in self.candidates.excludes(index)? {
                let hit = self.hit(&says, of);
                faults.extend(hit.into_iter().map(|with| Fault::Clash { of, says: says.clone(), with }));
            }
        }
        for (name, installed) in self.base.iter().filter(|(name, _)| !self.chosen.contains_key(name)) {
            let Some(index) = installed.known else { continue };
            let of = Member::Base(name);
            let needs = self.candidates.needs(index)?.into_iter();
            let broken = needs.filter(|needs| !self.meets_any(needs) && self.base_meets_any(needs));
            faults.extend(broken.map(|needs| Fault::Unmet { of, needs }));
            for says in self.candidates.excludes(index)? {
                let hit = self.hit(&says, of).into_iter().filter(|with| matches!(with, Member::Chosen(_)));
                faults.extend(hit.map(|with| Fault::Clash { of, says: says.clone(), with }));
            }
        }
        faults.extend(self.cycle()?.map(Fault::Cycle));
        Ok(faults)
    }

    /// The packages that one excludes, itself not among them.
    fn hit(&self, says: &Exclusion<'_>, of: Member<'a>) -> Vec<Member<'a>> {
        let relation = &says.relation;
        if relation.qualifier.is_some_and(|arch| arch != "any" && arch != self.candidates.arch()) {
            return Vec::new();
        }
        let mut hit = Vec::new();
        if let Some(index) = self.chosen.get(relation.name) {
            if relation.allows(&self.candidates.package(*index).version) {
                hit.push(Member::Chosen(*index));
            }
        } else if let Some((name, _)) =
            self.base.entry(relation.name).filter(|(_, one)| relation.allows(one.version))
        {
            hit.push(Member::Base(name));
        }
        let base = self.base.providers(relation.name).iter();
        let base = base.filter(|one| {
            relation.allows_provided(one.version.as_ref()) && !self.chosen.contains_key(one.owner)
        });
        hit.extend(base.map(|one| Member::Base(one.owner)));
        let chosen = self.candidates.providers(relation.name).iter();
        let chosen =
            chosen.filter(|one| relation.allows_provided(one.version.as_ref()) && self.has(one.package));
        hit.extend(chosen.map(|one| Member::Chosen(one.package)));
        hit.retain(|member| *member != of);
        hit
    }

    /// Packages that need each other before they are unpacked, if there are any.
    fn cycle(&self) -> Result<Option<Vec<u32>>, FieldError> {
        let mut done: BTreeMap<u32, bool> = BTreeMap::new();
        for start in self.chosen.values().copied() {
            // The packages on the way from the start, each with what is yet to be followed of it.
            let mut way: Vec<(u32, Vec<u32>)> = Vec::new();
            let mut next = Some(start);
            while next.is_some() || !way.is_empty() {
                if let Some(index) = next.take() {
                    match done.get(&index) {
                        Some(true) => {}
                        Some(false) => {
                            let from = way.iter().position(|(one, _)| *one == index).unwrap_or_default();
                            return Ok(Some(way[from..].iter().map(|(one, _)| *one).collect()));
                        }
                        None => {
                            done.insert(index, false);
                            way.push((index, self.before(index)?));
                        }
                    }
                }
                let Some((index, open)) = way.last_mut() else { break };
                next = open.pop();
                if next.is_none() {
                    done.insert(*index, true);
                    way.pop();
                }
            }
        }
        Ok(None)
    }

    /// The chosen packages that must be there before this one is unpacked.
    fn before(&self, index: u32) -> Result<Vec<u32>, FieldError> {
        let groups = self.candidates.groups(index, "Pre-Depends")?;
        let chosen = groups
            .iter()
            .filter(|group| !self.base_meets_any(group))
            .filter_map(|group| self.chosen_of(group));
        Ok(chosen.collect())
    }

    /// The first of these that a chosen package meets.
    pub(super) fn chosen_of(&self, group: &[Relation<'_>]) -> Option<u32> {
        group.iter().find_map(|relation| match self.meets(relation) {
            Some(Member::Chosen(index)) => Some(index),
            _ => None,
        })
    }
}
