//! `reconcile` by the stream: rows that change are followed one by one, as an event source mapping delivers them.

use aws_sdk_dynamodb::types::StreamViewType;
use harness::event_source::{EventSourceMapping, MappingOptions};
use harness::jobs::{Scene, SceneOptions, TableKey};
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{denied, key_works};

async fn mapping(scene: &Scene) -> EventSourceMapping {
    let hub = scene.world.hub();
    EventSourceMapping::new(
        &scene.reconcile,
        hub,
        scene.table(),
        MappingOptions::default(),
    )
    .await
    .unwrap()
}

async fn exists(scene: &Scene, name: &str) -> bool {
    let users = scene.users(scene.member()).await.unwrap();
    users.iter().any(|user| user == name)
}

/// The numbers of all records that were delivered.
fn delivered(mapping: &EventSourceMapping) -> Vec<String> {
    let deliveries = mapping.deliveries();
    deliveries
        .iter()
        .flat_map(|it| it.sequence_numbers.clone())
        .collect()
}

/// The description of the old system, with its own table: a row is inserted, time passes, the row is deleted.
#[rstest::rstest]
#[case::of_the_old_system(TableKey::UserName, StreamViewType::NewImage)]
#[case::with_accounts(TableKey::UserNameAndAccountId, StreamViewType::NewAndOldImages)]
#[case::without_images(TableKey::UserNameAndAccountId, StreamViewType::KeysOnly)]
#[tokio::test]
async fn a_row_that_comes_changes_and_goes_is_followed_by_its_user(
    #[case] key: TableKey,
    #[case] view: StreamViewType,
) {
    let options = SceneOptions {
        key,
        view,
        ..SceneOptions::default().members(1)
    };
    let scene = Scene::with(options).await.unwrap();
    let account_id = scene.member().id();
    let mapping = mapping(&scene).await;
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    mapping.drain().await.unwrap();
    let result = scene.result("alice", account_id).await.unwrap();
    assert_eq!(result["Status"], "Created", "{result:#}");
    key_works(&scene, account_id, "alice").await;

    scene
        .set("alice", account_id, "Groups", &json!(["engineers"]))
        .await
        .unwrap();
    mapping.drain().await.unwrap();
    let iam = scene.member().iam();
    let groups = iam
        .list_groups_for_user()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(groups.groups().len(), 1);
    assert_eq!(
        scene.result("alice", account_id).await.unwrap()["Status"],
        "Updated"
    );

    // The hours go on beside the stream, and what they write leads to no work.
    let control = scene.world.control();
    control.age_user(account_id, "alice", 16.0).await.unwrap();
    scene.fire_schedule().await.unwrap();
    assert_eq!(
        scene.result("alice", account_id).await.unwrap()["Status"],
        "Rotated"
    );
    scene.forget_calls().await.unwrap();
    mapping.drain().await.unwrap();
    let calls = scene.calls().await.unwrap();
    let calls: Vec<_> = calls
        .iter()
        .map(|call| &call.action)
        .filter(|it| !it.starts_with("dynamodb:"))
        .collect();
    assert!(
        calls.is_empty(),
        "our own change of the row led to {calls:?}"
    );

    scene.delete_row("alice", account_id).await.unwrap();
    mapping.drain().await.unwrap();
    assert!(mapping.given_up().is_empty(), "{:#?}", mapping.given_up());
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn a_poisoned_row_holds_up_nobody_and_is_not_tried_again_and_again() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let mapping = mapping(&scene).await;
    scene.put_row("first", account_id, json!({})).await.unwrap();
    scene
        .put_row("poison", account_id, json!({"Groups": ["admins"]}))
        .await
        .unwrap();
    scene
        .put_row("no name!", account_id, json!({}))
        .await
        .unwrap();
    scene
        .put_row("nowhere", "no account", json!({}))
        .await
        .unwrap();
    scene
        .put_row("mallory", account_id, json!({}))
        .await
        .unwrap();
    scene.put_row("last", account_id, json!({})).await.unwrap();
    mapping.drain().await.unwrap();
    assert_eq!(
        scene.users(scene.member()).await.unwrap(),
        ["first", "last"]
    );
    for (name, account_id) in [
        ("poison", account_id),
        ("no name!", account_id),
        ("nowhere", "no account"),
        ("mallory", account_id),
    ] {
        let result = scene.result(name, account_id).await.unwrap();
        assert_eq!(result["Status"], "Failed", "{name}: {result:#}");
        assert!(result["LastError"].is_string(), "{name}: {result:#}");
    }
    let mut numbers = delivered(&mapping);
    let all = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), all, "no record was delivered twice");
    assert!(mapping.given_up().is_empty());
    // Mended, it is made.
    scene
        .put_row("poison", account_id, json!({"Groups": ["engineers"]}))
        .await
        .unwrap();
    mapping.drain().await.unwrap();
    key_works(&scene, account_id, "poison").await;
    for name in ["poison", "first", "last"] {
        scene.delete_row(name, account_id).await.unwrap();
    }
    for name in ["no name!", "mallory"] {
        scene.delete_row(name, account_id).await.unwrap();
    }
    scene.delete_row("nowhere", "no account").await.unwrap();
    mapping.drain().await.unwrap();
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn what_may_pass_is_delivered_again_until_it_passes() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let mapping = mapping(&scene).await;
    let control = scene.world.control();
    let throttled = Fault::new(FaultKind::Throttle, "iam:CreateAccessKey").in_account(account_id);
    control.add_fault(&throttled.always()).await.unwrap();
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    let delivery = mapping.step().await.unwrap().unwrap();
    let first = &delivery.sequence_numbers[0];
    assert_eq!(
        delivery.verdict,
        harness::event_source::Verdict::FailedFrom(first.clone()),
        "{delivery:#?}"
    );
    // It is not written into the row: that would be another record, which fails, and so on.
    assert_eq!(
        scene.result("alice", account_id).await.unwrap(),
        Value::Null
    );
    control.clear_faults(account_id).await.unwrap();
    mapping.drain().await.unwrap();
    key_works(&scene, account_id, "alice").await;
    let result = scene.result("alice", account_id).await.unwrap();
    assert!(
        result["LastError"].is_null() && result["Status"] != "Failed",
        "{result:#}"
    );
    assert_eq!(
        scene
            .secrets_of(account_id, "alice")
            .await
            .unwrap()
            .keys
            .len(),
        1
    );
    scene.check().await.unwrap();
}

#[tokio::test]
async fn what_does_not_pass_goes_to_the_destination_and_the_schedule_finds_it() {
    let scene = Scene::new(2).await.unwrap();
    let ids: Vec<&str> = scene
        .world
        .members()
        .iter()
        .map(harness::Account::id)
        .collect();
    let options = MappingOptions {
        retries: Some(2),
        ..MappingOptions::default()
    };
    let hub = scene.world.hub();
    let mapping = EventSourceMapping::new(&scene.reconcile, hub, scene.table(), options)
        .await
        .unwrap();
    let control = scene.world.control();
    let records = denied("s3:PutObject")
        .in_account(hub.id())
        .with_parameter(&format!("account_id={}", ids[0]));
    control.add_fault(&records.always()).await.unwrap();
    scene.put_row("alice", ids[0], json!({})).await.unwrap();
    scene.put_row("bob", ids[1], json!({})).await.unwrap();
    let deliveries = mapping.drain().await.unwrap();
    assert!(deliveries < 20, "the stream feeds itself: {deliveries}");
    assert!(!mapping.given_up().is_empty());
    assert!(
        !exists(&scene, "alice").await,
        "nothing is changed that cannot be recorded"
    );
    assert_eq!(
        scene.users(&scene.world.members()[1]).await.unwrap(),
        ["bob"]
    );
    control.clear_faults(hub.id()).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    key_works(&scene, ids[0], "alice").await;
    scene.check().await.unwrap();
}

#[tokio::test]
async fn records_that_come_again_late_and_out_of_their_time_change_nothing() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let mapping = mapping(&scene).await;
    // Made, gone, and made anew with something else.
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    mapping.drain().await.unwrap();
    scene.delete_row("alice", account_id).await.unwrap();
    mapping.drain().await.unwrap();
    assert!(!exists(&scene, "alice").await);
    scene
        .put_row("alice", account_id, json!({"Groups": ["engineers"]}))
        .await
        .unwrap();
    mapping.drain().await.unwrap();
    let before = scene.secrets_of(account_id, "alice").await.unwrap();
    let iam = scene.member().iam();
    let unique_id = || async {
        let found = iam.get_user().user_name("alice").send().await.unwrap();
        found.user.unwrap().user_id
    };
    let user = unique_id().await;
    let numbers = delivered(&mapping);
    let (first, last) = (numbers.first().unwrap(), numbers.last().unwrap());
    mapping.redeliver(first, last).await.unwrap();
    // The record of the deletion by itself: its row is there.
    for number in &numbers {
        mapping.redeliver(number, number).await.unwrap();
    }
    mapping.drain().await.unwrap();
    assert_eq!(unique_id().await, user);
    let after = scene.secrets_of(account_id, "alice").await.unwrap();
    assert_eq!(format!("{:?}", before.keys), format!("{:?}", after.keys));
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_deletes_many_rows_at_once_removes_nobody() {
    let scene = Scene::with(SceneOptions::default().members(1).with("MAX_REMOVALS", "3"))
        .await
        .unwrap();
    let account_id = scene.member().id();
    let mapping = mapping(&scene).await;
    let names: Vec<String> = (0..8).map(|number| format!("user-{number}")).collect();
    for name in &names {
        scene.put_row(name, account_id, json!({})).await.unwrap();
    }
    mapping.drain().await.unwrap();
    assert_eq!(scene.users(scene.member()).await.unwrap(), names);
    for name in &names[..4] {
        scene.delete_row(name, account_id).await.unwrap();
    }
    mapping.drain().await.unwrap();
    assert_eq!(scene.users(scene.member()).await.unwrap(), names);
    assert!(
        scene
            .reconcile
            .output()
            .unwrap()
            .contains("\"RemovalsRefused\":4")
    );
    assert!(mapping.given_up().is_empty());
    let answer = scene.fire_schedule().await.unwrap();
    assert!(answer["removals_refused"].is_string(), "{answer:#}");
    // With a limit that allows it, they go.
    scene
        .reconcile
        .configure("CROSSACCOUNT_MAX_REMOVALS", Some("20"));
    scene
        .reconcile
        .configure("CROSSACCOUNT_MAX_REMOVAL_PERCENT", Some("60"));
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["counts"]["Deleted"], 4, "{answer:#}");
    assert_eq!(scene.users(scene.member()).await.unwrap(), names[4..]);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_that_somebody_deleted_leaves_no_secret_when_its_row_goes() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let mapping = mapping(&scene).await;
    scene
        .put_row("alice", account_id, json!({"ConsoleAccess": {}}))
        .await
        .unwrap();
    mapping.drain().await.unwrap();
    let iam = scene.member().iam();
    let key = scene
        .secrets_of(account_id, "alice")
        .await
        .unwrap()
        .keys
        .remove(0);
    iam.delete_access_key()
        .user_name("alice")
        .access_key_id(&key.access_key_id)
        .send()
        .await
        .unwrap();
    iam.delete_login_profile()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    iam.delete_user_permissions_boundary()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    iam.delete_user().user_name("alice").send().await.unwrap();
    scene.delete_row("alice", account_id).await.unwrap();
    mapping.drain().await.unwrap();
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn two_hundred_users_in_twenty_accounts_come_through_the_stream() {
    let scene = Scene::new(20).await.unwrap();
    let mapping = mapping(&scene).await;
    let names: Vec<String> = (0..10).map(|number| format!("user-{number}")).collect();
    for member in scene.world.members() {
        for name in &names {
            scene
                .put_row(name, member.id(), json!({"AccessKey": null}))
                .await
                .unwrap();
        }
    }
    mapping.drain().await.unwrap();
    assert!(mapping.given_up().is_empty());
    for member in scene.world.members() {
        assert_eq!(scene.users(member).await.unwrap(), names);
    }
    let rows = scene.items().await.unwrap();
    assert_eq!(rows.len(), 200);
    assert!(rows.iter().all(|row| row["Result"]["Status"] == "Created"));
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["counts"], json!({"Exists": 200}), "{answer:#}");
    scene.check().await.unwrap();
}

#[tokio::test]
async fn an_event_that_is_nothing_we_know_is_refused() {
    let scene = Scene::new(1).await.unwrap();
    for event in [json!({}), json!({"Job": "Rotate"}), Value::Null] {
        let invocation = scene.reconcile.invoke(&event).await.unwrap();
        let refused = format!("{:#}", scene.answer(&invocation).unwrap_err());
        assert!(refused.contains("the function knows a batch"), "{refused}");
    }
    assert!(scene.calls().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_row_that_names_another_account_takes_its_user_there() {
    let options = SceneOptions {
        key: TableKey::UserName,
        ..SceneOptions::default().members(2)
    };
    let scene = Scene::with(options).await.unwrap();
    let [first, second] = scene.world.members() else {
        panic!("there are two accounts");
    };
    let mapping = mapping(&scene).await;
    let in_account = |account_id: &str| json!({"AccountId": account_id});
    for account in [first, second] {
        let row = in_account(account.id());
        scene.put_row("alice", account.id(), row).await.unwrap();
        mapping.drain().await.unwrap();
        key_works(&scene, account.id(), "alice").await;
    }
    assert!(scene.users(first).await.unwrap().is_empty());
    // What the stream has missed the schedule does.
    let row = in_account(first.id());
    scene.put_row("alice", first.id(), row).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    key_works(&scene, first.id(), "alice").await;
    assert!(scene.users(second).await.unwrap().is_empty());
    scene.delete_row("alice", first.id()).await.unwrap();
    mapping.drain().await.unwrap();
    assert!(mapping.given_up().is_empty(), "{:#?}", mapping.given_up());
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn what_somebody_forgot_to_make_is_written_into_the_row_and_holds_up_nobody() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let mapping = mapping(&scene).await;
    let policy = "arn:aws:iam::aws:policy/NobodyMadeThis";
    let properties = json!({"ManagedPolicyArns": [policy]});
    scene
        .put_row("alice", account_id, properties)
        .await
        .unwrap();
    scene.put_row("bob", account_id, json!({})).await.unwrap();
    mapping.drain().await.unwrap();
    key_works(&scene, account_id, "bob").await;
    let result = scene.result("alice", account_id).await.unwrap();
    assert_eq!(result["Status"], "Failed", "{result:#}");
    let error = result["LastError"].as_str().unwrap();
    assert!(error.contains("NobodyMadeThis"), "{error}");
    let mut numbers = delivered(&mapping);
    let all = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), all, "no record was delivered twice");
    scene.check().await.unwrap();
}

#[rstest::rstest]
#[case::its_row("dynamodb:GetItem")]
#[case::its_lease("dynamodb:UpdateItem")]
#[tokio::test]
async fn a_record_is_not_worked_off_while_the_table_does_not_answer(#[case] action: &str) {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let hub = scene.world.hub().id();
    let mapping = mapping(&scene).await;
    let control = scene.world.control();
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    let fault = denied(action).in_account(hub).always();
    control.add_fault(&fault).await.unwrap();
    let delivery = mapping.step().await.unwrap().unwrap();
    let first = &delivery.sequence_numbers[0];
    let verdict = harness::event_source::Verdict::FailedFrom(first.clone());
    assert_eq!(delivery.verdict, verdict, "{delivery:#?}");
    control.clear_faults(hub).await.unwrap();
    mapping.drain().await.unwrap();
    key_works(&scene, account_id, "alice").await;
    scene.check().await.unwrap();
}
