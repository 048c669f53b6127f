//! Requests as CloudFormation sends them.

use std::fmt;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// Make the resource.
    Create,
    /// Change it.
    Update,
    /// Remove it.
    Delete,
}

impl fmt::Display for RequestKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
        })
    }
}

/// A request that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// What it asks for.
    pub kind: RequestKind,
    /// About which resource.
    pub logical_resource_id: String,
    /// Its id.
    pub request_id: String,
    /// The event that the function gets, each time it is delivered.
    pub event: Value,
}

/// What a request is made of.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) kind: RequestKind,
    pub(super) resource_type: &'a str,
    pub(super) logical_resource_id: &'a str,
    pub(super) physical_resource_id: Option<&'a str>,
    /// As strings already.
    pub(super) properties: &'a Value,
    /// As strings already; of an update.
    pub(super) old_properties: Option<&'a Value>,
}

/// What is the same in all requests of a stack, or given for one.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) stack_id: &'a str,
    pub(super) service_token: &'a str,
    pub(super) request_id: &'a str,
    pub(super) response_url: &'a str,
}

/// The event, with the fields that each kind of request has and no others.
pub(super) fn event(content: &Content<'_>, envelope: &Envelope<'_>) -> Value {
    let with_token = |properties: &Value| {
        let mut all = Map::new();
        all.insert("ServiceToken".to_owned(), json!(envelope.service_token));
        all.extend(properties.as_object().cloned().unwrap_or_default());
        Value::Object(all)
    };
    let mut event = json!({
        "RequestType": content.kind.to_string(),
        "ServiceToken": envelope.service_token,
        "ResponseURL": envelope.response_url,
        "StackId": envelope.stack_id,
        "RequestId": envelope.request_id,
        "LogicalResourceId": content.logical_resource_id,
        "ResourceType": content.resource_type,
        "ResourceProperties": with_token(content.properties),
    });
    if let Some(id) = content.physical_resource_id {
        event["PhysicalResourceId"] = json!(id);
    }
    if let Some(old) = content.old_properties {
        event["OldResourceProperties"] = with_token(old);
    }
    event
}

/// Properties as they arrive: every scalar is a string, lists and maps keep their shape.
///
/// # Errors
/// When there is a null, which CloudFormation refuses in a template.
pub fn as_strings(value: &Value) -> Result<Value> {
    Ok(match value {
        Value::Null => bail!("null values are not allowed in templates"),
        Value::Bool(flag) => json!(flag.to_string()),
        Value::Number(number) => json!(number.to_string()),
        Value::String(text) => json!(text),
        Value::Array(items) => Value::Array(items.iter().map(as_strings).collect::<Result<_>>()?),
        Value::Object(entries) => {
            let mut strings = Map::new();
            for (name, value) in entries {
                strings.insert(name.clone(), as_strings(value)?);
            }
            Value::Object(strings)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Content, Envelope, RequestKind, as_strings, event};

    #[test]
    fn scalars_become_strings_at_every_depth() {
        let declared = r#"{"A": true, "B": [14, {"C": false, "D": "x"}], "E": 1.50}"#;
        let declared: Value = serde_json::from_str(declared).unwrap();
        let arrived = json!({"A": "true", "B": ["14", {"C": "false", "D": "x"}], "E": "1.50"});
        assert_eq!(as_strings(&declared).unwrap(), arrived);
        assert!(as_strings(&json!([null])).is_err());
    }

    #[test]
    fn each_kind_of_request_has_the_fields_of_the_contract() {
        let envelope = Envelope {
            stack_id: "arn:aws:cloudformation:us-east-1:1:stack/s/1",
            service_token: "arn:aws:lambda:us-east-1:1:function:f",
            request_id: "r",
            response_url: "http://127.0.0.1:1/x?y",
        };
        let new = json!({"Name": "new"});
        let old = json!({"Name": "old"});
        let fields = |kind, physical_resource_id, old_properties| {
            let content = Content {
                kind,
                resource_type: "Custom::Thing",
                logical_resource_id: "Thing",
                physical_resource_id,
                properties: &new,
                old_properties,
            };
            event(&content, &envelope)
        };
        let create = json!({
            "RequestType": "Create",
            "ServiceToken": "arn:aws:lambda:us-east-1:1:function:f",
            "ResponseURL": "http://127.0.0.1:1/x?y",
            "StackId": "arn:aws:cloudformation:us-east-1:1:stack/s/1",
            "RequestId": "r",
            "LogicalResourceId": "Thing",
            "ResourceType": "Custom::Thing",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda:us-east-1:1:function:f", "Name": "new"},
        });
        assert_eq!(fields(RequestKind::Create, None, None), create);
        let mut delete = create;
        delete["RequestType"] = json!("Delete");
        delete["PhysicalResourceId"] = json!("id");
        assert_eq!(fields(RequestKind::Delete, Some("id"), None), delete);
        let mut update = delete;
        update["RequestType"] = json!("Update");
        update["OldResourceProperties"] =
            json!({"ServiceToken": "arn:aws:lambda:us-east-1:1:function:f", "Name": "old"});
        assert_eq!(fields(RequestKind::Update, Some("id"), Some(&old)), update);
    }
}
