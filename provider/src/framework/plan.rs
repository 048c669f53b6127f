//! The generic part of a plan, as pure functions on schema and objects: defaults, write-only values,
//! equal values, what becomes unknown, what needs a new object, and whether the result is legal.

use std::collections::BTreeSet;

use crate::schema::attribute::{Attribute, Nesting, Shape};
use crate::schema::{Diagnostic, Diagnostics};
use crate::value::{Object, Path, Value};

/// The plan before the resource adjusts it.
pub(crate) fn generic(
    attributes: &[Attribute],
    config: &Object,
    prior: Option<&Object>,
    proposed: Object,
) -> Object {
    let planned = rebuild(
        attributes,
        Some(config),
        prior,
        proposed,
        &|attribute, values| {
            if attribute.write_only {
                Value::Null
            } else if let (Some(default), true) = (&attribute.default, values.config.is_null()) {
                default.clone()
            } else {
                keep_equal(attribute, values.prior, values.current)
            }
        },
    );
    if prior == Some(&planned) {
        return planned;
    }
    rebuild(
        attributes,
        Some(config),
        prior,
        planned,
        &|attribute, values| {
            let open =
                attribute.is_computed() && attribute.default.is_none() && values.config.is_null();
            if !open {
                values.current
            } else if attribute.use_state_for_unknown && !values.prior.is_null() {
                values.prior.clone()
            } else {
                Value::UNKNOWN
            }
        },
    )
}

/// The configuration with defaults in place of null.
pub(crate) fn with_defaults(attributes: &[Attribute], config: &Object) -> Object {
    rebuild(
        attributes,
        Some(config),
        None,
        config.clone(),
        &|attribute, values| match &attribute.default {
            Some(default) if values.config.is_null() => default.clone(),
            _ => values.current,
        },
    )
}

/// The object with write-only values removed.
pub(crate) fn without_write_only(attributes: &[Attribute], object: Object) -> Object {
    rebuild(attributes, None, None, object, &|attribute, values| {
        if attribute.write_only {
            Value::Null
        } else {
            values.current
        }
    })
}

/// The object in which values that mean the same as before have their earlier form.
pub(crate) fn keep_equal_values(
    attributes: &[Attribute],
    earlier: &Object,
    object: Object,
) -> Object {
    rebuild(
        attributes,
        None,
        Some(earlier),
        object,
        &|attribute, values| keep_equal(attribute, values.prior, values.current),
    )
}

fn keep_equal(attribute: &Attribute, earlier: &Value, current: Value) -> Value {
    let both_known = |value: &Value| !value.is_null() && value.is_wholly_known();
    match &attribute.equality {
        Some(equal) if both_known(earlier) && both_known(&current) && equal(earlier, &current) => {
            earlier.clone()
        }
        _ => current,
    }
}

/// The attributes that are configured although they are write-only.
pub(crate) fn configured_write_only(attributes: &[Attribute], config: &Object) -> Vec<Path> {
    let mut found = Vec::new();
    collect_write_only(attributes, config, &Path::root(), &mut found);
    found
}

fn collect_write_only(attributes: &[Attribute], config: &Object, at: &Path, found: &mut Vec<Path>) {
    for attribute in attributes {
        let path = at.with_attribute(&attribute.name);
        let value = config.get(&attribute.name);
        if attribute.write_only && !value.is_null() {
            found.push(path.clone());
        }
        if let Shape::Nested(nesting, attributes) = &attribute.shape {
            for (path, object) in crate::schema::walk::nested_objects(*nesting, value, &path) {
                collect_write_only(attributes, object, &path, found);
            }
        }
    }
}

/// One attribute in the objects that a plan looks at together; null where an object lacks it.
struct Values<'a> {
    config: &'a Value,
    prior: &'a Value,
    current: Value,
}

/// Changes every attribute at every depth, from the outside in. Nested objects are matched with
/// configuration and prior state by index or key; those of a set with configuration by content and
/// with prior state not at all.
///
/// Without a configuration every nested object is visited; with one, only those that are
/// configured: what the provider computes as a whole has no parts that a plan decides on.
fn rebuild(
    attributes: &[Attribute],
    config: Option<&Object>,
    prior: Option<&Object>,
    current: Object,
    change: &dyn Fn(&Attribute, Values<'_>) -> Value,
) -> Object {
    let mut current = current;
    attributes
        .iter()
        .map(|attribute| {
            let name = &attribute.name;
            let values = Values {
                config: config.map_or(&Value::Null, |config| config.get(name)),
                prior: prior.map_or(&Value::Null, |prior| prior.get(name)),
                current: current.remove(name),
            };
            let (configured, before) = (config.map(|_| values.config), values.prior);
            let value = change(attribute, values);
            let value = match &attribute.shape {
                Shape::Nested(nesting, nested) if !configured.is_some_and(Value::is_null) => {
                    rebuild_nested(*nesting, nested, configured, before, value, change)
                }
                _ => value,
            };
            (name.clone(), value)
        })
        .collect()
}

fn rebuild_nested(
    nesting: Nesting,
    attributes: &[Attribute],
    config: Option<&Value>,
    prior: &Value,
    current: Value,
    change: &dyn Fn(&Attribute, Values<'_>) -> Value,
) -> Value {
    let rebuild_one = |config: Option<Option<&Value>>, prior: Option<&Value>, current: Value| {
        let prior = prior.and_then(Value::as_object);
        match (current, config) {
            (Value::Object(current), None) => {
                Value::Object(rebuild(attributes, None, prior, current, change))
            }
            (Value::Object(current), Some(Some(Value::Object(config)))) => {
                Value::Object(rebuild(attributes, Some(config), prior, current, change))
            }
            // Not an object, or one that is not configured.
            (current, _) => current,
        }
    };
    match (nesting, current) {
        (Nesting::Single, current) => rebuild_one(config.map(Some), Some(prior), current),
        (Nesting::List, Value::List(elements)) => Value::List(
            elements
                .into_iter()
                .enumerate()
                .map(|(index, current)| {
                    let matched = config.map(|config| element(config, index));
                    rebuild_one(matched, element(prior, index), current)
                })
                .collect(),
        ),
        (Nesting::Map, Value::Map(entries)) => {
            Value::map(entries.into_iter().map(|(key, current)| {
                let matched = config.map(|config| entry(config, &key));
                let value = rebuild_one(matched, entry(prior, &key), current);
                (key, value)
            }))
        }
        (Nesting::Set, Value::Set(elements)) => Value::set(elements.into_iter().map(|current| {
            let matched = config.map(|config| {
                let mut candidates = config.as_elements().into_iter().flatten();
                candidates.find(|candidate| comes_from(attributes, &current, candidate))
            });
            rebuild_one(matched, None, current)
        })),
        (_, current) => current,
    }
}

fn element(list: &Value, index: usize) -> Option<&Value> {
    list.as_elements().and_then(|elements| elements.get(index))
}

fn entry<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    map.as_map().and_then(|entries| entries.get(key))
}

/// An element of a set can be what became of a configured element: they differ only in computed
/// attributes that are not configured.
fn comes_from(attributes: &[Attribute], planned: &Value, config: &Value) -> bool {
    let (Value::Object(planned), Value::Object(config)) = (planned, config) else {
        return planned == config;
    };
    attributes.iter().all(|attribute| {
        let (planned, config) = (planned.get(&attribute.name), config.get(&attribute.name));
        if attribute.is_computed() && config.is_null() {
            return true;
        }
        match (&attribute.shape, planned, config) {
            (Shape::Nested(Nesting::Single, nested), Value::Object(_), Value::Object(_)) => {
                comes_from(nested, planned, config)
            }
            (Shape::Nested(_, nested), planned, config) => {
                match (planned.as_elements(), config.as_elements()) {
                    (Some(planned), Some(config)) => {
                        planned.len() == config.len()
                            && planned.iter().all(|planned| {
                                config
                                    .iter()
                                    .any(|config| comes_from(nested, planned, config))
                            })
                    }
                    _ => planned == config,
                }
            }
            (Shape::Plain(_), planned, config) => planned == config,
        }
    })
}

/// The attributes whose planned change needs a new object.
pub(crate) fn replacements(
    attributes: &[Attribute],
    prior: &Object,
    planned: &Object,
) -> BTreeSet<Path> {
    let mut found = BTreeSet::new();
    collect_replacements(
        attributes,
        Some(prior),
        Some(planned),
        &Path::root(),
        &mut found,
    );
    found
}

fn collect_replacements(
    attributes: &[Attribute],
    prior: Option<&Object>,
    planned: Option<&Object>,
    at: &Path,
    found: &mut BTreeSet<Path>,
) {
    for attribute in attributes {
        let path = at.with_attribute(&attribute.name);
        let before = prior.map_or(&Value::Null, |object| object.get(&attribute.name));
        let after = planned.map_or(&Value::Null, |object| object.get(&attribute.name));
        if before == after && after.is_wholly_known() {
            continue;
        }
        if attribute.requires_replace {
            found.insert(path.clone());
        }
        let Shape::Nested(nesting, nested) = &attribute.shape else {
            continue;
        };
        match nesting {
            // An element of a set has no path; the set stands for it.
            Nesting::Set => {
                if nested
                    .iter()
                    .any(|nested| replaces_in_set(nested, before, after))
                {
                    found.insert(path);
                }
            }
            Nesting::Single | Nesting::List | Nesting::Map => {
                let before = crate::schema::walk::nested_objects(*nesting, before, &path);
                let after = crate::schema::walk::nested_objects(*nesting, after, &path);
                let places: BTreeSet<&Path> = before
                    .iter()
                    .chain(&after)
                    .map(|(place, _)| place)
                    .collect();
                for place in places {
                    let before = before.iter().find(|(path, _)| path == place);
                    let after = after.iter().find(|(path, _)| path == place);
                    let (before, after) = (before.map(|(_, it)| *it), after.map(|(_, it)| *it));
                    collect_replacements(nested, before, after, place, found);
                }
            }
        }
    }
}

/// The values of one attribute over all elements of a set change. Attributes deeper inside the
/// elements count as a part of it.
fn replaces_in_set(attribute: &Attribute, before: &Value, after: &Value) -> bool {
    fn demands(attribute: &Attribute) -> bool {
        attribute.requires_replace
            || match &attribute.shape {
                Shape::Nested(_, nested) => nested.iter().any(demands),
                Shape::Plain(_) => false,
            }
    }
    let values = |set: &Value| -> BTreeSet<Value> {
        set.as_elements()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .map(|object| object.get(&attribute.name).clone())
            .collect()
    };
    demands(attribute) && (after.is_unknown() || values(before) != values(after))
}

/// Faults that Terraform would report as "Provider produced invalid plan", and for the result of an
/// ephemeral resource as "Provider produced invalid ephemeral resource instance".
pub(crate) fn faults(
    attributes: &[Attribute],
    config: &Object,
    prior: Option<&Object>,
    planned: &Object,
) -> Diagnostics {
    let mut found = Diagnostics::new();
    collect_faults(
        attributes,
        config,
        prior,
        planned,
        &Path::root(),
        &mut found,
    );
    found
}

fn collect_faults(
    attributes: &[Attribute],
    config: &Object,
    prior: Option<&Object>,
    planned: &Object,
    at: &Path,
    found: &mut Diagnostics,
) {
    for attribute in attributes {
        let path = at.with_attribute(&attribute.name);
        let configured = config.get(&attribute.name);
        let before = prior.map_or(&Value::Null, |prior| prior.get(&attribute.name));
        let after = planned.get(&attribute.name);
        let free = attribute.is_computed() && configured.is_null();
        if attribute.write_only {
            if !after.is_null() {
                found.push(fault(&path, "a write-only value is in it"));
            }
            continue;
        }
        if free || after == configured {
            continue;
        }
        let keeps_prior = !before.is_null() && !configured.is_null() && after == before;
        match &attribute.shape {
            Shape::Plain(_) if !keeps_prior => {
                found.push(fault(&path, "the value differs from the configured one"));
            }
            Shape::Nested(nesting, nested) if *nesting != Nesting::Set => {
                let places = |value| crate::schema::walk::nested_objects(*nesting, value, &path);
                let (configured, after) = (places(configured), places(after));
                let before = places(before);
                let same_places = configured.len() == after.len()
                    && configured
                        .iter()
                        .zip(&after)
                        .all(|(left, right)| left.0 == right.0);
                if !same_places {
                    found.push(fault(
                        &path,
                        "other nested objects are there than configured",
                    ));
                    continue;
                }
                for ((place, configured), (_, after)) in configured.iter().zip(&after) {
                    let before = before.iter().find(|(path, _)| path == place);
                    let before = before.map(|(_, object)| *object);
                    collect_faults(nested, configured, before, after, place, found);
                }
            }
            Shape::Plain(_) | Shape::Nested(..) => {}
        }
    }
}

fn fault(path: &Path, problem: &str) -> Diagnostic {
    Diagnostic::bug(format!("The answer is not legal: {path}: {problem}.")).at(path.clone())
}
