//! Audit records as a table.

use anyhow::{Context, Result};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

use crate::World;

/// All records of the audit bucket, in the order of their time.
pub(super) async fn records(world: &World) -> Result<Vec<Value>> {
    let (s3, bucket) = (world.s3(), world.audit_bucket());
    let mut records = Vec::new();
    let mut pages = s3.list_objects_v2().bucket(bucket).into_paginator().send();
    while let Some(page) = pages.next().await {
        for object in page?.contents() {
            let key = object.key().context("an object without a key")?;
            let body = s3.get_object().bucket(bucket).key(key).send().await?;
            let bytes = body.body.collect().await?.into_bytes();
            let record = serde_json::from_slice(&bytes);
            records.push(record.with_context(|| format!("{key} is not JSON"))?);
        }
    }
    records.sort_by_cached_key(|record: &Value| record["sequence"].as_u64());
    records.sort_by_cached_key(|record: &Value| record["started_at"].to_string());
    Ok(records)
}

/// One line for each operation that has ended.
pub(super) fn show(records: &[Value]) {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["time", "account", "user", "action", "status", "steps"]);
    for record in records.iter().filter(|record| record["phase"] == "finished") {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let steps = record["steps"].as_array().into_iter().flatten();
        let steps: Vec<String> = steps
            .filter_map(|step| step["name"].as_str())
            .map(|step| step.trim_start_matches("iam:").to_owned())
            .collect();
        table.add_row([
            text("started_at"),
            text("account_id"),
            text("user_name"),
            text("action"),
            text("status"),
            steps.join("\n"),
        ]);
    }
    println!("{table}");
}
