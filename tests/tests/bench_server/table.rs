//! The registry table: answers as those of the stand-in, and pages.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use harness::bench_server::jobs;

use super::{config, line};

type Item = HashMap<String, AttributeValue>;

fn key(name: &str) -> Item {
    HashMap::from([
        ("UserName".to_owned(), AttributeValue::S(name.to_owned())),
        (
            "AccountId".to_owned(),
            AttributeValue::S("222222222222".to_owned()),
        ),
    ])
}

/// Makes the table, which the server of the benchmark has from the start.
pub(super) async fn make(environment: &[(String, String)]) {
    let dynamodb = aws_sdk_dynamodb::Client::new(&config(environment, None));
    let mut create = dynamodb
        .create_table()
        .table_name(jobs::TABLE)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("UserName", KeyType::Hash), ("AccountId", KeyType::Range)] {
        let element = KeySchemaElement::builder().attribute_name(name);
        let definition = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S);
        create = create
            .key_schema(element.key_type(kind).build().unwrap())
            .attribute_definitions(definition.build().unwrap());
    }
    create.send().await.unwrap();
}

/// Items in an order: those of the SDK have none.
fn sorted(item: &Item) -> String {
    format!("{:?}", item.iter().collect::<BTreeMap<_, _>>())
}

fn page(scanned: &ScanOutput) -> String {
    let mut items: Vec<_> = scanned.items().iter().map(sorted).collect();
    items.sort();
    let (count, last) = (scanned.count(), scanned.last_evaluated_key().map(sorted));
    format!(
        "{count} of {}: {items:?}, {last:?}",
        scanned.scanned_count()
    )
}

/// Makes every call about a table.
pub(super) async fn transcript(environment: &[(String, String)]) -> Vec<String> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&config(environment, None));
    let mut lines = Vec::new();
    let described = dynamodb.describe_table().table_name(jobs::TABLE);
    let described = described.send().await.unwrap();
    lines.push(format!("{:?}", described.table().unwrap().key_schema()));
    let missing = dynamodb.scan().table_name("no-such-table").send().await;
    assert!(
        missing
            .unwrap_err()
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception()
    );

    let scan = || {
        dynamodb
            .scan()
            .table_name(jobs::TABLE)
            .consistent_read(true)
    };
    let get = async |name: &str| {
        let get = dynamodb.get_item().table_name(jobs::TABLE);
        let got = get.set_key(Some(key(name))).send().await.unwrap();
        format!("{name}: {:?}", got.item().map(sorted))
    };
    let number = |number: i64| AttributeValue::N(number.to_string());
    let take = |name: &str, holder: &str, now: i64| {
        dynamodb
            .update_item()
            .table_name(jobs::TABLE)
            .set_key(Some(key(name)))
            .update_expression("SET #holder = :holder, #until = :until")
            .condition_expression(
                "attribute_not_exists(#holder) OR #holder = :holder OR #until < :now",
            )
            .expression_attribute_names("#holder", "Holder")
            .expression_attribute_names("#until", "HeldUntil")
            .expression_attribute_values(":holder", AttributeValue::S(holder.to_owned()))
            .expression_attribute_values(":until", number(now + 20))
            .expression_attribute_values(":now", number(now))
    };
    let count = |by: i64| {
        dynamodb
            .update_item()
            .table_name(jobs::TABLE)
            .set_key(Some(key("removals")))
            .update_expression("SET #expires = :expires ADD #removed :count")
            .condition_expression("attribute_not_exists(#removed) OR #removed <= :most")
            .expression_attribute_names("#expires", "ExpiresAt")
            .expression_attribute_names("#removed", "Removed")
            .expression_attribute_values(":expires", number(7))
            .expression_attribute_values(":count", number(by))
            .expression_attribute_values(":most", number(10 - by))
    };
    let write = |name: &str| {
        dynamodb
            .update_item()
            .table_name(jobs::TABLE)
            .set_key(Some(key(name)))
            .update_expression("SET #result = :result")
            .condition_expression("attribute_exists(#name)")
            .expression_attribute_names("#result", "Result")
            .expression_attribute_names("#name", "UserName")
            .expression_attribute_values(
                ":result",
                AttributeValue::M(HashMap::from([("Status".to_owned(), number(1))])),
            )
    };
    let put = |name: &str| {
        dynamodb
            .put_item()
            .table_name(jobs::TABLE)
            .set_item(Some(key(name)))
            .condition_expression("attribute_not_exists(#name)")
            .expression_attribute_names("#name", "UserName")
    };
    let delete = |name: &str, holder: &str| {
        dynamodb
            .delete_item()
            .table_name(jobs::TABLE)
            .set_key(Some(key(name)))
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", "Holder")
            .expression_attribute_values(":holder", AttributeValue::S(holder.to_owned()))
    };
    // Nobody asked for the consumed capacity; the stand-in tells it all the same.
    macro_rules! note {
        ($call:expr) => {
            let sent = $call.send().await;
            lines.push(line(stringify!($call), sent.map(|_| "done")))
        };
    }

    note!(put("alice"));
    note!(put("alice"));
    note!(write("alice"));
    note!(write("nobody"));
    lines.push(get("alice").await);
    lines.push(get("nobody").await);
    note!(take("lease", "a", 100));
    note!(take("lease", "b", 110));
    note!(take("lease", "a", 110));
    lines.push(get("lease").await);
    note!(take("lease", "b", 131));
    note!(delete("lease", "a"));
    lines.push(get("lease").await);
    note!(delete("lease", "b"));
    note!(delete("lease", "b"));
    for by in [4, 6, 1] {
        note!(count(by));
        lines.push(get("removals").await);
    }
    lines.push(page(&scan().send().await.unwrap()));
    let first = scan().limit(1).send().await.unwrap();
    lines.push(page(&first));
    let start = first.last_evaluated_key().cloned();
    let second = scan().limit(5).set_exclusive_start_key(start);
    lines.push(page(&second.send().await.unwrap()));
    lines
}

#[tokio::test]
async fn a_page_of_a_table_holds_a_megabyte() {
    let server = jobs::server(Duration::ZERO).unwrap();
    let long = "x".repeat(1000);
    for name in jobs::names(2000) {
        let item = serde_json::json!({
            "UserName": {"S": name},
            "AccountId": {"S": "222222222222"},
            "Path": {"S": long},
        });
        server.put_item(jobs::TABLE, &item).unwrap();
    }
    let dynamodb = aws_sdk_dynamodb::Client::new(&config(&server.env(), None));
    let items = dynamodb.scan().table_name(jobs::TABLE).into_paginator();
    let items: Vec<Item> = items.items().send().try_collect().await.unwrap();
    assert_eq!(items.len(), 2000);
    assert_eq!(server.take_calls().len(), 2);
    let keyless = serde_json::json!({"UserName": {"S": "alice"}});
    assert!(server.put_item(jobs::TABLE, &keyless).is_err());
}
