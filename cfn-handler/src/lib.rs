//! The CloudFormation custom resource `Custom::CrossAccountIamUser`, as a Lambda function.
//!
//! In reading order:
//! - [`protocol`]: the contract between CloudFormation and any custom resource. Knows no IAM.
//! - [`config`]: the settings of the function, read once from its environment.
//! - [`properties`]: what users write in a template, as types of the core.
//! - [`guardrails`]: what whoever writes a template may ask for.
//! - [`physical_id`], [`owner`]: what identifies a user to CloudFormation, and what proves whose it is.
//! - [`ledger`]: the order of requests, across processes.
//! - [`lifecycle`]: Create, Update and Delete, on top of the core.
//! - [`start`]: from settings to a handler.
//! - [`runtime`], [`logging`]: the process and its log.

pub mod config;
pub mod guardrails;
pub mod ledger;
pub mod lifecycle;
pub mod logging;
mod nearest;
pub mod owner;
pub mod physical_id;
pub mod properties;
pub mod protocol;
#[cfg(test)]
mod reference;
pub mod runtime;
pub mod start;
