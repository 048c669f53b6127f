//! What the log of calls and the audit bucket say about a case: nothing was written without a record, the records tell
//! what was done, and no user was without its boundary.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use harness::standin::Call;
use serde::Deserialize;

use super::{Case, is_write};

/// The parts of an audit record that are looked at.
#[derive(Debug, Deserialize)]
struct Record {
    phase: String,
    operation_id: String,
    run_id: String,
    status: Option<String>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    name: String,
    result: String,
    aws_request_ids: Vec<String>,
}

pub(super) async fn check(case: &Case) -> Result<()> {
    let calls = case.calls().await?;
    let records = records(case).await?;
    let writes: Vec<&Call> = calls
        .iter()
        .filter(|call| call.committed && is_write(&call.action))
        .collect();
    nothing_is_written_before_its_record(&writes, &records)?;
    records_tell_what_was_written(&writes, &records)?;
    for call in &writes {
        let parameters = call.parameters.to_string();
        ensure!(
            !parameters.contains("mallory"),
            "{} touched the stranger",
            call.action
        );
        if call.action == "iam:CreateUser" {
            ensure!(
                parameters.contains(":policy/"),
                "a user was created without its boundary: {parameters}"
            );
        }
        ensure!(
            call.action != "iam:DeleteUserPermissionsBoundary",
            "a boundary was taken off"
        );
    }
    Ok(())
}

/// IAM has room for two keys: nobody asks for a third.
pub(super) async fn check_quota(case: &Case) -> Result<()> {
    for call in case.calls().await? {
        let asked = call.error_code.as_deref() == Some("LimitExceeded");
        ensure!(!asked, "{} asked for more than IAM allows", call.action);
    }
    Ok(())
}

fn nothing_is_written_before_its_record(writes: &[&Call], records: &[Record]) -> Result<()> {
    let started: BTreeSet<&str> = records.iter().map(|it| it.run_id.as_str()).collect();
    let mut recording = false;
    for call in writes {
        let parameters = call.parameters.to_string();
        match call.action.split_once(':') {
            Some(("s3", _)) => recording |= parameters.contains(".started.json"),
            // Sessions with a member account carry the run in their name.
            Some(("iam", _)) => ensure!(
                started.contains(run(call)),
                "{} of run {} is not recorded",
                call.action,
                run(call)
            ),
            _ => ensure!(recording, "{} came before any record", call.action),
        }
    }
    Ok(())
}

/// Runs that came to their end have told every call that was answered, and how each step ended.
fn records_tell_what_was_written(writes: &[&Call], records: &[Record]) -> Result<()> {
    let of_phase = |phase: &'static str| records.iter().filter(move |it| it.phase == phase);
    let finished: BTreeSet<&str> = of_phase("finished")
        .map(|it| it.operation_id.as_str())
        .collect();
    let unfinished: BTreeSet<&str> = of_phase("started")
        .filter(|it| !finished.contains(it.operation_id.as_str()))
        .map(|it| it.run_id.as_str())
        .collect();
    for record in of_phase("finished") {
        let failed = record.status.as_deref() == Some("Failed");
        for step in &record.steps {
            let expected: &[_] = if failed {
                &["done", "failed", "skipped"]
            } else {
                &["done"]
            };
            ensure!(
                expected.contains(&step.result.as_str()),
                "{:?}: {} is {}",
                record.status,
                step.name,
                step.result
            );
        }
    }
    let told: BTreeSet<&str> = of_phase("finished")
        .flat_map(|record| &record.steps)
        .flat_map(|step| step.aws_request_ids.iter().map(String::as_str))
        .collect();
    for call in writes.iter().filter(|call| call.fault.is_none()) {
        let dead = match call.action.split_once(':') {
            Some(("iam", _)) => unfinished.contains(run(call)),
            // The hub's calls do not say of which run they are.
            Some(("ssm", _)) => !unfinished.is_empty(),
            _ => true,
        };
        ensure!(
            dead || told.contains(call.request_id.as_str()),
            "no finished record tells {} {}",
            call.action,
            call.parameters
        );
    }
    Ok(())
}

fn run(call: &Call) -> &str {
    call.session_name
        .strip_prefix("crossaccount-")
        .unwrap_or_default()
}

async fn records(case: &Case) -> Result<Vec<Record>> {
    let (s3, bucket) = (case.world.s3(), case.world.audit_bucket());
    let mut records = Vec::new();
    for object in s3.list_objects_v2().bucket(bucket).send().await?.contents() {
        let key = object.key().unwrap_or_default();
        let body = s3.get_object().bucket(bucket).key(key).send().await?.body;
        records.push(serde_json::from_slice(&body.collect().await?.into_bytes())?);
    }
    Ok(records)
}
