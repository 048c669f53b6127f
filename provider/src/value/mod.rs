//! Terraform values as the provider sees them: every value, at every depth, is null, unknown or known.
//!
//! A [`Value`] is dynamic: the schema's [`Type`] says what it must look like, and the codecs
//! ([`msgpack`], [`json`]) refuse what does not fit. This module knows nothing about schemas,
//! protobuf or AWS.

pub mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod json;
pub mod msgpack;
pub mod number;
pub mod path;
pub mod types;

#[cfg(test)]
pub(crate) mod arbitrary;
mod object;
mod set;

pub use error::CodecError;
pub use number::Number;
pub use object::Object;
pub use path::{Path, Step};
pub use set::ValueSet;
pub use types::Type;

use std::collections::BTreeMap;

/// One Terraform value.
///
/// Values are ordered only so that sets have one canonical order; the order has no meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Absent: not configured, or removed.
    #[default]
    Null,
    /// Not known before apply. What is known about it all the same travels in [`Refinements`].
    Unknown(Refinements),
    /// `true` or `false`.
    Bool(bool),
    /// A number of any size and precision.
    Number(Number),
    /// Text, exactly as it arrived (Terraform normalises to NFC by itself).
    String(String),
    /// A list or a tuple.
    List(Vec<Value>),
    /// A set: no order, no duplicates.
    Set(ValueSet),
    /// A map from text to values of one type.
    Map(BTreeMap<String, Value>),
    /// An object: a fixed set of attributes.
    Object(Object),
    /// A value of an attribute whose type is only known at run time, with that type.
    Dynamic(Box<DynamicValue>),
}

/// A value of a `dynamic` attribute together with its real type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DynamicValue {
    /// The real type.
    pub ty: Type,
    /// The value, which conforms to the type.
    pub value: Value,
}

/// What Terraform knows about an unknown value: kept as it arrived and handed back unchanged.
///
/// Two unknown values compare equal whatever their refinements say, because Terraform compares
/// them so and a provider may drop refinements.
#[derive(Debug, Clone, Default)]
pub struct Refinements(Option<Box<[u8]>>);

impl Refinements {
    /// Nothing is known.
    pub const NONE: Self = Self(None);

    /// The value will not be null. The applied value must hold this promise.
    pub fn not_null() -> Self {
        // A map with one entry: nullness (1) is false.
        Self(Some(Box::from([0x81, 0x01, 0xc2])))
    }

    pub(crate) fn from_body(body: &[u8]) -> Self {
        Self(Some(Box::from(body)))
    }

    pub(crate) fn body(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }
}

impl PartialEq for Refinements {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Refinements {}

impl PartialOrd for Refinements {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Refinements {
    fn cmp(&self, _other: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Value {
    /// An unknown value of which nothing else is known.
    pub const UNKNOWN: Self = Self::Unknown(Refinements::NONE);

    /// A set of the given elements.
    pub fn set(elements: impl IntoIterator<Item = Value>) -> Self {
        Self::Set(elements.into_iter().collect())
    }

    /// A list of the given elements.
    pub fn list(elements: impl IntoIterator<Item = Value>) -> Self {
        Self::List(elements.into_iter().collect())
    }

    /// A map of the given entries.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }

    /// An object of the given attributes.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(attributes.into_iter().collect())
    }

    /// Null, also when it is the null of a `dynamic` attribute.
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Dynamic(dynamic) => dynamic.value.is_null(),
            _ => false,
        }
    }

    /// Unknown as a whole. A known list with an unknown element is not unknown.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::Dynamic(dynamic) => dynamic.value.is_unknown(),
            _ => false,
        }
    }

    /// No unknown value at any depth. Null counts as known.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(elements) => elements.iter().all(Self::is_wholly_known),
            Self::Set(elements) => elements.iter().all(Self::is_wholly_known),
            Self::Map(entries) => entries.values().all(Self::is_wholly_known),
            Self::Object(object) => object.is_wholly_known(),
            Self::Dynamic(dynamic) => dynamic.value.is_wholly_known(),
        }
    }

    /// The text of a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The known boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The known number, when it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.to_i64(),
            _ => None,
        }
    }

    /// The known object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The known map.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements of a known list, set or tuple.
    pub fn as_elements(&self) -> Option<&[Value]> {
        match self {
            Self::List(elements) => Some(elements),
            Self::Set(elements) => Some(elements),
            _ => None,
        }
    }

    /// The value at a path, or nothing when a step leads nowhere.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        path.steps()
            .iter()
            .try_fold(self, |value, step| match (step, value) {
                (Step::Attribute(name), Self::Object(object)) => object.get_if_present(name),
                (Step::Key(key), Self::Map(entries)) => entries.get(key),
                (Step::Index(index), Self::List(elements)) => usize::try_from(*index)
                    .ok()
                    .and_then(|index| elements.get(index)),
                _ => None,
            })
    }

    /// The value with every unknown replaced by null.
    #[must_use]
    pub fn with_unknown_as_null(self) -> Self {
        match self {
            Self::Unknown(_) => Self::Null,
            Self::List(elements) => Self::List(
                elements
                    .into_iter()
                    .map(Self::with_unknown_as_null)
                    .collect(),
            ),
            Self::Set(elements) => Self::Set(
                elements
                    .into_iter()
                    .map(Self::with_unknown_as_null)
                    .collect(),
            ),
            Self::Map(entries) => Self::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, value.with_unknown_as_null()))
                    .collect(),
            ),
            Self::Object(object) => Self::Object(object.with_unknown_as_null()),
            Self::Dynamic(dynamic) => Self::Dynamic(Box::new(DynamicValue {
                ty: dynamic.ty,
                value: dynamic.value.with_unknown_as_null(),
            })),
            known @ (Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_)) => known,
        }
    }

    /// What kind of value this is, for messages. Never shows the value.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "an unknown value",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Dynamic(_) => "a dynamic value",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Option<Object>> for Value {
    fn from(object: Option<Object>) -> Self {
        object.map_or(Self::Null, Self::Object)
    }
}

#[cfg(test)]
mod tests;
