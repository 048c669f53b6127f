//! Visits every attribute of a value together with its definition.

use super::attribute::{Attribute, Nesting, Shape};
use super::{Diagnostics, validators};
use crate::value::{Object, Path, Value};

/// Runs the validators of all attributes at all depths.
pub(crate) fn validate(
    attributes: &[Attribute],
    object: &Object,
    path: &Path,
    diagnostics: &mut Diagnostics,
) {
    for attribute in attributes {
        let path = path.with_attribute(&attribute.name);
        let value = object.get(&attribute.name);
        for validator in &attribute.validators {
            validators::run(validator.as_ref(), &path, value, diagnostics);
        }
        if let Shape::Nested(nesting, attributes) = &attribute.shape {
            for (path, object) in nested_objects(*nesting, value, &path) {
                validate(attributes, object, &path, diagnostics);
            }
        }
    }
}

/// The known objects of a nested attribute with their paths; those of a set share its path.
pub(crate) fn nested_objects<'a>(
    nesting: Nesting,
    value: &'a Value,
    path: &Path,
) -> Vec<(Path, &'a Object)> {
    let with_path = |path: Path, value: &'a Value| value.as_object().map(|object| (path, object));
    match (nesting, value) {
        (Nesting::Single, value) => with_path(path.clone(), value).into_iter().collect(),
        (Nesting::List, Value::List(elements)) => elements
            .iter()
            .enumerate()
            .filter_map(|(index, element)| with_path(path.with_index(index), element))
            .collect(),
        (Nesting::Set, Value::Set(elements)) => elements
            .iter()
            .filter_map(|element| with_path(path.clone(), element))
            .collect(),
        (Nesting::Map, Value::Map(entries)) => entries
            .iter()
            .filter_map(|(key, element)| with_path(path.with_key(key), element))
            .collect(),
        _ => Vec::new(),
    }
}
