//! The harness of the end-to-end tests and of the demo: an AWS stand-in, a world of accounts in it,
//! and the real Terraform CLI.
//!
//! It stays inside this repository: no published crate depends on it.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a failed test may panic"
    )
)]

mod cargo;
pub mod standin;
pub mod terraform;

pub use standin::{Account, Fault, FaultKind, StandIn, World, WorldOptions};
pub use terraform::{Terraform, TerraformOutput};
