//! Properties over arbitrary JSON: the strict way never panics, and the lenient way takes all that the strict one does.

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Map, Value, json};

use super::super::table::{PROPERTIES, Property, Shape};
use super::super::{read, remember};

/// A scalar that a template may hold, or just not.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "true",
            "false",
            "True",
            "14",
            "14.0",
            "",
            "adopt",
            "retain",
            "quarantine",
            "alice",
            "222222222222",
            "333333333333",
            "/machines/",
            "arn:aws:iam::222222222222:policy/P",
            "arn:aws:iam::aws:policy/A",
            "arn:aws:iam::222222222222:role/Admin",
            "{\"Statement\":[]}",
            "crossaccount:x",
        ])
        .prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ]
}

/// The name of a property of any level, or another one.
fn name() -> impl Strategy<Value = String> {
    let inner = |property: &'static Property| match property.shape {
        Shape::Object(table) | Shape::Objects(table) => table,
        _ => &[],
    };
    let all = PROPERTIES
        .iter()
        .flat_map(move |property| inner(property).iter().chain([property]));
    let known: Vec<String> = all.map(|property| property.name.to_owned()).collect();
    prop_oneof![9 => prop::sample::select(known), 1 => "\\PC{0,12}"]
}

fn json_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name(), inner, 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn arbitrary() -> impl Strategy<Value = Map<String, Value>> {
    btree_map(name(), json_value(), 0..8).prop_map(|entries| entries.into_iter().collect())
}

/// Properties that are valid more often than not.
fn plausible() -> impl Strategy<Value = Map<String, Value>> {
    let flag = prop::sample::select(vec![
        json!("true"),
        json!("false"),
        json!(true),
        json!(false),
    ]);
    let word = |words: &[&str]| {
        prop::sample::select(words.iter().map(|word| json!(word)).collect::<Vec<_>>())
    };
    let arns = vec(
        word(&[
            "arn:aws:iam::aws:policy/A",
            "arn:aws:iam::222222222222:policy/P",
        ]),
        0..3,
    );
    let groups = vec(word(&["auditors", "readers", "no group"]), 0..3);
    let policies = vec("[a-c]{1,2}", 0..3).prop_map(|names| {
        let policy =
            |name: &String| json!({"PolicyName": name, "PolicyDocument": {"Statement": []}});
        Value::from(names.iter().map(policy).collect::<Vec<_>>())
    });
    let optional = (
        prop::option::of(word(&["arn:aws:iam::222222222222:role/ops/Admin"])),
        prop::option::of(arns.prop_map(Value::from)),
        prop::option::of(groups.prop_map(Value::from)),
        prop::option::of(policies),
        prop::option::of(word(&["delete", "retain", "quarantine"])),
        prop::option::of(flag),
    );
    ("[a-zA-Z0-9_+=,.@-]{1,64}", optional).prop_map(|(name, optional)| {
        let (role, arns, groups, policies, deletion, force) = optional;
        let mut properties = Map::new();
        properties.insert("AccountId".to_owned(), json!("222222222222"));
        properties.insert("UserName".to_owned(), json!(name));
        let entries = [
            ("RoleArn", role),
            ("ManagedPolicyArns", arns),
            ("Groups", groups),
            ("Policies", policies),
            ("DeletionPolicy", deletion),
            ("ForceDestroy", force),
        ];
        for (name, value) in entries {
            properties.extend(value.map(|value| (name.to_owned(), value)));
        }
        properties
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_reader_panic(properties in arbitrary()) {
        let _ = remember(&properties);
        if let Err(problems) = read(&properties) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| !problem.message.is_empty()));
        }
    }

    #[test]
    fn what_is_accepted_is_remembered_as_it_is(properties in prop_oneof![plausible(), arbitrary()]) {
        let remembered = remember(&properties);
        if let Ok(read) = read(&properties) {
            prop_assert_eq!(remembered.account_id.as_ref(), Some(&read.target.account_id));
            prop_assert_eq!(remembered.name.as_ref(), Some(&read.spec.name));
            prop_assert_eq!(&remembered.role_arn, &read.target.role_arn);
            prop_assert_eq!(remembered.deletion_policy.unwrap_or_default(), read.deletion_policy);
            prop_assert_eq!(remembered.force_destroy, read.force_destroy);
            let spec = remembered.recorded_spec(read.spec.name.clone());
            prop_assert_eq!(&spec.managed_policy_arns, &read.spec.managed_policy_arns);
            prop_assert_eq!(&spec.groups, &read.spec.groups);
            let names = |spec: &crossaccount_core::user::UserSpec| {
                spec.inline_policies.as_ref().map(|policies| policies.keys().cloned().collect::<Vec<_>>())
            };
            prop_assert_eq!(names(&spec), names(&read.spec));
        }
    }
}
