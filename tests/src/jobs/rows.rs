//! Rows of the registry between JSON and the values of DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};

/// A JSON object as an item: numbers, texts, flags, lists and maps as they are.
pub(super) fn item(row: &Value) -> HashMap<String, AttributeValue> {
    let fields = row.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(flag) => AttributeValue::Bool(*flag),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(elements) => AttributeValue::L(elements.iter().map(attribute).collect()),
        Value::Object(_) => AttributeValue::M(item(value)),
    }
}

/// An item as a JSON object.
pub(super) fn json(item: &HashMap<String, AttributeValue>) -> Value {
    let fields = item
        .iter()
        .map(|(name, value)| (name.clone(), plain(value)));
    fields.collect::<Map<String, Value>>().into()
}

fn plain(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => text.clone().into(),
        AttributeValue::N(number) => serde_json::from_str(number).unwrap_or_default(),
        AttributeValue::Bool(flag) => (*flag).into(),
        AttributeValue::L(elements) => elements.iter().map(plain).collect(),
        AttributeValue::M(fields) => json(fields),
        AttributeValue::Ss(texts) => texts.iter().cloned().collect(),
        _ => Value::Null,
    }
}
