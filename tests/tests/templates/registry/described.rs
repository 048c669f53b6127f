//! A deployment in words that the template and a plan of the module have in common, so that they can be compared.

use std::collections::BTreeMap;

use harness::cloudformation::Template;
use serde_json::{Map, Value, json};

use super::properties;

/// A value without what tells two spellings of the same apart: numbers and booleans are texts, a list of one is its element,
/// lists have no order, and a policy is what its text says.
fn plain(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(value) => json!(value.to_string()),
        Value::Number(number) => json!(number.to_string()),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner) if text.starts_with('{') => plain(&inner),
            _ => json!(text),
        },
        Value::Array(items) => match &items[..] {
            [] => Value::Null,
            [one] => plain(one),
            items => {
                let mut items: Vec<Value> = items.iter().map(plain).collect();
                items.sort_by_key(Value::to_string);
                Value::Array(items)
            }
        },
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), plain(value)));
            Value::Object(fields.filter(|(_, value)| !value.is_null()).collect())
        }
    }
}

/// An object with one of its values under each of these names.
fn picked(from: &Value, names: &[(&str, &str)]) -> Value {
    let mut picked = Map::new();
    for (place, name) in names {
        picked.insert(
            (*name).to_owned(),
            from.pointer(place).cloned().unwrap_or_default(),
        );
    }
    Value::Object(picked)
}

/// Its parts by name.
pub(super) type Described = BTreeMap<String, Value>;

/// What a deployment is made of, in words that both have in common.
pub(super) fn of_template(template: &Template) -> Described {
    let mut all = Described::new();
    let mut add = |name: &str, value: Value| all.insert(name.to_owned(), plain(&value));
    let has = |name: &str| template.resources.contains_key(name);
    let of = |name: &str| properties(template, name);
    let table = of("Table");
    let named = |list: &Value, name: &str| -> Vec<Value> {
        let items = list.as_array().unwrap().iter();
        items.map(|item| item[name].clone()).collect()
    };
    add(
        "table",
        json!({
            "name": table["TableName"],
            "billing": table["BillingMode"],
            "keys": named(&table["KeySchema"], "AttributeName"),
            "attributes": named(&table["AttributeDefinitions"], "AttributeName"),
            "stream": table["StreamSpecification"]["StreamViewType"],
            "ttl": table["TimeToLiveSpecification"],
            "key": table["SSESpecification"]["KMSMasterKeyId"],
            "recovery": table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
            "protected": table["DeletionProtectionEnabled"],
        }),
    );
    for function in ["Reconcile", "Provision"] {
        let key = function.to_ascii_lowercase();
        add(&format!("{key} function"), of(function).clone());
        let role = of(&format!("{function}Role"));
        add(
            &format!("{key} trust"),
            role["AssumeRolePolicyDocument"].clone(),
        );
        add(
            &format!("{key} role"),
            picked(role, &[("/RoleName", "name"), ("/Description", "text")]),
        );
        add(&format!("{key} policy"), role["Policies"][0].clone());
        if has(&format!("{function}SecretStorePolicy")) {
            let policy = of(&format!("{function}SecretStorePolicy"));
            add(
                &format!("{key} secrets"),
                picked(
                    policy,
                    &[
                        ("/PolicyName", "PolicyName"),
                        ("/PolicyDocument", "PolicyDocument"),
                    ],
                ),
            );
        }
        add(
            &format!("{key} log"),
            picked(
                of(&format!("{function}LogGroup")),
                &[
                    ("/LogGroupName", "name"),
                    ("/RetentionInDays", "days"),
                    ("/KmsKeyId", "key"),
                ],
            ),
        );
    }
    for key in ["Key", "SecretsKey"] {
        if has(key) {
            add(
                key,
                picked(
                    of(key),
                    &[
                        ("/EnableKeyRotation", "rotates"),
                        ("/PendingWindowInDays", "days"),
                        ("/KeyPolicy", "policy"),
                    ],
                ),
            );
        }
    }
    let mut stream = of("Stream").clone();
    // The module names the function by its ARN.
    stream["FunctionName"] = of("Hours")["Targets"][0]["Arn"].clone();
    add("stream", stream);
    add(
        "hours",
        picked(
            of("Hours"),
            &[
                ("/ScheduleExpression", "expression"),
                ("/State", "state"),
                ("/Description", "text"),
                ("/Targets/0/Id", "id"),
                ("/Targets/0/Arn", "arn"),
                ("/Targets/0/Input", "input"),
            ],
        ),
    );
    add("permission", of("HoursPermission").clone());
    add("deliveries", of("Deliveries").clone());
    add("queue", of("FailureQueue").clone());
    add(
        "queue policy",
        of("FailureQueuePolicy")["PolicyDocument"].clone(),
    );
    for (name, resource) in [("audit", "AuditBucket"), ("access log", "AccessLogBucket")] {
        if !has(resource) {
            continue;
        }
        let bucket = of(resource);
        let policy = of(&format!("{resource}Policy"));
        add(&format!("{name} policy"), policy["PolicyDocument"].clone());
        add(
            name,
            json!({
                "public": bucket["PublicAccessBlockConfiguration"].as_object().unwrap().values().collect::<Vec<_>>(),
                "owner": bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
                "versions": bucket["VersioningConfiguration"]["Status"],
                "encryption": picked(&bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0], &[
                    ("/BucketKeyEnabled", "bucket key"),
                    ("/ServerSideEncryptionByDefault/SSEAlgorithm", "algorithm"),
                    ("/ServerSideEncryptionByDefault/KMSMasterKeyID", "key"),
                ]),
                "lock": picked(bucket, &[
                    ("/ObjectLockConfiguration/Rule/DefaultRetention/Mode", "mode"),
                    ("/ObjectLockConfiguration/Rule/DefaultRetention/Days", "days"),
                ]),
                "ends": named(&bucket["LifecycleConfiguration"]["Rules"], "ExpirationInDays"),
                "old versions end": bucket.pointer("/LifecycleConfiguration/Rules/0/NoncurrentVersionExpiration/NoncurrentDays"),
                "markers end": named(&bucket["LifecycleConfiguration"]["Rules"], "ExpiredObjectDeleteMarker"),
                "log": picked(bucket, &[
                    ("/LoggingConfiguration/DestinationBucketName", "bucket"),
                    ("/LoggingConfiguration/LogFilePrefix", "prefix"),
                ]),
            }),
        );
    }
    for resource in template.resources.values() {
        if resource["Type"] != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let mut alarm = resource["Properties"].clone();
        let dimensions = alarm["Dimensions"].as_array().unwrap().iter();
        let dimensions: Map<_, _> = dimensions
            .map(|one| {
                let name = one["Name"].as_str().unwrap().to_owned();
                (name, one["Value"].clone())
            })
            .collect();
        let name = alarm_name(&alarm["MetricName"], &dimensions);
        alarm["Dimensions"] = dimensions.into();
        // Each names parameters in its own spelling.
        alarm.as_object_mut().unwrap().remove("AlarmDescription");
        add(&name, alarm);
    }
    all
}

/// What tells an alarm from all others: several functions have a metric of the same name.
fn alarm_name(metric: &Value, dimensions: &Map<String, Value>) -> String {
    let dimensions: BTreeMap<_, _> = dimensions.iter().collect();
    format!("alarm {metric} {dimensions:?}")
}

/// The same of the module.
pub(super) fn of_plan(plan: &BTreeMap<String, Value>) -> Described {
    let mut all = Described::new();
    let mut add = |name: &str, value: Value| all.insert(name.to_owned(), plain(&value));
    let of = |address: &str| plan.get(address).unwrap_or_else(|| panic!("no {address}"));
    let table = of("aws_dynamodb_table.registry");
    let attributes: Vec<&Value> = table["attribute"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attribute| &attribute["name"])
        .collect();
    let keys: Vec<&Value> = [&table["hash_key"], &table["range_key"]]
        .into_iter()
        .filter(|key| !key.is_null())
        .collect();
    add(
        "table",
        json!({
            "name": table["name"],
            "billing": table["billing_mode"],
            "keys": keys,
            "attributes": attributes,
            "stream": table["stream_view_type"],
            "ttl": picked(&table["ttl"][0], &[("/attribute_name", "AttributeName"), ("/enabled", "Enabled")]),
            "key": table["server_side_encryption"][0]["kms_key_arn"],
            "recovery": table["point_in_time_recovery"][0]["enabled"],
            "protected": table["deletion_protection_enabled"],
        }),
    );
    for key in ["reconcile", "provision"] {
        let at = |kind: &str| of(&format!("{kind}[\"{key}\"]"));
        let function = at("aws_lambda_function.this");
        add(
            &format!("{key} function"),
            json!({
                "FunctionName": function["function_name"],
                "Description": function["description"],
                "Runtime": function["runtime"],
                "Handler": function["handler"],
                "Architectures": function["architectures"],
                "Code": {"S3Bucket": function["s3_bucket"], "S3Key": function["s3_key"]},
                "Role": function["role"],
                "Timeout": function["timeout"],
                "MemorySize": function["memory_size"],
                // The provider's word for none.
                "ReservedConcurrentExecutions": Some(&function["reserved_concurrent_executions"]).filter(|it| **it != -1),
                "KmsKeyArn": function["kms_key_arn"],
                "LoggingConfig": picked(&function["logging_config"][0], &[
                    ("/log_format", "LogFormat"),
                    ("/log_group", "LogGroup"),
                    ("/application_log_level", "ApplicationLogLevel"),
                    ("/system_log_level", "SystemLogLevel"),
                ]),
                "TracingConfig": {"Mode": function["tracing_config"][0]["mode"]},
                "Environment": {"Variables": function["environment"][0]["variables"]},
            }),
        );
        let role = at("aws_iam_role.this");
        add(&format!("{key} trust"), role["assume_role_policy"].clone());
        add(
            &format!("{key} role"),
            picked(role, &[("/name", "name"), ("/description", "text")]),
        );
        let named = [("/name", "PolicyName"), ("/policy", "PolicyDocument")];
        add(
            &format!("{key} policy"),
            picked(at("aws_iam_role_policy.this"), &named),
        );
        let secrets = format!("aws_iam_role_policy.secret_store[\"{key}\"]");
        if let Some(policy) = plan.get(&secrets) {
            add(&format!("{key} secrets"), picked(policy, &named));
        }
        add(
            &format!("{key} log"),
            picked(
                at("aws_cloudwatch_log_group.this"),
                &[
                    ("/name", "name"),
                    ("/retention_in_days", "days"),
                    ("/kms_key_id", "key"),
                ],
            ),
        );
    }
    for (name, address) in [
        ("Key", "aws_kms_key.records"),
        ("SecretsKey", "aws_kms_key.secrets[0]"),
    ] {
        if let Some(key) = plan.get(address) {
            add(
                name,
                picked(
                    key,
                    &[
                        ("/enable_key_rotation", "rotates"),
                        ("/deletion_window_in_days", "days"),
                        ("/policy", "policy"),
                    ],
                ),
            );
        }
    }
    let stream = of("aws_lambda_event_source_mapping.stream");
    add(
        "stream",
        json!({
            "FunctionName": stream["function_name"],
            "EventSourceArn": stream["event_source_arn"],
            "Enabled": stream["enabled"],
            "StartingPosition": stream["starting_position"],
            "BatchSize": stream["batch_size"],
            "ParallelizationFactor": stream["parallelization_factor"],
            "MaximumRetryAttempts": stream["maximum_retry_attempts"],
            "BisectBatchOnFunctionError": stream["bisect_batch_on_function_error"],
            "FunctionResponseTypes": stream["function_response_types"],
            "DestinationConfig": {"OnFailure": {
                "Destination": stream["destination_config"][0]["on_failure"][0]["destination_arn"],
            }},
        }),
    );
    let (rule, target) = (
        of("aws_cloudwatch_event_rule.hours"),
        of("aws_cloudwatch_event_target.hours"),
    );
    assert_eq!(rule["name"], target["rule"]);
    add(
        "hours",
        json!({
            "expression": rule["schedule_expression"],
            "state": rule["state"],
            "text": rule["description"],
            "id": target["target_id"],
            "arn": target["arn"],
            "input": target["input"],
        }),
    );
    add(
        "permission",
        picked(
            of("aws_lambda_permission.hours"),
            &[
                ("/function_name", "FunctionName"),
                ("/action", "Action"),
                ("/principal", "Principal"),
                ("/source_arn", "SourceArn"),
            ],
        ),
    );
    let deliveries = of("aws_lambda_function_event_invoke_config.deliveries");
    add(
        "deliveries",
        json!({
            "FunctionName": deliveries["function_name"],
            "Qualifier": deliveries["qualifier"],
            "MaximumRetryAttempts": deliveries["maximum_retry_attempts"],
            "MaximumEventAgeInSeconds": deliveries["maximum_event_age_in_seconds"],
            "DestinationConfig": {"OnFailure": {
                "Destination": deliveries["destination_config"][0]["on_failure"][0]["destination"],
            }},
        }),
    );
    add(
        "queue",
        picked(
            of("aws_sqs_queue.failures"),
            &[
                ("/kms_master_key_id", "KmsMasterKeyId"),
                (
                    "/kms_data_key_reuse_period_seconds",
                    "KmsDataKeyReusePeriodSeconds",
                ),
                ("/message_retention_seconds", "MessageRetentionPeriod"),
            ],
        ),
    );
    add(
        "queue policy",
        of("aws_sqs_queue_policy.failures")["policy"].clone(),
    );
    for (name, label) in [("audit", "audit"), ("access log", "access_log")] {
        let part = |kind: &str| plan.get(&format!("aws_s3_bucket{kind}.{label}[0]"));
        if part("").is_none() {
            continue;
        }
        let at = |kind: &str| part(kind).unwrap_or_else(|| panic!("no {kind}"));
        add(&format!("{name} policy"), at("_policy")["policy"].clone());
        let public = at("_public_access_block").as_object().unwrap().iter();
        let rules = at("_lifecycle_configuration")["rule"].as_array().unwrap();
        let each = |place: &str| -> Vec<Value> {
            let rules = rules.iter();
            rules
                .map(|rule| rule.pointer(place).cloned().unwrap_or_default())
                .collect()
        };
        add(
            name,
            json!({
                "public": public.filter(|(name, _)| !["id", "bucket"].contains(&name.as_str())).map(|(_, value)| value).collect::<Vec<_>>(),
                "owner": at("_ownership_controls")["rule"][0]["object_ownership"],
                "versions": at("_versioning")["versioning_configuration"][0]["status"],
                "encryption": picked(&at("_server_side_encryption_configuration")["rule"][0], &[
                    ("/bucket_key_enabled", "bucket key"),
                    ("/apply_server_side_encryption_by_default/0/sse_algorithm", "algorithm"),
                    ("/apply_server_side_encryption_by_default/0/kms_master_key_id", "key"),
                ]),
                "lock": picked(part("_object_lock_configuration").unwrap_or(&Value::Null), &[
                    ("/rule/0/default_retention/0/mode", "mode"),
                    ("/rule/0/default_retention/0/days", "days"),
                ]),
                "ends": each("/expiration/0/days"),
                "old versions end": rules[0].pointer("/noncurrent_version_expiration/0/noncurrent_days"),
                "markers end": each("/expiration/0/expired_object_delete_marker"),
                "log": picked(part("_logging").unwrap_or(&Value::Null), &[
                    ("/target_bucket", "bucket"),
                    ("/target_prefix", "prefix"),
                ]),
            }),
        );
    }
    for (address, alarm) in plan {
        if !address.starts_with("aws_cloudwatch_metric_alarm.") {
            continue;
        }
        let dimensions = alarm["dimensions"].as_object().unwrap();
        add(
            &alarm_name(&alarm["metric_name"], dimensions),
            picked(
                alarm,
                &[
                    ("/namespace", "Namespace"),
                    ("/metric_name", "MetricName"),
                    ("/dimensions", "Dimensions"),
                    ("/statistic", "Statistic"),
                    ("/period", "Period"),
                    ("/evaluation_periods", "EvaluationPeriods"),
                    ("/threshold", "Threshold"),
                    ("/comparison_operator", "ComparisonOperator"),
                    ("/treat_missing_data", "TreatMissingData"),
                    ("/alarm_actions", "AlarmActions"),
                ],
            ),
        );
    }
    all
}
