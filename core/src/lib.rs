//! Everything that crossaccount knows about AWS and about IAM users, independent of the face
//! (Terraform, CloudFormation, Lambda jobs) that asks for it.
//!
//! Modules in reading order:
//! * [`ids`]: validated names, account ids and ARNs;
//! * [`error`]: the one error type, and what a reader can do about each kind;
//! * [`clock`] and [`secret`]: time as an argument, and text that is never shown;
//! * [`permissions`]: which AWS permission each feature needs, and the policies that follow from it;
//! * [`aws`]: what the errors of AWS mean, and waiting until IAM shows what was written;
//! * [`session`]: the hub, and clients for (account, read or write);
//! * [`password`]: console passwords and what an account asks of them;
//! * [`secrets`]: where credentials are kept, and what can be known of them without reading them;
//! * [`audit`]: the record before and after every operation;
//! * [`user`]: what is wanted of a user, what exists, the difference, and the operations.
//!
//! This crate reads no environment variable, prints nothing, and knows neither protobuf nor Lambda.

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a failed test may panic, and tests start tasks and look at the clock"
    )
)]

pub mod audit;
pub mod aws;
pub mod clock;
pub mod error;
pub mod ids;
pub mod password;
pub mod permissions;
pub mod secret;
pub mod secrets;
pub mod session;
#[cfg(test)]
mod testing;
pub mod user;

pub use error::{AwsFailure, Error, ErrorKind};
