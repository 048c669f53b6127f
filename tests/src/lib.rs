//! The harness of the end-to-end tests and of the demo.

pub mod cloudformation;
