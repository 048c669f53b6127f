//! From the values of `DynamoDB` to JSON: of an item, and of an image in a stream record.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};

/// An item as JSON, by attribute.
pub type StreamImage = BTreeMap<String, Value>;

/// A text.
pub(super) fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// A number.
pub(super) fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Whether a write was refused because its condition does not hold.
pub(super) fn refused<E: ConditionRefused>(error: Option<&E>) -> bool {
    error.is_some_and(E::is_refused)
}

/// Errors of writes on a condition.
pub(super) trait ConditionRefused {
    /// Whether the condition did not hold.
    fn is_refused(&self) -> bool;
}

impl ConditionRefused for UpdateItemError {
    fn is_refused(&self) -> bool {
        self.is_conditional_check_failed_exception()
    }
}

impl ConditionRefused for DeleteItemError {
    fn is_refused(&self) -> bool {
        self.is_conditional_check_failed_exception()
    }
}

/// A value as JSON. Sets are lists in order, because a set has none. Binary values are no properties of a user; what they
/// become is refused as such.
pub(super) fn to_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => text.as_str().into(),
        AttributeValue::N(number) => number_of(number),
        AttributeValue::Bool(flag) => (*flag).into(),
        AttributeValue::Ss(texts) => sorted(texts.iter().map(|text| text.as_str().into())),
        AttributeValue::Ns(numbers) => sorted(numbers.iter().map(|number| number_of(number))),
        AttributeValue::L(elements) => elements.iter().map(to_json).collect(),
        AttributeValue::M(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), to_json(value)))
            .collect::<Map<String, Value>>()
            .into(),
        AttributeValue::Null(_) => Value::Null,
        _ => UNREADABLE.into(),
    }
}

/// What stands for a value that no property has.
const UNREADABLE: &str = "(a binary value)";

fn number_of(text: &str) -> Value {
    // Digits stay as they are: a number of 12 digits is an account id for some.
    serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| text.into(), Value::Number)
}

fn sorted(values: impl Iterator<Item = Value>) -> Value {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_key(ToString::to_string);
    values.into()
}

/// An image of a stream record: `{"UserName": {"S": "alice"}, …}`. `None`: it is none.
pub fn stream_image(image: &Value) -> Option<StreamImage> {
    image
        .as_object()?
        .iter()
        .map(|(name, value)| Some((name.clone(), typed(value)?)))
        .collect()
}

/// A value with its type around it, as the API of `DynamoDB` writes it.
fn typed(value: &Value) -> Option<Value> {
    let (kind, value) = value
        .as_object()
        .filter(|it| it.len() == 1)?
        .iter()
        .next()?;
    Some(match kind.as_str() {
        "S" => value.as_str()?.into(),
        "N" => number_of(value.as_str()?),
        "BOOL" => value.as_bool()?.into(),
        "NULL" => Value::Null,
        "SS" => sorted(value.as_array()?.iter().cloned()),
        "NS" => {
            let numbers: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
            sorted(numbers?.into_iter().map(number_of))
        }
        "L" => {
            let elements: Option<Vec<Value>> = value.as_array()?.iter().map(typed).collect();
            elements?.into()
        }
        "M" => {
            let fields: Option<Map<String, Value>> = value
                .as_object()?
                .iter()
                .map(|(name, value)| Some((name.clone(), typed(value)?)))
                .collect();
            fields?.into()
        }
        _ => UNREADABLE.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::types::AttributeValue as A;
    use serde_json::{Value, json};

    use super::{stream_image, to_json};

    #[test]
    fn an_item_and_its_image_in_the_stream_read_the_same() {
        let text = |text: &str| A::S(text.to_owned());
        let map = HashMap::from([
            ("RotateAfterDays".to_owned(), A::N("15".to_owned())),
            ("Status".to_owned(), text("Active")),
        ]);
        let cases: [(A, Value, Value); 9] = [
            (text("alice"), json!({"S": "alice"}), json!("alice")),
            (A::N("012".to_owned()), json!({"N": "012"}), json!("012")),
            (A::N("15".to_owned()), json!({"N": "15"}), json!(15)),
            (A::Bool(true), json!({"BOOL": true}), json!(true)),
            (A::Null(true), json!({"NULL": true}), json!(null)),
            (
                A::Ss(vec!["b".to_owned(), "a".to_owned()]),
                json!({"SS": ["b", "a"]}),
                json!(["a", "b"]),
            ),
            (
                A::L(vec![text("a"), A::Bool(false)]),
                json!({"L": [{"S": "a"}, {"BOOL": false}]}),
                json!(["a", false]),
            ),
            (
                A::M(map),
                json!({"M": {"RotateAfterDays": {"N": "15"}, "Status": {"S": "Active"}}}),
                json!({"RotateAfterDays": 15, "Status": "Active"}),
            ),
            (
                A::B(aws_sdk_dynamodb::primitives::Blob::new([1])),
                json!({"B": "AQ=="}),
                json!("(a binary value)"),
            ),
        ];
        for (item, image, expected) in cases {
            assert_eq!(to_json(&item), expected);
            let image = stream_image(&json!({"Value": image})).unwrap();
            assert_eq!(image["Value"], expected);
        }
    }

    #[rstest::rstest]
    #[case(json!("alice"))]
    #[case(json!({"UserName": "alice"}))]
    #[case(json!({"UserName": {"S": 7}}))]
    #[case(json!({"UserName": {"S": "a", "N": "1"}}))]
    fn what_is_no_image_is_none(#[case] image: Value) {
        assert_eq!(stream_image(&image), None);
    }
}
