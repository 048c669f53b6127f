//! The hub's role and its keys: the least that the function needs.

use std::collections::BTreeSet;

use crossaccount_core::ids::Partition;
use crossaccount_core::permissions::{SecretStorePolicy, secret_store_policy};
use harness::cloudformation::Template;
use serde_json::{Value, json};

use super::{MOST, hub, properties, statement, texts};

/// The policy of the role, without that of the secret store.
fn role_policy(hub: &Template) -> &Value {
    let policies = properties(hub, "FunctionRole")["Policies"]
        .as_array()
        .unwrap();
    let [policy] = &policies[..] else {
        panic!("{policies:?}")
    };
    &policy["PolicyDocument"]
}

fn allowed_roles(hub: &Template) -> Vec<&str> {
    texts(&statement(role_policy(hub), "AssumeMemberRole")["Resource"])
}

#[test]
fn the_hub_can_assume_the_member_role_and_no_other() {
    let least = hub(&[]);
    assert_eq!(
        allowed_roles(&least),
        ["arn:aws:iam::*:role/CrossAccountUserAdmin"]
    );
    let elsewhere = hub(&[
        ("AWS::Partition", "aws-us-gov"),
        ("MemberRolePath", "/ops/"),
        ("MemberRoleName", "Users"),
    ]);
    assert_eq!(
        allowed_roles(&elsewhere),
        ["arn:aws-us-gov:iam::*:role/ops/Users"]
    );
    let more = hub(&[("AllowedRoleNames", "teams/UserAdmin,Other")]);
    assert_eq!(
        allowed_roles(&more),
        [
            "arn:aws:iam::*:role/CrossAccountUserAdmin",
            "arn:aws:iam::*:role/teams/UserAdmin",
            "arn:*:iam::*:role/Other",
        ]
    );
}

#[test]
fn the_hub_leaves_its_organisation_only_if_there_is_none() {
    let statement_of = |hub: &Template| statement(role_policy(hub), "AssumeMemberRole").clone();
    assert_eq!(statement_of(&hub(&[])).get("Condition"), None);
    assert_eq!(
        statement_of(&hub(&[("OrganizationId", "o-a1b2c3d4e5")]))["Condition"],
        json!({"StringEquals": {"aws:ResourceOrgID": "o-a1b2c3d4e5"}})
    );
}

#[test]
fn the_role_may_do_what_is_listed_here() {
    let hub = hub(&MOST);
    let mut allowed = BTreeSet::new();
    for statement in role_policy(&hub)["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        for action in texts(&statement["Action"]) {
            for resource in texts(&statement["Resource"]) {
                allowed.insert(format!("{action} on {resource}"));
            }
        }
    }
    let key = "arn:aws:kms:eu-central-1:111111111111:key/records";
    let logs = "arn:aws:logs:eu-central-1:111111111111:log-group:/crossaccount/crossaccount-cfn-handler:log-stream:*";
    let expected = [
        "dynamodb:GetItem on LedgerTable.Arn".to_owned(),
        "dynamodb:Scan on LedgerTable.Arn".to_owned(),
        "dynamodb:UpdateItem on LedgerTable.Arn".to_owned(),
        format!("kms:Decrypt on {key}"),
        format!("kms:DescribeKey on {key}"),
        format!("kms:GenerateDataKey on {key}"),
        format!("logs:CreateLogStream on {logs}"),
        format!("logs:PutLogEvents on {logs}"),
        "s3:PutObject on AuditBucket.Arn/crossaccount/*".to_owned(),
        "sqs:SendMessage on FailureQueue.Arn".to_owned(),
        "sts:AssumeRole on arn:*:iam::*:role/Other".to_owned(),
        "sts:AssumeRole on arn:aws:iam::*:role/CrossAccountUserAdmin".to_owned(),
        "sts:AssumeRole on arn:aws:iam::*:role/teams/UserAdmin".to_owned(),
        "xray:PutTelemetryRecords on *".to_owned(),
        "xray:PutTraceSegments on *".to_owned(),
    ];
    assert_eq!(allowed, BTreeSet::from(expected));
}

#[test]
fn the_key_is_used_through_services_only() {
    let hub = hub(&[]);
    for statement in role_policy(&hub)["Statement"].as_array().unwrap() {
        if !texts(&statement["Action"])[0].starts_with("kms:") {
            continue;
        }
        let equals = &statement["Condition"]["StringEquals"];
        let through = equals["kms:ViaService"].as_str();
        let environment = equals["kms:EncryptionContext:aws:lambda:FunctionArn"].as_str();
        assert!(through.is_some() != environment.is_some(), "{statement}");
    }
}

#[test]
fn the_secret_store_is_open_as_far_as_the_core_says() {
    for (changes, key) in [
        (vec![], "arn:aws:kms:eu-central-1:111111111111:key/secrets"),
        (
            vec![(
                "SecretsKeyArn",
                "arn:aws:kms:eu-central-1:333333333333:key/mine",
            )],
            "arn:aws:kms:eu-central-1:333333333333:key/mine",
        ),
    ] {
        let mut changes = changes;
        changes.push(("SecretsPrefix", "/platform/users"));
        let hub = hub(&changes);
        let expected = secret_store_policy(&SecretStorePolicy {
            partition: Partition::Aws,
            account_id: "111111111111".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            prefix: "/platform/users".parse().unwrap(),
            kms_key_id: key.parse().unwrap(),
        });
        assert_eq!(
            properties(&hub, "SecretStorePolicy")["PolicyDocument"],
            expected
        );
    }
}

#[test]
fn without_secrets_in_the_hub_the_role_cannot_reach_any() {
    for changes in [
        vec![("SecretsLocation", "off")],
        vec![
            ("SecretsLocation", "member"),
            ("MemberSecretsKeyId", "alias/a"),
        ],
    ] {
        let hub = hub(&changes);
        for resource in ["SecretStorePolicy", "SecretsKey"] {
            assert!(!hub.resources.contains_key(resource), "{resource}");
        }
        assert!(!role_policy(&hub).to_string().contains("ssm:"));
    }
}

#[test]
fn managing_a_key_and_using_it_are_separate() {
    let hub = hub(&[]);
    for key in ["Key", "SecretsKey"] {
        let key = properties(&hub, key);
        assert_eq!(key["EnableKeyRotation"], true);
        let using = [
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "ReEncrypt",
            "CreateGrant",
        ];
        for statement in key["KeyPolicy"]["Statement"].as_array().unwrap() {
            let administers = statement["Sid"] == "Administer";
            for action in texts(&statement["Action"]) {
                let name = action.strip_prefix("kms:").unwrap();
                assert!(!name.contains('*'), "{action}");
                let uses = using.iter().any(|verb| name.starts_with(verb));
                assert!(uses != administers || name == "DescribeKey", "{action}");
            }
            assert!(
                administers || statement["Condition"].is_object(),
                "{statement}"
            );
        }
    }
}
