//! The CloudFormation custom resource `Custom::CrossAccountIamUser`, as a Lambda function.
//!
//! In reading order:
//! - [`protocol`]: the contract between CloudFormation and any custom resource. Knows no IAM.
//! - [`config`]: the settings of the function, read once from its environment.
//! - [`stack_accounts`]: whose stacks may use the function.
//! - [`physical_id`], [`owner`]: what identifies a user to CloudFormation, and what proves whose it is.
//! - [`ledger`]: the order of requests, across processes.
//! - [`lifecycle`]: Create, Update and Delete, on top of the core.
//! - [`start`]: from settings to a handler.
//! - [`runtime`]: the process.
//!
//! Properties of a user, guardrails and the log are those of all functions: `crossaccount_lambda`.

pub mod config;
pub mod ledger;
pub mod lifecycle;
pub mod owner;
pub mod physical_id;
pub mod protocol;
#[cfg(test)]
mod reference;
pub mod runtime;
pub mod stack_accounts;
pub mod start;
