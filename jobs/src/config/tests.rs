//! Tests of the settings of the jobs; those of all functions are in `crossaccount_lambda`.

use std::collections::BTreeMap;
use std::time::Duration;

use crossaccount_core::ids::RunId;
use crossaccount_core::user::DeletionPolicy;
use crossaccount_lambda::settings::SettingsProblems;
use serde_json::json;

use super::table::{PROVISION, RECONCILE};
use super::{ProvisionConfig, ReconcileConfig, all, provision, reconcile};

/// The least that must be set, the last one for `reconcile` alone.
const LEAST: [(&str, &str); 8] = [
    ("AWS_REGION", "eu-central-1"),
    ("CROSSACCOUNT_AUDIT_BUCKET", "audit"),
    ("CROSSACCOUNT_EXTERNAL_ID", "agreed"),
    ("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", "222222222222"),
    ("CROSSACCOUNT_USER_PATH_PREFIX", "/people/"),
    ("CROSSACCOUNT_PERMISSIONS_BOUNDARIES", "none"),
    ("CROSSACCOUNT_DEPLOYMENT_ID", "platform"),
    ("CROSSACCOUNT_REGISTRY_TABLE", "registry"),
];

fn environment(least: usize, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let all = LEAST.iter().take(least).chain(more);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn provisioning(more: &[(&str, &str)]) -> Result<ProvisionConfig, SettingsProblems> {
    provision(&environment(7, more), RunId::random())
}

fn reconciling(more: &[(&str, &str)]) -> Result<ReconcileConfig, SettingsProblems> {
    reconcile(&environment(8, more), RunId::random())
}

fn names(problems: &SettingsProblems) -> Vec<&str> {
    problems
        .iter()
        .map(|problem| problem.variable.as_str())
        .collect()
}

#[test]
fn the_least_gives_what_the_systems_gave_that_this_replaces() {
    let config = provisioning(&[]).unwrap();
    assert_eq!(config.common.deployment_id, "platform");
    assert_eq!(config.common.accounts_at_once, 16);
    assert_eq!(config.common.users_at_once, 8);
    assert_eq!(
        config.common.defaults["ManagedPolicyArns"],
        json!([
            "arn:${Partition}:iam::aws:policy/AmazonEC2FullAccess",
            "arn:${Partition}:iam::aws:policy/CloudWatchFullAccessV2"
        ])
    );
    assert_eq!(config.common.defaults["ConsoleAccess"], json!({}));
    assert_eq!(config.reports.bucket.as_str(), "audit");
    assert_eq!(config.reports.prefix.as_str(), "reports");

    let config = reconciling(&[]).unwrap();
    assert_eq!(config.common.defaults["AccessKey"], json!({}));
    assert_eq!(config.table, "registry");
    assert_eq!(config.default_account, None);
    assert_eq!(config.removal.policy, DeletionPolicy::Delete);
    assert!(!config.removal.force_destroy);
    assert_eq!((config.removal.per_hour, config.removal.percent), (10, 20));
    assert_eq!(config.lease, Duration::from_secs(20));
}

#[test]
fn every_variable_is_read() {
    let examples = |own| {
        let all = all(own).map(|variable| (variable.name, variable.example));
        all.collect::<Vec<_>>()
    };
    let config = provisioning(&examples(PROVISION)).unwrap();
    assert_eq!(config.common.accounts_at_once, 32);
    assert_eq!(config.common.users_at_once, 4);
    assert_eq!(config.common.defaults.len(), 2);
    assert_eq!(
        config.reports.bucket.as_str(),
        "crossaccount-reports-111111111111"
    );
    assert_eq!(config.reports.prefix.as_str(), "reports/provision");

    let config = reconciling(&examples(RECONCILE)).unwrap();
    assert_eq!(config.table, "crossaccount-registry");
    assert_eq!(
        config.default_account,
        Some("222222222222".parse().unwrap())
    );
    assert_eq!(config.removal.policy, DeletionPolicy::Quarantine);
    assert!(config.removal.force_destroy);
    assert_eq!((config.removal.per_hour, config.removal.percent), (25, 50));
    assert_eq!(config.lease, Duration::from_secs(30));
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let problems = reconcile(&BTreeMap::new(), RunId::random()).unwrap_err();
    let mut missing = names(&problems);
    missing.sort_unstable();
    let mut required = LEAST.map(|(name, _)| name);
    required.sort_unstable();
    assert_eq!(missing, required);
}

#[rstest::rstest]
#[case("CROSSACCOUNT_DEPLOYMENT_ID", "a/b", "no deployment id")]
#[case("CROSSACCOUNT_ACCOUNTS_AT_ONCE", "0", "from 1 to 256")]
#[case("CROSSACCOUNT_USERS_AT_ONCE", "65", "from 1 to 64")]
#[case("CROSSACCOUNT_REGISTRY_TABLE", "a b", "no table name")]
#[case("CROSSACCOUNT_DEFAULT_ACCOUNT_ID", "2222", "12 digits")]
#[case("CROSSACCOUNT_DEFAULT_ACCOUNT_ID", "333333333333", "may touch")]
#[case("CROSSACCOUNT_DELETION_POLICY", "Delete", "neither delete nor")]
#[case("CROSSACCOUNT_FORCE_DESTROY", "yes", "neither true nor false")]
#[case("CROSSACCOUNT_MAX_REMOVALS", "-1", "from 0 to 10000")]
#[case("CROSSACCOUNT_MAX_REMOVAL_PERCENT", "0", "from 1 to 100")]
#[case("CROSSACCOUNT_LEASE_SECONDS", "901", "from 1 to 900")]
#[case("CROSSACCOUNT_DEFAULT_PROPERTIES", "[]", "no JSON object")]
#[case("CROSSACCOUNT_DEFAULT_PROPERTIES", "{", "no JSON")]
#[case(
    "CROSSACCOUNT_DEFAULT_PROPERTIES",
    r#"{"Group": []}"#,
    "Groups may be meant"
)]
#[case(
    "CROSSACCOUNT_DEFAULT_PROPERTIES",
    r#"{"UserName": "x"}"#,
    "says who a user is"
)]
#[case(
    "CROSSACCOUNT_DEFAULT_PROPERTIES",
    r#"{"ForceDestroy": true}"#,
    "CROSSACCOUNT_FORCE_DESTROY"
)]
#[case("CROSSACCOUNT_REPORT_BUCKET", "reports", "there is no such variable")]
fn a_wrong_value_is_told_with_its_variable(
    #[case] name: &str,
    #[case] value: &str,
    #[case] reason: &str,
) {
    let problems = reconciling(&[(name, value)]).unwrap_err();
    assert_eq!(names(&problems), [name], "{problems}");
    assert!(problems.to_string().contains(reason), "{problems}");
}

#[rstest::rstest]
#[case("CROSSACCOUNT_REPORT_BUCKET", "s3://reports", "give the name alone")]
#[case(
    "CROSSACCOUNT_REPORT_PREFIX",
    "crossaccount",
    "among the audit records"
)]
#[case("CROSSACCOUNT_MAX_REMOVALS", "10", "there is no such variable")]
fn a_wrong_value_of_provision_is_told_with_its_variable(
    #[case] name: &str,
    #[case] value: &str,
    #[case] reason: &str,
) {
    let problems = provisioning(&[(name, value)]).unwrap_err();
    assert_eq!(names(&problems), [name], "{problems}");
    assert!(problems.to_string().contains(reason), "{problems}");
}
