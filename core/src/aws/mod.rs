//! What every AWS call has in common: what its errors mean, and waiting until IAM shows what was
//! just written.
//!
//! Nothing here retries a failed call: that is the SDK's part, and it is configured in one place.

mod classify;
mod settle;

pub use aws_types::request_id::RequestId;

pub use classify::{
    classify, is_credential_failure, is_settling, is_user_missing, may_have_committed,
};
pub use settle::{SettleLimits, settle};
