//! Packages that belong together, and what each of them takes along.

use std::collections::{BTreeMap, BTreeSet};

/// Packages that belong together.
#[derive(Debug, Default)]
pub struct Solution {
    /// Which.
    pub packages: BTreeSet<u32>,
    /// What each of them takes along.
    pub needs: BTreeMap<u32, BTreeSet<u32>>,
    /// Choices that somebody may want to make otherwise.
    pub notes: BTreeSet<String>,
}

impl Solution {
    /// Takes in another, of the same candidates.
    pub fn merge(&mut self, mut other: Self) {
        self.packages.append(&mut other.packages);
        for (index, mut needs) in other.needs {
            self.needs.entry(index).or_default().append(&mut needs);
        }
        self.notes.append(&mut other.notes);
    }

    /// These packages with all that they take along.
    pub fn closure(&self, packages: &BTreeSet<u32>) -> BTreeSet<u32> {
        let mut open: Vec<u32> = packages.iter().copied().collect();
        let mut closure = BTreeSet::new();
        while let Some(index) = open.pop() {
            if closure.insert(index) {
                open.extend(self.needs.get(&index).into_iter().flatten());
            }
        }
        closure
    }
}
