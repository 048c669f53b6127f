//! The roles of the functions: the least that each needs, and no wildcard where something can be named.

use std::collections::BTreeSet;
use std::path::Path;

use crossaccount_core::ids::Partition;
use crossaccount_core::permissions::{SecretStorePolicy, secret_store_policy};
use harness::cloudformation::Template;
use regex::Regex;
use serde_json::{Value, json};

use super::{
    Changes, MOST, QUEUE, RECORDS_KEY, SECRETS_KEY, TABLE, WITH_HUB, properties, registry,
};
use crate::templates::{statement, texts};

const FUNCTIONS: [&str; 2] = ["Reconcile", "Provision"];

/// The policy of a role, without that of the secret store.
fn role_policy<'a>(template: &'a Template, function: &str) -> &'a Value {
    let policies = &properties(template, &format!("{function}Role"))["Policies"];
    let [policy] = &policies.as_array().unwrap()[..] else {
        panic!("{policies}")
    };
    &policy["PolicyDocument"]
}

/// What a role may do, one line for each action and resource.
fn allowed(template: &Template, function: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    let statements = &role_policy(template, function)["Statement"];
    for statement in statements.as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        for action in texts(&statement["Action"]) {
            for resource in texts(&statement["Resource"]) {
                allowed.insert(format!("{action} on {resource}"));
            }
        }
    }
    allowed
}

/// What both roles may do.
fn both(function: &str) -> Vec<String> {
    let logs = format!(
        "arn:aws:logs:eu-central-1:111111111111:log-group:/crossaccount/crossaccount-{function}:log-stream:*"
    );
    vec![
        format!("kms:Decrypt on {RECORDS_KEY}"),
        format!("kms:GenerateDataKey on {RECORDS_KEY}"),
        format!("logs:CreateLogStream on {logs}"),
        format!("logs:PutLogEvents on {logs}"),
        "s3:PutObject on arn:aws:s3:::crossaccount-audit-1/crossaccount/*".to_owned(),
        "sts:AssumeRole on arn:aws:iam::*:role/CrossAccountUserAdmin".to_owned(),
        "xray:PutTelemetryRecords on *".to_owned(),
        "xray:PutTraceSegments on *".to_owned(),
    ]
}

#[test]
fn the_roles_may_do_what_is_listed_here() {
    let least = registry(&[]);
    let mut expected = both("reconcile");
    expected.extend([
        format!("dynamodb:DeleteItem on {TABLE}"),
        format!("dynamodb:DescribeStream on {TABLE}/stream/*"),
        format!("dynamodb:DescribeTable on {TABLE}"),
        format!("dynamodb:GetItem on {TABLE}"),
        format!("dynamodb:GetRecords on {TABLE}/stream/*"),
        format!("dynamodb:GetShardIterator on {TABLE}/stream/*"),
        format!("dynamodb:ListStreams on {TABLE}/stream/*"),
        format!("dynamodb:Scan on {TABLE}"),
        format!("dynamodb:UpdateItem on {TABLE}"),
        format!("kms:DescribeKey on {RECORDS_KEY}"),
        format!("sqs:SendMessage on {QUEUE}"),
    ]);
    assert_eq!(allowed(&least, "Reconcile"), expected.into_iter().collect());
    let mut expected = both("provision");
    expected.push("s3:PutObject on arn:aws:s3:::crossaccount-audit-1/reports/*".to_owned());
    assert_eq!(allowed(&least, "Provision"), expected.into_iter().collect());
}

#[test]
fn the_registry_is_used_with_exactly_the_calls_that_the_code_makes() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs/src/registry");
    let call = Regex::new(r#"classify\(error, "(dynamodb:[A-Za-z]+)""#).unwrap();
    let mut made = BTreeSet::new();
    for entry in std::fs::read_dir(source).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        made.extend(call.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    let least = registry(&[]);
    let keep = statement(role_policy(&least, "Reconcile"), "KeepRegistry");
    let allowed: BTreeSet<String> = texts(&keep["Action"])
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(allowed, made);
}

#[test]
fn a_bucket_that_exists_is_written_with_its_own_key() {
    let with_hub = registry(&WITH_HUB);
    for function in FUNCTIONS {
        let policy = role_policy(&with_hub, function);
        let encrypt = statement(policy, "EncryptAuditRecords");
        assert_eq!(
            encrypt["Resource"],
            json!(["arn:aws:kms:eu-central-1:111111111111:key/of-the-hub"])
        );
        assert_eq!(
            encrypt["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"],
            json!([
                "arn:aws:s3:::audit-of-the-hub",
                "arn:aws:s3:::audit-of-the-hub/*"
            ])
        );
        assert_eq!(
            statement(policy, "WriteAuditRecords")["Resource"],
            json!(["arn:aws:s3:::audit-of-the-hub/crossaccount/*"])
        );
    }
    let most = registry(&MOST);
    let policy = role_policy(&most, "Provision");
    assert_eq!(
        statement(policy, "WriteReports")["Resource"],
        json!(["arn:aws:s3:::reports-of-ours/reports/*"])
    );
    assert_eq!(
        statement(policy, "EncryptReports")["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"],
        json!([
            "arn:aws:s3:::reports-of-ours",
            "arn:aws:s3:::reports-of-ours/*"
        ])
    );
}

#[test]
fn the_functions_can_assume_the_member_role_and_no_other() {
    let cases: [(Changes<'_>, Value); 3] = [
        (&[], json!(["arn:aws:iam::*:role/CrossAccountUserAdmin"])),
        (
            &[
                ("AWS::Partition", "aws-us-gov"),
                ("MemberRolePath", "/ops/"),
                ("MemberRoleName", "Users"),
            ],
            json!(["arn:aws-us-gov:iam::*:role/ops/Users"]),
        ),
        (
            &[("AllowedRoleNames", "teams/UserAdmin,Other")],
            json!([
                "arn:aws:iam::*:role/CrossAccountUserAdmin",
                "arn:aws:iam::*:role/teams/UserAdmin",
                "arn:*:iam::*:role/Other",
            ]),
        ),
    ];
    for (changes, roles) in cases {
        let template = registry(changes);
        for function in FUNCTIONS {
            let assume = statement(role_policy(&template, function), "AssumeMemberRole");
            assert_eq!(assume["Resource"], roles);
            assert_eq!(assume.get("Condition"), None);
        }
    }
    let most = registry(&MOST);
    for function in FUNCTIONS {
        assert_eq!(
            statement(role_policy(&most, function), "AssumeMemberRole")["Condition"],
            json!({"StringEquals": {"aws:ResourceOrgID": "o-a1b2c3d4e5"}})
        );
    }
}

#[test]
fn no_permission_is_wider_than_it_can_be() {
    let most = registry(&MOST);
    for function in FUNCTIONS {
        let own = role_policy(&most, function);
        let secrets = properties(&most, &format!("{function}SecretStorePolicy"));
        for policy in [own, &secrets["PolicyDocument"]] {
            for statement in policy["Statement"].as_array().unwrap() {
                for action in texts(&statement["Action"]) {
                    assert!(!action.contains('*'), "{action}");
                    assert!(!action.starts_with("iam:"), "{action}");
                }
                // X-Ray and the listing of parameters know no narrower resource.
                let nothing_narrower = ["WriteTraces", "ListSecrets"];
                let is_wide = texts(&statement["Resource"]).contains(&"*");
                let sid = statement["Sid"].as_str().unwrap();
                assert_eq!(is_wide, nothing_narrower.contains(&sid), "{statement}");
                let is_key = texts(&statement["Action"])[0].starts_with("kms:");
                let is_bound = statement["Condition"].is_object() || sid == "FindKey";
                assert!(!is_key || is_bound, "{statement}");
            }
        }
    }
}

#[test]
fn the_secret_store_is_open_as_far_as_the_core_says() {
    let key = "arn:aws:kms:eu-central-1:333333333333:key/mine";
    for (given, key) in [(None, SECRETS_KEY), (Some(("SecretsKeyArn", key)), key)] {
        let mut changes = vec![("SecretsPrefix", "/platform/users")];
        changes.extend(given);
        let template = registry(&changes);
        let expected = secret_store_policy(&SecretStorePolicy {
            partition: Partition::Aws,
            account_id: "111111111111".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            prefix: "/platform/users".parse().unwrap(),
            kms_key_id: key.parse().unwrap(),
        });
        for function in FUNCTIONS {
            let policy = properties(&template, &format!("{function}SecretStorePolicy"));
            assert_eq!(policy["PolicyDocument"], expected);
        }
    }
    for changes in [
        vec![("SecretsLocation", "off")],
        vec![
            ("SecretsLocation", "member"),
            ("MemberSecretsKeyId", "alias/a"),
        ],
    ] {
        let template = registry(&changes);
        for function in FUNCTIONS {
            let policy = format!("{function}SecretStorePolicy");
            assert!(!template.resources.contains_key(&policy));
            assert!(
                !role_policy(&template, function)
                    .to_string()
                    .contains("ssm:")
            );
        }
        assert!(!template.resources.contains_key("SecretsKey"));
    }
}

#[test]
fn the_log_service_has_another_name_in_china() {
    let elsewhere = [("AWS::Region", "cn-north-1"), ("AWS::Partition", "aws-cn")];
    for (changes, expected) in [
        (&[][..], "logs.eu-central-1.amazonaws.com"),
        (&elsewhere[..], "logs.cn-north-1.amazonaws.com.cn"),
    ] {
        let registry = registry(changes);
        let key = &properties(&registry, "Key")["KeyPolicy"];
        let service = &statement(key, "LogsOfTheFunctions")["Principal"]["Service"];
        assert_eq!(service, expected);
        let hub = crate::templates::hub(changes);
        let key = &properties(&hub, "Key")["KeyPolicy"];
        let service = &statement(key, "LogsOfTheFunction")["Principal"]["Service"];
        assert_eq!(service, expected);
    }
}

#[test]
fn the_keys_are_used_through_services_only_and_managing_is_not_using() {
    let least = registry(&[]);
    for key in ["Key", "SecretsKey"] {
        let key = properties(&least, key);
        assert_eq!(key["EnableKeyRotation"], true);
        for statement in key["KeyPolicy"]["Statement"].as_array().unwrap() {
            let administers = statement["Sid"] == "Administer";
            for action in texts(&statement["Action"]) {
                assert!(!action.contains('*'), "{action}");
                let uses = [
                    "Decrypt",
                    "Encrypt",
                    "GenerateDataKey",
                    "ReEncrypt",
                    "CreateGrant",
                ];
                let name = action.strip_prefix("kms:").unwrap();
                let uses = uses.iter().any(|verb| name.starts_with(verb));
                assert!(uses != administers || name == "DescribeKey", "{action}");
            }
            assert!(administers || statement["Condition"].is_object());
        }
    }
}
