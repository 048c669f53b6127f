//! The audit record: what it says, under names that never change within a schema version.
//!
//! Every field is always present, `null` when there is nothing to say, so that a table over the
//! records needs one definition.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, OperationId, RunId, UserArn, UserName};

/// The version of the record. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Which face works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Face {
    /// The Terraform provider.
    Terraform,
    /// The `CloudFormation` custom resource.
    Cloudformation,
    /// A scheduled, stream or fan-out job.
    Job,
}

/// What all records of one run share.
#[derive(Debug, Clone, Copy)]
pub struct RunContext {
    /// The run.
    pub run_id: RunId,
    /// The face.
    pub face: Face,
}

/// The user that an operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The account of the user.
    pub account_id: AccountId,
    /// The name of the user.
    pub user_name: UserName,
    /// The ARN, when the user exists.
    pub arn: Option<UserArn>,
    /// The unique id (`AIDA…`), when the user exists.
    pub unique_id: Option<String>,
}

/// What an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Create a user.
    CreateUser,
    /// Change a user.
    UpdateUser,
    /// Delete a user.
    DeleteUser,
    /// Change nothing but access keys of a user: make, replace, disable or delete them.
    RotateAccessKey,
    /// Change nothing but the console access of a user.
    ResetPassword,
    /// Take all access from a user and keep it.
    QuarantineUser,
    /// Stop managing a user and keep it as it is.
    ReleaseUser,
}

/// How an operation ended. The spelling is fixed: reports and queries of users depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The object was created.
    Created,
    /// The object existed and was taken over or left as it is.
    Exists,
    /// The object was changed.
    Updated,
    /// The object was deleted.
    Deleted,
    /// A credential was replaced.
    Rotated,
    /// There was nothing to change.
    Unchanged,
    /// The operation failed; what was done before stands in the steps.
    Failed,
}

/// Whether a record was written before or after the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the first write.
    Started,
    /// After the last one.
    Finished,
}

impl Phase {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Finished => "finished",
        }
    }
}

/// How one step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// It was planned; the operation has not begun.
    Planned,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It was not tried, because an earlier step failed.
    Skipped,
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What the step does and to what: `attach policy arn:aws:iam::aws:policy/ReadOnlyAccess`.
    pub name: String,
    /// How it ended.
    pub result: StepResult,
    /// The AWS request ids of its calls.
    pub aws_request_ids: Vec<String>,
    /// The AWS error code of the failure.
    pub error_code: Option<String>,
}

/// A record that could not be written, named by the next record of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwritten {
    /// Its place in the run.
    pub sequence: u64,
    /// The SHA-256 of its bytes in hexadecimal.
    pub sha256: String,
}

/// One record, as it is written.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Record {
    pub(super) schema_version: u32,
    pub(super) phase: Phase,
    pub(super) operation_id: OperationId,
    pub(super) run_id: RunId,
    pub(super) sequence: u64,
    pub(super) previous_sha256: Option<String>,
    pub(super) unwritten: Vec<Unwritten>,
    pub(super) face: Face,
    pub(super) crossaccount_version: &'static str,
    pub(super) caller_arn: String,
    pub(super) account_id: AccountId,
    pub(super) user_name: UserName,
    pub(super) user_arn: Option<String>,
    pub(super) user_unique_id: Option<String>,
    pub(super) action: Action,
    pub(super) status: Option<Status>,
    pub(super) steps: Vec<Step>,
    pub(super) secret_names: Vec<String>,
    pub(super) error_code: Option<String>,
    pub(super) error_message: Option<String>,
    pub(super) started_at: String,
    pub(super) finished_at: Option<String>,
}

/// The part of a record that a verifier looks at.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Link {
    pub(super) schema_version: u32,
    pub(super) phase: Phase,
    pub(super) operation_id: String,
    pub(super) run_id: String,
    pub(super) sequence: u64,
    pub(super) previous_sha256: Option<String>,
    pub(super) unwritten: Vec<Unwritten>,
}
