//! All end-to-end tests, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::format_collect,
    reason = "a failed test may panic; tests start tasks, look at the clock, and print how many cases they ran"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    reason = "a test reads better with values written in place and a story told in one piece"
)]

mod bench_server;
mod cloudformation;
mod docs;
mod event_source;
mod examples;
mod iam_user;
mod jobs;
mod ledger;
mod member_role;
mod package;
mod parity;
mod standin;
mod templates;
mod terraform_cli;
