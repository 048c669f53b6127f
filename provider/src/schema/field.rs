//! Typed fields and the conversions between them and [`Value`].
//!
//! What a Rust type expects decides what is accepted: `String` wants a known value, `Option<T>`
//! takes null, `Field<T>` takes null and unknown. A value that a type cannot hold because some of
//! it is unknown makes the nearest enclosing [`Field`] unknown: `Field<Vec<String>>` reads
//! `["a", (unknown)]` as unknown, `Field<Vec<Field<String>>>` sees the parts.

use std::collections::{BTreeMap, BTreeSet};

use super::Diagnostic;
use crate::value::{Number, Path, Type, Value};

/// A typed value in one of Terraform's three states.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field<T> {
    /// Not configured, or removed.
    #[default]
    Null,
    /// Not known before apply, as a whole or in a part that the type cannot leave open.
    Unknown,
    /// The value.
    Known(T),
}

impl<T> Field<T> {
    /// The value, when it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// The value taken out, when it is known.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// Null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// The field with its known value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Null => Field::Null,
            Self::Unknown => Field::Unknown,
            Self::Known(value) => Field::Known(change(value)),
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

/// A value does not fit a typed model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The type needs a value that is not known yet.
    #[error("{0}: the value is not known yet")]
    Unknown(Path),
    /// The value is of another type, null, or refused by the parser of the type.
    #[error("{0}: {1}")]
    Mismatch(Path, String),
}

impl ModelError {
    pub(crate) fn mismatch(path: &Path, expected: &str, value: &Value) -> Self {
        Self::Mismatch(
            path.clone(),
            format!("{expected} expected, {} found", value.kind()),
        )
    }

    /// As a diagnostic on the attribute.
    pub fn into_diagnostic(self) -> Diagnostic {
        let detail = self.to_string();
        let (Self::Unknown(path) | Self::Mismatch(path, _)) = self;
        Diagnostic::error(super::validators::SUMMARY, detail).at(path)
    }
}

/// A Rust type that has a Terraform type.
pub trait Typed {
    /// The Terraform type. `dynamic` stands for any type where a model keeps a raw [`Value`].
    fn ty() -> Type;
}

/// A Rust type that can be read from a value.
pub trait FromValue: Typed + Sized {
    /// Reads the value; the path is where the value is, for errors.
    fn from_value(value: &Value, path: &Path) -> Result<Self, ModelError>;
}

/// A Rust type that can be written as a value.
pub trait IntoValue: Typed {
    /// The value.
    fn into_value(self) -> Value;
}

impl<T: Typed> Typed for Field<T> {
    fn ty() -> Type {
        T::ty()
    }
}

impl<T: FromValue> FromValue for Field<T> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, ModelError> {
        if value.is_null() {
            return Ok(Self::Null);
        }
        match T::from_value(value, path) {
            Ok(value) => Ok(Self::Known(value)),
            Err(ModelError::Unknown(_)) => Ok(Self::Unknown),
            Err(mismatch) => Err(mismatch),
        }
    }
}

impl<T: IntoValue> IntoValue for Field<T> {
    fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Unknown => Value::UNKNOWN,
            Self::Known(value) => value.into_value(),
        }
    }
}

impl<T: Typed> Typed for Option<T> {
    fn ty() -> Type {
        T::ty()
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, ModelError> {
        if value.is_null() {
            Ok(None)
        } else {
            T::from_value(value, path).map(Some)
        }
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Null, T::into_value)
    }
}

/// The error of a value that is not what the type expects: unknown, or something else.
pub(crate) fn unexpected(expected: &str, value: &Value, path: &Path) -> ModelError {
    if value.is_unknown() {
        ModelError::Unknown(path.clone())
    } else {
        ModelError::mismatch(path, expected, value)
    }
}

macro_rules! plain {
    ($($rust:ty, $ty:expr, $expected:literal, $value:ident => $read:expr;)*) => {$(
        impl Typed for $rust {
            fn ty() -> Type {
                $ty
            }
        }

        impl FromValue for $rust {
            fn from_value($value: &Value, path: &Path) -> Result<Self, ModelError> {
                $read.ok_or_else(|| unexpected($expected, $value, path))
            }
        }

        impl IntoValue for $rust {
            fn into_value(self) -> Value {
                Value::from(self)
            }
        }
    )*};
}

plain! {
    String, Type::String, "a string", value => value.as_str().map(str::to_owned);
    bool, Type::Bool, "a bool", value => value.as_bool();
    i64, Type::Number, "a whole number", value => value.as_i64();
}

impl Typed for Number {
    fn ty() -> Type {
        Type::Number
    }
}

impl FromValue for Number {
    fn from_value(value: &Value, path: &Path) -> Result<Self, ModelError> {
        match value {
            Value::Number(number) => Ok(number.clone()),
            other => Err(unexpected("a number", other, path)),
        }
    }
}

impl IntoValue for Number {
    fn into_value(self) -> Value {
        Value::Number(self)
    }
}

impl Typed for Value {
    fn ty() -> Type {
        Type::Dynamic
    }
}

impl FromValue for Value {
    fn from_value(value: &Value, _path: &Path) -> Result<Self, ModelError> {
        Ok(value.clone())
    }
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl<T: Typed> Typed for Vec<T> {
    fn ty() -> Type {
        Type::list(T::ty())
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, ModelError> {
        match value {
            Value::List(elements) => elements
                .iter()
                .enumerate()
                .map(|(index, element)| T::from_value(element, &path.with_index(index)))
                .collect(),
            other => Err(unexpected("a list", other, path)),
        }
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Value {
        Value::list(self.into_iter().map(T::into_value))
    }
}

impl<T: Typed> Typed for BTreeSet<T> {
    fn ty() -> Type {
        Type::set(T::ty())
    }
}

impl<T: FromValue + Ord> FromValue for BTreeSet<T> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, ModelError> {
        match value {
            Value::Set(elements) => elements
                .iter()
                .map(|element| T::from_value(element, path))
                .collect(),
            other => Err(unexpected("a set", other, path)),
        }
    }
}

impl<T: IntoValue> IntoValue for BTreeSet<T> {
    fn into_value(self) -> Value {
        Value::set(self.into_iter().map(T::into_value))
    }
}

impl<T: Typed> Typed for BTreeMap<String, T> {
    fn ty() -> Type {
        Type::map(T::ty())
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, ModelError> {
        match value {
            Value::Map(entries) => entries
                .iter()
                .map(|(key, entry)| Ok((key.clone(), T::from_value(entry, &path.with_key(key))?)))
                .collect(),
            other => Err(unexpected("a map", other, path)),
        }
    }
}

impl<T: IntoValue> IntoValue for BTreeMap<String, T> {
    fn into_value(self) -> Value {
        Value::map(
            self.into_iter()
                .map(|(key, entry)| (key, entry.into_value())),
        )
    }
}
