//! The function of the hub: its environment is what the handler reads, and Lambda treats it well.

use std::collections::{BTreeMap, BTreeSet};

use cfn_handler::config::{self, Config, table};
use crossaccount_core::ids::RunId;
use crossaccount_core::secrets::SecretLocation;
use crossaccount_lambda::settings::table as shared;
use harness::cloudformation::Template;
use serde_json::{Value, json};

use super::{LEAST, MOST, directory, hub, properties};

/// The environment that Lambda gives to the function.
fn environment(template: &Template) -> BTreeMap<String, String> {
    let variables = &properties(template, "Function")["Environment"]["Variables"];
    let mut environment: BTreeMap<_, _> = variables
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), value)
        })
        .collect();
    environment.insert("AWS_REGION".to_owned(), "eu-central-1".to_owned());
    environment
}

fn config(changes: &[(&str, &str)]) -> Config {
    let run_id = RunId::from(uuid::Uuid::from_u128(1));
    config::read(&environment(&hub(changes)), run_id).unwrap()
}

#[test]
fn the_template_sets_exactly_the_variables_that_the_handler_reads() {
    let set: BTreeSet<String> = environment(&hub(&MOST)).into_keys().collect();
    let read: BTreeSet<String> = table::variables()
        .map(|variable| variable.name.to_owned())
        .collect();
    assert_eq!(set, read);
}

#[test]
fn the_handler_accepts_what_the_template_sets() {
    let least = config(&[]);
    assert_eq!(least.ledger_table, "ledger-table");
    assert_eq!(least.shared.audit.bucket.as_str(), "audit-bucket");
    let secrets = least.shared.secrets.unwrap();
    assert_eq!(secrets.location, SecretLocation::Hub);
    assert_eq!(
        secrets.kms_key_id.as_str(),
        "arn:aws:kms:eu-central-1:111111111111:key/secrets"
    );
    config(&MOST);
    config(&[("MemberRolePath", "/ops/")]);
    config(&[
        ("AllowedAccountIds", "*"),
        ("PermissionsBoundaries", "none"),
    ]);
}

#[test]
fn secrets_are_where_the_template_says() {
    assert!(
        config(&[("SecretsLocation", "off")])
            .shared
            .secrets
            .is_none()
    );
    let member = [
        ("SecretsLocation", "member"),
        ("MemberSecretsKeyId", "alias/crossaccount"),
    ];
    let secrets = config(&member).shared.secrets.unwrap();
    assert_eq!(secrets.location, SecretLocation::Member);
    assert_eq!(secrets.kms_key_id.as_str(), "alias/crossaccount");
    let key = "arn:aws:kms:eu-central-1:111111111111:key/of-mine";
    let secrets = config(&[("SecretsKeyArn", key)]).shared.secrets.unwrap();
    assert_eq!(secrets.kms_key_id.as_str(), key);
}

#[test]
fn defaults_of_the_template_are_those_of_the_handler() {
    let set = environment(&hub(&[]));
    for variable in table::variables() {
        let given = LEAST.iter().any(|(name, _)| {
            variable.name.replace("CROSSACCOUNT_", "").replace('_', "") == name.to_ascii_uppercase()
        });
        if given || variable.default.is_empty() || variable.name == shared::ROLE_NAME {
            continue;
        }
        assert_eq!(set[variable.name], variable.default, "{}", variable.name);
    }
    assert_eq!(set[shared::ROLE_NAME], "/CrossAccountUserAdmin");
}

#[test]
fn lambda_runs_few_at_a_time_and_delivers_while_the_stack_waits() {
    let hub = hub(&[]);
    let function = properties(&hub, "Function");
    assert_eq!(function["ReservedConcurrentExecutions"], "10");
    assert_eq!(function["Runtime"], "provided.al2023");
    assert_eq!(function["Handler"], harness::package::archive::BOOTSTRAP);
    assert_eq!(function["Architectures"], json!(["x86_64"]));
    assert_eq!(
        function["KmsKeyArn"],
        "arn:aws:kms:eu-central-1:111111111111:key/records"
    );
    assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON");
    assert_eq!(function["LoggingConfig"]["LogGroup"], "LogGroup");
    let deliveries = properties(&hub, "Deliveries");
    assert_eq!(deliveries["MaximumRetryAttempts"], 2);
    assert_eq!(
        deliveries["DestinationConfig"]["OnFailure"]["Destination"],
        "FailureQueue.Arn"
    );
}

#[test]
fn a_reservation_of_zero_is_none() {
    let none = hub(&[("ReservedConcurrency", "0")]);
    let function = properties(&none, "Function");
    assert_eq!(function.get("ReservedConcurrentExecutions"), None);
}

#[test]
fn lambda_lets_every_line_through_and_the_handler_is_told_how_much_to_log() {
    let quiet = hub(&[("LogLevel", "WARN")]);
    let logging = &properties(&quiet, "Function")["LoggingConfig"];
    assert_eq!(logging["ApplicationLogLevel"], "TRACE");
    assert_eq!(environment(&quiet)[shared::LOG], "WARN");
}

#[test]
fn both_architectures_are_packaged_under_the_names_that_the_template_takes() {
    let text = std::fs::read_to_string(directory().join("hub.yaml")).unwrap();
    for architecture in [
        harness::package::Architecture::X86_64,
        harness::package::Architecture::Arm64,
    ] {
        let name = architecture.name();
        assert!(text.contains(&format!("AllowedValues: [x86_64, {name}]")) || name == "x86_64");
        let hub = hub(&[("Architecture", name)]);
        assert_eq!(properties(&hub, "Function")["Architectures"], json!([name]));
    }
}

#[test]
fn a_schedule_asks_for_the_rotation_of_keys() {
    let hub = hub(&[]);
    let rule = properties(&hub, "Rotations");
    assert_eq!(rule["ScheduleExpression"], "rate(6 hours)");
    assert_eq!(rule["Targets"][0]["Arn"], "Function.Arn");
    assert_eq!(
        rule["Targets"][0]["Input"],
        r#"{"Job": "RotateAccessKeys"}"#
    );
    let permission = properties(&hub, "RotationsPermission");
    assert_eq!(permission["Principal"], "events.amazonaws.com");
    assert_eq!(permission["SourceArn"], "Rotations.Arn");
    // With one, EventBridge could not invoke the function.
    assert_eq!(permission["SourceAccount"], Value::Null);
}
