//! The settings that all functions have, read once from the environment.
//!
//! [`table`] lists the variables once: what is read, what an unknown one is compared with, and what the reference says
//! all come from there. A function adds a table of its own. Nothing here reads the environment itself, or calls anything.

mod problems;
mod read;
pub mod reference;
mod shared;
pub mod table;
#[cfg(test)]
mod tests;

pub use problems::{SettingsProblem, SettingsProblems};
pub use read::Reader;
pub use shared::Settings;
