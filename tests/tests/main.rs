//! All end-to-end tests, in one binary.

mod standin;
mod terraform_cli;
