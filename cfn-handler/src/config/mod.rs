//! The settings of the function, read once from its environment.
//!
//! [`table`] lists the variables once: what is read, what an unknown one is compared with, and what the reference says
//! all come from there. Nothing here reads the environment itself, or calls anything.

mod read;
pub mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use crossaccount_core::audit::AuditSettings;
use crossaccount_core::secrets::SecretsSettings;
use crossaccount_core::session::SessionSettings;

use crate::guardrails::Guardrails;

pub use read::read;

/// The settings of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// How sessions with member accounts are opened; the endpoints are left at their default.
    pub sessions: SessionSettings,
    /// What whoever writes a template may ask for.
    pub guardrails: Guardrails,
    /// Where operations are recorded.
    pub audit: AuditSettings,
    /// Where secrets are kept; without it no credentials are made.
    pub secrets: Option<SecretsSettings>,
    /// The table of the ledger.
    pub ledger_table: String,
    /// How long one request of a resource may work before another takes over.
    pub lease: Duration,
    /// How long a Delete looks for a user that a Create may have made a moment ago, and that IAM does not show yet.
    pub patience: Duration,
}

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigProblems(Vec<ConfigProblem>);

/// One thing that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The variable.
    pub variable: String,
    /// What is wrong, and an example: a sentence without its point.
    pub message: String,
}

impl ConfigProblems {
    /// The problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigProblem> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("The environment of the function is not valid.")?;
        for ConfigProblem { variable, message } in &self.0 {
            write!(formatter, " {variable}: {message}.")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigProblems {}
