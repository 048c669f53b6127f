//! Terraform types and their JSON form (`"string"`, `["list","string"]`, `["object",{...}]`).

use std::collections::BTreeMap;

use serde_json::json;

/// Nesting of a type that is refused when read from JSON. Real schemas stay below ten.
const MAX_DEPTH: usize = 32;

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// Text.
    String,
    /// A number.
    Number,
    /// A boolean.
    Bool,
    /// Known only at run time; the value carries its type.
    Dynamic,
    /// An ordered collection.
    List(Box<Type>),
    /// An unordered collection without duplicates.
    Set(Box<Type>),
    /// Text keys, values of one type.
    Map(Box<Type>),
    /// A fixed sequence of types.
    Tuple(Vec<Type>),
    /// Named attributes.
    Object(BTreeMap<String, Type>),
}

/// Bytes that are not a type in JSON form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a type in JSON form: {0}")]
pub struct TypeError(String);

impl Type {
    /// A list of the given type.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of the given type.
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map with values of the given type.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with the given attributes.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), ty))
                .collect(),
        )
    }

    /// A `dynamic` occurs in the type.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::String | Self::Number | Self::Bool => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic),
        }
    }

    /// The type with its article, for messages.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "a bool",
            Self::Dynamic => "a dynamic value",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Tuple(_) => "a tuple",
            Self::Object(_) => "an object",
        }
    }

    /// The JSON form, without white space.
    pub fn to_json(&self) -> Vec<u8> {
        self.to_json_value().to_string().into_bytes()
    }

    fn to_json_value(&self) -> serde_json::Value {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json_value()]),
            Self::Set(element) => json!(["set", element.to_json_value()]),
            Self::Map(element) => json!(["map", element.to_json_value()]),
            Self::Tuple(elements) => {
                let elements: Vec<_> = elements.iter().map(Self::to_json_value).collect();
                json!(["tuple", elements])
            }
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json_value()))
                    .collect();
                json!(["object", attributes])
            }
        }
    }

    /// Reads the JSON form. The names of optional attributes of an object (a third element, which
    /// only means something in configuration) are accepted and dropped.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TypeError> {
        let json: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| TypeError(error.to_string()))?;
        Self::from_json_value(&json, 0)
    }

    fn from_json_value(json: &serde_json::Value, depth: usize) -> Result<Self, TypeError> {
        if depth > MAX_DEPTH {
            return Err(TypeError(format!("nested deeper than {MAX_DEPTH}")));
        }
        let element = |json| Self::from_json_value(json, depth + 1);
        match json {
            serde_json::Value::String(name) => match name.as_str() {
                "string" => Ok(Self::String),
                "number" => Ok(Self::Number),
                "bool" => Ok(Self::Bool),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(TypeError("unknown primitive type".to_owned())),
            },
            serde_json::Value::Array(parts) => match parts.as_slice() {
                [serde_json::Value::String(kind), inner] => match (kind.as_str(), inner) {
                    ("list", inner) => Ok(Self::list(element(inner)?)),
                    ("set", inner) => Ok(Self::set(element(inner)?)),
                    ("map", inner) => Ok(Self::map(element(inner)?)),
                    ("tuple", serde_json::Value::Array(elements)) => Ok(Self::Tuple(
                        elements.iter().map(element).collect::<Result<_, _>>()?,
                    )),
                    ("object", serde_json::Value::Object(attributes)) => {
                        Self::object_from_json(attributes, depth)
                    }
                    _ => Err(TypeError("unknown or malformed compound type".to_owned())),
                },
                [
                    serde_json::Value::String(kind),
                    serde_json::Value::Object(attributes),
                    serde_json::Value::Array(optional),
                ] if kind == "object" => {
                    let names_exist = optional.iter().all(|name| {
                        name.as_str()
                            .is_some_and(|name| attributes.contains_key(name))
                    });
                    if !names_exist {
                        return Err(TypeError("optional attribute does not exist".to_owned()));
                    }
                    Self::object_from_json(attributes, depth)
                }
                _ => Err(TypeError("malformed compound type".to_owned())),
            },
            _ => Err(TypeError("neither a string nor an array".to_owned())),
        }
    }

    fn object_from_json(
        attributes: &serde_json::Map<String, serde_json::Value>,
        depth: usize,
    ) -> Result<Self, TypeError> {
        attributes
            .iter()
            .map(|(name, json)| Ok((name.clone(), Self::from_json_value(json, depth + 1)?)))
            .collect::<Result<_, _>>()
            .map(Self::Object)
    }
}
