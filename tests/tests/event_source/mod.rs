//! The event source mapping itself, with a small function in the place of a real one: that it does what Lambda does.

use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, StreamViewType};
use harness::World;
use harness::event_source::{EventSourceMapping, MappingOptions, StartingPosition, Verdict};
use harness::lambda::{Function, FunctionOptions};
use harness::standin::NewTable;
use serde_json::{Value, json};
use tempfile::TempDir;

const TABLE: &str = "registry";

/// A table, its stream, and the function.
struct Source {
    world: World,
    mapping: EventSourceMapping,
    _markers: TempDir,
}

impl Source {
    async fn new(options: MappingOptions) -> Self {
        Self::with(options, &[], Duration::from_mins(1)).await
    }

    /// A table in which these items were before the mapping was made.
    async fn with(options: MappingOptions, before: &[(&str, &str)], timeout: Duration) -> Self {
        let world = World::new(0).await.unwrap();
        let table = NewTable {
            name: TABLE,
            key: "UserName",
            range_key: None,
            stream: Some(StreamViewType::NewAndOldImages),
        };
        world.hub().create_table_with(&table).await.unwrap();
        for (name, what) in before {
            put(&world, name, what).await;
        }
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = harness::python::environment(&here.join("standin/requirements.txt")).unwrap();
        let markers = TempDir::new().unwrap();
        let mut function = FunctionOptions::new(python);
        let program = here.join("tests/event_source/fake.py");
        function.arguments = vec![program.to_string_lossy().into_owned()];
        let directory = markers.path().to_string_lossy().into_owned();
        function.environment.insert("MARKERS".to_owned(), directory);
        function.timeout = timeout;
        let function = Function::new(function).unwrap();
        let mapping = EventSourceMapping::new(&function, world.hub(), TABLE, options);
        Self {
            mapping: mapping.await.unwrap(),
            world,
            _markers: markers,
        }
    }

    async fn put(&self, items: &[(&str, &str)]) {
        for (name, what) in items {
            put(&self.world, name, what).await;
        }
    }

    /// The users of each delivery.
    fn told(&self) -> Vec<String> {
        let deliveries = self.mapping.deliveries();
        let told = deliveries.iter().map(|delivery| {
            let records = delivery.event["Records"].as_array().unwrap();
            let names: Vec<_> = records.iter().map(name).collect();
            names.join(" ")
        });
        told.collect()
    }
}

fn name(record: &Value) -> &str {
    record["dynamodb"]["Keys"]["UserName"]["S"]
        .as_str()
        .unwrap()
}

async fn put(world: &World, name: &str, what: &str) {
    let call = world.hub().dynamodb().put_item().table_name(TABLE);
    let call = call.item("UserName", AttributeValue::S(name.to_owned()));
    let call = call.item("Do", AttributeValue::S(what.to_owned()));
    call.send().await.unwrap();
}

fn options(batch_size: usize, retries: u32) -> MappingOptions {
    MappingOptions {
        batch_size,
        retries: Some(retries),
        ..MappingOptions::default()
    }
}

#[tokio::test]
async fn records_are_delivered_once_in_order_and_in_the_form_of_lambda() {
    let source = Source::new(options(2, 1)).await;
    source.put(&[("a", "go"), ("b", "go"), ("c", "go")]).await;
    assert_eq!(source.mapping.drain().await.unwrap(), 2);
    assert_eq!(source.mapping.drain().await.unwrap(), 0);
    assert_eq!(source.told(), ["a b", "c"]);
    let delivery = &source.mapping.deliveries()[0];
    assert_eq!(delivery.verdict, Verdict::Succeeded);
    let mut record = delivery.event["Records"][0].clone();
    let change = &mut record["dynamodb"];
    assert!(change["ApproximateCreationDateTime"].take().is_u64());
    assert!(change["SizeBytes"].take().is_u64());
    let number = change["SequenceNumber"].take();
    assert_eq!(number.as_str(), Some(delivery.sequence_numbers[0].as_str()));
    let arn = record["eventSourceARN"].take();
    assert!(arn.as_str().unwrap().contains(":table/registry/stream/20"));
    assert_eq!(record["eventID"].take().as_str().unwrap().len(), 32);
    assert_eq!(
        record,
        json!({
            "eventID": null,
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": null,
                "Keys": {"UserName": {"S": "a"}},
                "NewImage": {"UserName": {"S": "a"}, "Do": {"S": "go"}},
                "SequenceNumber": null,
                "SizeBytes": null,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": null,
        })
    );
}

#[tokio::test]
async fn a_mapping_begins_where_it_was_told_to() {
    for (starts_at, expected) in [
        (StartingPosition::TrimHorizon, "old new"),
        (StartingPosition::Latest, "new"),
    ] {
        let options = MappingOptions {
            starts_at,
            ..MappingOptions::default()
        };
        let source = Source::with(options, &[("old", "go")], Duration::from_mins(1)).await;
        source.put(&[("new", "go")]).await;
        source.mapping.drain().await.unwrap();
        assert_eq!(source.told(), [expected]);
    }
}

#[tokio::test]
async fn from_the_lowest_failure_on_records_come_again() {
    let source = Source::new(options(10, 5)).await;
    source
        .put(&[
            ("a", "go"),
            ("b", "fail-once"),
            ("c", "go"),
            ("d", "fail-once"),
        ])
        .await;
    source.mapping.drain().await.unwrap();
    assert_eq!(source.told(), ["a b c d", "b c d"]);
    assert!(source.mapping.given_up().is_empty());
}

#[tokio::test]
async fn a_record_that_always_fails_is_given_up_and_the_shard_goes_on() {
    let source = Source::new(options(2, 2)).await;
    source.put(&[("a", "go"), ("b", "fail"), ("c", "go")]).await;
    source.mapping.drain().await.unwrap();
    assert_eq!(source.told(), ["a b", "b", "b", "b", "c"]);
    let given_up = source.mapping.given_up();
    let [message] = &given_up[..] else {
        panic!("{given_up:?}");
    };
    let number = source.mapping.deliveries()[1].sequence_numbers[0].clone();
    let info = &message["DDBStreamBatchInfo"];
    assert_eq!(info["startSequenceNumber"], number.as_str());
    assert_eq!(info["endSequenceNumber"], number.as_str());
    assert_eq!(info["batchSize"], 1);
    assert!(info["shardId"].as_str().unwrap().starts_with("shardId-"));
    let arn = info["streamArn"].as_str().unwrap();
    assert!(arn.contains(":table/registry/stream/"), "{arn}");
    let context = &message["requestContext"];
    assert_eq!(context["condition"], "RetryAttemptsExhausted");
    assert_eq!(context["approximateInvokeCount"], 4);
    assert!(message.get("Records").is_none());
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_is_halved_until_the_bad_record_is_alone() {
    for what in ["error", "confuse"] {
        let source = Source::new(options(4, 1)).await;
        source
            .put(&[("a", "go"), ("b", "go"), ("c", what), ("d", "go")])
            .await;
        source.mapping.drain().await.unwrap();
        assert_eq!(source.told(), ["a b c d", "a b", "c d", "c", "c", "d"]);
        let given_up = source.mapping.given_up();
        assert_eq!(given_up.len(), 1, "{given_up:?}");
        assert_eq!(given_up[0]["DDBStreamBatchInfo"]["batchSize"], 1);
        let error = given_up[0]["responseContext"]["functionError"].as_str();
        assert_eq!(error.is_some(), what == "error");
    }
}

#[tokio::test]
async fn without_bisecting_a_bad_record_takes_its_batch_with_it() {
    let options = MappingOptions {
        bisects: false,
        ..options(3, 1)
    };
    let source = Source::new(options).await;
    source
        .put(&[("a", "go"), ("b", "error"), ("c", "go"), ("d", "go")])
        .await;
    source.mapping.drain().await.unwrap();
    assert_eq!(source.told(), ["a b c", "a b c", "d"]);
    assert_eq!(
        source.mapping.given_up()[0]["DDBStreamBatchInfo"]["batchSize"],
        3
    );
}

#[tokio::test]
async fn without_item_failures_an_answer_is_a_success() {
    let options = MappingOptions {
        reports_item_failures: false,
        ..options(3, 1)
    };
    let source = Source::new(options).await;
    source.put(&[("a", "fail"), ("b", "go")]).await;
    source.mapping.drain().await.unwrap();
    assert_eq!(source.told(), ["a b"]);
}

#[tokio::test]
async fn crashes_and_timeouts_are_failures_of_the_batch() {
    for what in ["crash-once", "hang-once"] {
        let timeout = Duration::from_secs(2);
        let source = Source::with(options(2, 1), &[], timeout).await;
        source.put(&[("a", what), ("b", "go")]).await;
        source.mapping.drain().await.unwrap();
        assert_eq!(source.told(), ["a b", "a", "b"]);
        assert_eq!(source.mapping.deliveries()[0].verdict, Verdict::Failed);
    }
}

#[tokio::test]
async fn old_records_can_come_again_and_the_place_in_the_stream_stays() {
    let source = Source::new(options(2, 1)).await;
    source.put(&[("a", "go"), ("b", "go"), ("c", "go")]).await;
    source.mapping.drain().await.unwrap();
    let numbers: Vec<_> = source
        .mapping
        .deliveries()
        .into_iter()
        .flat_map(|delivery| delivery.sequence_numbers)
        .collect();
    source
        .mapping
        .redeliver(&numbers[1], &numbers[2])
        .await
        .unwrap();
    source.put(&[("d", "go")]).await;
    source.mapping.drain().await.unwrap();
    assert_eq!(source.told(), ["a b", "c", "b c", "d"]);
    assert!(source.mapping.redeliver("1", "2").await.is_err());
}

#[tokio::test]
async fn a_stream_that_does_not_come_to_rest_is_an_error() {
    let options = MappingOptions {
        retries: None,
        most_deliveries: 5,
        ..MappingOptions::default()
    };
    let source = Source::new(options).await;
    source.put(&[("a", "fail")]).await;
    let error = source.mapping.drain().await.unwrap_err().to_string();
    assert!(error.contains("did not come to rest"), "{error}");
}
