//! Terraform provider for IAM users in many AWS accounts.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a failed test may panic"
    )
)]

pub mod framework;
pub mod schema;
pub mod value;
