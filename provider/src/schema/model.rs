//! Structs beside their schema: the macro [`model!`](crate::model) and the test helper that holds
//! the two together.

use super::field::{ModelError, Typed};
use super::{FromValue, Schema};
use crate::value::{Object, Path, Type};

/// Reads a typed model from an object of a request.
pub fn from_object<T: FromValue>(object: &Object) -> Result<T, ModelError> {
    T::from_value(&object.clone().into(), &Path::root())
}

/// Declares a struct whose fields are the attributes of an object, with its conversions.
///
/// Field types are those that implement [`FromValue`] and
/// [`IntoValue`](crate::schema::IntoValue): text, `bool`, `i64`, `Vec`, `BTreeSet`, `BTreeMap`,
/// other models, raw `Value`, and any of these in `Field` or `Option`. The struct derives `Debug`,
/// `Clone` and `PartialEq`; more (`Default`, or `Eq` and `Ord` for elements of sets) can be added.
///
/// ```
/// use provider::schema::Field;
/// provider::model! {
///     /// What the user wants.
///     pub struct Wanted {
///         /// The name.
///         pub name: Field<String>,
///         /// The groups.
///         pub groups: Field<std::collections::BTreeSet<String>>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! model {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_visibility:vis $field:ident: $ty:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $visibility struct $name {
            $($(#[$field_meta])* $field_visibility $field: $ty,)*
        }

        impl $crate::schema::Typed for $name {
            fn ty() -> $crate::value::Type {
                $crate::value::Type::object([
                    $((
                        $crate::schema::model::attribute_name(stringify!($field)),
                        <$ty as $crate::schema::Typed>::ty(),
                    ),)*
                ])
            }
        }

        impl $crate::schema::FromValue for $name {
            fn from_value(
                value: &$crate::value::Value,
                path: &$crate::value::Path,
            ) -> ::std::result::Result<Self, $crate::schema::ModelError> {
                let object = $crate::schema::model::object(value, path)?;
                Ok(Self {
                    $($field: {
                        let name = $crate::schema::model::attribute_name(stringify!($field));
                        <$ty as $crate::schema::FromValue>::from_value(
                            object.get(name),
                            &path.with_attribute(name),
                        )?
                    },)*
                })
            }
        }

        impl $crate::schema::IntoValue for $name {
            fn into_value(self) -> $crate::value::Value {
                $crate::value::Value::Object(self.into())
            }
        }

        impl ::std::convert::From<$name> for $crate::value::Object {
            fn from(model: $name) -> Self {
                Self::from_iter([
                    $((
                        $crate::schema::model::attribute_name(stringify!($field)),
                        <$ty as $crate::schema::IntoValue>::into_value(model.$field),
                    ),)*
                ])
            }
        }

        impl ::std::convert::TryFrom<&$crate::value::Object> for $name {
            type Error = $crate::schema::ModelError;

            fn try_from(
                object: &$crate::value::Object,
            ) -> ::std::result::Result<Self, Self::Error> {
                $crate::schema::model::from_object(object)
            }
        }
    };
}

/// Lets types that parse from text and print as text (newtypes of ids, names, ARNs) be fields of
/// models. A parse error becomes a diagnostic on the attribute.
#[macro_export]
macro_rules! text_fields {
    ($($ty:ty),+ $(,)?) => {$(
        impl $crate::schema::Typed for $ty {
            fn ty() -> $crate::value::Type {
                $crate::value::Type::String
            }
        }

        impl $crate::schema::FromValue for $ty {
            fn from_value(
                value: &$crate::value::Value,
                path: &$crate::value::Path,
            ) -> ::std::result::Result<Self, $crate::schema::ModelError> {
                let text = <String as $crate::schema::FromValue>::from_value(value, path)?;
                text.parse().map_err(|error| {
                    $crate::schema::ModelError::Mismatch(path.clone(), format!("{error}"))
                })
            }
        }

        impl $crate::schema::IntoValue for $ty {
            fn into_value(self) -> $crate::value::Value {
                $crate::value::Value::String(self.to_string())
            }
        }
    )+};
}

/// The attribute of a field: a field that is a Rust keyword (`r#type`) has a plain attribute.
#[doc(hidden)]
pub fn attribute_name(field: &'static str) -> &'static str {
    field.strip_prefix("r#").unwrap_or(field)
}

#[doc(hidden)]
pub fn object<'a>(value: &'a crate::value::Value, path: &Path) -> Result<&'a Object, ModelError> {
    value
        .as_object()
        .ok_or_else(|| super::field::unexpected("an object", value, path))
}

/// How a model and a schema differ in attribute names and types; nothing when they agree. Use it
/// in a test beside every model: `assert_eq!(differences::<Model>(&schema()), [""; 0])`.
pub fn differences<M: Typed>(schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    compare(&M::ty(), &schema.ty(), &Path::root(), &mut found);
    found
}

fn compare(model: &Type, schema: &Type, path: &Path, found: &mut Vec<String>) {
    match (model, schema) {
        // A raw value can hold everything.
        (Type::Dynamic, _) => {}
        (Type::Object(model), Type::Object(schema)) => {
            for (name, ty) in model {
                let path = path.with_attribute(name);
                match schema.get(name) {
                    Some(schema) => compare(ty, schema, &path, found),
                    None => found.push(format!("{path}: in the model only")),
                }
            }
            for name in schema.keys().filter(|name| !model.contains_key(*name)) {
                found.push(format!("{}: in the schema only", path.with_attribute(name)));
            }
        }
        (Type::List(model), Type::List(schema)) => {
            compare(model, schema, &path.with_index(0), found);
        }
        (Type::Set(model), Type::Set(schema)) => compare(model, schema, path, found),
        (Type::Map(model), Type::Map(schema)) => {
            compare(model, schema, &path.with_key("*"), found);
        }
        (model, schema) if model == schema => {}
        (model, schema) => found.push(format!(
            "{path}: {} in the model, {} in the schema",
            model.describe(),
            schema.describe()
        )),
    }
}
