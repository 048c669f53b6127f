//! The Terraform module of the registry makes what registry.yaml makes.
//!
//! The real Terraform plans it with a stub of the AWS provider, whose names and ARNs are those that the template is resolved
//! with here. So both can be compared value by value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use harness::Terraform;
use harness::aws_stub::AwsStub;
use harness::cloudformation::{Template, template};
use serde_json::{Value, json};

use super::{directory, properties};

const KEY: &str = "arn:aws:kms:eu-central-1:111111111111:key/crossaccount-registry, registry, audit records, logs and failures";
const SECRETS_KEY: &str = "arn:aws:kms:eu-central-1:111111111111:key/crossaccount-registry, passwords and access keys of IAM users";

/// What references in the template stand for, as the stub names the same things.
const KNOWN: [(&str, &str); 19] = [
    ("Table", "crossaccount-registry"),
    (
        "Table.Arn",
        "arn:aws:dynamodb:eu-central-1:111111111111:table/crossaccount-registry",
    ),
    (
        "Table.StreamArn",
        "arn:aws:dynamodb:eu-central-1:111111111111:table/crossaccount-registry/stream/2026-11-26T00:00:00.000",
    ),
    ("Key.Arn", KEY),
    ("SecretsKey.Arn", SECRETS_KEY),
    ("AuditBucket", "crossaccount-audit-1"),
    ("AuditBucket.Arn", "arn:aws:s3:::crossaccount-audit-1"),
    ("AccessLogBucket", "crossaccount-access-log-1"),
    (
        "AccessLogBucket.Arn",
        "arn:aws:s3:::crossaccount-access-log-1",
    ),
    (
        "FailureQueue.Arn",
        "arn:aws:sqs:eu-central-1:111111111111:crossaccount-reconcile-failures",
    ),
    ("FailureQueue.QueueName", "crossaccount-reconcile-failures"),
    ("Reconcile", "crossaccount-reconcile"),
    (
        "Reconcile.Arn",
        "arn:aws:lambda:eu-central-1:111111111111:function:crossaccount-reconcile",
    ),
    ("Provision", "crossaccount-provision"),
    (
        "ReconcileRole.Arn",
        "arn:aws:iam::111111111111:role/crossaccount-reconcile",
    ),
    (
        "ProvisionRole.Arn",
        "arn:aws:iam::111111111111:role/crossaccount-provision",
    ),
    ("ReconcileLogGroup", "/crossaccount/crossaccount-reconcile"),
    ("ProvisionLogGroup", "/crossaccount/crossaccount-provision"),
    (
        "Hours.Arn",
        "arn:aws:events:eu-central-1:111111111111:rule/crossaccount-reconcile-hours",
    ),
];

/// A parameter of the template, the variable of the module that is the same, and its value there. What is given first is the
/// least.
type Given = (&'static str, &'static str, &'static str, Value);

fn least() -> Vec<Given> {
    vec![
        ("CodeBucket", "packages", "code_bucket", json!("packages")),
        (
            "ReconcileCodeKey",
            "r.zip",
            "reconcile_code_key",
            json!("r.zip"),
        ),
        (
            "ProvisionCodeKey",
            "p.zip",
            "provision_code_key",
            json!("p.zip"),
        ),
        (
            "DeploymentId",
            "platform",
            "deployment_id",
            json!("platform"),
        ),
        (
            "AllowedAccountIds",
            "222222222222,333333333333",
            "allowed_account_ids",
            json!(["222222222222", "333333333333"]),
        ),
        (
            "UserPathPrefix",
            "/people/",
            "user_path_prefix",
            json!("/people/"),
        ),
        (
            "PermissionsBoundaries",
            "arn:aws:iam::*:policy/UserBoundary",
            "permissions_boundaries",
            json!(["arn:aws:iam::*:policy/UserBoundary"]),
        ),
        (
            "ExternalId",
            "agreed-name",
            "external_id",
            json!("agreed-name"),
        ),
    ]
}

/// Everything that changes what is made, beside that.
fn most() -> Vec<Given> {
    vec![
        ("Architecture", "arm64", "architecture", json!("arm64")),
        (
            "ForbiddenAccountIds",
            "999999999999",
            "forbidden_account_ids",
            json!(["999999999999"]),
        ),
        ("RowKey", "UserName", "row_key", json!("UserName")),
        (
            "DefaultAccountId",
            "222222222222",
            "default_account_id",
            json!("222222222222"),
        ),
        (
            "AllowedPolicyArns",
            "arn:aws:iam::aws:policy/ReadOnlyAccess,arn:aws:iam::*:policy/teams/*",
            "allowed_policy_arns",
            json!([
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
                "arn:aws:iam::*:policy/teams/*"
            ]),
        ),
        (
            "AllowedGroups",
            "auditors,team-*",
            "allowed_groups",
            json!(["auditors", "team-*"]),
        ),
        (
            "AllowInlinePolicies",
            "true",
            "allow_inline_policies",
            json!(true),
        ),
        ("AllowAdoption", "true", "allow_adoption", json!(true)),
        (
            "OrganizationId",
            "o-a1b2c3d4e5",
            "organization_id",
            json!("o-a1b2c3d4e5"),
        ),
        (
            "AllowedRoleNames",
            "teams/UserAdmin,Other",
            "allowed_role_names",
            json!(["teams/UserAdmin", "Other"]),
        ),
        (
            "MemberRolePath",
            "/ops/",
            "member_role_path",
            json!("/ops/"),
        ),
        (
            "DeletionPolicy",
            "quarantine",
            "deletion_policy",
            json!("quarantine"),
        ),
        ("ForceDestroy", "true", "force_destroy", json!(true)),
        ("MaxRemovals", "3", "max_removals", json!(3)),
        ("Active", "false", "active", json!(false)),
        (
            "ReportBucketName",
            "crossaccount-reports",
            "report_bucket_name",
            json!("crossaccount-reports"),
        ),
        (
            "OtherAuditWriterArns",
            "arn:aws:iam::111111111111:role/terraform",
            "other_audit_writer_arns",
            json!(["arn:aws:iam::111111111111:role/terraform"]),
        ),
        ("ObjectLockDays", "365", "object_lock_days", json!(365)),
        (
            "AlarmTopicArn",
            "arn:aws:sns:eu-central-1:111111111111:alarms",
            "alarm_topic_arn",
            json!("arn:aws:sns:eu-central-1:111111111111:alarms"),
        ),
    ]
}

fn other_bucket() -> Vec<Given> {
    let key = "arn:aws:kms:eu-central-1:111111111111:key/of-the-hub";
    vec![
        (
            "AuditBucketName",
            "hub-audit",
            "audit_bucket_name",
            json!("hub-audit"),
        ),
        ("AuditKeyArn", key, "audit_key_arn", json!(key)),
        (
            "SecretsLocation",
            "member",
            "secrets_location",
            json!("member"),
        ),
        (
            "MemberSecretsKeyId",
            "alias/crossaccount",
            "member_secrets_key_id",
            json!("alias/crossaccount"),
        ),
    ]
}

fn other_key() -> Vec<Given> {
    let key = "arn:aws:kms:eu-central-1:333333333333:key/mine";
    vec![("SecretsKeyArn", key, "secrets_key_arn", json!(key))]
}

fn without_secrets() -> Vec<Given> {
    vec![("SecretsLocation", "off", "secrets_location", json!("off"))]
}

fn every_deployment() -> Vec<Vec<Given>> {
    vec![
        vec![],
        most(),
        other_bucket(),
        other_key(),
        without_secrets(),
    ]
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/terraform/registry")
}

/// Both, deployed with the same.
struct Both {
    template: Template,
    /// What the module plans, by address.
    module: BTreeMap<String, Value>,
}

fn both(changes: &[Given]) -> Both {
    let given: Vec<Given> = least().into_iter().chain(changes.iter().cloned()).collect();
    let mut parameters = vec![
        ("AWS::AccountId", "111111111111"),
        ("AWS::Region", "eu-central-1"),
        ("AWS::StackName", "crossaccount-registry"),
    ];
    parameters.extend(given.iter().map(|(name, value, ..)| (*name, *value)));
    let variables = given
        .into_iter()
        .map(|(.., name, value)| (name.to_owned(), value))
        .collect();
    Both {
        template: template(&directory().join("registry.yaml"), &parameters, &KNOWN).unwrap(),
        module: plan(&Value::Object(variables)),
    }
}

fn plan(variables: &Value) -> BTreeMap<String, Value> {
    let stub = AwsStub::start().unwrap();
    let terraform = Terraform::without_provider([stub.environment()]).unwrap();
    terraform.copy_from(&home()).unwrap();
    terraform
        .write("terraform.tfvars.json", &variables.to_string())
        .unwrap();
    terraform.validate().unwrap().expect_success().unwrap();
    let plan = terraform.plan_json().unwrap();
    let resources = plan["planned_values"]["root_module"]["resources"]
        .as_array()
        .unwrap();
    resources
        .iter()
        .map(|resource| {
            let address = resource["address"].as_str().unwrap().to_owned();
            (address, resource["values"].clone())
        })
        .collect()
}

/// Texts in the place of numbers and truth values: CloudFormation's parameters are texts.
fn as_texts(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(as_texts).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), as_texts(value)));
            Value::Object(fields.collect())
        }
        Value::Number(_) | Value::Bool(_) => json!(value.to_string()),
        other => other.clone(),
    }
}

fn parsed(text: &Value) -> Value {
    serde_json::from_str(
        text.as_str()
            .unwrap_or_else(|| panic!("{text} is not known")),
    )
    .unwrap()
}

impl Both {
    fn planned(&self, address: &str) -> &Value {
        self.module.get(address).unwrap_or_else(|| {
            panic!(
                "{address} is not in {:?}",
                self.module.keys().collect::<Vec<_>>()
            )
        })
    }

    /// The template has this resource exactly when the module has it; then both values.
    fn pair(&self, resource: &str, address: &str) -> Option<(&Value, &Value)> {
        let deployed = self.template.resources.contains_key(resource);
        assert_eq!(deployed, self.module.contains_key(address), "{address}");
        deployed.then(|| (properties(&self.template, resource), self.planned(address)))
    }
}

/// The functions: logical id in the template, key in the module.
const FUNCTIONS: [(&str, &str); 2] = [("Reconcile", "reconcile"), ("Provision", "provision")];

#[test]
fn the_functions_are_the_same() {
    for changes in every_deployment() {
        let both = both(&changes);
        for (name, key) in FUNCTIONS {
            let ours = properties(&both.template, name);
            let planned = both.planned(&format!("aws_lambda_function.this[\"{key}\"]"));
            assert_eq!(
                as_texts(&planned["environment"][0]["variables"]),
                as_texts(&ours["Environment"]["Variables"]),
                "{name}"
            );
            for (argument, property) in [
                ("function_name", "/FunctionName"),
                ("description", "/Description"),
                ("runtime", "/Runtime"),
                ("handler", "/Handler"),
                ("architectures", "/Architectures"),
                ("s3_bucket", "/Code/S3Bucket"),
                ("s3_key", "/Code/S3Key"),
                ("role", "/Role"),
                ("timeout", "/Timeout"),
                ("memory_size", "/MemorySize"),
                (
                    "reserved_concurrent_executions",
                    "/ReservedConcurrentExecutions",
                ),
                ("kms_key_arn", "/KmsKeyArn"),
            ] {
                assert_eq!(
                    as_texts(&planned[argument]),
                    as_texts(ours.pointer(property).unwrap()),
                    "{argument} of {name}"
                );
            }
            let logging = &planned["logging_config"][0];
            assert_eq!(
                json!({
                    "LogFormat": logging["log_format"],
                    "LogGroup": logging["log_group"],
                    "ApplicationLogLevel": logging["application_log_level"],
                    "SystemLogLevel": logging["system_log_level"],
                }),
                ours["LoggingConfig"]
            );
            assert_eq!(
                planned["tracing_config"][0]["mode"],
                ours["TracingConfig"]["Mode"]
            );

            let group = properties(&both.template, &format!("{name}LogGroup"));
            let planned = both.planned(&format!("aws_cloudwatch_log_group.this[\"{key}\"]"));
            assert_eq!(planned["name"], group["LogGroupName"]);
            assert_eq!(planned["kms_key_id"], group["KmsKeyId"]);
            assert_eq!(
                as_texts(&planned["retention_in_days"]),
                as_texts(&group["RetentionInDays"])
            );
        }
    }
}

/// A policy with its statements by their ids: their order means nothing.
fn statements(policy: &Value) -> BTreeMap<String, Value> {
    assert_eq!(policy["Version"], "2012-10-17");
    let all = policy["Statement"].as_array().unwrap();
    let named: BTreeMap<_, _> = all
        .iter()
        .map(|one| (one["Sid"].as_str().unwrap().to_owned(), one.clone()))
        .collect();
    assert_eq!(named.len(), all.len());
    named
}

#[test]
fn every_policy_is_the_same() {
    for changes in every_deployment() {
        let both = both(&changes);
        for (name, key) in FUNCTIONS {
            let role = properties(&both.template, &format!("{name}Role"));
            let planned = both.planned(&format!("aws_iam_role.this[\"{key}\"]"));
            assert_eq!(planned["name"], role["RoleName"]);
            assert_eq!(planned["description"], role["Description"]);
            assert_eq!(
                parsed(&planned["assume_role_policy"]),
                role["AssumeRolePolicyDocument"]
            );
            assert_eq!(role["Policies"].as_array().unwrap().len(), 1);
            let planned = both.planned(&format!("aws_iam_role_policy.this[\"{key}\"]"));
            assert_eq!(
                statements(&parsed(&planned["policy"])),
                statements(&role["Policies"][0]["PolicyDocument"]),
                "{name}"
            );
            let store = both.pair(
                &format!("{name}SecretStorePolicy"),
                &format!("aws_iam_role_policy.secret_store[\"{key}\"]"),
            );
            if let Some((ours, planned)) = store {
                assert_eq!(parsed(&planned["policy"]), ours["PolicyDocument"]);
                assert_eq!(planned["role"], role["RoleName"]);
            }
        }
        for (resource, address, document) in [
            ("Key", "aws_kms_key.records", "KeyPolicy"),
            ("SecretsKey", "aws_kms_key.secrets[0]", "KeyPolicy"),
            (
                "FailureQueuePolicy",
                "aws_sqs_queue_policy.failures",
                "PolicyDocument",
            ),
            (
                "AuditBucketPolicy",
                "aws_s3_bucket_policy.audit[0]",
                "PolicyDocument",
            ),
            (
                "AccessLogBucketPolicy",
                "aws_s3_bucket_policy.access_log[0]",
                "PolicyDocument",
            ),
        ] {
            if let Some((ours, planned)) = both.pair(resource, address) {
                assert_eq!(
                    statements(&parsed(&planned["policy"])),
                    statements(&ours[document]),
                    "{resource}"
                );
            }
        }
    }
}

#[test]
fn the_stream_and_the_schedule_are_the_same() {
    for changes in every_deployment() {
        let both = both(&changes);
        let ours = properties(&both.template, "Stream");
        let planned = both.planned("aws_lambda_event_source_mapping.stream");
        assert_eq!(
            json!({
                // The ARN of the function stands for its name.
                "FunctionName": "crossaccount-reconcile",
                "EventSourceArn": planned["event_source_arn"],
                "Enabled": planned["enabled"],
                "StartingPosition": planned["starting_position"],
                "BatchSize": planned["batch_size"],
                "ParallelizationFactor": planned["parallelization_factor"],
                "MaximumRetryAttempts": planned["maximum_retry_attempts"],
                "BisectBatchOnFunctionError": planned["bisect_batch_on_function_error"],
                "FunctionResponseTypes": planned["function_response_types"],
                "DestinationConfig": {"OnFailure": {
                    "Destination": planned["destination_config"][0]["on_failure"][0]["destination_arn"],
                }},
            }),
            *ours
        );
        let rule = properties(&both.template, "Hours");
        let planned = both.planned("aws_cloudwatch_event_rule.hours");
        assert_eq!(planned["schedule_expression"], rule["ScheduleExpression"]);
        assert_eq!(planned["state"], rule["State"]);
        let target = both.planned("aws_cloudwatch_event_target.hours");
        assert_eq!(target["arn"], rule["Targets"][0]["Arn"]);
        assert_eq!(target["input"], rule["Targets"][0]["Input"]);
        assert_eq!(target["input"], r#"{"Job": "Reconcile"}"#);
        let permission = properties(&both.template, "HoursPermission");
        let planned = both.planned("aws_lambda_permission.hours");
        assert_eq!(
            json!({
                "FunctionName": planned["function_name"],
                "Action": planned["action"],
                "Principal": planned["principal"],
                "SourceArn": planned["source_arn"],
                "SourceAccount": planned["source_account"],
            }),
            *permission
        );
        let deliveries = properties(&both.template, "Deliveries");
        let planned = both.planned("aws_lambda_function_event_invoke_config.deliveries");
        assert_eq!(
            json!({
                "FunctionName": planned["function_name"],
                "Qualifier": planned["qualifier"],
                "MaximumRetryAttempts": planned["maximum_retry_attempts"],
                "MaximumEventAgeInSeconds": planned["maximum_event_age_in_seconds"],
                "DestinationConfig": {"OnFailure": {
                    "Destination": planned["destination_config"][0]["on_failure"][0]["destination"],
                }},
            }),
            *deliveries
        );
    }
}

#[test]
fn the_table_and_the_queue_are_the_same() {
    for changes in every_deployment() {
        let both = both(&changes);
        let table = properties(&both.template, "Table");
        let planned = both.planned("aws_dynamodb_table.registry");
        let keys: Vec<_> = [("hash_key", "HASH"), ("range_key", "RANGE")]
            .into_iter()
            .filter(|(argument, _)| planned[argument].is_string())
            .map(|(argument, kind)| json!({"AttributeName": planned[argument], "KeyType": kind}))
            .collect();
        assert_eq!(json!(keys), table["KeySchema"]);
        let names = |list: &Value, field: &str| -> BTreeSet<String> {
            let list = list.as_array().unwrap().iter();
            list.map(|one| one[field].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            names(&planned["attribute"], "name"),
            names(&table["AttributeDefinitions"], "AttributeName")
        );
        assert_eq!(
            json!({
                "TableName": planned["name"],
                "BillingMode": planned["billing_mode"],
                "StreamSpecification": {"StreamViewType": planned["stream_view_type"]},
                "TimeToLiveSpecification": {
                    "AttributeName": planned["ttl"][0]["attribute_name"],
                    "Enabled": planned["ttl"][0]["enabled"],
                },
                "SSESpecification": {
                    "SSEEnabled": planned["server_side_encryption"][0]["enabled"],
                    "SSEType": "KMS",
                    "KMSMasterKeyId": planned["server_side_encryption"][0]["kms_key_arn"],
                },
                "PointInTimeRecoverySpecification": {
                    "PointInTimeRecoveryEnabled": planned["point_in_time_recovery"][0]["enabled"],
                },
                "DeletionProtectionEnabled": planned["deletion_protection_enabled"],
                "AttributeDefinitions": table["AttributeDefinitions"],
                "KeySchema": table["KeySchema"],
            }),
            *table
        );
        assert_eq!(planned["stream_enabled"], true);
        let queue = properties(&both.template, "FailureQueue");
        let planned = both.planned("aws_sqs_queue.failures");
        assert_eq!(
            json!({
                "KmsMasterKeyId": planned["kms_master_key_id"],
                "KmsDataKeyReusePeriodSeconds": planned["kms_data_key_reuse_period_seconds"],
                "MessageRetentionPeriod": planned["message_retention_seconds"],
            }),
            *queue
        );
    }
}

/// An alarm without its texts.
type Alarm = (String, String, String, String, String, String, String);

#[test]
fn the_alarms_are_the_same() {
    let text = |value: &Value| as_texts(value).to_string();
    for changes in every_deployment() {
        let both = both(&changes);
        let mut ours: BTreeSet<Alarm> = BTreeSet::new();
        for resource in both.template.resources.values() {
            if resource["Type"] != "AWS::CloudWatch::Alarm" {
                continue;
            }
            let alarm = &resource["Properties"];
            let dimension = &alarm["Dimensions"][0];
            let actions = alarm.get("AlarmActions").cloned().unwrap_or(json!([]));
            ours.insert((
                text(&alarm["Namespace"]),
                text(&alarm["MetricName"]),
                format!("{}={}", text(&dimension["Name"]), text(&dimension["Value"])),
                text(&alarm["Statistic"]),
                text(&json!([
                    alarm["Period"],
                    alarm["EvaluationPeriods"],
                    alarm["Threshold"]
                ])),
                text(&json!([
                    alarm["ComparisonOperator"],
                    alarm["TreatMissingData"]
                ])),
                text(&actions),
            ));
        }
        let mut theirs: BTreeSet<Alarm> = BTreeSet::new();
        for (address, alarm) in &both.module {
            if !address.starts_with("aws_cloudwatch_metric_alarm.") {
                continue;
            }
            let dimensions = alarm["dimensions"].as_object().unwrap();
            assert_eq!(dimensions.len(), 1);
            let (name, value) = dimensions.iter().next().unwrap();
            theirs.insert((
                text(&alarm["namespace"]),
                text(&alarm["metric_name"]),
                format!("{}={}", json!(name), text(value)),
                text(&alarm["statistic"]),
                text(&json!([
                    alarm["period"],
                    alarm["evaluation_periods"],
                    alarm["threshold"]
                ])),
                text(&json!([
                    alarm["comparison_operator"],
                    alarm["treat_missing_data"]
                ])),
                text(&alarm["alarm_actions"]),
            ));
        }
        assert_eq!(theirs, ours);
        assert!(ours.len() >= 9);
    }
}

#[test]
fn what_is_not_allowed_is_refused_before_anything_is_made() {
    let stub = AwsStub::start().unwrap();
    let terraform = Terraform::without_provider([stub.environment()]).unwrap();
    terraform.copy_from(&home()).unwrap();
    for (name, wrong) in [
        ("allowed_account_ids", json!(["2222"])),
        ("user_path_prefix", json!("people")),
        ("external_id", json!("short")),
        ("deployment_id", json!("a/b")),
        ("max_removal_percent", json!(0)),
        ("deletion_policy", json!("keep")),
        ("secrets_location", json!("elsewhere")),
        // Without the key of the bucket, and without the key in member accounts.
        ("audit_bucket_name", json!("hub-audit")),
        ("secrets_location", json!("member")),
    ] {
        let mut variables: serde_json::Map<_, _> = least()
            .into_iter()
            .map(|(.., name, value)| (name.to_owned(), value))
            .collect();
        variables.insert(name.to_owned(), wrong.clone());
        terraform
            .write(
                "terraform.tfvars.json",
                &Value::Object(variables).to_string(),
            )
            .unwrap();
        let output = terraform.run(&["plan", "-no-color"]).unwrap();
        assert!(!output.success(), "{name} = {wrong}");
        let variable = format!("var.{name}");
        let text = output.text();
        assert!(
            text.contains(&variable) || text.contains("precondition failed"),
            "{text}"
        );
    }
}
