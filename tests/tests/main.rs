//! All end-to-end tests, in one binary.

mod examples;
mod member_role;
mod standin;
