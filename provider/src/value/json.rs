//! JSON as Terraform keeps it in state files: read only, because answers are msgpack.
//!
//! Absent attributes read as null, attributes that the type lacks are errors, numbers keep every
//! digit, and nothing is ever unknown. A primitive in another form ("true", 5 for text) is
//! converted, as Terraform does it.

use crate::value::{CodecError, DynamicValue, Number, Object, Path, Type, Value};

/// Reads one value of the given type from JSON text.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    let json: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| {
        // The message of the parser may quote the text, which may hold something secret.
        let message = format!(
            "not valid JSON at line {} column {}",
            error.line(),
            error.column()
        );
        CodecError::new(&Path::root(), message)
    })?;
    decode_value(&json, ty)
}

/// Reads one value of the given type from parsed JSON.
pub fn decode_value(json: &serde_json::Value, ty: &Type) -> Result<Value, CodecError> {
    read(json, ty, &Path::root())
}

fn read(json: &serde_json::Value, ty: &Type, path: &Path) -> Result<Value, CodecError> {
    use serde_json::Value as Json;
    match (ty, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Bool, Json::String(text)) if text == "true" => Ok(Value::Bool(true)),
        (Type::Bool, Json::String(text)) if text == "false" => Ok(Value::Bool(false)),
        (Type::String, Json::String(text)) => Ok(Value::String(text.clone())),
        (Type::String, Json::Number(number)) => Ok(Value::String(number.to_string())),
        (Type::String, Json::Bool(value)) => Ok(Value::String(value.to_string())),
        (Type::Number, Json::Number(number)) => parse_number(&number.to_string(), path),
        (Type::Number, Json::String(text)) => parse_number(text, path),
        (Type::List(element), Json::Array(elements)) => elements
            .iter()
            .enumerate()
            .map(|(index, json)| read(json, element, &path.with_index(index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Set(element), Json::Array(elements)) => elements
            .iter()
            .map(|json| read(json, element, path))
            .collect::<Result<_, _>>()
            .map(Value::Set),
        (Type::Tuple(types), Json::Array(elements)) if types.len() == elements.len() => types
            .iter()
            .zip(elements)
            .enumerate()
            .map(|(index, (ty, json))| read(json, ty, &path.with_index(index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Map(element), Json::Object(entries)) => entries
            .iter()
            .map(|(key, json)| Ok((key.clone(), read(json, element, &path.with_key(key))?)))
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Object(types), Json::Object(attributes)) => {
            if let Some(name) = attributes.keys().find(|name| !types.contains_key(*name)) {
                return Err(CodecError::new(
                    path,
                    format!("unsupported attribute {name:?}"),
                ));
            }
            types
                .iter()
                .map(|(name, ty)| {
                    let json = attributes.get(name).unwrap_or(&Json::Null);
                    Ok((name.clone(), read(json, ty, &path.with_attribute(name))?))
                })
                .collect::<Result<Object, _>>()
                .map(Value::Object)
        }
        (Type::Dynamic, Json::Object(wrapper)) => {
            let (Some(ty), Some(json), 2) =
                (wrapper.get("type"), wrapper.get("value"), wrapper.len())
            else {
                return Err(CodecError::new(
                    path,
                    "a dynamic value must be a type and a value",
                ));
            };
            let ty = Type::from_json(ty.to_string().as_bytes())
                .map_err(|error| CodecError::new(path, error.to_string()))?;
            let value = read(json, &ty, path)?;
            Ok(Value::Dynamic(Box::new(DynamicValue { ty, value })))
        }
        (ty, _) => Err(CodecError::new(
            path,
            format!("{} is required", ty.describe()),
        )),
    }
}

fn parse_number(text: &str, path: &Path) -> Result<Value, CodecError> {
    Number::parse(text)
        .map(Value::Number)
        .map_err(|error| CodecError::new(path, error.to_string()))
}
