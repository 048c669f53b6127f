//! Users that are in no row: removed when they are the registry's and few, and never otherwise.

use harness::jobs::{Scene, SceneOptions};
use serde_json::{Value, json};

use super::{denied, rows};

/// A scene with one account and these users in the registry.
async fn with_users(options: SceneOptions, names: &[String]) -> Scene {
    let scene = Scene::with(options.members(1)).await.unwrap();
    let account_id = scene.member().id();
    for name in names {
        scene.put_row(name, account_id, json!({})).await.unwrap();
    }
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["counts"]["Created"], names.len(), "{answer:#}");
    scene
}

fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("user-{number:02}"))
        .collect()
}

fn metrics(scene: &Scene) -> Value {
    let output = scene.reconcile.output().unwrap();
    let lines = output
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut metrics: Vec<Value> = lines.filter(|line| line.get("_aws").is_some()).collect();
    metrics.pop().unwrap()
}

#[tokio::test]
async fn an_empty_table_removes_nobody() {
    let users = names(3);
    let scene = with_users(SceneOptions::default(), &users).await;
    for name in &users {
        scene.delete_row(name, scene.member().id()).await.unwrap();
    }
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "PartlyFailed", "{answer:#}");
    let refused = answer["removals_refused"].as_str().unwrap();
    assert!(refused.contains("no row at all"), "{refused}");
    assert_eq!(scene.users(scene.member()).await.unwrap(), users);
    assert_eq!(metrics(&scene)["RemovalsRefused"], 3);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_table_that_lost_half_of_its_rows_removes_nobody() {
    let users = names(12);
    let scene = with_users(SceneOptions::default(), &users).await;
    for name in &users[..6] {
        scene.delete_row(name, scene.member().id()).await.unwrap();
    }
    let answer = scene.fire_schedule().await.unwrap();
    let refused = answer["removals_refused"].as_str().unwrap();
    assert!(
        refused.contains("CROSSACCOUNT_MAX_REMOVAL_PERCENT"),
        "{refused}"
    );
    assert_eq!(scene.users(scene.member()).await.unwrap(), users);
    // The rows come back, and everything is as it was.
    for name in &users[..6] {
        scene
            .put_row(name, scene.member().id(), json!({}))
            .await
            .unwrap();
    }
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    assert_eq!(answer["removals_refused"], Value::Null);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_table_that_cannot_be_read_removes_nobody() {
    let users = names(2);
    let scene = with_users(SceneOptions::default(), &users).await;
    scene
        .delete_row(&users[0], scene.member().id())
        .await
        .unwrap();
    let control = scene.world.control();
    let hub = scene.world.hub().id();
    control
        .add_fault(&denied("dynamodb:Scan").in_account(hub).always())
        .await
        .unwrap();
    let failed = format!("{:#}", scene.fire_schedule().await.unwrap_err());
    assert!(
        failed.contains("crossaccount-registry") && failed.contains("Scan"),
        "{failed}"
    );
    control.clear_faults(hub).await.unwrap();
    assert_eq!(scene.users(scene.member()).await.unwrap(), users);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn only_users_with_the_tag_of_this_registry_are_removed() {
    let scene = with_users(SceneOptions::default(), &names(2)).await;
    let account_id = scene.member().id();
    let iam = scene.member().iam();
    // Those of a call, of another registry, of Terraform, and of nobody.
    scene
        .provision(&json!({"account_id": account_id, "user_name": "by-call"}))
        .await
        .unwrap();
    for (name, owner) in [
        ("other", Some("registry/other")),
        ("terraform", Some("test")),
        ("nobody", None),
    ] {
        let mut call = iam.create_user().user_name(name).path("/people/");
        if let Some(owner) = owner {
            let tag = aws_sdk_iam::types::Tag::builder()
                .key("crossaccount:managed-by")
                .value(owner);
            call = call.tags(tag.build().unwrap());
        }
        call.send().await.unwrap();
    }
    scene.delete_row("user-00", account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "user-00", "Deleted")],
        "{answer:#}"
    );
    assert_eq!(
        scene.users(scene.member()).await.unwrap(),
        ["by-call", "nobody", "other", "terraform", "user-01"]
    );
    scene.check().await.unwrap();
}

#[tokio::test]
async fn no_more_are_removed_within_an_hour_than_is_allowed() {
    let users = names(4);
    let scene = with_users(SceneOptions::default().with("MAX_REMOVALS", "2"), &users).await;
    let account_id = scene.member().id();
    // This hour, and the next one in case it begins now, have seen one removal.
    let now = jiff::Timestamp::now();
    for at in [now, now + jiff::SignedDuration::from_hours(1)] {
        let hour = at.strftime("removals#%Y-%m-%dT%H").to_string();
        scene
            .put_row(&hour, "000000000000", json!({"Removed": 2}))
            .await
            .unwrap();
    }
    scene.delete_row(&users[0], account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        answer["rows"][0]["reason"]["kind"], "RemovalsRefused",
        "{answer:#}"
    );
    assert_eq!(scene.users(scene.member()).await.unwrap(), users);
    assert_eq!(metrics(&scene)["RemovalsRefused"], 1);
    for at in [now, now + jiff::SignedDuration::from_hours(1)] {
        let hour = at.strftime("removals#%Y-%m-%dT%H").to_string();
        scene
            .put_row(&hour, "000000000000", json!({"Removed": 1}))
            .await
            .unwrap();
    }
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, users[0].as_str(), "Deleted")],
        "{answer:#}"
    );
    scene.check().await.unwrap();
}

#[tokio::test]
async fn what_somebody_else_gave_stops_a_deletion_and_is_named() {
    let scene = with_users(SceneOptions::default(), &names(2)).await;
    let account_id = scene.member().id();
    let iam = scene.member().iam();
    let group = "administrators";
    iam.create_group().group_name(group).send().await.unwrap();
    iam.add_user_to_group()
        .group_name(group)
        .user_name("user-00")
        .send()
        .await
        .unwrap();
    // What the registry may give itself is no obstacle.
    iam.add_user_to_group()
        .group_name("engineers")
        .user_name("user-00")
        .send()
        .await
        .unwrap();
    let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    iam.attach_user_policy()
        .user_name("user-00")
        .policy_arn(policy)
        .send()
        .await
        .unwrap();
    scene.delete_row("user-00", account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    let message = answer["rows"][0]["reason"]["message"].as_str().unwrap();
    assert!(
        message.contains(group) && message.contains("CROSSACCOUNT_FORCE_DESTROY"),
        "{message}"
    );
    assert!(
        !message.contains("ReadOnlyAccess") && !message.contains("engineers"),
        "{message}"
    );
    assert_eq!(scene.users(scene.member()).await.unwrap(), names(2));
    iam.remove_user_from_group()
        .group_name(group)
        .user_name("user-00")
        .send()
        .await
        .unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "user-00", "Deleted")],
        "{answer:#}"
    );
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_quarantined_user_is_kept_without_access_and_comes_back_with_its_row() {
    let options = SceneOptions::default().with("DELETION_POLICY", "quarantine");
    let scene = with_users(options, &names(2)).await;
    let account_id = scene.member().id();
    scene.delete_row("user-00", account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "user-00", "Deleted")],
        "{answer:#}"
    );
    let user = scene.secrets_of(account_id, "user-00").await.unwrap();
    assert!(user.keys.iter().all(|key| !key.active), "{user:?}");
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["rows"], json!([]), "once is enough: {answer:#}");
    scene
        .put_row("user-00", account_id, json!({}))
        .await
        .unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    super::key_works(&scene, account_id, "user-00").await;
    scene.check().await.unwrap();
}

#[tokio::test]
async fn with_retain_a_user_stays_as_it_is() {
    let options = SceneOptions::default().with("DELETION_POLICY", "retain");
    let scene = with_users(options, &names(2)).await;
    scene
        .delete_row("user-00", scene.member().id())
        .await
        .unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        (&answer["rows"], &answer["removals_refused"]),
        (&json!([]), &Value::Null),
        "{answer:#}"
    );
    assert_eq!(scene.users(scene.member()).await.unwrap(), names(2));
    scene.check().await.unwrap();
}

/// With `*` no list names the account of a user whose row went unnoticed: the registry remembers it by itself.
#[tokio::test]
async fn an_account_without_any_row_left_is_remembered_until_it_has_no_user_left() {
    let options = SceneOptions::default()
        .members(2)
        .with("ALLOWED_ACCOUNT_IDS", "*");
    let scene = Scene::with(options).await.unwrap();
    let [first, second] = scene.world.members() else {
        panic!("there are two accounts");
    };
    for account in [first, second] {
        scene
            .put_row("alice", account.id(), json!({}))
            .await
            .unwrap();
    }
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["counts"]["Created"], 2, "{answer:#}");
    scene.delete_row("alice", second.id()).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(second.id(), "alice", "Deleted")],
        "{answer:#}"
    );
    let remembered = async || {
        let items = scene.items().await.unwrap().into_iter();
        let names = items.map(|item| item["UserName"].as_str().unwrap().to_owned());
        names
            .filter(|name| name.starts_with("place#"))
            .collect::<Vec<_>>()
    };
    assert_eq!(remembered().await.len(), 2);
    scene.fire_schedule().await.unwrap();
    assert_eq!(remembered().await, [format!("place#{}", first.id())]);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_removal_that_has_to_wait_takes_nothing_out_of_what_the_hour_allows() {
    let scene = with_users(SceneOptions::default(), &names(2)).await;
    let account_id = scene.member().id();
    // Somebody else works on the user, for ever as it seems.
    let lease = format!("lease#{account_id}#user-00");
    let held = json!({"Holder": "somebody", "HeldUntil": 9_999_999_999_999_i64});
    scene.put_row(&lease, account_id, held).await.unwrap();
    scene.delete_row("user-00", account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    let postponed = [(account_id, "user-00", "Postponed")];
    assert_eq!(rows(&answer), postponed, "{answer:#}");
    let items = scene.items().await.unwrap();
    let counts = |item: &Value| item["UserName"].as_str().unwrap().starts_with("removals#");
    assert!(!items.iter().any(counts), "{items:#?}");
    scene.delete_row(&lease, account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "user-00", "Deleted")],
        "{answer:#}"
    );
    assert!(scene.items().await.unwrap().iter().any(counts));
    scene.check().await.unwrap();
}
