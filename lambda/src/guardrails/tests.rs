//! Tests of the rules: one case for each, and the ways around it that somebody may try.

use std::collections::BTreeMap;

use crossaccount_core::ids::Partition;
use crossaccount_core::session::AccountFilter;
use crossaccount_core::user::ObservedUser;
use serde_json::{Value, json};

use super::{Guardrails, Refusal};
use crate::properties::{UserProperties, read};

const BOUNDARY: &str = "arn:aws:iam::222222222222:policy/boundaries/Team";

fn rules() -> Guardrails {
    Guardrails {
        partition: Partition::Aws,
        accounts: AccountFilter::Only(["222222222222".parse().unwrap()].into()),
        path_prefix: "/cfn/".parse().unwrap(),
        boundaries: Some(vec!["arn:aws:iam::*:policy/boundaries/*".parse().unwrap()]),
        policies: vec![
            "arn:aws:iam::aws:policy/job-function/*".parse().unwrap(),
            "arn:aws:iam::*:policy/teams/*".parse().unwrap(),
        ],
        groups: vec!["team-*".parse().unwrap()],
        inline_policies: false,
        roles: vec!["ops/Admin".parse().unwrap()],
        adoption: false,
        force_destroy: false,
        secrets: false,
    }
}

/// Rules that allow what can be allowed.
fn generous() -> Guardrails {
    Guardrails {
        accounts: AccountFilter::Any,
        path_prefix: "/".parse().unwrap(),
        boundaries: None,
        policies: ["arn:*:iam::*:policy/*", "arn:*:iam::aws:policy/*"]
            .map(|text| text.parse().unwrap())
            .into(),
        groups: vec!["*".parse().unwrap()],
        inline_policies: true,
        adoption: true,
        force_destroy: true,
        secrets: true,
        ..rules()
    }
}

/// Properties that the rules allow, but for what is changed. Null takes a property away.
fn properties(changes: &Value) -> UserProperties {
    let mut properties = json!({
        "AccountId": "222222222222",
        "UserName": "alice",
        "Path": "/cfn/people/",
        "PermissionsBoundary": BOUNDARY,
    });
    for (name, value) in changes.as_object().unwrap() {
        properties[name] = value.clone();
    }
    let mut properties = properties.as_object().unwrap().clone();
    properties.retain(|_, value| !value.is_null());
    read(&properties).unwrap()
}

fn sentences(result: Result<(), Refusal>) -> Vec<String> {
    match result {
        Ok(()) => Vec::new(),
        Err(refusal) => refusal.iter().map(str::to_owned).collect(),
    }
}

#[rstest::rstest]
#[case::as_little_as_possible(json!({}))]
#[case::the_path_itself(json!({"Path": "/cfn/"}))]
#[case::a_deep_path(json!({"Path": "/cfn/a/b/c/"}))]
#[case::dots_in_a_step(json!({"Path": "/cfn/a..b/"}))]
#[case::an_allowed_policy_of_aws(json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]}))]
#[case::an_allowed_policy_of_the_account(json!({"ManagedPolicyArns": ["arn:aws:iam::222222222222:policy/teams/a"]}))]
#[case::no_policies(json!({"ManagedPolicyArns": [], "Groups": [], "Policies": []}))]
#[case::an_allowed_group(json!({"Groups": ["team-a"]}))]
#[case::the_allowed_role(json!({"RoleArn": "arn:aws:iam::222222222222:role/ops/Admin"}))]
#[case::what_is_not_a_matter_of_rules(json!({"Tags": [{"Key": "k", "Value": "v"}], "DeletionPolicy": "retain", "AdoptionPolicy": "fail", "ForceDestroy": "false"}))]
fn what_the_rules_allow_passes(#[case] changes: Value) {
    assert_eq!(rules().check(&properties(&changes)), Ok(()));
}

#[rstest::rstest]
#[case::an_account(json!({"AccountId": "333333333333", "PermissionsBoundary": "arn:aws:iam::333333333333:policy/boundaries/Team"}), "AccountId \"333333333333\" is not allowed; CROSSACCOUNT_ALLOWED_ACCOUNT_IDS allows 222222222222.")]
#[case::no_path(json!({"Path": null}), "Path \"/\" does not begin with \"/cfn/\" (CROSSACCOUNT_USER_PATH_PREFIX).")]
#[case::another_path(json!({"Path": "/admin/"}), "Path \"/admin/\" does not begin with \"/cfn/\" (CROSSACCOUNT_USER_PATH_PREFIX).")]
#[case::a_path_that_only_begins_alike(json!({"Path": "/cfn-evil/"}), "Path \"/cfn-evil/\" does not begin with \"/cfn/\" (CROSSACCOUNT_USER_PATH_PREFIX).")]
#[case::a_path_in_another_case(json!({"Path": "/CFN/"}), "Path \"/CFN/\" does not begin with \"/cfn/\" (CROSSACCOUNT_USER_PATH_PREFIX).")]
#[case::a_path_with_the_prefix_inside(json!({"Path": "/x/cfn/"}), "Path \"/x/cfn/\" does not begin with \"/cfn/\" (CROSSACCOUNT_USER_PATH_PREFIX).")]
#[case::a_path_with_two_slashes_in_front(json!({"Path": "//cfn/"}), "Path \"//cfn/\" does not begin with \"/cfn/\" (CROSSACCOUNT_USER_PATH_PREFIX).")]
#[case::a_path_that_goes_up(json!({"Path": "/cfn/../admin/"}), "Path \"/cfn/../admin/\": no step of the path may be empty or consist of dots.")]
#[case::a_path_that_stays(json!({"Path": "/cfn/./"}), "Path \"/cfn/./\": no step of the path may be empty or consist of dots.")]
#[case::an_empty_step(json!({"Path": "/cfn//"}), "Path \"/cfn//\": no step of the path may be empty or consist of dots.")]
#[case::a_wildcard_in_the_path(json!({"Path": "/cfn/*/"}), "Path \"/cfn/*/\": the path may hold no *, ? or $, which are wildcards and variables of policies.")]
#[case::a_variable_in_the_path(json!({"Path": "/cfn/${aws:username}/"}), "Path \"/cfn/${aws:username}/\": the path may hold no *, ? or $, which are wildcards and variables of policies.")]
#[case::no_boundary(json!({"PermissionsBoundary": null}), "PermissionsBoundary must be there; CROSSACCOUNT_PERMISSIONS_BOUNDARIES allows arn:aws:iam::*:policy/boundaries/*.")]
#[case::another_boundary(json!({"PermissionsBoundary": "arn:aws:iam::222222222222:policy/Team"}), "PermissionsBoundary \"arn:aws:iam::222222222222:policy/Team\" is not allowed; CROSSACCOUNT_PERMISSIONS_BOUNDARIES allows arn:aws:iam::*:policy/boundaries/*.")]
#[case::administrator_access_as_boundary(json!({"PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}), "PermissionsBoundary \"arn:aws:iam::aws:policy/AdministratorAccess\" is not allowed; CROSSACCOUNT_PERMISSIONS_BOUNDARIES allows arn:aws:iam::*:policy/boundaries/*.")]
#[case::a_boundary_in_another_case(json!({"PermissionsBoundary": "arn:aws:iam::222222222222:policy/Boundaries/Team"}), "PermissionsBoundary \"arn:aws:iam::222222222222:policy/Boundaries/Team\" is not allowed; CROSSACCOUNT_PERMISSIONS_BOUNDARIES allows arn:aws:iam::*:policy/boundaries/*.")]
#[case::a_boundary_further_inside(json!({"PermissionsBoundary": "arn:aws:iam::222222222222:policy/x/boundaries/Team"}), "PermissionsBoundary \"arn:aws:iam::222222222222:policy/x/boundaries/Team\" is not allowed; CROSSACCOUNT_PERMISSIONS_BOUNDARIES allows arn:aws:iam::*:policy/boundaries/*.")]
#[case::another_policy(json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}), "ManagedPolicyArns \"arn:aws:iam::aws:policy/AdministratorAccess\" is not allowed; CROSSACCOUNT_ALLOWED_POLICY_ARNS allows arn:aws:iam::aws:policy/job-function/*, arn:aws:iam::*:policy/teams/*.")]
#[case::a_policy_of_ours_that_is_named_like_one_of_aws(json!({"ManagedPolicyArns": ["arn:aws:iam::222222222222:policy/job-function/ViewOnlyAccess"]}), "ManagedPolicyArns \"arn:aws:iam::222222222222:policy/job-function/ViewOnlyAccess\" is not allowed; CROSSACCOUNT_ALLOWED_POLICY_ARNS allows arn:aws:iam::aws:policy/job-function/*, arn:aws:iam::*:policy/teams/*.")]
#[case::another_group(json!({"Groups": ["admins"]}), "Groups \"admins\" is not allowed; CROSSACCOUNT_ALLOWED_GROUPS allows team-*.")]
#[case::a_group_in_another_case(json!({"Groups": ["Team-a"]}), "Groups \"Team-a\" is not allowed; CROSSACCOUNT_ALLOWED_GROUPS allows team-*.")]
#[case::an_inline_policy(json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": []}}]}), "Policies \"p\" is not allowed; CROSSACCOUNT_ALLOW_INLINE_POLICIES is not true.")]
#[case::another_role(json!({"RoleArn": "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole"}), "the role of RoleArn \"OrganizationAccountAccessRole\" is not allowed; CROSSACCOUNT_ALLOWED_ROLE_NAMES allows ops/Admin.")]
#[case::the_role_without_its_path(json!({"RoleArn": "arn:aws:iam::222222222222:role/Admin"}), "the role of RoleArn \"Admin\" is not allowed; CROSSACCOUNT_ALLOWED_ROLE_NAMES allows ops/Admin.")]
#[case::the_role_in_another_path(json!({"RoleArn": "arn:aws:iam::222222222222:role/evil/Admin"}), "the role of RoleArn \"evil/Admin\" is not allowed; CROSSACCOUNT_ALLOWED_ROLE_NAMES allows ops/Admin.")]
#[case::the_role_further_inside(json!({"RoleArn": "arn:aws:iam::222222222222:role/x/ops/Admin"}), "the role of RoleArn \"x/ops/Admin\" is not allowed; CROSSACCOUNT_ALLOWED_ROLE_NAMES allows ops/Admin.")]
#[case::the_role_in_another_case(json!({"RoleArn": "arn:aws:iam::222222222222:role/ops/admin"}), "the role of RoleArn \"ops/admin\" is not allowed; CROSSACCOUNT_ALLOWED_ROLE_NAMES allows ops/Admin.")]
#[case::adoption(json!({"AdoptionPolicy": "adopt"}), "AdoptionPolicy: adopt is not allowed; CROSSACCOUNT_ALLOW_ADOPTION is not true.")]
#[case::force_destroy(json!({"ForceDestroy": "true"}), "ForceDestroy: true is not allowed; CROSSACCOUNT_ALLOW_FORCE_DESTROY is not true.")]
#[case::a_key_without_a_place_for_it(json!({"AccessKey": {}}), "AccessKey: the function has no place to keep a secret (CROSSACCOUNT_SECRETS_KMS_KEY_ID is not set).")]
#[case::a_password_without_a_place_for_it(json!({"ConsoleAccess": {}}), "ConsoleAccess: the function has no place to keep a secret (CROSSACCOUNT_SECRETS_KMS_KEY_ID is not set).")]
fn what_the_rules_do_not_allow_is_refused_with_the_variable(
    #[case] changes: Value,
    #[case] sentence: &str,
) {
    let properties = properties(&changes);
    assert_eq!(sentences(rules().check(&properties)), [sentence]);
    // Other rules let it pass, but for a path that can be read in two ways: it is that rule alone that refuses.
    let roles = properties.target.role_arn.iter();
    let generous = Guardrails {
        roles: roles.map(|arn| arn.role().clone()).collect(),
        ..generous()
    };
    let never =
        |sentence: &&String| sentence.contains("no step") || sentence.contains("may hold no");
    let found = sentences(generous.check(&properties));
    assert_eq!(
        found.iter().filter(|sentence| !never(sentence)).count(),
        0,
        "{found:?}"
    );
}

#[test]
fn every_broken_rule_is_told_at_once() {
    let everything = properties(&json!({
        "AccountId": "333333333333",
        "Path": "/admin/",
        "PermissionsBoundary": null,
        "RoleArn": "arn:aws:iam::333333333333:role/Admin",
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/PowerUserAccess"],
        "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": []}}],
        "Groups": ["admins"],
        "AdoptionPolicy": "adopt",
        "ForceDestroy": "true",
        "AccessKey": {},
        "ConsoleAccess": {},
    }));
    let refusal = rules().check(&everything).unwrap_err();
    assert_eq!(refusal.iter().count(), 12);
    let text = refusal.to_string();
    assert!(
        text.starts_with(
            "The rules of this function refuse the request. AccountId \"333333333333\""
        ),
        "{text}"
    );
    assert!(text.len() < 3000, "{}", text.len());
}

/// The reader refuses these already. The rules do not rely on it.
#[rstest::rstest]
#[case::a_role("arn:aws:iam::222222222222:role/ops/Admin", "The role ")]
#[case::a_boundary(
    "",
    "The policy arn:aws:iam::222222222222:policy/boundaries/Team belongs to account 222222222222"
)]
fn what_belongs_to_another_account_is_refused(#[case] role: &str, #[case] sentence: &str) {
    let mut properties = properties(&json!({}));
    properties.target.account_id = "333333333333".parse().unwrap();
    properties.target.role_arn = role.parse().ok();
    properties.spec.managed_policy_arns = Some([BOUNDARY.parse().unwrap()].into());
    let found = sentences(generous().check(&properties));
    assert!(
        found.iter().any(|found| found.starts_with(sentence)),
        "{found:?}"
    );
}

#[rstest::rstest]
#[case(json!({"PermissionsBoundary": "arn:aws-cn:iam::222222222222:policy/B"}), "PermissionsBoundary")]
#[case(json!({"ManagedPolicyArns": ["arn:aws-us-gov:iam::aws:policy/A"]}), "ManagedPolicyArns")]
#[case(json!({"RoleArn": "arn:aws-cn:iam::222222222222:role/ops/Admin"}), "RoleArn")]
fn an_arn_of_another_partition_is_refused(#[case] changes: Value, #[case] place: &str) {
    let found = sentences(generous().check(&properties(&changes)));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(place), "{found:?}");
    assert!(
        found[0].ends_with("and the function in aws (AWS_REGION)."),
        "{found:?}"
    );
}

#[test]
fn a_deletion_is_held_to_account_and_role_alone() {
    let allowed = properties(
        &json!({"Path": "/admin/", "PermissionsBoundary": null, "ForceDestroy": "true"}),
    );
    assert_eq!(rules().check_target(&allowed.target), Ok(()));
    let elsewhere = properties(
        &json!({"AccountId": "333333333333", "PermissionsBoundary": null,
        "RoleArn": "arn:aws:iam::333333333333:role/Admin"}),
    );
    assert_eq!(sentences(rules().check_target(&elsewhere.target)).len(), 2);
}

#[test]
fn a_forbidden_account_is_told_with_its_variable() {
    let rules = Guardrails {
        accounts: AccountFilter::AllBut(["222222222222".parse().unwrap()].into()),
        ..rules()
    };
    let found = sentences(rules.check(&properties(&json!({}))));
    assert_eq!(
        found,
        ["AccountId \"222222222222\" is forbidden (CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS)."]
    );
}

#[test]
fn a_long_list_of_allowed_values_is_cut() {
    let accounts = (0..500_u32).map(|number| format!("{number:012}").parse().unwrap());
    let rules = Guardrails {
        accounts: AccountFilter::Only(accounts.collect()),
        ..rules()
    };
    let found = sentences(rules.check(&properties(&json!({}))));
    assert!(
        found[0].ends_with("000000000007 and 492 more."),
        "{found:?}"
    );
}

fn existing(path: &str) -> ObservedUser {
    ObservedUser {
        name: "alice".parse().unwrap(),
        path: path.parse().unwrap(),
        arn: format!("arn:aws:iam::222222222222:user{path}alice"),
        unique_id: "AIDA1".to_owned(),
        create_date: None,
        password_last_used: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
        managed_policy_arns: Some(
            ["arn:aws:iam::aws:policy/AdministratorAccess"
                .parse()
                .unwrap()]
            .into(),
        ),
        inline_policies: Some(
            [("p".parse().unwrap(), r#"{"Statement":[]}"#.parse().unwrap())].into(),
        ),
        groups: Some(["admins".parse().unwrap()].into()),
        access_keys: None,
        console_access: None,
    }
}

#[test]
fn a_user_outside_of_the_path_is_not_adopted() {
    let rules = Guardrails {
        adoption: true,
        ..rules()
    };
    let wanted = properties(&json!({"ManagedPolicyArns": [], "Policies": [], "Groups": []})).spec;
    assert_eq!(rules.check_existing(&existing("/cfn/"), &wanted), Ok(()));
    for path in ["/", "/admin/", "/cfn-evil/"] {
        let found = sentences(rules.check_existing(&existing(path), &wanted));
        assert_eq!(
            found,
            [format!(
                "the path of the user that exists \"{path}\" does not begin with \"/cfn/\" (CROSSACCOUNT_USER_PATH_PREFIX)."
            )]
        );
    }
}

#[test]
fn a_user_that_would_stay_an_administrator_is_not_adopted() {
    let rules = Guardrails {
        adoption: true,
        ..rules()
    };
    let found = sentences(rules.check_existing(&existing("/cfn/"), &properties(&json!({})).spec));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].contains("AdministratorAccess")
            && found[0].contains("CROSSACCOUNT_ALLOWED_POLICY_ARNS")
    );
    assert!(found[1].contains("\"admins\"") && found[1].contains("CROSSACCOUNT_ALLOWED_GROUPS"));
    assert!(found[2].contains("\"p\"") && found[2].contains("CROSSACCOUNT_ALLOW_INLINE_POLICIES"));
    assert_eq!(
        generous().check_existing(&existing("/cfn/"), &properties(&json!({})).spec),
        Ok(())
    );
}

#[test]
fn what_was_not_read_of_a_user_that_exists_is_refused() {
    let unread = ObservedUser {
        managed_policy_arns: None,
        inline_policies: None,
        groups: None,
        ..existing("/cfn/")
    };
    assert_eq!(
        sentences(generous().check_existing(&unread, &properties(&json!({})).spec)).len(),
        3
    );
}

#[test]
fn no_user_that_exists_passes_when_adoption_is_off() {
    let wanted = properties(&json!({"ManagedPolicyArns": [], "Policies": [], "Groups": []})).spec;
    let found = sentences(rules().check_existing(&existing("/cfn/"), &wanted));
    assert_eq!(
        found,
        ["taking over a user that exists is not allowed; CROSSACCOUNT_ALLOW_ADOPTION is not true."]
    );
}
