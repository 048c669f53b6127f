//! The entry of the fuzz target, which the property tests run too.

use super::{Type, json, msgpack};

/// Decodes bytes that may be anything, by types of every kind. What can be decoded must be
/// encodable and come back the same; a panic is a finding.
pub fn decode_anything(bytes: &[u8]) {
    let _ = Type::from_json(bytes).map(|ty| assert_eq!(Type::from_json(&ty.to_json()), Ok(ty)));
    for ty in kinds() {
        let _ = json::decode(bytes, &ty);
        let Ok(value) = msgpack::decode(bytes, &ty) else {
            continue;
        };
        let written = msgpack::encode(&value, &ty);
        let read = written.and_then(|bytes| msgpack::decode(&bytes, &ty));
        assert_eq!(read, Ok(value), "a value of type {ty:?} changed on its way");
    }
}

fn kinds() -> [Type; 7] {
    let nested = Type::object([
        ("dynamic", Type::Dynamic),
        ("list", Type::list(Type::Number)),
        ("map", Type::map(Type::object([("flag", Type::Bool)]))),
        ("set", Type::set(Type::object([("name", Type::String)]))),
        ("tuple", Type::Tuple(vec![Type::String, Type::Number])),
    ]);
    [
        Type::String,
        Type::Number,
        Type::Bool,
        Type::Dynamic,
        Type::list(Type::set(Type::String)),
        Type::map(Type::Number),
        nested,
    ]
}
