//! The CloudFormation templates under `examples/`: what they deploy, and that it is as safe as their texts say.

mod boundary;
mod function;
mod hub;
mod linters;
mod permissions;
mod registry;
mod stacks;

use std::path::{Path, PathBuf};

use harness::cloudformation::{Template, template};
use serde_json::{Value, json};

/// Where the templates are.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/cloudformation")
}

/// All templates, in a fixed order.
fn templates() -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found
}

/// What has to be given to the hub, and nothing else.
const LEAST: [(&str, &str); 9] = [
    ("AWS::AccountId", "111111111111"),
    ("AWS::Region", "eu-central-1"),
    ("AWS::StackName", "crossaccount"),
    ("CodeBucket", "packages"),
    ("CodeKey", "crossaccount-cfn-handler-x86_64.zip"),
    ("AllowedAccountIds", "222222222222,333333333333"),
    ("UserPathPrefix", "/cloudformation/"),
    (
        "PermissionsBoundaries",
        "arn:aws:iam::*:policy/UserBoundary",
    ),
    ("ExternalId", "agreed-name"),
];

/// Everything that can be given to the hub beside that.
const MOST: [(&str, &str); 12] = [
    ("CodeObjectVersion", "abc"),
    ("ForbiddenAccountIds", "999999999999"),
    ("AllowedStackAccountIds", "111111111111,444444444444"),
    (
        "AllowedPolicyArns",
        "arn:aws:iam::aws:policy/ReadOnlyAccess,arn:aws:iam::*:policy/teams/*",
    ),
    ("AllowedGroups", "auditors,team-*"),
    ("OrganizationId", "o-a1b2c3d4e5"),
    ("AllowedRoleNames", "teams/UserAdmin,Other"),
    (
        "OtherAuditWriterArns",
        "arn:aws:iam::111111111111:role/terraform",
    ),
    ("ObjectLockDays", "365"),
    (
        "AlarmTopicArn",
        "arn:aws:sns:eu-central-1:111111111111:alarms",
    ),
    ("OperatorArns", "arn:aws:iam::111111111111:role/operators/*"),
    ("AllowInlinePolicies", "true"),
];

/// What references in the hub stand for.
const KNOWN: [(&str, &str); 4] = [
    ("AuditBucket", "audit-bucket"),
    ("LedgerTable", "ledger-table"),
    (
        "Key.Arn",
        "arn:aws:kms:eu-central-1:111111111111:key/records",
    ),
    (
        "SecretsKey.Arn",
        "arn:aws:kms:eu-central-1:111111111111:key/secrets",
    ),
];

/// The hub with the least parameters, some of them changed.
fn hub(changes: &[(&str, &str)]) -> Template {
    let mut parameters = LEAST.to_vec();
    for change in changes {
        parameters.retain(|(name, _)| *name != change.0);
        parameters.push(*change);
    }
    template(&directory().join("hub.yaml"), &parameters, &KNOWN).unwrap()
}

/// The properties of a resource.
fn properties<'a>(template: &'a Template, resource: &str) -> &'a Value {
    &template.resources[resource]["Properties"]
}

/// The resources that are kept when the stack goes, by this `DeletionPolicy`. All are kept too when they are replaced.
fn kept<'a>(template: &'a Template, policy: &str) -> Vec<&'a str> {
    let kept = template.resources.iter();
    kept.filter(|(_, resource)| resource["DeletionPolicy"] == policy)
        .map(|(name, resource)| {
            assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
            name.as_str()
        })
        .collect()
}

/// Asserts that the audit records of a template are gone a day after their retention, with all that is left of them.
fn assert_records_end_in_time(template: &Template) {
    let rules = &properties(template, "AuditBucket")["LifecycleConfiguration"]["Rules"];
    assert_eq!(rules[0]["ExpirationInDays"], "2557");
    assert_eq!(
        rules[0]["NoncurrentVersionExpiration"],
        json!({"NoncurrentDays": 1})
    );
    // S3 refuses it in one rule with days.
    assert_eq!(rules[0].get("ExpiredObjectDeleteMarker"), None);
    assert_eq!(rules[1]["ExpiredObjectDeleteMarker"], true);
    assert_eq!(rules[1].get("ExpirationInDays"), None);
}

/// The statement of a policy with this id.
fn statement<'a>(policy: &'a Value, sid: &str) -> &'a Value {
    policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .find(|statement| statement["Sid"] == sid)
        .unwrap_or_else(|| panic!("{sid} is not in {policy}"))
}

/// A value that may be one text or a list of texts.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    }
}
