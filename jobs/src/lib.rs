//! Lambda jobs: provisioning on a call, and a registry of users in `DynamoDB`.
//!
//! In reading order:
//! - [`config`]: the settings of each function, read once from its environment;
//! - [`wanted`]: what is wanted of one user: defaults, what somebody wrote, placeholders;
//! - [`run`]: one invocation: its sessions, its audit, its time;
//! - [`tend`]: one user is brought to what is wanted, or removed;
//! - [`rows`]: what became of one user, as answers, reports and tables show it;
//! - [`provision`]: the function that makes users in many accounts on a call;
//! - [`registry`]: the table, its rows and their results, leases and the removal budget;
//! - [`reconcile`]: the function that keeps accounts as the table says;
//! - [`metrics`]: the embedded metric format;
//! - [`function`], [`shell`]: the process, in Lambda and in a shell.
//!
//! Everything about AWS users is in `crossaccount_core`: the jobs decide whom to look at, and when.

pub mod config;
pub mod function;
pub mod metrics;
pub mod provision;
pub mod reconcile;
#[cfg(test)]
mod reference;
pub mod registry;
pub mod rows;
pub mod run;
pub mod shell;
pub mod tend;
pub mod wanted;
