//! From [`Value`] to msgpack.

use std::collections::BTreeMap;

use rmp::encode::{
    ByteBuf, write_array_len, write_bin, write_bool, write_ext_meta, write_f64, write_map_len,
    write_nil, write_sint, write_str,
};

use super::{MAX_REFINEMENT, REFINED};
use crate::value::{CodecError, Number, Path, Refinements, Type, Value};

/// Writes a value of the given type. Attributes that an object lacks are written as null;
/// attributes that the type lacks, and values of another type, are errors.
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, CodecError> {
    let mut out = ByteBuf::new();
    write(&mut out, value, ty, &Path::root())?;
    Ok(out.into_vec())
}

fn write(out: &mut ByteBuf, value: &Value, ty: &Type, path: &Path) -> Result<(), CodecError> {
    match (ty, value) {
        (_, Value::Null) => write_nil(out).map_err(|never| match never {}),
        (_, Value::Unknown(refinements)) => write_unknown(out, refinements, path),
        (Type::Bool, Value::Bool(value)) => write_bool(out, *value).map_err(|never| match never {}),
        (Type::String, Value::String(text)) => {
            length(text.len(), path)?;
            write_str(out, text).map_err(|error| failed(path, &error))
        }
        (Type::Number, Value::Number(number)) => write_number(out, number, path),
        (Type::List(element), Value::List(elements)) => {
            write_array(out, elements.len(), path)?;
            elements
                .iter()
                .enumerate()
                .try_for_each(|(index, value)| write(out, value, element, &path.with_index(index)))
        }
        (Type::Set(element), Value::Set(elements)) => {
            write_array(out, elements.len(), path)?;
            elements
                .iter()
                .try_for_each(|value| write(out, value, element, path))
        }
        (Type::Tuple(types), Value::List(elements)) => {
            if types.len() != elements.len() {
                let message = format!(
                    "a tuple with {} elements is required ({} given)",
                    types.len(),
                    elements.len()
                );
                return Err(CodecError::new(path, message));
            }
            write_array(out, elements.len(), path)?;
            types
                .iter()
                .zip(elements)
                .enumerate()
                .try_for_each(|(index, (ty, value))| write(out, value, ty, &path.with_index(index)))
        }
        (Type::Map(element), Value::Map(entries)) => write_map(out, entries, element, path),
        (Type::Object(types), Value::Object(object)) => {
            if let Some((name, _)) = object.iter().find(|(name, _)| !types.contains_key(*name)) {
                return Err(CodecError::new(
                    path,
                    format!("unsupported attribute {name:?}"),
                ));
            }
            write_map_len(out, length(types.len(), path)?).map_err(|error| failed(path, &error))?;
            types.iter().try_for_each(|(name, ty)| {
                write_str(out, name).map_err(|error| failed(path, &error))?;
                write(out, object.get(name), ty, &path.with_attribute(name))
            })
        }
        (Type::Dynamic, Value::Dynamic(dynamic)) => {
            write_array(out, 2, path)?;
            write_bin(out, &dynamic.ty.to_json()).map_err(|error| failed(path, &error))?;
            write(out, &dynamic.value, &dynamic.ty, path)
        }
        (ty, value) => {
            let message = format!("{} is required, {} given", ty.describe(), value.kind());
            Err(CodecError::new(path, message))
        }
    }
}

fn write_map(
    out: &mut ByteBuf,
    entries: &BTreeMap<String, Value>,
    element: &Type,
    path: &Path,
) -> Result<(), CodecError> {
    write_map_len(out, length(entries.len(), path)?).map_err(|error| failed(path, &error))?;
    entries.iter().try_for_each(|(key, value)| {
        write_str(out, key).map_err(|error| failed(path, &error))?;
        write(out, value, element, &path.with_key(key))
    })
}

/// An integer in its smallest form, everything else as decimal text, so that no digit is lost.
fn write_number(out: &mut ByteBuf, number: &Number, path: &Path) -> Result<(), CodecError> {
    if let Some(infinity) = number.infinity() {
        return write_f64(out, infinity).map_err(|error| failed(path, &error));
    }
    match number.to_i64() {
        Some(integer) => write_sint(out, integer)
            .map(|_| ())
            .map_err(|error| failed(path, &error)),
        None => write_str(out, &number.to_string()).map_err(|error| failed(path, &error)),
    }
}

fn write_unknown(
    out: &mut ByteBuf,
    refinements: &Refinements,
    path: &Path,
) -> Result<(), CodecError> {
    let (code, body) = match refinements.body() {
        Some(body) if body.len() <= MAX_REFINEMENT => (REFINED, body),
        _ => (0, [0].as_slice()),
    };
    write_ext_meta(out, length(body.len(), path)?, code).map_err(|error| failed(path, &error))?;
    out.as_mut_vec().extend_from_slice(body);
    Ok(())
}

fn write_array(out: &mut ByteBuf, count: usize, path: &Path) -> Result<(), CodecError> {
    write_array_len(out, length(count, path)?)
        .map(|_| ())
        .map_err(|error| failed(path, &error))
}

fn length(length: usize, path: &Path) -> Result<u32, CodecError> {
    u32::try_from(length).map_err(|_| CodecError::new(path, "too long for MessagePack"))
}

fn failed(path: &Path, error: &dyn std::fmt::Debug) -> CodecError {
    CodecError::new(path, format!("could not be written: {error:?}"))
}
