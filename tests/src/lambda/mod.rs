//! AWS Lambda on this machine, as far as a function can tell: the real binary behind a real Runtime API.
//!
//! A [`Function`] starts one process per execution environment, keeps it warm and frozen between invocations, starts
//! another one when invocations overlap, kills it at its deadline, and delivers asynchronous events up to three times.
//! What is left out: throttling, layers and extensions, the pauses between deliveries (they are made at once), and the
//! ten minutes after which an idle environment goes away.

mod binary;
mod environment;
mod function;
mod runtime_api;
pub(crate) mod server;

pub use binary::{handler_binary, job_binary};
pub use function::{DeadlineHeader, Function, FunctionOptions, Invocation};
pub use runtime_api::Outcome;
