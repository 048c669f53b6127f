//! The harness of the end-to-end tests and of the demo: an AWS stand-in, a world of accounts in it,
//! the member role template as CloudFormation reads it, and the real Terraform CLI.
//!
//! It stays inside this repository: no published crate depends on it.

#![allow(
    clippy::disallowed_methods,
    reason = "the harness finds tools in the environment, starts servers and looks at the clock; \
              nothing of it is in the product"
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a failed test may panic"
    )
)]

mod cargo;
pub mod cloudformation;
pub mod demo;
pub mod python;
pub mod standin;
pub mod terraform;

pub use standin::{Account, Fault, FaultKind, StandIn, World, WorldOptions};
pub use terraform::{Terraform, TerraformOutput};
