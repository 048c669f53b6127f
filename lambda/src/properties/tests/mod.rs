//! Tests of the properties: the strict way, the lenient way, and what both have in common.

mod both;
mod lenient;
mod strict;

use serde_json::{Map, Value};

use super::{Problems, UserProperties, read};

/// Properties from JSON, which must be an object.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// The least that can be written, with more.
fn with(more: Value) -> Map<String, Value> {
    let mut properties = object(serde_json::json!({
        "AccountId": "222222222222",
        "UserName": "alice",
    }));
    properties.extend(object(more));
    properties
}

/// Reads the least that can be written, with more.
fn reading(more: Value) -> Result<UserProperties, Problems> {
    read(&with(more))
}

/// The paths of all problems, and the whole text.
fn problems(more: Value) -> (Vec<String>, String) {
    let problems = reading(more).unwrap_err();
    let paths = problems.iter().map(|problem| problem.path.clone());
    (paths.collect(), problems.to_string())
}

/// The path of the only problem, and the whole text.
fn problem(more: Value) -> (String, String) {
    let (paths, text) = problems(more);
    assert_eq!(paths.len(), 1, "{text}");
    (paths[0].clone(), text)
}
