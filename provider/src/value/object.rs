//! An object value: attributes by name, where an absent attribute reads as null.

use std::collections::BTreeMap;

use super::{Path, Step, Value};

/// The attributes of an object.
///
/// Reading an attribute that is not there gives null. The encoder adds missing attributes as null
/// and refuses attributes that the type does not have, so a misspelt name is found at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object(BTreeMap<String, Value>);

const NULL: Value = Value::Null;

impl Object {
    /// An object without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of an attribute; null when it is absent.
    pub fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(const { &NULL })
    }

    /// The value of an attribute, or nothing when it is absent.
    pub fn get_if_present(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value of an attribute for change; an absent attribute becomes null first.
    pub fn get_mut(&mut self, name: &str) -> &mut Value {
        self.0.entry(name.to_owned()).or_default()
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// The object with one attribute set; for building objects in one expression.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Takes an attribute out; null when it is absent.
    pub fn remove(&mut self, name: &str) -> Value {
        self.0.remove(name).unwrap_or_default()
    }

    /// The attributes in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many attributes are present.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No attribute is present.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// No unknown value at any depth.
    pub fn is_wholly_known(&self) -> bool {
        self.0.values().all(Value::is_wholly_known)
    }

    /// The value at a path that begins at this object, or nothing when a step leads nowhere.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        let (first, rest) = path.steps().split_first()?;
        match first {
            Step::Attribute(name) => self.0.get(name)?.at(&Path::from_steps(rest)),
            Step::Key(_) | Step::Index(_) => None,
        }
    }

    /// The object with every unknown value replaced by null.
    #[must_use]
    pub fn with_unknown_as_null(self) -> Self {
        self.into_iter()
            .map(|(name, value)| (name, value.with_unknown_as_null()))
            .collect()
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(attributes: I) -> Self {
        Self(
            attributes
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = std::collections::btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
