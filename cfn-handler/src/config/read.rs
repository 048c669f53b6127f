//! From the environment to the settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crossaccount_core::ids::{AccountId, RunId};
use crossaccount_lambda::settings::{Reader, Settings, SettingsProblems};

use super::{Config, table};
use crate::stack_accounts::StackAccounts;

/// Reads the settings from the environment of the function, given as a whole. A variable that is set to nothing counts as
/// not set. `run_id` stands in the names of sessions. Pure.
///
/// # Errors
/// Everything that is wrong, at once, with an example for each variable. The external id is never repeated.
pub fn read(
    environment: &BTreeMap<String, String>,
    run_id: RunId,
) -> Result<Config, SettingsProblems> {
    let mut reader = Reader::new(environment, table::OWN);
    let shared = Settings::read(&mut reader, run_id);
    let stack_accounts: Vec<AccountId> = reader.list(table::ALLOWED_STACK_ACCOUNT_IDS);
    let force_destroy = reader.flag(crossaccount_lambda::settings::table::ALLOW_FORCE_DESTROY);
    let ledger_table = reader.table_name(table::LEDGER_TABLE);
    let lease = reader.number(table::LEASE_SECONDS, 1..=900);
    let patience = reader.number(table::PATIENCE_SECONDS, 0..=120);
    let config = shared.zip(ledger_table).map(|(mut shared, ledger_table)| {
        shared.guardrails.force_destroy = force_destroy;
        Config {
            stack_accounts: StackAccounts {
                partition: shared.guardrails.partition,
                allowed: stack_accounts.into_iter().collect(),
            },
            shared,
            ledger_table,
            lease: Duration::from_secs(lease.into()),
            patience: Duration::from_secs(patience.into()),
        }
    });
    reader.end(config)
}
