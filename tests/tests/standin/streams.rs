//! Streams of `DynamoDB`, as an event source mapping reads them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, StreamViewType};
use aws_sdk_dynamodbstreams::types::{OperationType, Record, ShardIteratorType};
use harness::standin::NewTable;
use harness::{Fault, FaultKind, World, WorldOptions};
use serde_json::json;

use super::{allow, policy, refusal, session};

const TABLE: &str = "registry";

async fn world(view: StreamViewType) -> (World, String) {
    let world = World::new(0).await.unwrap();
    let table = NewTable {
        name: TABLE,
        key: "UserName",
        range_key: Some("AccountId"),
        stream: Some(view),
    };
    let arn = world.hub().create_table_with(&table).await.unwrap();
    (world, arn.unwrap())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

async fn put(world: &World, name: &str, team: &str) {
    let call = world.hub().dynamodb().put_item().table_name(TABLE);
    let call = call
        .item("UserName", text(name))
        .item("AccountId", text("1"));
    call.item("Team", text(team)).send().await.unwrap();
}

async fn update(world: &World, name: &str, team: &str) {
    let call = world.hub().dynamodb().update_item().table_name(TABLE);
    let call = call.key("UserName", text(name)).key("AccountId", text("1"));
    let call = call.update_expression("SET Team = :team");
    let call = call.expression_attribute_values(":team", text(team));
    call.send().await.unwrap();
}

async fn delete(world: &World, name: &str) {
    let call = world.hub().dynamodb().delete_item().table_name(TABLE);
    let call = call.key("UserName", text(name)).key("AccountId", text("1"));
    call.send().await.unwrap();
}

async fn iterator(
    client: &aws_sdk_dynamodbstreams::Client,
    arn: &str,
    kind: ShardIteratorType,
    after: Option<&str>,
) -> String {
    let stream = client
        .describe_stream()
        .stream_arn(arn)
        .send()
        .await
        .unwrap();
    let stream = stream.stream_description.unwrap();
    let [shard] = stream.shards() else {
        panic!("{stream:?}");
    };
    let call = client.get_shard_iterator().stream_arn(arn);
    let call = call.shard_id(shard.shard_id().unwrap());
    let call = call.shard_iterator_type(kind);
    let call = call.set_sequence_number(after.map(str::to_owned));
    call.send().await.unwrap().shard_iterator.unwrap()
}

async fn records(world: &World, arn: &str) -> Vec<Record> {
    let client = world.hub().streams();
    let iterator = iterator(&client, arn, ShardIteratorType::TrimHorizon, None).await;
    let page = client.get_records().shard_iterator(iterator);
    page.send().await.unwrap().records.unwrap()
}

/// Event, user, old team and new team, for each record.
fn story(records: &[Record]) -> Vec<String> {
    let team = |image: Option<&std::collections::HashMap<String, _>>| {
        let value = image.and_then(|image| image.get("Team"));
        value.map(|it: &aws_sdk_dynamodbstreams::types::AttributeValue| it.as_s().unwrap().clone())
    };
    let told = records.iter().map(|record| {
        let change = record.dynamodb().unwrap();
        let name = change.keys().unwrap()["UserName"].as_s().unwrap();
        assert_eq!(change.keys().unwrap().len(), 2);
        let teams = [team(change.old_image()), team(change.new_image())];
        let teams = teams.map(|team| team.unwrap_or("-".to_owned())).join(" ");
        format!("{} {name} {teams}", record.event_name().unwrap())
    });
    told.collect()
}

#[tokio::test]
async fn every_change_is_one_record_and_what_changes_nothing_is_none() {
    let (world, arn) = world(StreamViewType::NewAndOldImages).await;
    put(&world, "alice", "core").await;
    put(&world, "alice", "core").await;
    update(&world, "alice", "core").await;
    update(&world, "alice", "edge").await;
    update(&world, "bob", "core").await;
    delete(&world, "alice").await;
    delete(&world, "alice").await;
    let told = story(&records(&world, &arn).await);
    assert_eq!(
        told,
        [
            "INSERT alice - core",
            "MODIFY alice core edge",
            "INSERT bob - core",
            "REMOVE alice edge -",
        ]
    );
}

#[rstest::rstest]
#[case(StreamViewType::KeysOnly, "MODIFY alice - -")]
#[case(StreamViewType::NewImage, "MODIFY alice - edge")]
#[case(StreamViewType::OldImage, "MODIFY alice core -")]
#[tokio::test]
async fn a_stream_holds_what_it_was_asked_to(#[case] view: StreamViewType, #[case] told: &str) {
    let (world, arn) = world(view).await;
    put(&world, "alice", "core").await;
    update(&world, "alice", "edge").await;
    assert_eq!(story(&records(&world, &arn).await)[1], told);
}

#[tokio::test]
async fn sequence_numbers_grow_and_are_no_texts_to_be_sorted() {
    let (world, arn) = world(StreamViewType::KeysOnly).await;
    for number in 0..12 {
        put(&world, "alice", &number.to_string()).await;
    }
    let records = records(&world, &arn).await;
    let texts: Vec<&str> = records
        .iter()
        .map(|record| record.dynamodb().unwrap().sequence_number().unwrap())
        .collect();
    let numbers: Vec<u128> = texts.iter().map(|text| text.parse().unwrap()).collect();
    assert!(numbers.is_sorted() && !texts.is_sorted(), "{texts:?}");
    let first = &records[0];
    assert_eq!(first.event_version(), Some("1.1"));
    assert_eq!(first.aws_region(), Some("us-east-1"));
    assert!(first.dynamodb().unwrap().size_bytes().unwrap() > 0);
    let at = first.dynamodb().unwrap().approximate_creation_date_time();
    assert_eq!(at.unwrap().subsec_nanos(), 0);
}

#[tokio::test]
async fn a_consumer_goes_on_where_it_was() {
    let (world, arn) = world(StreamViewType::KeysOnly).await;
    for name in ["a", "b", "c"] {
        put(&world, name, "core").await;
    }
    let client = world.hub().streams();
    let all = records(&world, &arn).await;
    let number = all[1].dynamodb().unwrap().sequence_number();
    for (kind, expected) in [
        (ShardIteratorType::AtSequenceNumber, 2),
        (ShardIteratorType::AfterSequenceNumber, 1),
        (ShardIteratorType::Latest, 0),
    ] {
        let from = iterator(&client, &arn, kind, number).await;
        let page = client.get_records().shard_iterator(from);
        assert_eq!(page.send().await.unwrap().records().len(), expected);
    }
    let from = iterator(&client, &arn, ShardIteratorType::TrimHorizon, None).await;
    let page = client.get_records().shard_iterator(from).limit(2);
    let page = page.send().await.unwrap();
    assert_eq!(page.records().len(), 2);
    let next = page.next_shard_iterator.unwrap();
    let rest = client.get_records().shard_iterator(next).send().await;
    assert_eq!(rest.unwrap().records().len(), 1);
}

#[tokio::test]
async fn unknown_streams_shards_and_iterators_are_refused() {
    let (world, arn) = world(StreamViewType::KeysOnly).await;
    let client = world.hub().streams();
    let other = format!("{arn}9");
    let stream = client.describe_stream().stream_arn(&other).send().await;
    assert_eq!(refusal(stream), "ResourceNotFoundException");
    let shard = client.get_shard_iterator().stream_arn(&arn);
    let shard = shard.shard_id("shardId-00000000000000000000-00000000");
    let shard = shard.shard_iterator_type(ShardIteratorType::Latest);
    assert_eq!(refusal(shard.send().await), "ResourceNotFoundException");
    let page = client.get_records().shard_iterator("nothing").send().await;
    assert_eq!(refusal(page), "ExpiredIteratorException");
}

#[tokio::test]
async fn what_expires_is_removed_by_dynamodb_itself() {
    let (world, arn) = world(StreamViewType::NewAndOldImages).await;
    put(&world, "alice", "core").await;
    for (name, at) in [("old", "1"), ("young", "99999999999")] {
        let call = world.hub().dynamodb().put_item().table_name(TABLE);
        let call = call
            .item("UserName", text(name))
            .item("AccountId", text("1"));
        let call = call.item("ExpiresAt", AttributeValue::N(at.to_owned()));
        call.send().await.unwrap();
    }
    let hub = world.hub().id();
    assert_eq!(world.control().expire_items(hub, TABLE).await.unwrap(), 1);
    let records = records(&world, &arn).await;
    let last = records.last().unwrap();
    assert_eq!(last.event_name(), Some(&OperationType::Remove));
    let who = last.user_identity().unwrap();
    assert_eq!(who.r#type(), Some("Service"));
    assert_eq!(who.principal_id(), Some("dynamodb.amazonaws.com"));
    assert!(records[..3].iter().all(|it| it.user_identity().is_none()));
}

#[tokio::test]
async fn a_role_reads_the_stream_that_it_is_allowed_and_faults_hit_it() {
    let all = json!("arn:aws:dynamodb:*:*:table/registry");
    let stream = json!("arn:aws:dynamodb:*:*:table/registry/stream/*");
    let statements = json!([
        allow(json!(["dynamodb:PutItem", "dynamodb:Scan"]), all),
        allow(
            json!(["dynamodb:DescribeStream", "dynamodb:GetShardIterator"]),
            stream
        ),
    ]);
    let permissions = BTreeMap::from([("only".to_owned(), policy(statements))]);
    let options = WorldOptions {
        permissions: Some(permissions),
        ..WorldOptions::default()
    };
    let world = World::with(options).await.unwrap();
    let member = &world.members()[0];
    let table = NewTable {
        name: TABLE,
        key: "UserName",
        range_key: None,
        stream: Some(StreamViewType::KeysOnly),
    };
    let arn = member.create_table_with(&table).await.unwrap().unwrap();
    let config = session(&world, member).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let put = dynamodb.put_item().table_name(TABLE);
    put.item("UserName", text("alice")).send().await.unwrap();
    dynamodb.scan().table_name(TABLE).send().await.unwrap();
    let refused = dynamodb.describe_table().table_name(TABLE).send().await;
    assert_eq!(refusal(refused), "AccessDeniedException");
    let streams = aws_sdk_dynamodbstreams::Client::new(&config);
    let from = iterator(&streams, &arn, ShardIteratorType::TrimHorizon, None).await;
    let refused = streams.get_records().shard_iterator(from).send().await;
    assert_eq!(refusal(refused), "AccessDeniedException");
    let fault = Fault::new(FaultKind::Throttle, "dynamodb:Scan").in_account(member.id());
    world.control().add_fault(&fault).await.unwrap();
    let refused = dynamodb.scan().table_name(TABLE).send().await;
    assert_eq!(refusal(refused), "ProvisionedThroughputExceededException");
    let calls = world.control().calls(member.id()).await.unwrap();
    let last = calls.last().unwrap();
    assert_eq!((last.action.as_str(), last.status), ("dynamodb:Scan", 400));
}
