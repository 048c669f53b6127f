//! Everything that crossaccount knows about AWS and about IAM users, independent of the face
//! (Terraform, CloudFormation, Lambda jobs) that asks for it.
//!
//! Modules in reading order:
//! * [`ids`]: validated names, account ids and ARNs;
//! * [`error`]: the one error type, and what a reader can do about each kind;
//! * [`permissions`]: which AWS permission each feature needs, and the policies that follow from it;
//!
//! This crate reads no environment variable, prints nothing, and knows neither protobuf nor Lambda.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a failed test may panic"
    )
)]

pub mod error;
pub mod ids;
pub mod permissions;

pub use error::{AwsFailure, Error, ErrorKind};
