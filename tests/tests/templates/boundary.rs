//! The permissions boundary that every walkthrough names: what it leaves users room for, whatever their policies allow.

use harness::cloudformation::{template, unresolved};
use regex::Regex;
use serde_json::{Value, json};

use super::{directory, properties, texts};

const ALICE: &str = "arn:aws:iam::222222222222:user/registry/alice";
const BOUNDARY: &str = "arn:aws:iam::222222222222:policy/UserBoundary";
const MEMBER_ROLE: &str = "arn:aws:iam::222222222222:role/CrossAccountUserAdmin";

/// The policy in account 222222222222, with some of its parameters changed.
fn boundary(changes: &[(&str, &str)]) -> Value {
    let parameters = [&[("AWS::AccountId", "222222222222")][..], changes].concat();
    let path = directory().join("user-boundary.yaml");
    let template = template(&path, &parameters, &[]).unwrap();
    assert_eq!(template.resources.len(), 1);
    properties(&template, "Boundary")["PolicyDocument"].clone()
}

/// Whether one of the patterns matches, for the user alice.
fn names(patterns: &Value, text: &str) -> bool {
    texts(patterns).into_iter().any(|pattern| {
        let pattern = pattern.replace("${aws:username}", "alice");
        let pattern = regex::escape(&pattern).replace(r"\*", ".*");
        let pattern = Regex::new(&format!("^{pattern}$")).unwrap();
        pattern.is_match(text)
    })
}

/// Whether alice can do this when her policies allow everything. Every condition is that she has given her second factor.
fn leaves_room(policy: &Value, action: &str, resource: &str, with_mfa: bool) -> bool {
    let mut is_allowed = false;
    for statement in policy["Statement"].as_array().unwrap() {
        let is_about_it = match statement.get("NotAction") {
            Some(others) => !names(others, action),
            None => names(&statement["Action"], action),
        };
        let holds = match statement.get("Condition") {
            Some(condition) => {
                let factor = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
                assert_eq!(*condition, factor);
                with_mfa
            }
            None => true,
        };
        if is_about_it && holds && names(&statement["Resource"], resource) {
            if statement["Effect"] == "Deny" {
                return false;
            }
            is_allowed = true;
        }
    }
    is_allowed
}

#[test]
fn users_have_room_for_their_work_and_for_their_own_credentials() {
    let policy = boundary(&[]);
    for (action, resource) in [
        ("s3:GetObject", "arn:aws:s3:::reports/today"),
        ("ec2:RunInstances", "*"),
        ("sts:AssumeRole", "arn:aws:iam::333333333333:role/deploy"),
        ("organizations:DescribeOrganization", "*"),
        ("billing:GetBillingData", "*"),
        ("iam:GetAccountSummary", "*"),
        ("iam:GetUser", ALICE),
        ("iam:ListAttachedUserPolicies", ALICE),
        ("iam:ChangePassword", ALICE),
        ("iam:CreateAccessKey", ALICE),
        (
            "iam:CreateAccessKey",
            "arn:aws:iam::222222222222:user/alice",
        ),
        (
            "iam:CreateVirtualMFADevice",
            "arn:aws:iam::222222222222:mfa/phone",
        ),
        ("iam:EnableMFADevice", ALICE),
    ] {
        let room = leaves_room(&policy, action, resource, false);
        assert!(room, "{action} on {resource}");
    }
}

#[test]
fn users_have_no_room_for_deciding_who_may_do_what_or_about_the_account() {
    let policy = boundary(&[]);
    for (action, resource) in [
        ("iam:CreateUser", "arn:aws:iam::222222222222:user/eve"),
        (
            "iam:CreateAccessKey",
            "arn:aws:iam::222222222222:user/registry/malice",
        ),
        (
            "iam:ChangePassword",
            "arn:aws:iam::222222222222:user/malice",
        ),
        ("iam:GetUser", "arn:aws:iam::222222222222:user/alice/bob"),
        ("iam:AttachUserPolicy", ALICE),
        ("iam:PutUserPolicy", ALICE),
        ("iam:AddUserToGroup", "arn:aws:iam::222222222222:group/all"),
        ("iam:TagUser", ALICE),
        ("iam:CreateRole", "arn:aws:iam::222222222222:role/strong"),
        ("iam:PassRole", "arn:aws:iam::222222222222:role/strong"),
        ("iam:DeleteUserPermissionsBoundary", ALICE),
        ("iam:PutUserPermissionsBoundary", ALICE),
        ("iam:CreatePolicyVersion", BOUNDARY),
        ("sso:CreateAccountAssignment", "*"),
        ("sts:AssumeRole", MEMBER_ROLE),
        (
            "sts:AssumeRole",
            "arn:aws:iam::333333333333:role/CrossAccountUserAdmin",
        ),
        ("organizations:LeaveOrganization", "*"),
        ("account:CloseAccount", "*"),
        ("billing:UpdateBillingPreferences", "*"),
        ("aws-portal:ModifyBilling", "*"),
        ("payments:MakePayment", "*"),
        ("savingsplans:CreateSavingsPlan", "*"),
    ] {
        let room = leaves_room(&policy, action, resource, true);
        assert!(!room, "{action} on {resource}");
    }
}

#[test]
fn a_second_factor_is_given_up_with_the_second_factor_alone() {
    let policy = boundary(&[]);
    assert!(leaves_room(&policy, "iam:DeactivateMFADevice", ALICE, true));
    assert!(!leaves_room(
        &policy,
        "iam:DeactivateMFADevice",
        ALICE,
        false
    ));
}

#[test]
fn whatever_is_allowed_beside_it_nobody_gets_rid_of_the_boundary_or_becomes_crossaccount() {
    let named = [
        ("PolicyName", "Mine"),
        ("PolicyPath", "/boundaries/"),
        ("MemberRoleName", "Users"),
        ("MemberRolePath", "/ops/"),
    ];
    for (changes, this, role) in [
        (&[][..], BOUNDARY, MEMBER_ROLE),
        (
            &named[..],
            "arn:aws:iam::222222222222:policy/boundaries/Mine",
            "arn:aws:iam::222222222222:role/ops/Users",
        ),
    ] {
        let mut policy = boundary(changes);
        let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        policy["Statement"].as_array_mut().unwrap().push(everything);
        for (action, resource) in [
            ("iam:CreatePolicyVersion", this),
            ("iam:SetDefaultPolicyVersion", this),
            ("iam:DeletePolicyVersion", this),
            ("iam:DeletePolicy", this),
            ("iam:PutUserPermissionsBoundary", ALICE),
            ("iam:DeleteUserPermissionsBoundary", ALICE),
            ("sts:AssumeRole", role),
        ] {
            let room = leaves_room(&policy, action, resource, true);
            assert!(!room, "{action} on {resource}");
        }
        assert!(leaves_room(&policy, "iam:CreateUser", ALICE, false));
    }
}

#[test]
fn the_policy_is_no_longer_than_iam_takes_whatever_its_names_are() {
    let path = format!("/{}/", "p".repeat(510));
    let policy = boundary(&[
        ("AWS::Partition", "aws-us-gov"),
        ("PolicyName", &"n".repeat(128)),
        ("PolicyPath", &path),
        ("MemberRoleName", &"r".repeat(64)),
        ("MemberRolePath", &path),
    ]);
    let length = policy.to_string().len();
    assert!(length <= 6144, "{length}");
}

#[test]
fn a_stack_set_can_deploy_it_as_it_is_under_the_name_that_the_samples_give() {
    let read = |name: &str| unresolved(&directory().join(name)).unwrap();
    let boundary = read("user-boundary.yaml");
    for (name, rules) in boundary["Parameters"].as_object().unwrap() {
        assert!(rules["Default"].is_string(), "{name}");
    }
    for (ours, file, theirs) in [
        ("PolicyName", "user.yaml", "BoundaryName"),
        ("MemberRoleName", "member-role.yaml", "RoleName"),
        ("MemberRolePath", "member-role.yaml", "RolePath"),
    ] {
        assert_eq!(
            boundary["Parameters"][ours]["Default"],
            read(file)["Parameters"][theirs]["Default"],
            "{ours}"
        );
    }
    assert_eq!(boundary["Outputs"]["PolicyArn"]["Value"]["Ref"], "Boundary");
}
