//! All end-to-end tests, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed test may panic, and tests start tasks and look at the clock"
)]

mod examples;
mod member_role;
mod standin;
