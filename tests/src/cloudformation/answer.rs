//! The rules for the body of an answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// CloudFormation takes no more bytes.
const LONGEST_BODY: usize = 4096;
const LONGEST_ID: usize = 1024;
const FIELDS: [&str; 8] = [
    "Status",
    "Reason",
    "PhysicalResourceId",
    "StackId",
    "RequestId",
    "LogicalResourceId",
    "NoEcho",
    "Data",
];

/// An answer that CloudFormation understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `SUCCESS` or `FAILED`.
    pub success: bool,
    /// Why; always there after a failure.
    pub reason: Option<String>,
    /// What `Ref` returns from now on.
    pub physical_resource_id: String,
    /// What `Fn::GetAtt` returns from now on.
    pub data: BTreeMap<String, String>,
}

/// The ids that an answer must repeat.
#[expect(
    clippy::struct_field_names,
    reason = "the names are those of the fields of an answer"
)]
#[derive(Debug, Clone)]
pub(super) struct Ids {
    pub(super) stack_id: String,
    pub(super) request_id: String,
    pub(super) logical_resource_id: String,
}

/// Reads the body of an answer: what CloudFormation makes of it (a failure that hides the true one, when it is not
/// understood), and every rule that it breaks.
pub(super) fn read(body: &[u8], ids: &Ids) -> (Answer, Vec<String>) {
    let mut broken = Vec::new();
    if body.len() > LONGEST_BODY {
        broken.push(format!(
            "the answer has {} bytes, more than {LONGEST_BODY}",
            body.len()
        ));
        return (refused("Response object is too long."), broken);
    }
    let fields = match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => fields,
        other => {
            broken.push(format!("the answer is not a JSON object: {other:?}"));
            return (refused("Invalid response."), broken);
        }
    };
    for field in fields.keys() {
        if !FIELDS.contains(&field.as_str()) {
            broken.push(format!("the answer has an unknown field {field}"));
        }
    }
    for (field, expected) in [
        ("StackId", &ids.stack_id),
        ("RequestId", &ids.request_id),
        ("LogicalResourceId", &ids.logical_resource_id),
    ] {
        let found = fields.get(field);
        if found.and_then(Value::as_str) != Some(expected) {
            broken.push(format!("{field} is {found:?} and not {expected:?}"));
        }
    }
    if let Some(no_echo) = fields.get("NoEcho")
        && !no_echo.is_boolean()
    {
        broken.push(format!("NoEcho is {no_echo}"));
    }
    let success = match fields.get("Status").and_then(Value::as_str) {
        Some("SUCCESS") => true,
        Some("FAILED") => false,
        other => {
            broken.push(format!("Status is {other:?}"));
            false
        }
    };
    let reason = reason(&fields, success, &mut broken);
    let physical_resource_id = physical_resource_id(&fields, &mut broken);
    let data = data(&fields, &mut broken);
    if !broken.is_empty() {
        return (refused(&broken.join("; ")), broken);
    }
    let answer = Answer {
        success,
        reason,
        physical_resource_id,
        data,
    };
    (answer, broken)
}

fn refused(reason: &str) -> Answer {
    Answer {
        success: false,
        reason: Some(reason.to_owned()),
        physical_resource_id: String::new(),
        data: BTreeMap::new(),
    }
}

fn reason(fields: &Map<String, Value>, success: bool, broken: &mut Vec<String>) -> Option<String> {
    match fields.get("Reason") {
        None if success => None,
        Some(Value::String(text)) if success || !text.is_empty() => Some(text.clone()),
        other => {
            broken.push(format!("Reason is {other:?}"));
            None
        }
    }
}

fn physical_resource_id(fields: &Map<String, Value>, broken: &mut Vec<String>) -> String {
    let found = fields.get("PhysicalResourceId");
    let text = found.and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() || text.len() > LONGEST_ID {
        broken.push(format!("Invalid PhysicalResourceId {found:?}"));
    }
    text.to_owned()
}

fn data(fields: &Map<String, Value>, broken: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut data = BTreeMap::new();
    match fields.get("Data") {
        None => {}
        Some(Value::Object(entries)) => {
            for (key, value) in entries {
                match value {
                    Value::String(text) => {
                        data.insert(key.clone(), text.clone());
                    }
                    other => broken.push(format!("Data.{key} is not a text: {other}")),
                }
            }
        }
        Some(other) => broken.push(format!("Data is {other}")),
    }
    data
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Ids, read};

    fn ids() -> Ids {
        Ids {
            stack_id: "stack".to_owned(),
            request_id: "request".to_owned(),
            logical_resource_id: "Alice".to_owned(),
        }
    }

    fn good() -> Value {
        json!({
            "Status": "SUCCESS",
            "PhysicalResourceId": "id",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Alice",
            "Data": {"Arn": "arn:x"},
        })
    }

    #[test]
    fn an_answer_by_the_rules_is_understood() {
        let (answer, broken) = read(good().to_string().as_bytes(), &ids());
        assert_eq!(broken, Vec::<String>::new());
        assert!(answer.success);
        assert_eq!(answer.physical_resource_id, "id");
        assert_eq!(answer.data["Arn"], "arn:x");
    }

    #[rstest::rstest]
    #[case("Status", json!("OK"), "Status is")]
    #[case("Status", json!("FAILED"), "Reason is None")]
    #[case("Reason", Value::Null, "Reason is Some(Null)")]
    #[case("PhysicalResourceId", json!(""), "Invalid PhysicalResourceId")]
    #[case("PhysicalResourceId", Value::Null, "Invalid PhysicalResourceId")]
    #[case("PhysicalResourceId", json!("x".repeat(1025)), "Invalid PhysicalResourceId")]
    #[case("StackId", json!("Stack"), "StackId is")]
    #[case("RequestId", Value::Null, "RequestId is")]
    #[case("LogicalResourceId", json!("Bob"), "LogicalResourceId is")]
    #[case("NoEcho", json!("true"), "NoEcho is")]
    #[case("Data", json!([]), "Data is")]
    #[case("Data", json!({"Flag": true}), "Data.Flag is not a text")]
    #[case("Extra", json!(1), "unknown field Extra")]
    #[case("Reason", json!("x".repeat(4096)), "more than 4096")]
    fn each_rule_is_held(#[case] field: &str, #[case] value: Value, #[case] message: &str) {
        let mut body = good();
        body[field] = value;
        let (answer, broken) = read(body.to_string().as_bytes(), &ids());
        assert!(broken.join("; ").contains(message), "{broken:?}");
        assert!(!answer.success);
    }

    #[test]
    fn what_is_not_json_is_not_understood() {
        let (answer, broken) = read(b"SUCCESS", &ids());
        assert_eq!((answer.success, broken.len()), (false, 1));
    }
}
