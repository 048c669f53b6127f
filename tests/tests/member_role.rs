//! The member role template: what it permits, and that CloudFormation's own linter accepts it.

use std::path::{Path, PathBuf};

use crossaccount_core::ids::Partition;
use crossaccount_core::permissions::{
    Feature, MemberRolePolicy, MemberRoleTrust, PolicyTarget, SessionProperty, member_role_policy,
    member_role_trust_policy,
};
use crossaccount_core::secrets::ParameterPrefix;
use harness::cloudformation::{MemberRole, member_role};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// The template's role in account 222222222222, with the hub 111111111111.
fn resolve(parameters: &[(&str, &str)]) -> MemberRole {
    let mut all = vec![
        ("AWS::AccountId", "222222222222"),
        ("HubAccountId", "111111111111"),
        (
            "HubPrincipalArnPatterns",
            "arn:aws:iam::111111111111:role/ci",
        ),
        ("ExternalId", "agreed-name"),
    ];
    for parameter in parameters {
        all.retain(|(name, _)| *name != parameter.0);
        all.push(*parameter);
    }
    member_role(&examples().join("cloudformation/member-role.yaml"), &all).unwrap()
}

fn policy() -> MemberRolePolicy {
    MemberRolePolicy {
        target: PolicyTarget::Account {
            partition: Partition::Aws,
            account_id: "222222222222".parse().unwrap(),
        },
        user_path_prefix: "/".parse().unwrap(),
        group_path_prefix: "/".parse().unwrap(),
        required_boundary: None,
        allowed_policies: Vec::new(),
        parameter_prefix: ParameterPrefix::default(),
        features: without(&[]),
    }
}

fn without(features: &[Feature]) -> Vec<Feature> {
    let mut all = Feature::default_choice();
    all.retain(|feature| !features.contains(feature));
    all
}

fn trust() -> MemberRoleTrust {
    MemberRoleTrust {
        partition: Partition::Aws,
        hub_account_id: "111111111111".parse().unwrap(),
        principals: vec!["arn:aws:iam::111111111111:role/ci".parse().unwrap()],
        external_id: "agreed-name".parse().unwrap(),
        organization_id: None,
        session_properties: Vec::new(),
    }
}

#[track_caller]
fn assert_permits(parameters: &[(&str, &str)], expected: &MemberRolePolicy) {
    let role = resolve(parameters);
    assert_eq!(role.policies.len(), 1);
    assert_eq!(
        role.policies["ManageUsers"],
        member_role_policy(expected).unwrap()
    );
}

#[test]
fn the_template_permits_what_the_features_need_and_nothing_else() {
    let switches = [
        ("AllowForceDestroy", Feature::ForceDestroy),
        ("AllowQuarantine", Feature::Quarantine),
        ("AllowConsoleAccess", Feature::ConsoleAccess),
        ("AllowAccessKeys", Feature::AccessKeys),
        ("AllowMemberSecrets", Feature::MemberSecrets),
        ("AllowInventory", Feature::Inventory),
    ];
    for combination in 0..1_u32 << switches.len() {
        let mut features = Feature::ALL.to_vec();
        let mut parameters = Vec::new();
        for (place, (name, feature)) in switches.into_iter().enumerate() {
            let on = combination >> place & 1 == 1;
            parameters.push((name, if on { "true" } else { "false" }));
            features.retain(|kept| on || *kept != feature);
        }
        let expected = MemberRolePolicy {
            features,
            ..policy()
        };
        assert_permits(&parameters, &expected);
    }
}

#[test]
fn the_template_keeps_secrets_below_the_prefix_that_is_given() {
    assert_permits(
        &[
            ("AllowForceDestroy", "true"),
            ("AllowMemberSecrets", "true"),
            ("AllowInventory", "true"),
            ("ParameterPrefix", "/platform/iam"),
        ],
        &MemberRolePolicy {
            parameter_prefix: "/platform/iam".parse().unwrap(),
            features: Feature::ALL.to_vec(),
            ..policy()
        },
    );
}

#[test]
fn the_template_limits_paths_boundaries_and_policies_as_the_function_does() {
    let boundary = "arn:aws:iam::*:policy/UserBoundary";
    let allowed = "arn:aws:iam::aws:policy/ReadOnlyAccess,arn:aws:iam::*:policy/teams/*";
    let limited = MemberRolePolicy {
        user_path_prefix: "/engineering/".parse().unwrap(),
        group_path_prefix: "/teams/".parse().unwrap(),
        required_boundary: Some(boundary.parse().unwrap()),
        allowed_policies: allowed.split(',').map(|arn| arn.parse().unwrap()).collect(),
        features: without(&[Feature::ForceDestroy]),
        ..policy()
    };
    let paths = [
        ("UserPathPrefix", "/engineering/"),
        ("GroupPathPrefix", "/teams/"),
    ];
    let boundary = ("PermissionsBoundaryArn", boundary);
    let allowed = ("AllowedPolicyArns", allowed);
    assert_permits(&[paths[0], paths[1], boundary, allowed], &limited);
    assert_permits(
        &[paths[0], paths[1], boundary],
        &MemberRolePolicy {
            allowed_policies: Vec::new(),
            ..limited.clone()
        },
    );
    assert_permits(
        &[paths[0], paths[1], allowed],
        &MemberRolePolicy {
            required_boundary: None,
            ..limited
        },
    );
}

#[test]
fn the_template_belongs_to_the_account_and_the_partition_it_is_deployed_to() {
    assert_permits(
        &[
            ("AWS::AccountId", "333333333333"),
            ("AWS::Partition", "aws-us-gov"),
            ("AllowForceDestroy", "true"),
        ],
        &MemberRolePolicy {
            target: PolicyTarget::Account {
                partition: Partition::UsGov,
                account_id: "333333333333".parse().unwrap(),
            },
            ..policy()
        },
    );
}

#[test]
fn the_template_trusts_whom_the_function_trusts() {
    let trusted = |expected: &MemberRoleTrust, parameters: &[(&str, &str)]| {
        assert_eq!(
            resolve(parameters).trust_policy,
            member_role_trust_policy(expected).unwrap()
        );
    };
    trusted(&trust(), &[]);
    let principals =
        "arn:aws:iam::111111111111:role/ci/*,arn:aws:iam::111111111111:user/breakglass";
    for (tags, identity, properties) in [
        ("true", "false", vec![SessionProperty::Tags]),
        ("false", "true", vec![SessionProperty::SourceIdentity]),
        (
            "true",
            "true",
            vec![SessionProperty::Tags, SessionProperty::SourceIdentity],
        ),
    ] {
        for organization in ["", "o-a1b2c3d4e5"] {
            trusted(
                &MemberRoleTrust {
                    principals: principals
                        .split(',')
                        .map(|arn| arn.parse().unwrap())
                        .collect(),
                    organization_id: organization.parse().ok(),
                    session_properties: properties.clone(),
                    ..trust()
                },
                &[
                    ("HubPrincipalArnPatterns", principals),
                    ("OrganizationId", organization),
                    ("AllowSessionTags", tags),
                    ("AllowSourceIdentity", identity),
                ],
            );
        }
    }
}

#[test]
fn the_role_has_the_name_that_the_provider_looks_for_by_default() {
    let role = resolve(&[]);
    assert_eq!(
        (role.role_name.as_str(), role.path.as_str()),
        ("CrossAccountUserAdmin", "/")
    );
    assert_eq!(role.max_session_duration, 3600);
}

#[test]
fn the_template_refuses_wildcards_in_paths_and_open_principals() {
    let template = examples().join("cloudformation/member-role.yaml");
    let valid = [
        ("AWS::AccountId", "222222222222"),
        ("HubAccountId", "111111111111"),
        (
            "HubPrincipalArnPatterns",
            "arn:aws:iam::111111111111:role/ci",
        ),
        ("ExternalId", "agreed-name"),
    ];
    assert!(member_role(&template, &valid).is_ok());
    for (name, value) in [
        ("UserPathPrefix", "/*/"),
        ("GroupPathPrefix", "/teams"),
        ("HubPrincipalArnPatterns", "*"),
        ("HubPrincipalArnPatterns", "arn:aws:iam::111111111111:root"),
        ("ExternalId", "short"),
        ("AllowedPolicyArns", "*"),
        ("PermissionsBoundaryArn", "*"),
        ("OrganizationId", "my-organization"),
        ("MaxSessionDuration", "60"),
    ] {
        let mut parameters = valid.to_vec();
        parameters.retain(|(other, _)| *other != name);
        parameters.push((name, value));
        let error = member_role(&template, &parameters).unwrap_err();
        assert!(format!("{error:#}").contains(name), "{error:#}");
    }
}
