//! The Terraform face of crossaccount: plugin transport, value codec, schemas and resources.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed test may panic"
    )
)]

pub mod environment;
pub mod logging;
pub mod plugin;
