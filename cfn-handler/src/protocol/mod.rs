//! The contract between CloudFormation and a custom resource: one request in, exactly one answer out.
//!
//! Nothing here knows IAM, AWS SDKs or the core. The rules are those of the AWS documentation of custom resources
//! (`crpg-ref`), and of what went wrong elsewhere.
//!
//! In the order of an invocation:
//! - [`request`], [`response_url`]: what CloudFormation asks, and where it waits for the answer.
//! - [`resource`]: what a kind of custom resource has to be able to do.
//! - [`answer`]: its reply in the form that CloudFormation takes.
//! - [`delivery`]: the answer on its way.
//! - [`invocation`]: all of this together.

pub mod answer;
pub mod delivery;
pub mod invocation;
pub mod request;
pub mod resource;
pub mod response_url;
#[cfg(test)]
mod testing;
