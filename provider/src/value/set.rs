//! The elements of a set in one canonical order, so that two sets compare without regard to order.

use std::ops::Deref;

use super::Value;

/// The elements of a set.
///
/// Elements that are wholly known and equal are one element. Elements that hold an unknown value
/// all stay, because two unknown values may turn out to be different.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueSet(Vec<Value>);

impl FromIterator<Value> for ValueSet {
    fn from_iter<I: IntoIterator<Item = Value>>(elements: I) -> Self {
        let mut elements: Vec<Value> = elements.into_iter().collect();
        elements.sort();
        elements.dedup_by(|later, earlier| later == earlier && later.is_wholly_known());
        Self(elements)
    }
}

impl IntoIterator for ValueSet {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Deref for ValueSet {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}
