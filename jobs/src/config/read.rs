//! From the environment to the settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crossaccount_core::audit::{BucketName, KeyPrefix};
use crossaccount_core::ids::{AccountId, RunId};
use crossaccount_core::user::DeletionPolicy;
use crossaccount_lambda::settings::table::AUDIT_BUCKET;
#[cfg(test)]
use crossaccount_lambda::settings::table::Variable;
use crossaccount_lambda::settings::{Reader, Settings, SettingsProblems};
use serde_json::{Map, Value};

use super::{Common, ProvisionConfig, ReconcileConfig, RemovalRules, Reports, table};
use crate::wanted;

/// Reads the settings of `provision`. Pure.
///
/// # Errors
/// Everything that is wrong, at once, with an example for each variable. The external id is never repeated.
pub fn provision(
    environment: &BTreeMap<String, String>,
    run_id: RunId,
) -> Result<ProvisionConfig, SettingsProblems> {
    let mut reader = Reader::new(environment, table::PROVISION);
    let common = common(&mut reader, run_id);
    let bucket: Option<BucketName> = reader.parse(table::REPORT_BUCKET);
    // The bucket of the audit records, unless another one is named; a wrong name is a problem already.
    let bucket = bucket.or_else(|| Some(common.as_ref()?.shared.audit.bucket.clone()));
    let prefix: Option<KeyPrefix> = reader.parse(table::REPORT_PREFIX);
    let reports = bucket
        .zip(prefix)
        .map(|(bucket, prefix)| Reports { bucket, prefix });
    if let (Some(common), Some(reports)) = (&common, &reports) {
        let audit = &common.shared.audit;
        if audit.bucket == reports.bucket && audit.prefix == reports.prefix {
            reader.problem(
                table::REPORT_PREFIX,
                format!("reports must not lie among the audit records in {AUDIT_BUCKET}"),
            );
        }
    }
    let config = common
        .zip(reports)
        .map(|(common, reports)| ProvisionConfig { common, reports });
    reader.end(config)
}

/// Reads the settings of `reconcile`. Pure.
///
/// # Errors
/// As [`provision`].
pub fn reconcile(
    environment: &BTreeMap<String, String>,
    run_id: RunId,
) -> Result<ReconcileConfig, SettingsProblems> {
    let mut reader = Reader::new(environment, table::RECONCILE);
    let common = common(&mut reader, run_id);
    let registry_table = reader.table_name(table::REGISTRY_TABLE);
    let default_account: Option<AccountId> = reader.parse(table::DEFAULT_ACCOUNT_ID);
    if let (Some(common), Some(account_id)) = (&common, &default_account)
        && common.shared.guardrails.accounts.check(account_id).is_err()
    {
        reader.problem(
            table::DEFAULT_ACCOUNT_ID,
            format!("{account_id} is no account that the function may touch"),
        );
    }
    let policy = match reader.text(table::DELETION_POLICY) {
        Some("quarantine") => DeletionPolicy::Quarantine,
        Some("retain") => DeletionPolicy::Retain,
        Some("delete") | None => DeletionPolicy::Delete,
        Some(other) => {
            let message = format!("{other:?} is neither delete nor quarantine nor retain");
            reader.problem(table::DELETION_POLICY, message);
            DeletionPolicy::Retain
        }
    };
    let removal = RemovalRules {
        policy,
        force_destroy: reader.flag(table::FORCE_DESTROY),
        per_hour: reader.number(table::MAX_REMOVALS, 0..=10_000),
        percent: reader.number(table::MAX_REMOVAL_PERCENT, 1..=100),
    };
    let lease = reader.number(table::LEASE_SECONDS, 1..=900);
    let config = common
        .zip(registry_table)
        .map(|(common, table)| ReconcileConfig {
            common,
            table,
            default_account,
            removal,
            lease: Duration::from_secs(lease.into()),
        });
    reader.end(config)
}

fn common(reader: &mut Reader<'_>, run_id: RunId) -> Option<Common> {
    let shared = Settings::read(reader, run_id);
    let deployment_id = deployment_id(reader);
    let defaults = defaults(reader);
    let accounts_at_once = at_once(reader, table::ACCOUNTS_AT_ONCE, 256);
    let users_at_once = at_once(reader, table::USERS_AT_ONCE, 64);
    Some(Common {
        shared: shared?,
        deployment_id: deployment_id?,
        defaults: defaults?,
        accounts_at_once,
        users_at_once,
    })
}

fn at_once(reader: &mut Reader<'_>, name: &str, most: u32) -> usize {
    usize::try_from(reader.number(name, 1..=most)).unwrap_or(1)
}

/// A part of a tag value: without a slash, which stands between it and the name of the function.
fn deployment_id(reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(table::DEPLOYMENT_ID)?;
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        return Some(text.to_owned());
    }
    let message = format!("{text:?} is no deployment id: 1 to 64 letters, digits and _.-");
    reader.problem(table::DEPLOYMENT_ID, message);
    None
}

fn defaults(reader: &mut Reader<'_>) -> Option<Map<String, Value>> {
    let text = reader.text(table::DEFAULT_PROPERTIES)?;
    let wrong = match serde_json::from_str(text) {
        Ok(Value::Object(defaults)) => match wanted::check_defaults(&defaults) {
            Ok(()) => return Some(defaults),
            Err(problem) => problem,
        },
        Ok(_) => "it is no JSON object".to_owned(),
        Err(error) => format!("it is no JSON: {error}"),
    };
    reader.problem(table::DEFAULT_PROPERTIES, wrong);
    None
}

/// All variables of a function.
#[cfg(test)]
pub(crate) fn all(own: &'static [Variable]) -> impl Iterator<Item = &'static Variable> {
    crossaccount_lambda::settings::table::VARIABLES
        .iter()
        .chain(own)
}
