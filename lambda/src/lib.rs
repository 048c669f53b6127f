//! What the Lambda functions of crossaccount share: the one behind the CloudFormation custom resource, and the jobs.
//!
//! In reading order:
//! - [`settings`]: variables of the environment, each once in a table, and one reader that tells everything that is wrong;
//! - [`properties`]: a user as people write it, in a template, a row of the registry or an event, as types of the core;
//! - [`guardrails`]: what whoever writes that may ask for;
//! - [`hub`]: from settings to clients: one HTTP client, sessions, `DynamoDB`;
//! - [`spelling`]: errors of the core in the words of properties and variables;
//! - [`runtime`], [`deadline`], [`process`], [`logging`]: the loop of events, their time, the process and its log.
//!
//! This crate knows neither CloudFormation's protocol nor the registry, and reads no environment by itself.

pub mod deadline;
pub mod guardrails;
pub mod hub;
pub mod logging;
pub mod nearest;
pub mod process;
pub mod properties;
pub mod runtime;
pub mod settings;
pub mod spelling;
