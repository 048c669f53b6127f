//! The settings of the function, read once from its environment.
//!
//! [`table`] lists the variables once: what is read, what an unknown one is compared with, and what the reference says
//! all come from there. Nothing here reads the environment itself, or calls anything.

mod read;
pub mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crossaccount_lambda::settings::Settings;

use crate::stack_accounts::StackAccounts;

pub use read::read;

/// The settings of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every function is told.
    pub shared: Settings,
    /// The accounts whose stacks may use the function.
    pub stack_accounts: StackAccounts,
    /// The table of the ledger.
    pub ledger_table: String,
    /// How long one request of a resource may work before another takes over.
    pub lease: Duration,
    /// How long a Delete looks for a user that a Create may have made a moment ago, and that IAM does not show yet.
    pub patience: Duration,
}
