//! Values as messages.

use crossaccount_proto::tfplugin6::DynamicValue;

use crate::schema::{Diagnostic, Diagnostics};
use crate::value::{CodecError, Object, Type, Value, json, msgpack};

/// Reads a value: msgpack first, then JSON; an absent or empty message is null.
pub(in crate::framework) fn decode(
    message: Option<&DynamicValue>,
    ty: &Type,
    what: &str,
) -> Result<Value, Diagnostics> {
    let result = match message {
        Some(message) if !message.msgpack.is_empty() => msgpack::decode(&message.msgpack, ty),
        Some(message) if !message.json.is_empty() => json::decode(&message.json, ty),
        _ => Ok(Value::Null),
    };
    result.map_err(|error| unreadable(what, error))
}

/// Reads an object that may be null.
pub(in crate::framework) fn decode_object(
    message: Option<&DynamicValue>,
    ty: &Type,
    what: &str,
) -> Result<Option<Object>, Diagnostics> {
    match decode(message, ty, what)? {
        Value::Object(object) => Ok(Some(object)),
        Value::Null => Ok(None),
        other => Err(Diagnostic::error(
            "Unreadable request",
            format!(
                "The {what} from Terraform is {}, not an object.",
                other.kind()
            ),
        )
        .into()),
    }
}

/// Writes an object; none is null. A failure is a fault of the provider.
pub(in crate::framework) fn encode_object(
    object: Option<Object>,
    ty: &Type,
    what: &str,
) -> Result<DynamicValue, Diagnostics> {
    encode(&Value::from(object), ty, what)
}

/// Writes a value. A failure is a fault of the provider.
pub(in crate::framework) fn encode(
    value: &Value,
    ty: &Type,
    what: &str,
) -> Result<DynamicValue, Diagnostics> {
    match msgpack::encode(value, ty) {
        Ok(bytes) => Ok(DynamicValue {
            msgpack: bytes,
            ..Default::default()
        }),
        Err(error) => {
            let path = error.path.clone();
            Err(
                Diagnostic::bug(format!("The {what} does not fit the schema: {error}."))
                    .at(path)
                    .into(),
            )
        }
    }
}

/// The diagnostic of a value from outside that does not fit.
pub(in crate::framework) fn unreadable(what: &str, error: CodecError) -> Diagnostics {
    let detail = format!("The {what} does not fit the schema of this provider version: {error}.");
    Diagnostic::error("Unreadable request", detail)
        .at(error.path)
        .into()
}
