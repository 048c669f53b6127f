//! The audit: one JSON object in S3 before the first write of an operation and one after it.
//!
//! If the first cannot be written, nothing is changed. Objects are created and never replaced, and
//! each names the SHA-256 of the record before it, so that a missing or altered record of a run shows
//! ([`verify_chain`]). A chain cannot show that its newest records are missing: object lock or
//! versioning of the bucket does.
//!
//! No record holds a secret; it names the parameters that do.

mod bucket;
mod chain;
mod record;
mod settings;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use record::{
    Action, Face, Phase, RunContext, SCHEMA_VERSION, Status, Step, StepResult, Subject, Unwritten,
};
pub use settings::{AuditSettings, BucketName, KeyPrefix, KmsKeyId};
pub use verify::{ChainFault, ChainReport, verify_chain};
pub use writer::{Audit, Conclusion, Recording};
