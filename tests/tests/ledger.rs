//! The ledger of the CloudFormation handler against a real table of the stand-in.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use cfn_handler::ledger::{Ledger, Left, Made};
use cfn_handler::physical_id::PhysicalId;
use cfn_handler::protocol::request::{Request, RequestType};
use cfn_handler::protocol::resource::Earlier;
use crossaccount_core::ErrorKind;
use crossaccount_core::clock::{Clock as _, TestClock};
use harness::{Fault, FaultKind, World};
use serde_json::Map;
use tokio::time::Instant;

const TABLE: &str = "ledger";
/// So long that no renewal falls into a test: time passes only where a test makes it pass.
const LEASE: Duration = Duration::from_hours(1);

struct Scene {
    world: World,
    dynamodb: Client,
    clock: TestClock,
    ledger: Ledger,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new(0).await.unwrap();
        let hub = world.hub();
        let config = aws_sdk_dynamodb::config::Builder::from(&hub.config(hub.credentials()))
            .retry_config(RetryConfig::standard())
            .build();
        let dynamodb = Client::from_conf(config);
        let key = AttributeDefinition::builder()
            .attribute_name("Key")
            .attribute_type(ScalarAttributeType::S);
        let schema = KeySchemaElement::builder()
            .attribute_name("Key")
            .key_type(KeyType::Hash);
        dynamodb
            .create_table()
            .table_name(TABLE)
            .attribute_definitions(key.build().unwrap())
            .key_schema(schema.build().unwrap())
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .unwrap();
        let clock = TestClock::at("2026-11-21T08:00:00Z".parse().unwrap());
        let ledger = Ledger::new(
            dynamodb.clone(),
            TABLE.to_owned(),
            LEASE,
            Arc::new(clock.clone()),
        );
        Self {
            world,
            dynamodb,
            clock,
            ledger,
        }
    }

    async fn attribute(&self, key: &str, name: &str) -> Option<AttributeValue> {
        let found = self
            .dynamodb
            .get_item()
            .table_name(TABLE)
            .key("Key", AttributeValue::S(key.to_owned()))
            .send()
            .await
            .unwrap();
        found.item?.remove(name)
    }
}

/// A request about the resource `Alice`, issued so many seconds after the clock of the tests began.
fn request(request_type: RequestType, id: &str, second: i64) -> Request {
    let start = TestClock::at("2026-11-21T08:00:00Z".parse().unwrap()).now();
    Request {
        request_type,
        stack_id: "stack".to_owned(),
        request_id: id.to_owned(),
        logical_resource_id: "Alice".to_owned(),
        physical_resource_id: None,
        properties: Map::new(),
        old_properties: Map::new(),
        issued_at: Some(start.as_second() + second),
    }
}

/// The user that requests are about.
fn alice() -> PhysicalId {
    user("alice")
}

fn user(name: &str) -> PhysicalId {
    PhysicalId::read(&format!("crossaccount:v1:222222222222:{name}"))
}

fn create() -> Request {
    request(RequestType::Create, "create", 0)
}

fn delete() -> Request {
    request(RequestType::Delete, "delete", 1)
}

/// A moment that is over: who has to wait is told so at once.
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn a_request_is_told_what_became_of_its_earlier_delivery() {
    let Scene { ledger, .. } = Scene::new().await;
    assert_eq!(ledger.earlier(&create()).await.unwrap(), Earlier::Nothing);
    ledger.answering(&create(), "{}").await.unwrap();
    let answered = Earlier::Answered("{}".to_owned());
    assert_eq!(ledger.earlier(&create()).await.unwrap(), answered);
    assert_eq!(ledger.earlier(&delete()).await.unwrap(), Earlier::Nothing);
    ledger.delivered(&create()).await.unwrap();
    assert_eq!(ledger.earlier(&create()).await.unwrap(), Earlier::Delivered);
}

#[tokio::test]
async fn two_deliveries_of_one_request_work_one_after_the_other() {
    let Scene { ledger, .. } = Scene::new().await;
    let first = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    let second = ledger.enter(&create(), &alice(), now()).await.unwrap_err();
    assert_eq!(second.kind(), ErrorKind::TimedOut);
    assert!(!first.overtaken().await.unwrap());
    first.leave(Left::Something).await;
    let second = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(
        second.made,
        Made::Something { adopted: false, .. }
    ));
}

#[tokio::test]
async fn a_create_that_comes_after_its_delete_is_overtaken() {
    let Scene { ledger, .. } = Scene::new().await;
    let turn = ledger
        .enter(&delete(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(turn.made, Made::Nothing);
    assert!(
        ledger
            .enter(&create(), &alice(), now())
            .await
            .unwrap()
            .is_none()
    );
    turn.leave(Left::Nothing).await;
    assert!(
        ledger
            .enter(&create(), &alice(), now())
            .await
            .unwrap()
            .is_none()
    );
    // The same template may declare the resource again.
    let again = request(RequestType::Create, "again", 2);
    assert!(
        ledger
            .enter(&again, &alice(), now())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_create_that_works_learns_of_its_delete_which_waits() {
    let Scene { ledger, .. } = Scene::new().await;
    let working = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    let waiting = ledger.enter(&delete(), &alice(), now()).await.unwrap_err();
    assert_eq!(waiting.kind(), ErrorKind::TimedOut);
    assert!(working.overtaken().await.unwrap());
    working.leave(Left::Something).await;
    let turn = ledger
        .enter(&delete(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(turn.made, Made::Something { .. }));
}

#[tokio::test]
async fn a_rollback_overtakes_the_update_that_it_undoes() {
    let Scene { ledger, .. } = Scene::new().await;
    let update = request(RequestType::Update, "update", 5);
    let rollback = request(RequestType::Update, "rollback", 6);
    let turn = ledger
        .enter(&rollback, &alice(), now())
        .await
        .unwrap()
        .unwrap();
    turn.leave(Left::Something).await;
    assert!(
        ledger
            .enter(&update, &alice(), now())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn the_lease_of_a_process_that_died_runs_out() {
    let Scene { ledger, clock, .. } = Scene::new().await;
    let dead = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    drop(dead);
    clock.advance(LEASE);
    assert!(ledger.enter(&delete(), &alice(), now()).await.is_err());
    clock.advance(Duration::from_millis(1));
    let turn = ledger
        .enter(&delete(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(turn.made, Made::Something { .. }));
}

#[tokio::test]
async fn whoever_lost_the_lease_does_not_give_back_that_of_another() {
    let Scene { ledger, clock, .. } = Scene::new().await;
    let slow = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    clock.advance(LEASE + Duration::from_millis(1));
    let _turn = ledger
        .enter(&delete(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert!(slow.overtaken().await.unwrap());
    slow.leave(Left::Nothing).await;
    assert!(ledger.enter(&delete(), &alice(), now()).await.is_err());
}

#[tokio::test]
async fn what_was_adopted_is_known_until_it_is_gone() {
    let Scene { ledger, .. } = Scene::new().await;
    let turn = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    turn.leave(Left::Adopted).await;
    let turn = ledger
        .enter(&delete(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(turn.made, Made::Something { adopted: true, .. }));
    turn.leave(Left::Nothing).await;
    let again = request(RequestType::Create, "again", 2);
    let turn = ledger
        .enter(&again, &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(turn.made, Made::Nothing);
    turn.leave(Left::Something).await;
    let gone = request(RequestType::Delete, "gone", 3);
    let turn = ledger.enter(&gone, &alice(), now()).await.unwrap().unwrap();
    assert!(matches!(turn.made, Made::Something { adopted: false, .. }));
}

#[tokio::test]
async fn a_deletion_of_the_old_user_forgets_nothing_of_the_new_one() {
    let scene = Scene::new().await;
    let ledger = &scene.ledger;
    let first = create();
    let update = request(RequestType::Update, "update", 1);
    let clean_up = request(RequestType::Delete, "clean-up", 2);
    let delete = request(RequestType::Delete, "delete", 3);
    let enter = |request, user| async move { ledger.enter(request, user, now()).await };
    let (old, new) = (&user("old"), &user("new"));
    let properties = Map::from_iter([("UserName".to_owned(), "new".into())]);

    let turn = enter(&first, old).await.unwrap().unwrap();
    turn.leave(Left::Created).await;
    let turn = enter(&update, new).await.unwrap().unwrap();
    assert_eq!(turn.made, Made::Nothing);
    turn.leave_scheduled(Left::Adopted, Some(&properties)).await;
    let turn = enter(&clean_up, old).await.unwrap().unwrap();
    assert!(matches!(turn.made, Made::Something { adopted: false, .. }));
    turn.leave(Left::Nothing).await;

    let scheduled = ledger.scheduled().await.unwrap();
    assert_eq!(scheduled.len(), 1);
    assert_eq!(scheduled[0].properties, properties);
    assert!(
        ledger
            .enter_scheduled(&scheduled[0])
            .await
            .unwrap()
            .is_some()
    );
    scene.clock.advance(LEASE + Duration::from_millis(1));
    let expires = scene.attribute("resource#stack#Alice", "ExpiresAt");
    assert_eq!(expires.await, None);

    let turn = enter(&delete, new).await.unwrap().unwrap();
    assert!(matches!(turn.made, Made::Something { adopted: true, .. }));
    turn.leave(Left::Nothing).await;
    assert!(ledger.scheduled().await.unwrap().is_empty());
    let expires = scene.attribute("resource#stack#Alice", "ExpiresAt");
    assert!(expires.await.is_some());
}

#[tokio::test]
async fn items_expire_only_when_they_are_of_no_more_use() {
    let scene = Scene::new().await;
    let ledger = &scene.ledger;
    let turn = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    turn.leave(Left::Something).await;
    assert_eq!(
        scene.attribute("resource#stack#Alice", "ExpiresAt").await,
        None
    );
    let turn = ledger
        .enter(&delete(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    turn.leave(Left::Nothing).await;
    let in_a_week = scene.clock.now().as_second() + 7 * 24 * 3600;
    let expiry = Some(AttributeValue::N(in_a_week.to_string()));
    assert_eq!(
        scene.attribute("resource#stack#Alice", "ExpiresAt").await,
        expiry
    );
    ledger.answering(&create(), "{}").await.unwrap();
    assert_eq!(
        scene.attribute("request#stack#create", "ExpiresAt").await,
        expiry
    );
    let again = request(RequestType::Create, "again", 2);
    ledger
        .enter(&again, &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        scene.attribute("resource#stack#Alice", "ExpiresAt").await,
        None
    );
}

#[rstest::rstest]
#[case::the_announcement(1)]
#[case::the_lease(2)]
#[tokio::test]
async fn a_lost_answer_of_the_table_costs_no_turn(#[case] call: u32) {
    let Scene { ledger, world, .. } = Scene::new().await;
    let lost = Fault::new(FaultKind::DropAfterCommit, "dynamodb:UpdateItem").from_call(call);
    let lost = world.control().add_fault(&lost).await.unwrap();
    let turn = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap()
        .unwrap();
    assert!(!turn.overtaken().await.unwrap());
    let hits = world
        .control()
        .wait_for_fault(&lost.id, 1, Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(hits.hits, 1);
}

#[tokio::test]
async fn a_table_that_is_missing_is_named() {
    let scene = Scene::new().await;
    let clock = Arc::new(scene.clock.clone());
    let ledger = Ledger::new(scene.dynamodb.clone(), "nowhere".to_owned(), LEASE, clock);
    let error = ledger
        .enter(&create(), &alice(), now())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("nowhere"), "{error}");
    assert!(error.contains("ResourceNotFoundException"), "{error}");
}
