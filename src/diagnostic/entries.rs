//! The entries of a mapping in the order of the text, found by their keys: there may be very many.

use std::collections::BTreeMap;

use super::document::{YamlKey, YamlNode};

/// Keys and values, each key once.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    list: Vec<(YamlKey, YamlNode)>,
    places: BTreeMap<String, usize>,
}

impl Entries {
    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&(YamlKey, YamlNode)> {
        self.places.get(key).map(|index| &self.list[*index])
    }

    /// The value of a key.
    pub(super) fn value_mut(&mut self, key: &str) -> Option<&mut YamlNode> {
        self.places.get(key).map(|index| &mut self.list[*index].1)
    }

    /// Adds an entry whose key is not there yet.
    pub(super) fn add(&mut self, key: YamlKey, value: YamlNode) {
        self.places.insert(key.text.clone(), self.list.len());
        self.list.push((key, value));
    }

    /// Takes an entry out. Whether it was there.
    pub(super) fn remove(&mut self, key: &str) -> bool {
        let Some(index) = self.places.remove(key) else { return false };
        self.list.remove(index);
        self.places.values_mut().filter(|place| **place > index).for_each(|place| *place -= 1);
        true
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, (YamlKey, YamlNode)> {
        self.list.iter()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// The index follows from the list.
impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = &'a (YamlKey, YamlNode);
    type IntoIter = std::slice::Iter<'a, (YamlKey, YamlNode)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Entries {
    type Item = (YamlKey, YamlNode);
    type IntoIter = std::vec::IntoIter<(YamlKey, YamlNode)>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}
