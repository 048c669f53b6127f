//! From msgpack to [`Value`].

use std::collections::BTreeMap;

use rmp::Marker;

use super::{MAX_REFINEMENT, REFINED};
use crate::value::{
    CodecError, DynamicValue, Number, Object, Path, Refinements, Type, Value, ValueSet,
};

/// How many values one message may hold. A null takes one byte on the wire and forty in memory;
/// without this bound a message of the largest accepted size would take ten gigabytes.
const MAX_VALUES: usize = 1 << 20;

/// How deep `dynamic` values may nest in each other; one level is all that Terraform produces.
const MAX_DYNAMIC_DEPTH: usize = 4;

/// Reads one value of the given type. Bytes after the value are an error.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    let mut decoder = Decoder {
        rest: bytes,
        values_left: MAX_VALUES,
        dynamic_depth: 0,
    };
    let value = decoder.value(ty, &Path::root())?;
    if decoder.rest.is_empty() {
        Ok(value)
    } else {
        Err(CodecError::new(&Path::root(), "bytes follow the value"))
    }
}

struct Decoder<'a> {
    rest: &'a [u8],
    values_left: usize,
    dynamic_depth: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, ty: &Type, path: &Path) -> Result<Value, CodecError> {
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or_else(|| CodecError::new(path, format!("more than {MAX_VALUES} values")))?;
        let marker = self.marker(path)?;
        if marker == Marker::Null {
            return Ok(Value::Null);
        }
        if let Some(length) = self.extension_length(marker, path)? {
            return self.unknown(length, path);
        }
        match ty {
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                _ => Err(CodecError::new(path, "a bool is required")),
            },
            Type::String => self
                .text(marker, path, "a string")
                .map(|text| Value::String(text.to_owned())),
            Type::Number => self.number(marker, path).map(Value::Number),
            Type::List(element) => {
                let count = self.array_length(marker, path, "a list")?;
                let elements = (0..count)
                    .map(|index| self.value(element, &path.with_index(index)))
                    .collect::<Result<_, _>>()?;
                Ok(Value::List(elements))
            }
            Type::Set(element) => {
                let count = self.array_length(marker, path, "a set")?;
                let elements = (0..count)
                    .map(|_| self.value(element, path))
                    .collect::<Result<ValueSet, _>>()?;
                Ok(Value::Set(elements))
            }
            Type::Tuple(types) => {
                let count = self.array_length(marker, path, "a tuple")?;
                if count != types.len() {
                    let message = format!(
                        "a tuple with {} elements is required ({count} given)",
                        types.len()
                    );
                    return Err(CodecError::new(path, message));
                }
                let elements = types
                    .iter()
                    .enumerate()
                    .map(|(index, ty)| self.value(ty, &path.with_index(index)))
                    .collect::<Result<_, _>>()?;
                Ok(Value::List(elements))
            }
            Type::Map(element) => self.map(marker, element, path),
            Type::Object(types) => self.object(marker, types, path),
            Type::Dynamic => self.dynamic(marker, path),
        }
    }

    fn map(&mut self, marker: Marker, element: &Type, path: &Path) -> Result<Value, CodecError> {
        let count = self.map_length(marker, path, "a map")?;
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let key = self.key(path)?;
            let value = self.value(element, &path.with_key(key))?;
            if entries.insert(key.to_owned(), value).is_some() {
                return Err(CodecError::new(&path.with_key(key), "the key occurs twice"));
            }
        }
        Ok(Value::Map(entries))
    }

    fn object(
        &mut self,
        marker: Marker,
        types: &BTreeMap<String, Type>,
        path: &Path,
    ) -> Result<Value, CodecError> {
        let count = self.map_length(marker, path, "an object")?;
        if count != types.len() {
            let message = format!(
                "an object with {} attributes is required ({count} given)",
                types.len()
            );
            return Err(CodecError::new(path, message));
        }
        let mut object = Object::new();
        for _ in 0..count {
            let name = self.key(path)?;
            let Some(ty) = types.get(name) else {
                return Err(CodecError::new(
                    path,
                    format!("unsupported attribute {name:?}"),
                ));
            };
            let path = path.with_attribute(name);
            if object.get_if_present(name).is_some() {
                return Err(CodecError::new(&path, "the attribute occurs twice"));
            }
            let value = self.value(ty, &path)?;
            object.set(name, value);
        }
        // Equal counts, known names and no duplicates: every attribute is there.
        Ok(Value::Object(object))
    }

    fn dynamic(&mut self, marker: Marker, path: &Path) -> Result<Value, CodecError> {
        if self.array_length(marker, path, "a dynamic value")? != 2 {
            return Err(CodecError::new(
                path,
                "a dynamic value must be a type and a value",
            ));
        }
        if self.dynamic_depth == MAX_DYNAMIC_DEPTH {
            return Err(CodecError::new(path, "dynamic values are nested too deep"));
        }
        let marker = self.marker(path)?;
        let json = self.bytes(marker, path, "the type of a dynamic value")?;
        let ty = Type::from_json(json).map_err(|error| CodecError::new(path, error.to_string()))?;
        self.dynamic_depth += 1;
        let value = self.value(&ty, path)?;
        self.dynamic_depth -= 1;
        Ok(Value::Dynamic(Box::new(DynamicValue { ty, value })))
    }

    fn number(&mut self, marker: Marker, path: &Path) -> Result<Number, CodecError> {
        let unsigned = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
        };
        let number = match marker {
            Marker::FixPos(value) => Number::from(i64::from(value)),
            Marker::FixNeg(value) => Number::from(i64::from(value)),
            Marker::U8 => Number::from(unsigned(self.take(1, path)?)),
            Marker::U16 => Number::from(unsigned(self.take(2, path)?)),
            Marker::U32 => Number::from(unsigned(self.take(4, path)?)),
            Marker::U64 => Number::from(unsigned(self.take(8, path)?)),
            Marker::I8 => Number::from(i64::from(i8::from_be_bytes(self.array(path)?))),
            Marker::I16 => Number::from(i64::from(i16::from_be_bytes(self.array(path)?))),
            Marker::I32 => Number::from(i64::from(i32::from_be_bytes(self.array(path)?))),
            Marker::I64 => Number::from(i64::from_be_bytes(self.array(path)?)),
            Marker::F32 => Number::from_f64(f64::from(f32::from_be_bytes(self.array(path)?)))
                .map_err(|error| CodecError::new(path, error.to_string()))?,
            Marker::F64 => Number::from_f64(f64::from_be_bytes(self.array(path)?))
                .map_err(|error| CodecError::new(path, error.to_string()))?,
            other => {
                let text = self.text(other, path, "a number")?;
                Number::parse(text).map_err(|error| CodecError::new(path, error.to_string()))?
            }
        };
        Ok(number)
    }

    /// Any extension is an unknown value. Only refinements may have a body longer than one byte,
    /// as in Terraform itself.
    fn unknown(&mut self, length: usize, path: &Path) -> Result<Value, CodecError> {
        let [code] = self.array::<1>(path)?;
        let code = i8::from_be_bytes([code]);
        if length > 1 && code != REFINED {
            let message = format!("unsupported extension type {code} with length {length}");
            return Err(CodecError::new(path, message));
        }
        if length > MAX_REFINEMENT {
            let message = format!("refinements longer than {MAX_REFINEMENT} bytes");
            return Err(CodecError::new(path, message));
        }
        let body = self.take(length, path)?;
        // A body that is no map with entries says nothing: it must not be handed back.
        let is_map = match body.first().map(|first| Marker::from_u8(*first)) {
            Some(Marker::FixMap(entries)) => entries > 0,
            Some(Marker::Map16 | Marker::Map32) => true,
            _ => false,
        };
        if code == REFINED && is_map {
            Ok(Value::Unknown(Refinements::from_body(body)))
        } else {
            Ok(Value::UNKNOWN)
        }
    }

    fn extension_length(
        &mut self,
        marker: Marker,
        path: &Path,
    ) -> Result<Option<usize>, CodecError> {
        Ok(Some(match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.length(1, path)?,
            Marker::Ext16 => self.length(2, path)?,
            Marker::Ext32 => self.length(4, path)?,
            _ => return Ok(None),
        }))
    }

    fn array_length(
        &mut self,
        marker: Marker,
        path: &Path,
        what: &str,
    ) -> Result<usize, CodecError> {
        match marker {
            Marker::FixArray(length) => Ok(usize::from(length)),
            Marker::Array16 => self.length(2, path),
            Marker::Array32 => self.length(4, path),
            _ => Err(CodecError::new(path, format!("{what} is required"))),
        }
    }

    fn map_length(&mut self, marker: Marker, path: &Path, what: &str) -> Result<usize, CodecError> {
        match marker {
            Marker::FixMap(length) => Ok(usize::from(length)),
            Marker::Map16 => self.length(2, path),
            Marker::Map32 => self.length(4, path),
            _ => Err(CodecError::new(path, format!("{what} is required"))),
        }
    }

    fn key(&mut self, path: &Path) -> Result<&'a str, CodecError> {
        let marker = self.marker(path)?;
        self.text(marker, path, "a string as key")
    }

    fn text(&mut self, marker: Marker, path: &Path, what: &str) -> Result<&'a str, CodecError> {
        let bytes = self.bytes(marker, path, what)?;
        std::str::from_utf8(bytes).map_err(|_| CodecError::new(path, "text that is not UTF-8"))
    }

    fn bytes(&mut self, marker: Marker, path: &Path, what: &str) -> Result<&'a [u8], CodecError> {
        let length = match marker {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 | Marker::Bin8 => self.length(1, path)?,
            Marker::Str16 | Marker::Bin16 => self.length(2, path)?,
            Marker::Str32 | Marker::Bin32 => self.length(4, path)?,
            _ => return Err(CodecError::new(path, format!("{what} is required"))),
        };
        self.take(length, path)
    }

    fn marker(&mut self, path: &Path) -> Result<Marker, CodecError> {
        let [byte] = self.array::<1>(path)?;
        Ok(Marker::from_u8(byte))
    }

    fn length(&mut self, bytes: usize, path: &Path) -> Result<usize, CodecError> {
        let bytes = self.take(bytes, path)?;
        Ok(bytes
            .iter()
            .fold(0, |length, byte| (length << 8) | usize::from(*byte)))
    }

    fn array<const N: usize>(&mut self, path: &Path) -> Result<[u8; N], CodecError> {
        let (array, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| too_short(path))?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, count: usize, path: &Path) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| too_short(path))?;
        self.rest = rest;
        Ok(taken)
    }
}

fn too_short(path: &Path) -> CodecError {
    CodecError::new(path, "the message ends too early")
}
