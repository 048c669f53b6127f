//! Tests of what is wanted of one user.

use crossaccount_core::ids::Partition;
use crossaccount_core::session::AccountFilter;
use crossaccount_lambda::guardrails::Guardrails;
use crossaccount_lambda::properties::UserProperties;
use serde_json::{Map, Value, json};

use super::{Unfit, Wish, place, wanted};

fn rules() -> Guardrails {
    Guardrails {
        partition: Partition::Aws,
        accounts: AccountFilter::Only(["222222222222".parse().unwrap()].into()),
        path_prefix: "/people/".parse().unwrap(),
        boundaries: Some(vec!["arn:aws:iam::*:policy/UserBoundary".parse().unwrap()]),
        policies: vec!["arn:aws:iam::aws:policy/*".parse().unwrap()],
        groups: vec!["engineers".parse().unwrap()],
        inline_policies: true,
        roles: vec!["ops/Admin".parse().unwrap()],
        adoption: false,
        force_destroy: false,
        secrets: true,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn defaults() -> Map<String, Value> {
    object(json!({
        "PermissionsBoundary": "arn:${Partition}:iam::${AccountId}:policy/UserBoundary",
        "ManagedPolicyArns": ["arn:${Partition}:iam::aws:policy/ReadOnlyAccess"],
        "AccessKey": {},
    }))
}

fn wish(properties: Value) -> Result<UserProperties, Unfit> {
    wish_of("222222222222", properties)
}

fn wish_of(account_id: &str, properties: Value) -> Result<UserProperties, Unfit> {
    let properties = object(properties);
    let wish = Wish {
        account_id,
        user_name: "alice",
        properties: &properties,
    };
    wanted(wish, &defaults(), &rules())
}

fn policies(wanted: &UserProperties) -> Vec<String> {
    let arns = wanted.spec.managed_policy_arns.iter().flatten();
    arns.map(ToString::to_string).collect()
}

#[test]
fn defaults_count_and_their_placeholders_are_filled_in() {
    let wanted = wish(json!({})).unwrap();
    assert_eq!(wanted.spec.name.as_str(), "alice");
    assert_eq!(wanted.spec.path.as_str(), "/people/");
    let boundary = wanted.spec.permissions_boundary.as_ref().unwrap();
    assert_eq!(
        boundary.to_string(),
        "arn:aws:iam::222222222222:policy/UserBoundary"
    );
    assert_eq!(
        policies(&wanted),
        ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    );
    assert!(wanted.spec.access_key.is_some() && wanted.spec.console_access.is_none());
}

#[test]
fn what_is_written_counts_before_a_default_and_null_takes_one_away() {
    let wanted = wish(json!({
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/IAMReadOnlyAccess"],
        "AccessKey": null,
        "Path": "/people/core/",
    }))
    .unwrap();
    assert_eq!(
        policies(&wanted),
        ["arn:aws:iam::aws:policy/IAMReadOnlyAccess"]
    );
    assert!(wanted.spec.access_key.is_none());
    assert_eq!(wanted.spec.path.as_str(), "/people/core/");
}

#[test]
fn who_has_access_by_groups_gets_no_policy_by_default() {
    let by_groups = wish(json!({"Groups": ["engineers"]})).unwrap();
    assert_eq!(by_groups.spec.managed_policy_arns, None);
    let both = wish(json!({
        "Groups": ["engineers"],
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    }))
    .unwrap();
    assert_eq!(policies(&both).len(), 1);
}

#[test]
fn variables_of_policies_stay_as_they_are() {
    let statement = json!({
        "Effect": "Allow",
        "Action": "s3:*",
        "Resource": "arn:${Partition}:s3:::home-${AccountId}/${aws:username}/${UserName}/*",
    });
    let document = json!({"Version": "2012-10-17", "Statement": [statement]});
    let policy = json!({"PolicyName": "home", "PolicyDocument": document});
    let wanted = wish(json!({"Policies": [policy]})).unwrap();
    let text = format!("{:?}", wanted.spec.inline_policies);
    assert!(
        text.contains("arn:aws:s3:::home-222222222222/${aws:username}/alice/*"),
        "{text}"
    );
}

#[rstest::rstest]
#[case(json!({"DeletionPolicy": "retain"}), "CROSSACCOUNT_DELETION_POLICY")]
#[case(json!({"ForceDestroy": true}), "CROSSACCOUNT_FORCE_DESTROY")]
#[case(json!({"Grups": []}), "Groups")]
#[case(json!({"Groups": "engineers"}), "Groups")]
#[case(json!({"Groups": ["admins"]}), "CROSSACCOUNT_ALLOWED_GROUPS")]
#[case(json!({"Path": "/"}), "CROSSACCOUNT_USER_PATH_PREFIX")]
#[case(json!({"PermissionsBoundary": null}), "CROSSACCOUNT_PERMISSIONS_BOUNDARIES")]
#[case(json!({"AdoptionPolicy": "adopt"}), "CROSSACCOUNT_ALLOW_ADOPTION")]
#[case(json!({"AccessKey": {"RotateAfterDays": 30, "DeleteAfterDays": 15}}), "DeleteAfterDays")]
fn what_nobody_may_ask_for_is_refused_with_who_decides(
    #[case] properties: Value,
    #[case] named: &str,
) {
    let refused = wish(properties).unwrap_err().to_string();
    assert!(refused.contains(named), "{refused}");
}

#[test]
fn an_account_that_is_none_or_not_allowed_is_refused() {
    for account_id in ["2222", "333333333333", ""] {
        let refused = wish_of(account_id, json!({})).unwrap_err().to_string();
        assert!(refused.contains("AccountId"), "{refused}");
    }
}

#[test]
fn a_key_is_switched_on_again_only_where_somebody_asks_for_it_in_so_many_words() {
    let reactivates = |properties| {
        let wanted = wish(properties).unwrap();
        wanted.spec.access_key.unwrap().reactivates()
    };
    assert!(!reactivates(json!({})));
    assert!(!reactivates(json!({"AccessKey": {"RotateAfterDays": 20}})));
    assert!(reactivates(json!({"AccessKey": {"Status": "Active"}})));
}

#[rstest::rstest]
#[case::usual(json!({}), None)]
#[case::of_the_row(
    json!({"RoleArn": "arn:${Partition}:iam::${AccountId}:role/ops/Admin", "Path": 7}),
    Some("arn:aws:iam::222222222222:role/ops/Admin")
)]
fn the_place_of_a_user_follows_from_account_and_role_alone(
    #[case] properties: Value,
    #[case] role_arn: Option<&str>,
) {
    let properties = object(properties);
    let of = |account_id, defaults| {
        let wish = Wish {
            account_id,
            user_name: "alice",
            properties: &properties,
        };
        place(wish, &defaults, &rules())
    };
    let target = of("222222222222", defaults()).unwrap();
    assert_eq!(target.account_id.as_str(), "222222222222");
    let role = target.role_arn.map(|arn| arn.to_string());
    assert_eq!(role.as_deref(), role_arn);
    // Nobody was made where the rules let nobody in.
    assert_eq!(of("333333333333", defaults()), None);
    let by_default = object(json!({"RoleArn": "arn:aws:iam::${AccountId}:role/ops/Admin"}));
    let target = of("222222222222", by_default).unwrap();
    assert!(target.role_arn.is_some());
    if properties.is_empty() {
        let refused = object(json!({"RoleArn": "arn:aws:iam::${AccountId}:role/other"}));
        assert_eq!(of("222222222222", refused), None);
    }
}
