//! The jobs, end to end: the real binaries behind a real Runtime API, with roles of their own, against the stand-in.

mod provision;
mod schedule;

use harness::{Fault, FaultKind};
use serde_json::Value;

/// The rows of an answer as (account, user, status).
fn rows(answer: &Value) -> Vec<(&str, &str, &str)> {
    let rows = answer["rows"].as_array().unwrap();
    let mut found: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["account_id"].as_str().unwrap(),
                row["user_name"].as_str().unwrap(),
                row["status"].as_str().unwrap(),
            )
        })
        .collect();
    found.sort_unstable();
    found
}

/// AWS denies a call.
fn denied(action: &str) -> Fault {
    let kind = FaultKind::HttpError {
        status: 403,
        code: "AccessDenied".to_owned(),
    };
    Fault::new(kind, action)
}
