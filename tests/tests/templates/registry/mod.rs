//! The registry: the template and the Terraform module deploy the same, and that is what the functions need.

mod described;
mod kept;
mod module;
mod permissions;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use harness::cloudformation::{Template, template};
use harness::{StubProvider, Terraform};
use regex::Regex;
use serde_json::{Map, Value, json};

use super::{directory, properties};

/// What has to be given, and nothing else.
const LEAST: [(&str, &str); 11] = [
    ("AWS::AccountId", "111111111111"),
    ("AWS::Region", "eu-central-1"),
    ("AWS::StackName", "crossaccount-registry"),
    ("CodeBucket", "packages"),
    ("ReconcileCodeKey", "crossaccount-reconcile-x86_64.zip"),
    ("ProvisionCodeKey", "crossaccount-provision-x86_64.zip"),
    ("DeploymentId", "platform"),
    ("AllowedAccountIds", "222222222222,333333333333"),
    ("UserPathPrefix", "/registry/"),
    (
        "PermissionsBoundaries",
        "arn:aws:iam::*:policy/UserBoundary",
    ),
    ("ExternalId", "agreed-name"),
];

/// Everything that can be given beside that.
const MOST: [(&str, &str); 22] = [
    ("ForbiddenAccountIds", "999999999999"),
    ("DefaultAccountId", "222222222222"),
    ("RowKey", "UserName"),
    (
        "AllowedPolicyArns",
        "arn:aws:iam::aws:policy/ReadOnlyAccess,arn:aws:iam::*:policy/teams/*",
    ),
    ("AllowedGroups", "auditors,team-*"),
    ("AllowInlinePolicies", "true"),
    ("AllowAdoption", "true"),
    (
        "ReconcileDefaultProperties",
        r#"{"PermissionsBoundary": "arn:${Partition}:iam::${AccountId}:policy/UserBoundary"}"#,
    ),
    ("DeletionPolicy", "quarantine"),
    ("ForceDestroy", "true"),
    ("MemberRolePath", "/ops/"),
    ("OrganizationId", "o-a1b2c3d4e5"),
    ("AllowedRoleNames", "teams/UserAdmin,Other"),
    ("ReportBucketName", "reports-of-ours"),
    (
        "OtherAuditWriterArns",
        "arn:aws:iam::111111111111:role/terraform",
    ),
    ("ObjectLockDays", "365"),
    ("Active", "false"),
    ("Schedule", "rate(30 minutes)"),
    ("ReconcileConcurrency", "0"),
    ("ProvisionConcurrency", "0"),
    ("LogLevel", "WARN"),
    (
        "AlarmTopicArn",
        "arn:aws:sns:eu-central-1:111111111111:alarms",
    ),
];

/// The bucket and the key of the hub, in the place of ones of our own.
const WITH_HUB: [(&str, &str); 2] = [
    ("AuditBucketName", "audit-of-the-hub"),
    (
        "AuditKeyArn",
        "arn:aws:kms:eu-central-1:111111111111:key/of-the-hub",
    ),
];

const RECORDS_KEY: &str = "arn:aws:kms:eu-central-1:111111111111:key/crossaccount-registry-registry-audit-records-logs-and-failures";
const SECRETS_KEY: &str = "arn:aws:kms:eu-central-1:111111111111:key/crossaccount-registry-passwords-and-access-keys-of-IAM-users";
const QUEUE: &str = "arn:aws:sqs:eu-central-1:111111111111:crossaccount-reconcile-failures";
const TABLE: &str = "arn:aws:dynamodb:eu-central-1:111111111111:table/crossaccount-registry";
const RECONCILE: &str = "arn:aws:lambda:eu-central-1:111111111111:function:crossaccount-reconcile";

/// What references in the template stand for: the names that the stub of the AWS provider gives.
const KNOWN: [(&str, &str); 21] = [
    ("Key.Arn", RECORDS_KEY),
    ("SecretsKey.Arn", SECRETS_KEY),
    ("AuditBucket", "crossaccount-audit-1"),
    ("AuditBucket.Arn", "arn:aws:s3:::crossaccount-audit-1"),
    ("AccessLogBucket", "crossaccount-access-log-1"),
    (
        "AccessLogBucket.Arn",
        "arn:aws:s3:::crossaccount-access-log-1",
    ),
    ("Table", "crossaccount-registry"),
    ("Table.Arn", TABLE),
    (
        "Table.StreamArn",
        "arn:aws:dynamodb:eu-central-1:111111111111:table/crossaccount-registry/stream/1",
    ),
    ("Reconcile", "crossaccount-reconcile"),
    ("Reconcile.Arn", RECONCILE),
    ("Provision", "crossaccount-provision"),
    (
        "Provision.Arn",
        "arn:aws:lambda:eu-central-1:111111111111:function:crossaccount-provision",
    ),
    ("ReconcileRole", "crossaccount-reconcile"),
    (
        "ReconcileRole.Arn",
        "arn:aws:iam::111111111111:role/crossaccount-reconcile",
    ),
    ("ProvisionRole", "crossaccount-provision"),
    (
        "ProvisionRole.Arn",
        "arn:aws:iam::111111111111:role/crossaccount-provision",
    ),
    ("FailureQueue.Arn", QUEUE),
    ("FailureQueue.QueueName", "crossaccount-reconcile-failures"),
    (
        "Hours.Arn",
        "arn:aws:events:eu-central-1:111111111111:rule/crossaccount-reconcile-hours",
    ),
    ("ReconcileLogGroup", "/crossaccount/crossaccount-reconcile"),
];

type Changes<'a> = &'a [(&'a str, &'a str)];

/// The least parameters, some of them changed.
fn parameters(changes: Changes<'_>) -> Vec<(&str, &str)> {
    let mut parameters = LEAST.to_vec();
    for change in changes {
        parameters.retain(|(name, _)| *name != change.0);
        parameters.push(*change);
    }
    parameters
}

/// The template with the least parameters, some of them changed.
fn registry(changes: Changes<'_>) -> Template {
    let mut known = KNOWN.to_vec();
    known.push(("ProvisionLogGroup", "/crossaccount/crossaccount-provision"));
    let path = directory().join("registry.yaml");
    template(&path, &parameters(changes), &known).unwrap()
}

/// Where the Terraform module is.
fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/terraform/registry")
}

/// The variables of the module, and what is written about each.
fn variables() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(module().join("variables.tf")).unwrap();
    let variable = Regex::new("(?ms)^variable \"([a-z_]+)\" \\{\n(.*?)^\\}").unwrap();
    variable
        .captures_iter(&text)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect()
}

/// The name of a parameter as a variable.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A Terraform with the module, and a stub in the place of AWS.
fn terraform() -> Terraform {
    let binary = Path::new(env!("CARGO_BIN_EXE_stub-provider"));
    Terraform::with_stub(StubProvider::Aws, binary).unwrap()
}

/// What the module plans with the parameters of the template: the values of resources, by address.
fn plan(changes: Changes<'_>) -> BTreeMap<String, Value> {
    let terraform = terraform();
    terraform.copy_from(&module()).unwrap();
    let variables = variables();
    let kinds = Regex::new(r"(?m)^  type\s+= (.*)$").unwrap();
    let mut given = Map::new();
    for (name, text) in parameters(changes) {
        if name.starts_with("AWS::") {
            continue;
        }
        let name = snake(name);
        let kind = &kinds.captures(&variables[&name]).unwrap()[1];
        let value = match kind {
            "list(string)" => json!(text.split(',').collect::<Vec<_>>()),
            "string" => json!(text),
            _ => serde_json::from_str(text).unwrap(),
        };
        given.insert(name, value);
    }
    let given = Value::Object(given).to_string();
    terraform.write("terraform.tfvars.json", &given).unwrap();
    terraform.validate().unwrap().expect_success().unwrap();
    let plan = terraform.plan_json().unwrap();
    plan["planned_values"]["root_module"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| {
            let address = resource["address"].as_str().unwrap().to_owned();
            (address, resource["values"].clone())
        })
        .collect()
}

/// The environment that a function gets from the template.
fn environment(template: &Template, function: &str) -> BTreeMap<String, String> {
    let variables = &properties(template, function)["Environment"]["Variables"];
    texts_of(variables)
}

/// A map of texts.
fn texts_of(map: &Value) -> BTreeMap<String, String> {
    let map = map.as_object().unwrap().iter();
    map.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}
