//! What the registry keeps, when its functions run, and what raises an alarm.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use harness::cloudformation::{template, unresolved};
use serde_json::{Value, json};

use super::{
    KNOWN, MOST, QUEUE, RECONCILE, RECORDS_KEY, WITH_HUB, parameters, properties, registry,
};
use crate::templates::{assert_records_end_in_time, directory, kept, statement};

#[test]
fn the_table_has_the_key_the_stream_and_the_end_of_life_that_the_function_expects() {
    let least = registry(&[]);
    let table = properties(&least, "Table");
    assert_eq!(
        table["KeySchema"],
        json!([
            {"AttributeName": "UserName", "KeyType": "HASH"},
            {"AttributeName": "AccountId", "KeyType": "RANGE"},
        ])
    );
    assert_eq!(
        table["StreamSpecification"],
        json!({"StreamViewType": "NEW_AND_OLD_IMAGES"})
    );
    assert_eq!(
        table["TimeToLiveSpecification"],
        json!({"AttributeName": "ExpiresAt", "Enabled": true})
    );
    let narrow = registry(&[("RowKey", "UserName")]);
    let table = properties(&narrow, "Table");
    for list in ["KeySchema", "AttributeDefinitions"] {
        let [only] = &table[list].as_array().unwrap()[..] else {
            panic!("{}", table[list]);
        };
        assert_eq!(only["AttributeName"], "UserName");
    }
}

#[test]
fn everything_that_is_kept_is_encrypted_and_outlives_the_stack() {
    let least = registry(&[]);
    assert_eq!(
        kept(&least, "Retain"),
        [
            "AccessLogBucket",
            "AccessLogBucketPolicy",
            "AuditBucket",
            "AuditBucketPolicy",
            "FailureQueuePolicy",
            "Table",
        ]
    );
    // Those with fixed names, and those that hold nothing when a first deployment fails.
    assert_eq!(
        kept(&least, "RetainExceptOnCreate"),
        [
            "FailureQueue",
            "Key",
            "ProvisionLogGroup",
            "ReconcileLogGroup",
            "SecretsKey",
        ]
    );
    let table = properties(&least, "Table");
    assert_eq!(
        table["SSESpecification"],
        json!({"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": RECORDS_KEY})
    );
    assert_eq!(table["DeletionProtectionEnabled"], true);
    assert_eq!(
        table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    assert_eq!(
        properties(&least, "FailureQueue")["KmsMasterKeyId"],
        RECORDS_KEY
    );
    let queue = &properties(&least, "FailureQueuePolicy")["PolicyDocument"];
    assert_eq!(
        statement(queue, "TlsOnly")["Condition"],
        json!({"Bool": {"aws:SecureTransport": "false"}})
    );
    for function in ["Reconcile", "Provision"] {
        let log_group = properties(&least, &format!("{function}LogGroup"));
        assert_eq!(log_group["KmsKeyId"], RECORDS_KEY);
        assert_eq!(log_group["RetentionInDays"], "400");
        let function = properties(&least, function);
        assert_eq!(function["KmsKeyArn"], RECORDS_KEY);
        assert_eq!(function["Runtime"], "provided.al2023");
        assert_eq!(function["Handler"], harness::package::archive::BOOTSTRAP);
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON");
        assert_eq!(function["TracingConfig"]["Mode"], "Active");
    }
}

#[test]
fn the_table_is_made_last_so_that_a_first_deployment_that_fails_leaves_none() {
    // It is protected from deletion, so a roll-back could not remove it, and its name would be taken.
    let path = directory().join("registry.yaml");
    let resources = &unresolved(&path).unwrap()["Resources"];
    for name in [
        "Deliveries",
        "FailureQueuePolicy",
        "HoursPermission",
        "Provision",
    ] {
        let before = resources["Table"]["DependsOn"].as_array().unwrap();
        assert!(before.contains(&json!(name)), "{name}");
    }
    for (name, resource) in resources.as_object().unwrap() {
        let refers = ["\"Table\"", "\"Table.", "${Table}", "${Table."]
            .iter()
            .any(|reference| resource.to_string().contains(reference));
        assert_eq!(refers, name == "Stream", "{name}");
    }
}

#[test]
fn a_reservation_of_zero_is_none_and_never_switches_a_function_off() {
    let least = registry(&[]);
    let none = registry(&[("ReconcileConcurrency", "0"), ("ProvisionConcurrency", "0")]);
    for (function, reserved) in [("Reconcile", "5"), ("Provision", "2")] {
        let of = |template| properties(template, function).get("ReservedConcurrentExecutions");
        assert_eq!(of(&least), Some(&json!(reserved)));
        assert_eq!(of(&none), None);
        let parameter = format!("{function}Concurrency");
        for other in ["00", "-1", "0.0", ""] {
            let changes = [(parameter.as_str(), other)];
            let path = directory().join("registry.yaml");
            assert!(template(&path, &parameters(&changes), &KNOWN).is_err());
        }
    }
}

#[test]
fn the_audit_bucket_is_that_of_the_hub_or_one_of_its_own() {
    let buckets = [
        "AuditBucket",
        "AuditBucketPolicy",
        "AccessLogBucket",
        "AccessLogBucketPolicy",
    ];
    let own = registry(&[]);
    let with_hub = registry(&WITH_HUB);
    for name in buckets {
        assert!(own.resources.contains_key(name), "{name}");
        assert!(!with_hub.resources.contains_key(name), "{name}");
    }
    let policy = &properties(&own, "AuditBucketPolicy")["PolicyDocument"];
    assert_eq!(
        statement(policy, "OnlyTheFunctionsWrite")["Condition"]["ArnNotLike"]["aws:PrincipalArn"],
        json!([
            "arn:aws:iam::111111111111:role/crossaccount-reconcile",
            "arn:aws:iam::111111111111:role/crossaccount-provision"
        ])
    );
    // The other half of the agreement with hub.yaml: it lets both write, in a list that it has a parameter for.
    let hub = crate::templates::hub(&[(
        "OtherAuditWriterArns",
        "arn:aws:iam::111111111111:role/crossaccount-reconcile,arn:aws:iam::111111111111:role/crossaccount-provision",
    )]);
    let policy = &properties(&hub, "AuditBucketPolicy")["PolicyDocument"];
    let writers = &statement(policy, "OnlyTheFunctionWrites")["Condition"]["ArnNotLike"];
    assert_eq!(
        writers["aws:PrincipalArn"].as_array().unwrap().len(),
        3,
        "{writers}"
    );
}

#[test]
fn records_and_reports_are_written_as_the_policy_of_the_bucket_wants() {
    // The policy denies whatever could overwrite, so both kinds of objects are only ever created.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in ["core/src/audit/bucket.rs", "jobs/src/provision/report.rs"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let puts = text.matches(".put_object()").count();
        assert_eq!(puts, 1, "{file}");
        assert!(text.contains(".if_none_match(\"*\")"), "{file}");
    }
}

#[test]
fn records_and_reports_end_with_their_retention() {
    assert_records_end_in_time(&registry(&[]));
}

#[test]
fn changes_of_rows_reach_the_function_and_failures_the_queue() {
    let least = registry(&[]);
    assert_eq!(
        *properties(&least, "Stream"),
        json!({
            "FunctionName": "crossaccount-reconcile",
            "EventSourceArn": "arn:aws:dynamodb:eu-central-1:111111111111:table/crossaccount-registry/stream/1",
            "Enabled": true,
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 25,
            "ParallelizationFactor": 1,
            "MaximumRetryAttempts": 10,
            "BisectBatchOnFunctionError": true,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
        })
    );
    let deliveries = properties(&least, "Deliveries");
    assert_eq!(
        deliveries["DestinationConfig"]["OnFailure"]["Destination"],
        QUEUE
    );
}

#[test]
fn a_schedule_asks_for_everything_and_can_be_switched_off() {
    let least = registry(&[]);
    let rule = properties(&least, "Hours");
    assert_eq!(rule["ScheduleExpression"], "rate(1 hour)");
    assert_eq!(rule["State"], "ENABLED");
    assert_eq!(rule["Targets"][0]["Arn"], RECONCILE);
    let input: Value = serde_json::from_str(rule["Targets"][0]["Input"].as_str().unwrap()).unwrap();
    assert_eq!(input, json!({"Job": "Reconcile"}));
    let permission = properties(&least, "HoursPermission");
    assert_eq!(permission["Principal"], "events.amazonaws.com");
    assert_eq!(
        permission["SourceArn"],
        "arn:aws:events:eu-central-1:111111111111:rule/crossaccount-reconcile-hours"
    );
    // With one, EventBridge could not invoke the function.
    assert_eq!(permission["SourceAccount"], Value::Null);
    let still = registry(&[("Active", "false")]);
    assert_eq!(properties(&still, "Hours")["State"], "DISABLED");
    assert_eq!(properties(&still, "Stream")["Enabled"], false);
}

#[test]
fn a_schedule_that_does_not_run_raises_an_alarm_unless_it_is_switched_off() {
    let given = registry(&[("ScheduleAlarmHours", "26")]);
    let alarm = properties(&given, "HoursMissedAlarm");
    assert_eq!(
        (&alarm["Period"], &alarm["Threshold"]),
        (&json!(3600), &json!(1))
    );
    assert_eq!(alarm["EvaluationPeriods"], "26");
    let still = registry(&[("Active", "false")]);
    assert!(!still.resources.contains_key("HoursMissedAlarm"));
}

#[test]
fn there_is_an_alarm_for_everything_that_keeps_a_user_from_being_as_its_row_says() {
    let most = registry(&[&MOST[..], &[("Active", "true")]].concat());
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for resource in most.resources.values() {
        if resource["Type"] != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let alarm = &resource["Properties"];
        // A schedule that does not run has nothing to tell: there the absence is the alarm.
        let (missing, operator) = match alarm["MetricName"].as_str() {
            Some("ScheduledRuns") => ("breaching", "LessThanThreshold"),
            _ => ("notBreaching", "GreaterThanThreshold"),
        };
        assert_eq!(alarm["TreatMissingData"], missing);
        assert_eq!(alarm["ComparisonOperator"], operator);
        assert_eq!(
            alarm["AlarmActions"],
            json!(["arn:aws:sns:eu-central-1:111111111111:alarms"])
        );
        let dimensions = alarm["Dimensions"].as_array().unwrap().iter();
        let dimensions: Vec<String> = dimensions
            .map(|one| [&one["Name"], &one["Value"]].map(|text| text.as_str().unwrap()))
            .map(|[name, value]| format!("{name}={value}"))
            .collect();
        let namespace = alarm["Namespace"].as_str().unwrap();
        let of = format!("{namespace} {}", dimensions.join(" "));
        let metric = alarm["MetricName"].as_str().unwrap().to_owned();
        metrics.entry(of).or_default().insert(metric);
    }
    let expected = [
        (
            "AWS/Lambda FunctionName=crossaccount-provision",
            vec!["Errors"],
        ),
        (
            "AWS/Lambda FunctionName=crossaccount-reconcile",
            vec![
                "DestinationDeliveryFailures",
                "Errors",
                "IteratorAge",
                "Throttles",
            ],
        ),
        (
            "AWS/SQS QueueName=crossaccount-reconcile-failures",
            vec!["ApproximateNumberOfMessagesVisible"],
        ),
        (
            "CrossAccount Function=provision DeploymentId=platform",
            vec!["ReportsFailed"],
        ),
        (
            "CrossAccount Function=reconcile DeploymentId=platform",
            vec![
                "AccountsFailed",
                "Postponed",
                "RemovalsRefused",
                "ScheduledRuns",
                "UsersFailed",
            ],
        ),
    ];
    let expected: BTreeMap<String, BTreeSet<String>> = expected
        .into_iter()
        .map(|(of, names)| {
            let names = names.into_iter().map(str::to_owned).collect();
            (of.to_owned(), names)
        })
        .collect();
    assert_eq!(metrics, expected);
    assert_eq!(jobs::metrics::NAMESPACE, "CrossAccount");
    assert_eq!(jobs::metrics::DIMENSIONS, ["Function", "DeploymentId"]);
    // One refused removal, or one user that failed, is enough.
    assert_eq!(properties(&most, "RemovalsRefusedAlarm")["Threshold"], 0);
}

#[test]
fn the_alarms_are_about_metrics_that_the_functions_write() {
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs/src");
    let written = |file: &str| std::fs::read_to_string(jobs.join(file)).unwrap();
    for metric in ["Postponed", "UsersFailed"] {
        assert!(written("metrics.rs").contains(&format!("\"{metric}\"")));
    }
    for file in ["reconcile/schedule.rs", "reconcile/stream.rs"] {
        for metric in ["AccountsFailed", "RemovalsRefused", "ScheduledRuns"] {
            assert!(written(file).contains(&format!("\"{metric}\"")), "{file}");
        }
    }
    assert!(written("provision/mod.rs").contains("\"ReportsFailed\""));
}
