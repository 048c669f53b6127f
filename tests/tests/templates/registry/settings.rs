//! The functions accept what template and module set, and there is nothing else that they could be told.

use std::collections::{BTreeMap, BTreeSet};

use crossaccount_core::ids::RunId;
use crossaccount_core::secrets::SecretLocation;
use crossaccount_core::user::DeletionPolicy;
use crossaccount_lambda::settings::table as shared;
use crossaccount_lambda::settings::table::Variable;
use harness::cloudformation::unresolved;
use jobs::config::{self, ProvisionConfig, ReconcileConfig, table};

use super::{
    Changes, LEAST, MOST, SECRETS_KEY, WITH_HUB, environment, properties, registry, snake,
};
use crate::templates::directory;

const FUNCTIONS: [(&str, &[Variable]); 2] = [
    ("Reconcile", table::RECONCILE),
    ("Provision", table::PROVISION),
];

fn run_id() -> RunId {
    RunId::from(uuid::Uuid::from_u128(1))
}

/// With what Lambda adds.
fn in_lambda(mut environment: BTreeMap<String, String>) -> BTreeMap<String, String> {
    environment.insert(shared::REGION.to_owned(), "eu-central-1".to_owned());
    environment
}

fn reconcile(changes: Changes<'_>) -> ReconcileConfig {
    let environment = environment(&registry(changes), "Reconcile");
    config::reconcile(&in_lambda(environment), run_id()).unwrap()
}

fn provision(changes: Changes<'_>) -> ProvisionConfig {
    let environment = environment(&registry(changes), "Provision");
    config::provision(&in_lambda(environment), run_id()).unwrap()
}

#[test]
fn the_template_sets_exactly_the_variables_that_the_functions_read() {
    let most = registry(&MOST);
    for (function, own) in FUNCTIONS {
        let set: BTreeSet<String> = in_lambda(environment(&most, function))
            .into_keys()
            .collect();
        let read: BTreeSet<String> = shared::VARIABLES
            .iter()
            .chain(own)
            .map(|variable| variable.name.to_owned())
            .collect();
        assert_eq!(set, read, "{function}");
    }
}

#[test]
fn the_functions_accept_what_the_template_sets() {
    let least = reconcile(&[]);
    assert_eq!(least.table, "crossaccount-registry");
    assert_eq!(least.common.deployment_id, "platform");
    assert_eq!(least.removal.policy, DeletionPolicy::Delete);
    let secrets = least.common.shared.secrets.unwrap();
    assert_eq!(secrets.location, SecretLocation::Hub);
    assert_eq!(secrets.kms_key_id.as_str(), SECRETS_KEY);
    assert_eq!(
        least.common.shared.audit.bucket.as_str(),
        "crossaccount-audit-1"
    );
    let most = reconcile(&MOST);
    assert_eq!(most.removal.policy, DeletionPolicy::Quarantine);
    assert!(most.default_account.is_some() && most.removal.force_destroy);
    let boundary = &most.common.defaults["PermissionsBoundary"];
    assert_eq!(
        *boundary,
        "arn:${Partition}:iam::${AccountId}:policy/UserBoundary"
    );

    let least = provision(&[]);
    assert_eq!(least.reports.bucket.as_str(), "crossaccount-audit-1");
    assert_eq!(least.reports.prefix.as_str(), "reports");
    let most = provision(&MOST);
    assert_eq!(most.reports.bucket.as_str(), "reports-of-ours");
    let with_hub = provision(&WITH_HUB);
    assert_eq!(with_hub.reports.bucket.as_str(), "audit-of-the-hub");
    assert_eq!(
        with_hub.common.shared.audit.bucket.as_str(),
        "audit-of-the-hub"
    );
    for changes in [
        [
            ("AllowedAccountIds", "*"),
            ("PermissionsBoundaries", "none"),
        ],
        [("SecretsLocation", "off"), ("Architecture", "arm64")],
        [
            ("SecretsLocation", "member"),
            ("MemberSecretsKeyId", "alias/crossaccount"),
        ],
    ] {
        reconcile(&changes);
        provision(&changes);
    }
}

#[test]
fn defaults_of_the_template_are_those_of_the_functions() {
    let least = registry(&[]);
    let given: BTreeSet<String> = LEAST.iter().map(|(name, _)| snake(name)).collect();
    for (function, own) in FUNCTIONS {
        let set = environment(&least, function);
        for variable in shared::VARIABLES.iter().chain(own) {
            let name = variable.name.replace("CROSSACCOUNT_", "");
            let is_given = given.contains(&name.to_ascii_lowercase());
            if is_given || variable.default.is_empty() || variable.name == shared::ROLE_NAME {
                continue;
            }
            assert_eq!(set[variable.name], variable.default, "{}", variable.name);
        }
        assert_eq!(set[shared::ROLE_NAME], "/CrossAccountUserAdmin");
    }
}

#[test]
fn lambda_lets_every_line_through_and_the_functions_are_told_how_much_to_log() {
    // A line of metrics has no level. Lambda takes it for INFO, and would drop it if it let through no more than WARN.
    let quiet = registry(&[("LogLevel", "WARN")]);
    for (function, _) in FUNCTIONS {
        let logging = &properties(&quiet, function)["LoggingConfig"];
        assert_eq!(logging["ApplicationLogLevel"], "TRACE", "{function}");
        assert_eq!(environment(&quiet, function)[shared::LOG], "WARN");
    }
}

#[test]
fn every_level_of_the_templates_is_one_that_the_functions_know() {
    let mut variables = shared::VARIABLES.iter();
    let log = variables.find(|it| it.name == shared::LOG).unwrap();
    for template in ["hub.yaml", "registry.yaml"] {
        let template = unresolved(&directory().join(template)).unwrap();
        let levels = &template["Parameters"]["LogLevel"]["AllowedValues"];
        for level in crate::templates::texts(levels) {
            let word = format!("`{}`", level.to_ascii_lowercase());
            assert!(log.meaning.contains(&word), "{word}");
        }
    }
}

#[test]
fn the_environment_of_two_hundred_accounts_is_no_larger_than_lambda_takes() {
    let accounts = vec!["222222222222"; 190].join(",");
    let changes = [("AllowedAccountIds", accounts.as_str())];
    let large = registry(&changes);
    for (function, _) in FUNCTIONS {
        let environment = environment(&large, function);
        let bytes: usize = environment.iter().map(|(a, b)| a.len() + b.len()).sum();
        assert!(bytes < 4096, "{function}: {bytes}");
    }
}
