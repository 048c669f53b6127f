//! The harness of the end-to-end tests and of the demo: an AWS stand-in, a world of accounts in it,
//! the member role template as CloudFormation reads it, the real Terraform CLI, Lambda and CloudFormation
//! as a function and a stack see them, the mapping of a stream to a function, the packaged function,
//! and a small server for the benchmark.
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

mod accounts;
pub mod bench_server;
mod cargo;
pub mod cloudformation;
pub mod demo;
pub mod event_source;
pub mod jobs;
pub mod lambda;
pub mod leaks;
pub mod package;
pub mod python;
pub mod standin;
pub mod stub_providers;
pub mod terraform;

pub use cargo::{provider_binary, provider_directory, target_directory};
pub use standin::{Account, Fault, FaultKind, KMS_ALIAS, StandIn, World, WorldOptions};
pub use stub_providers::StubProvider;
pub use terraform::{Terraform, TerraformOutput};
