//! The Terraform face of crossaccount.
//!
//! Modules from the outside in:
//! * [`plugin`], [`environment`], [`logging`], `panics`: the process that Terraform starts and talks to;
//! * [`framework`]: what any provider must do, and the server that does it;
//! * [`schema`] and [`value`]: what users can write, and the values that travel;
//! * [`crossaccount`]: this provider, its resources, data sources and functions.

// The futures of AWS calls are nested deeper than the compiler looks by default.
#![recursion_limit = "256"]
#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed test may panic, and tests start tasks and look at the clock"
    )
)]

pub mod crossaccount;
pub mod environment;
pub mod framework;
pub mod logging;
mod panics;
pub mod plugin;
pub mod schema;
pub mod value;
