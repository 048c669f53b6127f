//! All end-to-end tests, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed test may panic"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    reason = "a test reads better with values written in place and a story told in one piece"
)]

mod standin;
mod terraform_cli;
