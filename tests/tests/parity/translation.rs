//! The properties of a template as the arguments of the Terraform resource.

use serde_json::{Map, Value, json};

/// The same user for Terraform.
pub(super) fn for_terraform(properties: &Value) -> Value {
    let entries = properties.as_object().into_iter().flatten();
    let arguments = entries.map(|(name, value)| match name.as_str() {
        "UserName" => ("name".to_owned(), value.clone()),
        "Policies" => {
            let document = |policy: &Value| match &policy["PolicyDocument"] {
                Value::String(text) => json!(text),
                document => json!(document.to_string()),
            };
            (
                "inline_policies".to_owned(),
                map(value, "PolicyName", document),
            )
        }
        "Tags" => (
            "tags".to_owned(),
            map(value, "Key", |tag| tag["Value"].clone()),
        ),
        "ConsoleAccess" | "AccessKey" => (snake_case(name), for_terraform(value)),
        _ => (snake_case(name), value.clone()),
    });
    Value::Object(arguments.collect())
}

/// A list of objects as a map.
fn map(list: &Value, key: &str, value: impl Fn(&Value) -> Value) -> Value {
    let entries = list.as_array().into_iter().flatten();
    let entries = entries.map(|one| (one[key].as_str().unwrap_or_default().to_owned(), value(one)));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// `AccountId` is `account_id`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (place, letter) in name.char_indices() {
        if letter.is_uppercase() && place > 0 {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[test]
fn properties_become_arguments() {
    let properties = json!({
        "AccountId": "1",
        "UserName": "alice",
        "ManagedPolicyArns": ["a"],
        "Policies": [{"PolicyName": "p", "PolicyDocument": {"Version": "x"}}],
        "Tags": [{"Key": "k", "Value": "v"}],
        "AccessKey": {"RotateAfterDays": 15},
        "ForceDestroy": true,
    });
    let arguments = json!({
        "account_id": "1",
        "name": "alice",
        "managed_policy_arns": ["a"],
        "inline_policies": {"p": "{\"Version\":\"x\"}"},
        "tags": {"k": "v"},
        "access_key": {"rotate_after_days": 15},
        "force_destroy": true,
    });
    assert_eq!(for_terraform(&properties), arguments);
}
