//! What the function is asked: a batch of the stream, or the schedule.

use serde_json::Value;

use crate::registry::{RegistryRow, RowKey, StreamImage, stream_image};
use crate::tend::Mode;

/// What an event asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// To follow these changes of rows.
    Stream(Vec<StreamRecord>),
    /// To bring everything to what the table says, or to show what would be done.
    Schedule(Mode),
}

/// One change of a row, as far as it is of use: what to do is decided on the row as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRecord {
    /// Its number: what a failure is reported by.
    pub sequence_number: String,
    /// The row. `None`: the record is of no registry, and nothing can ever be done about it.
    pub key: Option<RowKey>,
    /// The row after the change, where the stream has it.
    pub new: Option<RegistryRow>,
    /// The row before the change, where the stream has it.
    pub old: Option<RegistryRow>,
}

const KNOWN: &str = "a batch of a DynamoDB stream, {\"Job\": \"Reconcile\"} with or without \"DryRun\": true, or a scheduled \
                     event of EventBridge";

/// Reads an event: a batch of a `DynamoDB` stream, `{"Job": "Reconcile", "DryRun": false}`, or what `EventBridge` sends when
/// a schedule has no input of its own. Pure.
///
/// # Errors
/// When it is something else.
pub(super) fn read(event: &str) -> Result<Asked, String> {
    let unknown = |what: &str| Err(format!("{what}; the function knows {KNOWN}"));
    let event: Value = match serde_json::from_str(event) {
        Ok(event) => event,
        Err(error) => return unknown(&format!("the event is no JSON ({error})")),
    };
    if let Some(records) = event["Records"].as_array() {
        return match records.iter().map(record).collect() {
            Some(records) => Ok(Asked::Stream(records)),
            None => unknown("the records of the event are of no DynamoDB stream"),
        };
    }
    if event["source"] == "aws.events" && event["detail-type"] == "Scheduled Event" {
        return Ok(Asked::Schedule(Mode::Apply));
    }
    let Some("Reconcile") = event["Job"].as_str() else {
        return unknown("the event asks for nothing that is known");
    };
    let mut names = event
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys());
    if let Some(name) = names.find(|name| !["Job", "DryRun"].contains(&name.as_str())) {
        return unknown(&format!("the event has {name:?}, which means nothing"));
    }
    match &event["DryRun"] {
        Value::Null | Value::Bool(false) => Ok(Asked::Schedule(Mode::Apply)),
        Value::Bool(true) => Ok(Asked::Schedule(Mode::DryRun)),
        // A dry run that is not understood must not become a real one.
        other => unknown(&format!("DryRun is {other}, and neither true nor false")),
    }
}

/// `None`: it is no record of a `DynamoDB` stream, and has no number by which a failure could be reported.
fn record(record: &Value) -> Option<StreamRecord> {
    if record["eventSource"] != "aws:dynamodb" {
        return None;
    }
    let change = &record["dynamodb"];
    let keys: Option<StreamImage> = stream_image(&change["Keys"]);
    let key = keys.as_ref().and_then(RowKey::of_image);
    let image = |name: &str| {
        let image = stream_image(&change[name])?;
        RegistryRow::of_image(key.clone()?, image)
    };
    Some(StreamRecord {
        sequence_number: change["SequenceNumber"].as_str()?.to_owned(),
        new: image("NewImage"),
        old: image("OldImage"),
        key,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Asked, read};
    use crate::tend::Mode;

    #[rstest::rstest]
    #[case(json!({"Job": "Reconcile"}), Mode::Apply)]
    #[case(json!({"Job": "Reconcile", "DryRun": false}), Mode::Apply)]
    #[case(json!({"Job": "Reconcile", "DryRun": true}), Mode::DryRun)]
    #[case(json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}), Mode::Apply)]
    fn the_schedule_asks_for_everything(#[case] event: Value, #[case] mode: Mode) {
        assert_eq!(read(&event.to_string()), Ok(Asked::Schedule(mode)));
    }

    #[rstest::rstest]
    #[case(json!({}))]
    #[case(json!([]))]
    #[case(json!({"Job": "RotateAccessKeys"}))]
    #[case(json!({"Job": "Reconcile", "DryRun": "true"}))]
    #[case(json!({"Job": "Reconcile", "dry_run": true}))]
    #[case(json!({"Records": [{"eventSource": "aws:sqs", "body": ""}]}))]
    #[case(json!({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {}}]}))]
    fn what_is_not_understood_is_refused(#[case] event: Value) {
        let refused = read(&event.to_string()).unwrap_err();
        assert!(refused.contains("the function knows a batch"), "{refused}");
    }

    #[test]
    fn a_record_has_a_number_a_key_and_what_images_there_are() {
        let record = |dynamodb: Value| json!({"eventSource": "aws:dynamodb", "eventName": "MODIFY", "dynamodb": dynamodb});
        let keys = json!({"UserName": {"S": "alice"}, "AccountId": {"S": "222222222222"}});
        let image = json!({"UserName": {"S": "alice"}, "AccountId": {"S": "222222222222"}, "Path": {"S": "/a/"}});
        let event = json!({"Records": [
            record(json!({"SequenceNumber": "1", "Keys": keys, "NewImage": image})),
            record(json!({"SequenceNumber": "2", "Keys": keys})),
            record(json!({"SequenceNumber": "3", "Keys": {"Name": {"S": "alice"}}, "NewImage": image})),
        ]});
        let Ok(Asked::Stream(records)) = read(&event.to_string()) else {
            panic!("it is a batch");
        };
        let numbers: Vec<&str> = records
            .iter()
            .map(|it| it.sequence_number.as_str())
            .collect();
        assert_eq!(numbers, ["1", "2", "3"]);
        let new = records[0].new.as_ref().unwrap();
        assert_eq!(new.properties["Path"], "/a/");
        assert_eq!(new.account_id.as_deref(), Some("222222222222"));
        assert!(records[0].old.is_none() && records[1].new.is_none());
        assert_eq!(records[1].key.as_ref().unwrap().user_name, "alice");
        assert_eq!((&records[2].key, &records[2].new), (&None, &None));
    }
}
