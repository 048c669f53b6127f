//! The harness of the end-to-end tests and of the demo: an AWS stand-in, a world of accounts in it,
//! the member role template as CloudFormation reads it, and the real Terraform CLI.
//!
//! It stays inside this repository: no published crate depends on it.

mod cargo;
pub mod cloudformation;
pub mod python;
pub mod standin;
pub mod terraform;

pub use standin::{Account, Fault, FaultKind, StandIn, World, WorldOptions};
pub use terraform::{Terraform, TerraformOutput};
