//! The settings of the jobs, read once from the environment. [`table`] lists the variables once.

mod read;
pub mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crossaccount_core::audit::{BucketName, KeyPrefix};
use crossaccount_core::ids::AccountId;
use crossaccount_core::user::DeletionPolicy;
use crossaccount_lambda::settings::Settings;
use serde_json::{Map, Value};

#[cfg(test)]
pub(crate) use read::all;
pub use read::{provision, reconcile};

/// What both jobs are told.
#[derive(Debug, Clone)]
pub struct Common {
    /// What every function is told.
    pub shared: Settings,
    /// Whose users these are: the second half of the ownership tag.
    pub deployment_id: String,
    /// The properties that count where nobody says otherwise.
    pub defaults: Map<String, Value>,
    /// In how many accounts work goes on at the same time.
    pub accounts_at_once: usize,
    /// On how many users of an account.
    pub users_at_once: usize,
}

/// The settings of `provision`.
#[derive(Debug, Clone)]
pub struct ProvisionConfig {
    /// What both jobs are told.
    pub common: Common,
    /// Where the reports of its runs go.
    pub reports: Reports,
}

/// Where reports go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// The bucket.
    pub bucket: BucketName,
    /// What all object keys begin with.
    pub prefix: KeyPrefix,
}

/// The settings of `reconcile`.
#[derive(Debug, Clone)]
pub struct ReconcileConfig {
    /// What both jobs are told.
    pub common: Common,
    /// The registry table.
    pub table: String,
    /// The account of rows that name none.
    pub default_account: Option<AccountId>,
    /// What happens to a user whose row goes.
    pub removal: RemovalRules,
    /// How long work on a user may be silent before somebody else takes over.
    pub lease: Duration,
}

/// What happens to users whose rows go, and to how many at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovalRules {
    /// Delete, quarantine or retain.
    pub policy: DeletionPolicy,
    /// Whether things that the registry could not have given go with the user.
    pub force_destroy: bool,
    /// How many users are removed within one hour, by all runs together.
    pub per_hour: u32,
    /// Which share of the registry's users one run of the schedule may remove, in percent.
    pub percent: u32,
}
