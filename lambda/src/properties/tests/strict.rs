//! What a Create or an Update may hold.

use crossaccount_core::user::{
    Adoption, ConsoleAccess, DeletionPolicy, KeyIntervals, KeyPolicy, KeyStatus, PasswordSource,
    TriggerHash, UserSpec,
};
use serde_json::{Map, Value, json};

use super::super::table::{PROPERTIES, Property, Shape};
use super::super::{UserProperties, read};
use super::{object, problem, problems, reading, with};

#[test]
fn the_least_is_an_account_and_a_name() {
    let least = reading(json!({})).unwrap();
    assert_eq!(
        least,
        UserProperties {
            target: "222222222222"
                .parse::<crossaccount_core::ids::AccountId>()
                .unwrap()
                .into(),
            spec: UserSpec::named("alice".parse().unwrap()),
            adoption: Adoption::Fail,
            deletion_policy: DeletionPolicy::Delete,
            force_destroy: false,
        }
    );
}

#[test]
fn everything_that_can_be_written_is_read() {
    let read = reading(json!({
        "Path": "/machines/",
        "RoleArn": "arn:aws:iam::222222222222:role/ops/Admin",
        "PermissionsBoundary": "arn:aws:iam::222222222222:policy/Boundary",
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "Policies": [
            {"PolicyName": "object", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
            {"PolicyName": "text", "PolicyDocument": "{\"Version\":\"2012-10-17\",\"Statement\":[]}"},
        ],
        "Groups": ["auditors"],
        "Tags": [{"Key": "team", "Value": "core"}, {"Key": "empty", "Value": ""}],
        "ConsoleAccess": {"PasswordLength": "32", "PasswordResetRequired": "false", "PasswordResetTrigger": "1"},
        "AccessKey": {"RotateAfterDays": "10", "DisableAfterDays": "12", "DeleteAfterDays": "20",
            "KeepIfUsedWithinDays": "0", "Status": "Inactive", "RotationTrigger": "2026-11"},
        "AdoptionPolicy": "adopt",
        "DeletionPolicy": "quarantine",
        "ForceDestroy": "true",
    }))
    .unwrap();
    let document = r#"{"Statement":[],"Version":"2012-10-17"}"#;
    let intervals = KeyIntervals {
        rotate_after_days: 10,
        disable_after_days: Some(12),
        delete_after_days: 20,
        keep_if_used_within_days: 0,
    };
    let trigger = Some(TriggerHash::of("2026-11"));
    let expected = UserSpec {
        path: "/machines/".parse().unwrap(),
        permissions_boundary: Some("arn:aws:iam::222222222222:policy/Boundary".parse().unwrap()),
        managed_policy_arns: Some(
            ["arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap()].into(),
        ),
        inline_policies: Some(
            ["object", "text"]
                .map(|name| (name.parse().unwrap(), document.parse().unwrap()))
                .into(),
        ),
        groups: Some(["auditors".parse().unwrap()].into()),
        tags: [("team", "core"), ("empty", "")]
            .map(|(key, value)| (key.parse().unwrap(), value.parse().unwrap()))
            .into(),
        access_key: Some(KeyPolicy::new(intervals, KeyStatus::Inactive, trigger).unwrap()),
        console_access: Some(ConsoleAccess {
            source: PasswordSource::Generated { length: Some(32) },
            password_reset_required: false,
            reset_trigger: Some("1".to_owned()),
            adopt: true,
        }),
        ..UserSpec::named("alice".parse().unwrap())
    };
    assert_eq!(read.spec, expected);
    let role_arn = "arn:aws:iam::222222222222:role/ops/Admin".parse().unwrap();
    assert_eq!(read.target.role_arn, Some(role_arn));
    assert_eq!(read.adoption, Adoption::Adopt);
    assert_eq!(read.deletion_policy, DeletionPolicy::Quarantine);
    assert!(read.force_destroy);
}

#[test]
fn an_absent_set_is_not_managed_and_an_empty_one_means_none() {
    let absent = reading(json!({})).unwrap().spec.facets();
    assert!(!absent.managed_policies && !absent.inline_policies && !absent.groups);
    let empty = json!({"ManagedPolicyArns": [], "Policies": [], "Groups": []});
    let spec = reading(empty).unwrap().spec;
    assert_eq!(spec.managed_policy_arns, Some([].into()));
    assert_eq!(spec.inline_policies, Some([].into()));
    assert_eq!(spec.groups, Some([].into()));
}

#[test]
fn empty_credentials_take_all_defaults() {
    let spec = reading(json!({"AccessKey": {}, "ConsoleAccess": {}}))
        .unwrap()
        .spec;
    let key = KeyPolicy::new(KeyIntervals::default(), KeyStatus::Active, None).unwrap();
    assert_eq!(spec.access_key, Some(key));
    assert_eq!(spec.console_access, Some(ConsoleAccess::generated()));
}

#[rstest::rstest]
#[case(json!("true"), Some(true))]
#[case(json!("false"), Some(false))]
#[case(json!(true), Some(true))]
#[case(json!(false), Some(false))]
#[case(json!("True"), None)]
#[case(json!("False"), None)]
#[case(json!(" true"), None)]
#[case(json!("yes"), None)]
#[case(json!("1"), None)]
#[case(json!("0"), None)]
#[case(json!(""), None)]
#[case(json!(1), None)]
#[case(json!(null), None)]
#[case(json!([true]), None)]
#[case(json!({}), None)]
fn a_boolean_is_true_or_false_and_never_a_guess(
    #[case] value: Value,
    #[case] expected: Option<bool>,
) {
    let read = reading(json!({"ForceDestroy": value}));
    assert_eq!(read.as_ref().ok().map(|read| read.force_destroy), expected);
    if let Err(problems) = read {
        assert!(
            problems.to_string().contains("ForceDestroy: it is "),
            "{problems}"
        );
        assert!(problems.to_string().contains("true or false"), "{problems}");
    }
}

#[rstest::rstest]
#[case(json!("14"), true)]
#[case(json!(14), true)]
#[case(json!("15.0"), false)]
#[case(json!(15.0), false)]
#[case(json!("1e1"), false)]
#[case(json!(" 15"), false)]
#[case(json!("+15"), false)]
#[case(json!("-15"), false)]
#[case(json!(-15), false)]
#[case(json!("015"), false)]
#[case(json!("0"), false)]
#[case(json!("fifteen"), false)]
#[case(json!(""), false)]
#[case(json!("36501"), false)]
#[case(json!("99999999999999999999"), false)]
#[case(json!(true), false)]
#[case(json!(null), false)]
#[case(json!(["15"]), false)]
fn an_integer_is_written_in_plain_digits(#[case] value: Value, #[case] valid: bool) {
    let more = json!({"AccessKey": {"DisableAfterDays": "14", "RotateAfterDays": value, "DeleteAfterDays": "20"}});
    if valid {
        let key = reading(more).unwrap().spec.access_key.unwrap();
        assert_eq!(key.rotate_after_days(), 14);
    } else {
        // One problem: what could not be read contradicts no other interval.
        let (path, text) = problem(more);
        assert_eq!(path, "AccessKey.RotateAfterDays");
        assert!(text.contains("whole number from 1 to 36500"), "{text}");
    }
}

#[rstest::rstest]
#[case::a_short_account(json!({"AccountId": "12345678901"}), "AccountId", "zeros at its beginning are lost")]
#[case::a_scientific_account(json!({"AccountId": "2.22222222222E11"}), "AccountId", "between quotes, such as \"012345678901\"")]
#[case::an_account_that_is_a_number(json!({"AccountId": 222_222_222_222_u64}), "AccountId", "put it between quotes")]
#[case::a_name_as_account(json!({"AccountId": "production"}), "AccountId", "exactly 12 digits")]
#[case::a_bad_name(json!({"UserName": "a b"}), "UserName", "\"a b\" is not valid: ' ' is not allowed")]
#[case::an_empty_name(json!({"UserName": ""}), "UserName", "AWS::NoValue")]
#[case::a_bad_path(json!({"Path": "engineering"}), "Path", "begin and end with a slash")]
#[case::a_role_name(json!({"RoleArn": "Admin"}), "RoleArn", "arn:aws:iam::ACCOUNT")]
#[case::a_role_elsewhere(json!({"RoleArn": "arn:aws:iam::333333333333:role/Admin"}), "RoleArn", "belongs to account 333333333333")]
#[case::a_boundary_elsewhere(json!({"PermissionsBoundary": "arn:aws:iam::333333333333:policy/B"}), "PermissionsBoundary", "belongs to account 333333333333")]
#[case::a_policy_elsewhere(json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/A", "arn:aws:iam::333333333333:policy/B"]}), "ManagedPolicyArns[1]", "belongs to account 333333333333")]
#[case::a_policy_name(json!({"ManagedPolicyArns": ["ReadOnlyAccess"]}), "ManagedPolicyArns[0]", "\"ReadOnlyAccess\" is not valid")]
#[case::one_policy(json!({"ManagedPolicyArns": "arn:aws:iam::aws:policy/A"}), "ManagedPolicyArns", "a single one is a list too")]
#[case::one_group(json!({"Groups": "auditors"}), "Groups", "put it between [ and ]")]
#[case::a_bad_group(json!({"Groups": ["a/b"]}), "Groups[0]", "'/' is not allowed")]
#[case::a_group_that_is_a_list(json!({"Groups": [["a"]]}), "Groups[0]", "it is a list, and a text is wanted")]
#[case::policies_as_a_map(json!({"Policies": {"p": {}}}), "Policies", "a list, and each element an object with PolicyName, PolicyDocument")]
#[case::a_policy_that_is_a_text(json!({"Policies": ["p"]}), "Policies[0]", "an object with PolicyName, PolicyDocument")]
#[case::no_document(json!({"Policies": [{"PolicyName": "p"}]}), "Policies[0].PolicyDocument", "it must be there")]
#[case::no_statement(json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {}}]}), "Policies[0].PolicyDocument", "no \"Statement\"")]
#[case::no_json(json!({"Policies": [{"PolicyName": "p", "PolicyDocument": "{"}]}), "Policies[0].PolicyDocument", "not JSON")]
#[case::two_policies(json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": []}}, {"PolicyName": "p", "PolicyDocument": {"Statement": []}}]}), "Policies[1].PolicyName", "two policies named \"p\"")]
#[case::the_quarantine(json!({"Policies": [{"PolicyName": "crossaccount-quarantine", "PolicyDocument": {"Statement": []}}]}), "Policies[0].PolicyName", "is kept for")]
#[case::tags_as_a_map(json!({"Tags": {"team": "core"}}), "Tags", "a list, and each element an object with Key, Value")]
#[case::no_tag_value(json!({"Tags": [{"Key": "k"}]}), "Tags[0].Value", "it must be there")]
#[case::two_tags(json!({"Tags": [{"Key": "k", "Value": "a"}, {"Key": "k", "Value": "a"}]}), "Tags[1].Key", "two tags with the key \"k\"")]
#[case::tags_by_case(json!({"Tags": [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]}), "Tags[1].Key", "\"Team\" and \"team\"")]
#[case::a_reserved_tag(json!({"Tags": [{"Key": "CrossAccount:managed-by", "Value": "me"}]}), "Tags[0].Key", "is kept for the tags of crossaccount")]
#[case::a_tag_of_aws(json!({"Tags": [{"Key": "aws:x", "Value": "me"}]}), "Tags[0].Key", "reserved by AWS")]
#[case::a_short_password(json!({"ConsoleAccess": {"PasswordLength": "5"}}), "ConsoleAccess.PasswordLength", "from 6 to 128")]
#[case::a_long_password(json!({"ConsoleAccess": {"PasswordLength": 129}}), "ConsoleAccess.PasswordLength", "from 6 to 128")]
#[case::console_access_as_a_flag(json!({"ConsoleAccess": "true"}), "ConsoleAccess", "an object with PasswordLength")]
#[case::an_empty_trigger(json!({"AccessKey": {"RotationTrigger": ""}}), "AccessKey.RotationTrigger", "1 to 1024 are allowed")]
#[case::deleted_too_early(json!({"AccessKey": {"RotateAfterDays": "30", "DeleteAfterDays": "20"}}), "AccessKey.DeleteAfterDays", "use more than 30")]
#[case::deleted_too_late(json!({"AccessKey": {"RotateAfterDays": "5"}}), "AccessKey.DeleteAfterDays", "twice RotateAfterDays")]
#[case::disabled_too_early(json!({"AccessKey": {"DisableAfterDays": "3"}}), "AccessKey.DisableAfterDays", "use 15 to 30")]
#[case::no_status(json!({"AccessKey": {"Status": "active"}}), "AccessKey.Status", "Active or Inactive is wanted")]
#[case::adoption(json!({"AdoptionPolicy": "Adopt"}), "AdoptionPolicy", "fail or adopt is wanted")]
#[case::deletion(json!({"DeletionPolicy": "Delete"}), "DeletionPolicy", "delete or retain or quarantine is wanted")]
#[case::many_groups(json!({"Groups": ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]}), "Groups", "11 groups for one user")]
fn a_wrong_value_is_refused_at_its_path(
    #[case] more: Value,
    #[case] path: &str,
    #[case] reason: &str,
) {
    let (found, text) = problem(more);
    assert_eq!(found, path, "{text}");
    assert!(text.contains(reason), "{text}");
}

#[test]
fn what_must_be_there_is_asked_for_with_an_example() {
    let problems = read(&Map::new()).unwrap_err().to_string();
    assert_eq!(
        problems,
        "The properties are not valid. AccountId: it must be there, such as \"222222222222\". UserName: it must be \
         there, such as reporting."
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let properties = object(json!({
        "AccountID": "222222222222",
        "UserName": "a b",
        "Tags": [{"Key": "ok", "Value": "ok"}, {"Key": "k"}, {"Kye": "k", "Value": "v*"}],
        "AccessKey": {"RotateAfterDays": "14.0", "Rotate": "1"},
        "ForceDestroy": "yes",
    }));
    let problems = read(&properties).unwrap_err();
    let mut paths: Vec<&str> = problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "AccessKey.Rotate",
            "AccessKey.RotateAfterDays",
            "AccountID",
            "AccountId",
            "ForceDestroy",
            "Tags[1].Value",
            "Tags[2].Key",
            "Tags[2].Kye",
            "Tags[2].Value",
            "UserName",
        ]
    );
}

#[rstest::rstest]
#[case(json!({"account_id": "x"}), "account_id", "AccountId may be meant")]
#[case(json!({"ManagedPolicies": []}), "ManagedPolicies", "ManagedPolicyArns may be meant")]
#[case(json!({"AccessKey": {"RotateAfter": "1"}}), "AccessKey.RotateAfter", "RotateAfterDays may be meant")]
#[case(json!({"ConsoleAccess": {"Length": "1"}}), "ConsoleAccess.Length", "PasswordLength")]
#[case(json!({"Tags": [{"Key": "k", "Value": "v", "Valeu": "v"}]}), "Tags[0].Valeu", "Value may be meant")]
#[case(json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": []}, "PolicyDocumnet": "v"}]}), "Policies[0].PolicyDocumnet", "PolicyDocument may be meant")]
#[case(json!({"Colour": "red"}), "Colour", "there are AccountId, UserName, Path")]
#[case(json!({"RotateAfterDays": "1"}), "RotateAfterDays", "there is no such property")]
#[case(json!({"ExternalId": "x"}), "ExternalId", "never comes from a template")]
fn an_unknown_property_is_refused_with_the_nearest_known_one(
    #[case] more: Value,
    #[case] path: &str,
    #[case] hint: &str,
) {
    let (found, text) = problem(more);
    assert_eq!(found, path);
    assert!(text.contains(hint), "{text}");
}

/// Stack events show what a function answers, so an error repeats nothing that can be a secret.
#[rstest::rstest]
#[case::a_password(json!({"ConsoleAccess": {"Password": "hunter2"}}))]
#[case::a_login_profile(json!({"LoginProfile": {"Password": "hunter2"}}))]
#[case::an_unknown_property(json!({"Secret": "hunter2"}))]
#[case::a_tag_value(json!({"Tags": [{"Key": "k", "Value": "hunter2*"}]}))]
#[case::a_trigger(json!({"AccessKey": {"RotationTrigger": "hunter2".repeat(500)}}))]
#[case::a_trigger_of_another_shape(json!({"AccessKey": {"RotationTrigger": ["hunter2"]}}))]
#[case::a_document(json!({"Policies": [{"PolicyName": "p", "PolicyDocument": "hunter2"}]}))]
#[case::a_document_of_another_shape(json!({"Policies": [{"PolicyName": "p", "PolicyDocument": ["hunter2"]}]}))]
fn an_error_repeats_nothing_that_can_be_a_secret(#[case] more: Value) {
    let (_, text) = problems(more);
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_password_in_a_template_is_explained() {
    let (path, text) = problem(json!({"ConsoleAccess": {"Password": "hunter2"}}));
    assert_eq!(path, "ConsoleAccess.Password");
    assert!(text.contains("readable in every stack event"), "{text}");
}

#[test]
fn an_error_repeats_no_megabyte() {
    let long = "x".repeat(1_000_000);
    let (_, text) = problems(json!({"Path": long, "AdoptionPolicy": long, long.as_str(): 1}));
    assert!(text.chars().count() < 1_000, "{}", text.len());
}

#[test]
fn so_many_tags_as_iam_leaves_us_are_accepted() {
    let tags = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|index| json!({"Key": format!("k{index}"), "Value": "v"}))
            .collect()
    };
    assert!(reading(json!({"Tags": tags(44)})).is_ok());
    let (path, text) = problem(json!({"Tags": tags(45)}));
    assert_eq!(path, "Tags");
    assert!(text.contains("allows 50"), "{text}");
}

#[test]
fn a_quarantine_needs_room_for_its_policy() {
    let document = |size: usize| {
        let frame = json!({"Statement": [], "Id": ""}).to_string();
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(size - frame.len())))
    };
    let more = |size: usize, policy: &str| {
        json!({
            "Policies": [{"PolicyName": "p", "PolicyDocument": document(size)}],
            "DeletionPolicy": policy,
        })
    };
    assert!(reading(more(2048, "delete")).is_ok());
    assert_eq!(problem(more(2049, "delete")).0, "Policies");
    let (path, text) = problem(more(2048, "quarantine"));
    assert_eq!(path, "Policies");
    assert!(text.contains("quarantine"), "{text}");
}

/// The table is all there is: a property that is listed and not read would be ignored in silence.
#[test]
fn every_property_of_the_table_changes_what_is_read() {
    let value = |property: &Property| match property.shape {
        Shape::Boolean if property.default == "true" => json!("false"),
        Shape::Boolean => json!("true"),
        Shape::Integer(_, most) => json!(most.min(20).to_string()),
        Shape::Choice(words) => json!(words[1]),
        Shape::Texts | Shape::Objects(_) => json!([]),
        Shape::Object(_) => json!({}),
        Shape::Text | Shape::Document => json!(match property.name {
            "AccountId" => "333333333333",
            "Path" => "/x/",
            "RoleArn" => "arn:aws:iam::222222222222:role/Admin",
            "PermissionsBoundary" => "arn:aws:iam::222222222222:policy/B",
            "PolicyDocument" => r#"{"Statement":[],"Id":"x"}"#,
            _ => "other",
        }),
    };
    let base = with(json!({
        "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": []}}],
        "Tags": [{"Key": "k", "Value": "v"}],
        "ConsoleAccess": {},
        "AccessKey": {},
    }));
    let before = read(&base).unwrap();
    let mut changed = 0;
    let mut check = |name: &str, properties: &Map<String, Value>| {
        assert_ne!(read(properties).unwrap(), before, "{name} is not read");
        changed += 1;
    };
    for property in PROPERTIES {
        let (Shape::Object(inner) | Shape::Objects(inner)) = property.shape else {
            let mut properties = base.clone();
            properties.insert(property.name.to_owned(), value(property));
            check(property.name, &properties);
            continue;
        };
        let mut properties = base.clone();
        properties.remove(property.name);
        check(property.name, &properties);
        for part in inner {
            let mut properties = base.clone();
            let object = match properties.get_mut(property.name).unwrap() {
                Value::Array(elements) => &mut elements[0],
                object => object,
            };
            object[part.name] = value(part);
            check(part.name, &properties);
        }
    }
    assert_eq!(changed, 27);
}

#[test]
fn the_defaults_of_the_table_are_those_that_count() {
    let before = reading(json!({"AccessKey": {}, "ConsoleAccess": {}})).unwrap();
    for property in PROPERTIES {
        let (properties, default) = match property.shape {
            Shape::Object(inner) => {
                let defaults = inner.iter().filter(|part| !part.default.is_empty());
                let object: Map<String, Value> = defaults
                    .map(|part| (part.name.to_owned(), json!(part.default)))
                    .collect();
                (json!({property.name: object}), "an object")
            }
            Shape::Objects(_) => (json!({property.name: []}), property.default),
            _ => (json!({property.name: property.default}), property.default),
        };
        if default.is_empty() {
            continue;
        }
        let mut all = with(json!({"AccessKey": {}, "ConsoleAccess": {}}));
        all.extend(object(properties));
        assert_eq!(read(&all).unwrap(), before, "{}", property.name);
    }
}
