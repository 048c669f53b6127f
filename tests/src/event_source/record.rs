//! Records as Lambda hands them to a function.

use std::collections::HashMap;

use anyhow::{Context, Result};
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// A record of a stream, and its number.
#[derive(Debug, Clone)]
pub(super) struct StreamRecord {
    pub(super) sequence_number: String,
    /// Seconds since 1970.
    pub(super) created: i64,
    pub(super) event: Value,
}

/// Translates a record of the streams API into the form of Lambda's events.
///
/// # Errors
/// When the stream left out what every record has.
pub(super) fn translate(record: &Record, stream_arn: &str) -> Result<StreamRecord> {
    let change = record.dynamodb().context("a record without a change")?;
    let number = change.sequence_number().context("a record has no number")?;
    let created = change
        .approximate_creation_date_time()
        .context("a record has no time")?
        .secs();
    let mut dynamodb = json!({
        "ApproximateCreationDateTime": created,
        "Keys": image(change.keys().context("a record without keys")?),
        "SequenceNumber": number,
        "SizeBytes": change.size_bytes().unwrap_or_default(),
        "StreamViewType": change.stream_view_type().map(ToString::to_string),
    });
    for (name, value) in [
        ("NewImage", change.new_image()),
        ("OldImage", change.old_image()),
    ] {
        if let Some(value) = value {
            dynamodb[name] = image(value);
        }
    }
    let mut event = json!({
        "eventID": record.event_id(),
        "eventName": record.event_name().map(ToString::to_string),
        "eventVersion": record.event_version(),
        "eventSource": record.event_source(),
        "awsRegion": record.aws_region(),
        "dynamodb": dynamodb,
        "eventSourceARN": stream_arn,
    });
    if let Some(identity) = record.user_identity() {
        event["userIdentity"] =
            json!({"type": identity.r#type(), "principalId": identity.principal_id()});
    }
    Ok(StreamRecord {
        sequence_number: number.to_owned(),
        created,
        event,
    })
}

fn image(attributes: &HashMap<String, AttributeValue>) -> Value {
    let fields = attributes
        .iter()
        .map(|(name, value)| (name.clone(), typed(value)));
    fields.collect::<Map<_, _>>().into()
}

/// A value in the JSON of `DynamoDB`.
fn typed(value: &AttributeValue) -> Value {
    let encoded = |bytes: &aws_sdk_dynamodbstreams::primitives::Blob| STANDARD.encode(bytes);
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::B(bytes) => json!({"B": encoded(bytes)}),
        AttributeValue::Bool(flag) => json!({"BOOL": flag}),
        AttributeValue::Null(flag) => json!({"NULL": flag}),
        AttributeValue::Ss(texts) => json!({"SS": texts}),
        AttributeValue::Ns(numbers) => json!({"NS": numbers}),
        AttributeValue::Bs(all) => json!({"BS": all.iter().map(encoded).collect::<Vec<_>>()}),
        AttributeValue::L(values) => json!({"L": values.iter().map(typed).collect::<Vec<_>>()}),
        AttributeValue::M(fields) => json!({"M": image(fields)}),
        other => json!({"unknown": format!("{other:?}")}),
    }
}
