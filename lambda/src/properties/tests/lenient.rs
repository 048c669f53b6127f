//! What is remembered of properties of any age and shape.

use crossaccount_core::user::DeletionPolicy;
use serde_json::{Value, json};

use super::super::{Remembered, remember};
use super::object;

/// What is remembered, in the words of the corpus: only what is there.
fn described(remembered: &Remembered) -> Value {
    let Remembered {
        account_id,
        name,
        role_arn,
        managed,
        deletion_policy,
        force_destroy,
    } = remembered;
    let mut described = json!({});
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            described[name] = value;
        }
    };
    add("account", json!(account_id));
    add("name", json!(name));
    add("role", json!(role_arn.as_ref().map(ToString::to_string)));
    add("policies", json!(managed.managed_policy_arns));
    add("inline", json!(managed.inline_policies));
    add("groups", json!(managed.groups));
    let policy = deletion_policy.unwrap_or_default();
    if policy != DeletionPolicy::Delete {
        add("deletion", json!(policy.as_str()));
    }
    if *force_destroy {
        add("force", json!(true));
    }
    described
}

/// Properties as they stand in stacks: of releases that are gone, of templates that were never valid, and broken ones.
#[test]
fn the_corpus_of_old_and_odd_properties_is_remembered() {
    let corpus: Value = serde_json::from_str(include_str!("odd_properties.json")).unwrap();
    let corpus = corpus.as_array().unwrap();
    assert!(corpus.len() >= 20);
    for case in corpus {
        let remembered = remember(&object(case["properties"].clone()));
        assert_eq!(
            described(&remembered),
            case["remembered"],
            "{}",
            case["story"]
        );
    }
}

#[test]
fn the_sets_that_are_remembered_are_recorded_as_ours() {
    let remembered = remember(&object(json!({
        "UserName": "alice",
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "Policies": [{"PolicyName": "p", "PolicyDocument": "broken"}],
        "Groups": ["auditors"],
    })));
    let spec = remembered.recorded_spec("alice".parse().unwrap());
    assert_eq!(spec.name.as_str(), "alice");
    assert_eq!(
        spec.managed_policy_arns,
        remembered.managed.managed_policy_arns
    );
    assert!(
        spec.inline_policies
            .unwrap()
            .contains_key(&"p".parse().unwrap())
    );
    assert_eq!(spec.groups, Some(["auditors".parse().unwrap()].into()));
}
