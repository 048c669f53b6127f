//! Console passwords: what the account asks of them, and making them.
//!
//! What this module deliberately does not do: keep them ([`crate::secrets`]) and decide when a new
//! one is due.

mod generate;
mod policy;

pub use generate::generate;
pub use policy::{DEFAULT_LENGTH, PasswordLength, PasswordPolicy, effective_length};
