//! The contract between CloudFormation and a custom resource: one request in, exactly one answer out.
//!
//! Nothing here knows IAM, AWS SDKs or the core. The rules are those of the AWS documentation of custom resources
//! (`crpg-ref`), and of what went wrong elsewhere.

pub mod answer;
pub mod request;
pub mod resource;
