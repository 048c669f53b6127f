//! Tests of the settings of this function; those of all functions are in `crossaccount_lambda`.

use std::collections::BTreeMap;
use std::time::Duration;

use crossaccount_core::ids::RunId;
use crossaccount_lambda::settings::SettingsProblems;

use super::table::variables;
use super::{Config, read};

/// The least that must be set.
const LEAST: [(&str, &str); 7] = [
    ("AWS_REGION", "eu-central-1"),
    ("CROSSACCOUNT_LEDGER_TABLE", "ledger"),
    ("CROSSACCOUNT_AUDIT_BUCKET", "audit"),
    ("CROSSACCOUNT_EXTERNAL_ID", "agreed"),
    ("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", "222222222222"),
    ("CROSSACCOUNT_USER_PATH_PREFIX", "/cfn/"),
    (
        "CROSSACCOUNT_PERMISSIONS_BOUNDARIES",
        "arn:aws:iam::*:policy/Boundary",
    ),
];

fn reading(more: &[(&str, &str)]) -> Result<Config, SettingsProblems> {
    let all = LEAST.iter().chain(more);
    let environment: BTreeMap<String, String> = all
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    read(&environment, RunId::random())
}

#[test]
fn the_least_allows_the_least() {
    let config = reading(&[]).unwrap();
    assert!(config.stack_accounts.allowed.is_empty());
    assert_eq!(
        config.stack_accounts.partition,
        config.shared.guardrails.partition
    );
    assert!(!config.shared.guardrails.force_destroy);
    assert_eq!(config.ledger_table, "ledger");
    assert_eq!(config.lease, Duration::from_secs(20));
    assert_eq!(config.patience, Duration::from_secs(20));
}

#[test]
fn every_variable_is_read() {
    let values: Vec<(&str, &str)> = variables()
        .map(|variable| (variable.name, variable.example))
        .collect();
    let config = reading(&values).unwrap();
    assert_eq!(
        config.stack_accounts.allowed,
        ["111111111111".parse().unwrap()].into()
    );
    assert!(config.shared.guardrails.force_destroy);
    assert_eq!(config.ledger_table, "crossaccount-ledger");
    assert_eq!(config.lease, Duration::from_secs(30));
    assert_eq!(config.patience, Duration::from_secs(30));
}

#[rstest::rstest]
#[case("CROSSACCOUNT_ALLOWED_STACK_ACCOUNT_IDS", "*", "12 digits")]
#[case("CROSSACCOUNT_ALLOW_FORCE_DESTROY", "1", "neither true nor false")]
#[case("CROSSACCOUNT_LEDGER_TABLE", "a", "no table name")]
#[case("CROSSACCOUNT_LEASE_SECONDS", "0", "from 1 to 900")]
#[case("CROSSACCOUNT_PATIENCE_SECONDS", "121", "from 0 to 120")]
fn a_wrong_value_is_told_with_its_variable(
    #[case] name: &str,
    #[case] value: &str,
    #[case] reason: &str,
) {
    let problems = reading(&[(name, value)]).unwrap_err();
    let wrong: Vec<&str> = problems
        .iter()
        .map(|problem| problem.variable.as_str())
        .collect();
    assert_eq!(wrong, [name], "{problems}");
    assert!(problems.to_string().contains(reason), "{problems}");
}
