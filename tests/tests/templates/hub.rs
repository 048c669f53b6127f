//! What the hub keeps: audit records, the ledger, logs, failed requests, and the alarms about them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{MOST, assert_records_end_in_time, hub, kept, properties, statement};

const KEY: &str = "arn:aws:kms:eu-central-1:111111111111:key/records";

#[test]
fn everything_that_is_kept_is_encrypted_with_the_key_of_the_hub() {
    let hub = hub(&[]);
    assert_eq!(properties(&hub, "LogGroup")["KmsKeyId"], KEY);
    assert_eq!(properties(&hub, "FailureQueue")["KmsMasterKeyId"], KEY);
    assert_eq!(
        properties(&hub, "LedgerTable")["SSESpecification"],
        json!({"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": KEY})
    );
    let encryption = &properties(&hub, "AuditBucket")["BucketEncryption"];
    assert_eq!(
        encryption["ServerSideEncryptionConfiguration"],
        json!([{
            "BucketKeyEnabled": true,
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        }])
    );
}

#[test]
fn deleting_the_stack_deletes_no_record() {
    let hub = hub(&[]);
    assert_eq!(
        kept(&hub, "Retain"),
        [
            "AccessLogBucket",
            "AccessLogBucketPolicy",
            "AuditBucket",
            "AuditBucketPolicy",
            "FailureQueuePolicy",
            "LedgerTable",
        ]
    );
    // Those with fixed names, and those that hold nothing when a first deployment fails.
    assert_eq!(
        kept(&hub, "RetainExceptOnCreate"),
        ["FailureQueue", "Key", "LogGroup", "SecretsKey"]
    );
    let table = properties(&hub, "LedgerTable");
    assert_eq!(table["DeletionProtectionEnabled"], true);
    assert_eq!(
        table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
}

#[test]
fn the_ledger_has_the_key_and_the_end_of_life_that_the_handler_writes() {
    let hub = hub(&[]);
    let table = properties(&hub, "LedgerTable");
    assert_eq!(
        table["KeySchema"],
        json!([{"AttributeName": "Key", "KeyType": "HASH"}])
    );
    assert_eq!(
        table["AttributeDefinitions"],
        json!([{"AttributeName": "Key", "AttributeType": "S"}])
    );
    assert_eq!(
        table["TimeToLiveSpecification"],
        json!({"AttributeName": "ExpiresAt", "Enabled": true})
    );
}

#[test]
fn audit_records_are_written_once_by_the_function_and_never_deleted() {
    let hub = hub(&[]);
    let policy = &properties(&hub, "AuditBucketPolicy")["PolicyDocument"];
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Deny");
        assert_eq!(statement["Principal"], "*");
    }
    let condition = |sid: &str| &statement(policy, sid)["Condition"];
    assert_eq!(
        *condition("TlsOnly"),
        json!({"Bool": {"aws:SecureTransport": "false"}})
    );
    assert_eq!(
        *condition("ModernTlsOnly"),
        json!({"NumericLessThan": {"s3:TlsVersion": "1.2"}})
    );
    assert_eq!(
        *condition("NobodyOverwrites"),
        json!({"Null": {"s3:if-none-match": "true"}})
    );
    assert_eq!(
        *condition("OnlyTheFunctionWrites"),
        json!({"ArnNotLike": {"aws:PrincipalArn": ["FunctionRole.Arn"]}})
    );
    assert_eq!(*condition("NobodyDeletes"), Value::Null);
    assert_eq!(
        statement(policy, "NobodyDeletes")["Action"],
        json!([
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:BypassGovernanceRetention"
        ])
    );
    assert_eq!(
        condition("NoOtherKey")["StringNotEqualsIfExists"]["s3:x-amz-server-side-encryption-aws-kms-key-id"],
        KEY
    );
    for bucket in ["AuditBucket", "AccessLogBucket"] {
        let bucket = properties(&hub, bucket);
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
        assert_eq!(
            bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
            "BucketOwnerEnforced"
        );
        let public = bucket["PublicAccessBlockConfiguration"]
            .as_object()
            .unwrap();
        assert!(public.len() == 4 && public.values().all(|blocked| *blocked == true));
    }
    assert_eq!(
        properties(&hub, "AuditBucket")["LoggingConfiguration"]["DestinationBucketName"],
        "AccessLogBucket"
    );
}

#[test]
fn what_is_optional_about_the_records_appears_when_it_is_asked_for() {
    let least = hub(&[]);
    let bucket = properties(&least, "AuditBucket");
    assert_eq!(bucket.get("ObjectLockEnabled"), None);
    assert_eq!(bucket.get("ObjectLockConfiguration"), None);
    let most = hub(&MOST);
    let bucket = properties(&most, "AuditBucket");
    assert_eq!(bucket["ObjectLockEnabled"], true);
    assert_eq!(
        bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"],
        json!({"Mode": "GOVERNANCE", "Days": "365"})
    );
    let policy = &properties(&most, "AuditBucketPolicy")["PolicyDocument"];
    assert_eq!(
        statement(policy, "OnlyTheFunctionWrites")["Condition"]["ArnNotLike"]["aws:PrincipalArn"],
        json!([
            "FunctionRole.Arn",
            "arn:aws:iam::111111111111:role/terraform"
        ])
    );
}

#[test]
fn failed_requests_are_sent_by_the_function_and_read_by_operators() {
    let least = hub(&[]);
    let policy = &properties(&least, "FailureQueuePolicy")["PolicyDocument"];
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 2);
    assert_eq!(statement(policy, "TlsOnly")["Effect"], "Deny");
    assert_eq!(
        statement(policy, "OnlyTheFunctionSends")["Condition"],
        json!({"ArnNotEquals": {"aws:PrincipalArn": "FunctionRole.Arn"}})
    );
    let most = hub(&MOST);
    let policy = &properties(&most, "FailureQueuePolicy")["PolicyDocument"];
    assert_eq!(
        statement(policy, "OnlyOperatorsRead")["Condition"],
        json!({"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::111111111111:role/operators/*"]}})
    );
}

#[test]
fn records_end_with_their_retention() {
    assert_records_end_in_time(&hub(&[]));
}

#[test]
fn log_lines_end_some_day() {
    assert_eq!(properties(&hub(&[]), "LogGroup")["RetentionInDays"], "400");
}

#[test]
fn there_is_an_alarm_for_everything_that_leaves_a_stack_or_a_key_waiting() {
    let hub = hub(&MOST);
    let mut metrics = BTreeSet::new();
    for resource in hub.resources.values() {
        if resource["Type"] != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let alarm = &resource["Properties"];
        assert_eq!(alarm["TreatMissingData"], "notBreaching");
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
        assert_eq!(
            alarm["AlarmActions"],
            json!(["arn:aws:sns:eu-central-1:111111111111:alarms"])
        );
        let single = alarm["MetricName"].as_str();
        let of_expression = alarm["Metrics"][1]["MetricStat"]["Metric"]["MetricName"].as_str();
        metrics.insert(single.or(of_expression).unwrap().to_owned());
    }
    let expected = [
        "AnswerNotDelivered",
        "ApproximateNumberOfMessagesVisible",
        "AsyncEventAge",
        "AsyncEventsDropped",
        "DestinationDeliveryFailures",
        "Duration",
        "Errors",
        "FailedInvocations",
        "Throttles",
    ];
    assert_eq!(metrics, BTreeSet::from(expected.map(str::to_owned)));
    assert_eq!(
        properties(&hub, "RotationsFailedAlarm")["Dimensions"],
        json!([{"Name": "RuleName", "Value": "Rotations"}])
    );
    // Milliseconds through seconds through ten are percent.
    let duration = properties(&hub, "DurationAlarm");
    assert_eq!(duration["Metrics"][0]["Expression"], "duration / 300 / 10");
    assert_eq!(duration["Threshold"], 80);
}
