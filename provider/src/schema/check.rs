//! Rules that a schema must keep, for tests: Terraform refuses, or crashes on, one that breaks them.

use super::attribute::{Attribute, Nesting, Presence, Shape};
use super::{Identity, Schema};
use crate::value::{Path, Type};

/// What is wrong with a schema; nothing when all is well. Call it in a test on every schema.
pub fn problems(schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    if schema.version < 0 {
        found.push("the version is negative".to_owned());
    }
    if schema.description.is_empty() {
        found.push("no description".to_owned());
    }
    check_all(&schema.attributes, &Path::root(), false, &mut found);
    found
}

/// What is wrong with the schema of an ephemeral resource. It has neither state nor plan, so
/// nothing there can be said about them.
pub fn ephemeral_problems(schema: &Schema) -> Vec<String> {
    let mut found = problems(schema);
    stateless(&schema.attributes, &Path::root(), &mut found);
    found
}

/// What is wrong with the schema of something that only takes a configuration: an action, or the
/// listing of a resource.
pub fn config_problems(schema: &Schema) -> Vec<String> {
    let mut found = ephemeral_problems(schema);
    for attribute in &schema.attributes {
        if attribute.presence == Some(Presence::Computed) {
            let name = &attribute.name;
            found.push(format!("{name}: nobody can see a computed value"));
        }
    }
    found
}

/// What is wrong with the identity of a resource with this schema.
pub fn identity_problems(identity: &Identity, resource: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    let attributes = identity.schema().attributes();
    check_all(attributes, &Path::root(), false, &mut found);
    stateless(attributes, &Path::root(), &mut found);
    if attributes.is_empty() || identity.schema().version < 0 {
        found.push("no attributes, or a negative version".to_owned());
    }
    for attribute in attributes {
        let name = &attribute.name;
        let counterpart = resource.attributes.iter().find(|it| it.name == *name);
        if counterpart.map(Attribute::ty) != Some(attribute.ty()) {
            found.push(format!(
                "{name}: the resource has no such attribute of this type"
            ));
        }
        if counterpart.is_some_and(|it| it.write_only || it.sensitive) || attribute.sensitive {
            found.push(format!("{name}: an identity is shown to everybody"));
        }
        if matches!(
            attribute.ty(),
            Type::Map(_) | Type::Set(_) | Type::Object(_)
        ) {
            found.push(format!(
                "{name}: an identity holds no maps, sets and objects"
            ));
        }
        if attribute.is_computed() {
            found.push(format!("{name}: must be required or optional"));
        }
    }
    found
}

fn stateless(attributes: &[Attribute], path: &Path, found: &mut Vec<String>) {
    for attribute in attributes {
        let path = path.with_attribute(&attribute.name);
        for (set, mark) in [
            (attribute.write_only, "write_only"),
            (attribute.requires_replace, "requires_replace"),
            (attribute.use_state_for_unknown, "use_state_for_unknown"),
        ] {
            if set {
                found.push(format!("{path}: {mark} means nothing without a state"));
            }
        }
        if let Shape::Nested(_, attributes) = &attribute.shape {
            stateless(attributes, &path, found);
        }
    }
}

fn check_all(attributes: &[Attribute], path: &Path, in_set: bool, found: &mut Vec<String>) {
    for (position, attribute) in attributes.iter().enumerate() {
        let path = path.with_attribute(&attribute.name);
        if attributes
            .iter()
            .take(position)
            .any(|earlier| earlier.name == attribute.name)
        {
            found.push(format!("{path}: declared twice"));
        }
        check(attribute, &path, in_set, found);
    }
}

fn check(attribute: &Attribute, path: &Path, in_set: bool, found: &mut Vec<String>) {
    let mut rule = |broken: bool, message: &str| {
        if broken {
            found.push(format!("{path}: {message}"));
        }
    };
    let name_is_plain = attribute
        .name
        .starts_with(|first: char| first.is_ascii_lowercase())
        && attribute
            .name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    let presence = attribute.presence;
    let computed = attribute.is_computed();
    rule(
        !name_is_plain,
        "the name may contain only lowercase letters, digits and underscores",
    );
    rule(presence.is_none(), "must be required, optional or computed");
    rule(attribute.description.is_empty(), "no description");
    rule(
        attribute.write_only && computed,
        "write-only and computed exclude each other",
    );
    rule(
        attribute.write_only && in_set,
        "a set may not contain write-only attributes",
    );
    rule(
        attribute.default.is_some() && presence != Some(Presence::OptionalComputed),
        "a default needs an optional and computed attribute",
    );
    rule(
        attribute.use_state_for_unknown && !computed,
        "use_state_for_unknown needs a computed attribute",
    );
    rule(
        attribute.use_state_for_unknown && in_set,
        "use_state_for_unknown means nothing in a set: elements cannot be matched",
    );
    rule(
        attribute.requires_replace && presence == Some(Presence::Computed),
        "a computed attribute cannot be changed by a user, so it cannot force a replacement",
    );
    rule(
        presence == Some(Presence::Computed)
            && !attribute.validators.is_empty()
            && !is_integer(attribute),
        "a computed attribute is never configured, so its validators never run",
    );
    rule(
        attribute.deprecation.as_deref() == Some(""),
        "a deprecation must say what to use instead",
    );
    let default_fits = attribute.default.as_ref().is_none_or(|default| {
        default.is_wholly_known()
            && !default.is_null()
            && crate::value::msgpack::encode(default, &attribute.ty()).is_ok()
    });
    rule(
        !default_fits,
        "the default is not a known value of the type",
    );
    match &attribute.shape {
        Shape::Plain(ty) => {
            rule(
                in_set && ty.has_dynamic(),
                "a set may not contain dynamic values",
            );
            rule(
                dynamic_in_collection(ty),
                "dynamic elements of collections crash Terraform",
            );
            rule(
                matches!(ty, Type::Object(_)),
                "use a nested attribute instead of an object type",
            );
        }
        Shape::Nested(nesting, attributes) => {
            rule(attributes.is_empty(), "no nested attributes");
            check_all(attributes, path, in_set || *nesting == Nesting::Set, found);
        }
    }
}

/// An integer attribute has its validator from the constructor.
fn is_integer(attribute: &Attribute) -> bool {
    attribute.ty() == Type::Number && attribute.validators.len() == 1
}

fn dynamic_in_collection(ty: &Type) -> bool {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => element.has_dynamic(),
        Type::Tuple(elements) => elements.iter().any(dynamic_in_collection),
        Type::Object(attributes) => attributes.values().any(dynamic_in_collection),
        Type::String | Type::Number | Type::Bool | Type::Dynamic => false,
    }
}
