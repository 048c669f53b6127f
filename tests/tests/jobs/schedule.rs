//! `reconcile` by its schedule: accounts become what the registry says.

use harness::jobs::{Scene, SceneOptions, TableKey};
use harness::standin::UserSecrets;
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{denied, key_works, rows};

fn active(user: &UserSecrets) -> Vec<&str> {
    let keys = user.keys.iter().filter(|key| key.active);
    keys.map(|key| key.access_key_id.as_str()).collect()
}

/// The description of the old system, step by step: add, wait 15 days, wait 30 days, delete.
#[tokio::test]
async fn a_row_becomes_a_user_whose_key_rotates_until_the_row_goes() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Created")],
        "{answer:#}"
    );
    let result = scene.result("alice", account_id).await.unwrap();
    let created = scene.secrets_of(account_id, "alice").await.unwrap();
    let first = created.keys[0].access_key_id.clone();
    assert_eq!(result["Status"], "Created", "{result:#}");
    assert_eq!(result["AccessKeyId"], first.as_str());
    assert_eq!(
        result["UserArn"],
        format!("arn:aws:iam::{account_id}:user/people/alice").as_str()
    );
    let parameter = format!("/crossaccount/{account_id}/alice/access-key");
    assert_eq!(result["AccessKeyParameter"], parameter.as_str());
    assert!(
        result["LastRotation"].is_string() && result["LastError"].is_null(),
        "{result:#}"
    );
    key_works(&scene, account_id, "alice").await;

    let control = scene.world.control();
    control.age_user(account_id, "alice", 14.0).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["counts"], json!({"Exists": 1}), "{answer:#}");
    let same = scene.result("alice", account_id).await.unwrap();
    for field in ["Status", "AccessKeyId"] {
        assert_eq!(same[field], result[field], "{field}");
    }

    control.age_user(account_id, "alice", 1.5).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Rotated")],
        "{answer:#}"
    );
    let rotated = scene.secrets_of(account_id, "alice").await.unwrap();
    assert_eq!(
        active(&rotated).len(),
        2,
        "the old key works for some days more"
    );
    let result = scene.result("alice", account_id).await.unwrap();
    assert_eq!(result["Status"], "Rotated");
    assert_ne!(result["AccessKeyId"], first.as_str());
    key_works(&scene, account_id, "alice").await;

    // Made inactive half way, and deleted when it is 30 days old.
    control.age_user(account_id, "alice", 8.0).await.unwrap();
    scene.fire_schedule().await.unwrap();
    let disabled = scene.secrets_of(account_id, "alice").await.unwrap();
    assert_eq!((disabled.keys.len(), active(&disabled).len()), (2, 1));
    control.age_user(account_id, "alice", 7.0).await.unwrap();
    scene.fire_schedule().await.unwrap();
    let kept = scene.secrets_of(account_id, "alice").await.unwrap();
    assert!(
        kept.keys.iter().all(|key| key.access_key_id != first),
        "{kept:?}"
    );
    key_works(&scene, account_id, "alice").await;

    // A registry with a single user is not an empty one while another row is there.
    scene.put_row("bob", account_id, json!({})).await.unwrap();
    scene.fire_schedule().await.unwrap();
    scene.delete_row("alice", account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Deleted")],
        "{answer:#}"
    );
    assert_eq!(scene.users(scene.member()).await.unwrap(), ["bob"]);
    assert_eq!(scene.stored(&parameter).await.unwrap(), Value::Null);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_table_with_names_alone_works_with_the_account_of_the_function() {
    let options = SceneOptions {
        key: TableKey::UserName,
        ..SceneOptions::default().members(1)
    };
    let scene = Scene::with(options).await.unwrap();
    let account_id = scene.member().id();
    for name in ["alice", "bob"] {
        scene.put_row(name, account_id, json!({})).await.unwrap();
    }
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["counts"], json!({"Created": 2}), "{answer:#}");
    key_works(&scene, account_id, "alice").await;
    scene.delete_row("bob", account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "bob", "Deleted")],
        "{answer:#}"
    );
    assert_eq!(scene.users(scene.member()).await.unwrap(), ["alice"]);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn an_hour_in_which_nothing_is_due_costs_little_and_writes_nothing() {
    let scene = Scene::new(2).await.unwrap();
    let users = ["ann", "ben", "cleo", "dan", "eve"];
    for member in scene.world.members() {
        for name in users {
            let properties = json!({"Groups": ["engineers"], "ConsoleAccess": {}});
            scene.put_row(name, member.id(), properties).await.unwrap();
        }
    }
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["counts"], json!({"Created": 10}), "{answer:#}");
    scene.forget_calls().await.unwrap();
    let before = scene.items().await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["counts"], json!({"Exists": 10}), "{answer:#}");
    assert_eq!(answer["rows"], json!([]));
    assert_eq!(scene.items().await.unwrap(), before);
    let (mut of_users, mut of_accounts) = (0, 0);
    for call in scene.calls().await.unwrap() {
        match call.action.as_str() {
            "iam:ListAccessKeys" | "iam:GetLoginProfile" => of_users += 1,
            "sts:AssumeRole" | "iam:GetAccountAuthorizationDetails" | "ssm:DescribeParameters" => {
                of_accounts += 1;
            }
            "sts:GetCallerIdentity" | "dynamodb:Scan" | "dynamodb:DescribeTable" => {}
            other => panic!("nothing was due, and {other} was called"),
        }
    }
    // Two for each user; a session and one look for each account, and one list of all secrets.
    assert_eq!((of_users, of_accounts), (2 * 10, 2 * 2 + 1));
    scene.check().await.unwrap();
}

#[tokio::test]
async fn what_somebody_changed_by_hand_is_mended() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let properties = json!({"ManagedPolicyArns": [policy], "Groups": ["engineers"]});
    scene
        .put_row("alice", account_id, properties)
        .await
        .unwrap();
    scene.fire_schedule().await.unwrap();
    let iam = scene.member().iam();
    iam.detach_user_policy()
        .user_name("alice")
        .policy_arn(policy)
        .send()
        .await
        .unwrap();
    iam.delete_user_permissions_boundary()
        .user_name("alice")
        .send()
        .await
        .unwrap();
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
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    let user = iam
        .get_user()
        .user_name("alice")
        .send()
        .await
        .unwrap()
        .user
        .unwrap();
    assert!(user.permissions_boundary().is_some());
    let attached = iam
        .list_attached_user_policies()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(attached.attached_policies().len(), 1);
    key_works(&scene, account_id, "alice").await;

    // A secret that is gone is as good as no key.
    let parameter = format!("/crossaccount/{account_id}/alice/access-key");
    let ssm = scene.world.hub().ssm();
    ssm.delete_parameter()
        .name(&parameter)
        .send()
        .await
        .unwrap();
    scene.fire_schedule().await.unwrap();
    key_works(&scene, account_id, "alice").await;
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_row_that_cannot_be_had_says_why_and_holds_up_nobody() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let poison = [
        (
            "by-group",
            json!({"Groups": ["admins"]}),
            "CROSSACCOUNT_ALLOWED_GROUPS",
        ),
        ("misspelt", json!({"Grups": ["engineers"]}), "Groups"),
        ("no days", json!({}), "UserName"),
        (
            "retained",
            json!({"DeletionPolicy": "retain"}),
            "CROSSACCOUNT_DELETION_POLICY",
        ),
        ("mallory", json!({}), "not made by this deployment"),
    ];
    for (name, properties, _) in poison.clone() {
        scene.put_row(name, account_id, properties).await.unwrap();
    }
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    scene
        .put_row("bob", "999999999999", json!({}))
        .await
        .unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "PartlyFailed");
    assert_eq!(
        answer["counts"],
        json!({"Created": 1, "Failed": 6}),
        "{answer:#}"
    );
    for (name, _, why) in poison {
        let result = scene.result(name, account_id).await.unwrap();
        assert_eq!(result["Status"], "Failed", "{name}: {result:#}");
        let error = result["LastError"].as_str().unwrap();
        assert!(error.contains(why), "{name}: {error}");
    }
    let result = scene.result("bob", "999999999999").await.unwrap();
    assert!(
        result["LastError"]
            .as_str()
            .unwrap()
            .contains("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS")
    );
    assert_eq!(
        scene.result("alice", account_id).await.unwrap()["Status"],
        "Created"
    );
    // Mended, it is made.
    scene
        .put_row("misspelt", account_id, json!({"Groups": ["engineers"]}))
        .await
        .unwrap();
    scene.fire_schedule().await.unwrap();
    let result = scene.result("misspelt", account_id).await.unwrap();
    assert_eq!(
        (&result["Status"], &result["LastError"]),
        (&json!("Created"), &Value::Null)
    );
    scene.check().await.unwrap();
}

#[tokio::test]
async fn an_account_that_cannot_be_looked_at_fails_its_rows_and_loses_nobody() {
    let scene = Scene::new(2).await.unwrap();
    let ids: Vec<String> = scene
        .world
        .members()
        .iter()
        .map(|it| it.id().to_owned())
        .collect();
    for id in &ids {
        for name in ["alice", "bob"] {
            scene.put_row(name, id, json!({})).await.unwrap();
        }
    }
    scene.fire_schedule().await.unwrap();
    let control = scene.world.control();
    let broken = denied("iam:GetAccountAuthorizationDetails").in_account(&ids[1]);
    control.add_fault(&broken.always()).await.unwrap();
    scene.delete_row("bob", &ids[0]).await.unwrap();
    scene.delete_row("bob", &ids[1]).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "PartlyFailed", "{answer:#}");
    assert_eq!(answer["failed_accounts"][0]["account_id"], ids[1].as_str());
    let message = answer["failed_accounts"][0]["reason"]["message"]
        .as_str()
        .unwrap();
    assert!(message.contains("AllowInventory"), "{message}");
    assert_eq!(
        scene.users(&scene.world.members()[0]).await.unwrap(),
        ["alice"]
    );
    assert_eq!(
        scene.users(&scene.world.members()[1]).await.unwrap(),
        ["alice", "bob"]
    );
    let error = &scene.result("alice", &ids[1]).await.unwrap()["LastError"];
    assert!(
        error.as_str().unwrap().contains("AllowInventory"),
        "{error}"
    );
    control.clear_faults(&ids[1]).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    let result = scene.result("alice", &ids[1]).await.unwrap();
    assert!(result["LastError"].is_null(), "{result:#}");
    assert_eq!(
        scene.users(&scene.world.members()[1]).await.unwrap(),
        ["alice"]
    );
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_dry_run_shows_what_an_hour_would_bring_and_changes_nothing() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    for name in ["alice", "bob", "carol"] {
        scene.put_row(name, account_id, json!({})).await.unwrap();
    }
    scene.fire_schedule().await.unwrap();
    scene
        .world
        .control()
        .age_user(account_id, "bob", 20.0)
        .await
        .unwrap();
    scene.delete_row("alice", account_id).await.unwrap();
    scene.put_row("dave", account_id, json!({})).await.unwrap();
    scene.forget_calls().await.unwrap();
    let event = json!({"Job": "Reconcile", "DryRun": true});
    let invocation = scene.reconcile.invoke(&event).await.unwrap();
    let answer = scene.answer(&invocation).unwrap();
    assert_eq!(answer["dry_run"], true);
    assert_eq!(
        rows(&answer),
        [
            (account_id, "alice", "WouldDelete"),
            (account_id, "bob", "WouldUpdate"),
            (account_id, "dave", "WouldCreate"),
        ],
        "{answer:#}"
    );
    for call in scene.calls().await.unwrap() {
        let name = call.action.split(':').nth(1).unwrap();
        let reads = ["Get", "List", "Describe", "Scan", "AssumeRole"];
        assert!(
            reads.iter().any(|start| name.starts_with(start)),
            "a dry run called {}",
            call.action
        );
    }
    scene.check().await.unwrap();
}

#[tokio::test]
async fn two_runs_at_the_same_moment_make_one_user_with_one_key() {
    let scene = Scene::new(2).await.unwrap();
    for member in scene.world.members() {
        for name in ["alice", "bob", "carol"] {
            scene
                .put_row(name, member.id(), json!({"ConsoleAccess": {}}))
                .await
                .unwrap();
        }
    }
    let (one, two) = tokio::join!(scene.fire_schedule(), scene.fire_schedule());
    let (one, two) = (one.unwrap(), two.unwrap());
    for answer in [&one, &two] {
        assert_eq!(answer["counts"]["Failed"], Value::Null, "{answer:#}");
    }
    let made = |answer: &Value| answer["counts"]["Created"].as_u64().unwrap_or_default();
    assert_eq!(made(&one) + made(&two), 6, "{one:#} {two:#}");
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    for member in scene.world.members() {
        for name in ["alice", "bob", "carol"] {
            let user = scene.secrets_of(member.id(), name).await.unwrap();
            assert_eq!(user.keys.len(), 1, "{name}");
            key_works(&scene, member.id(), name).await;
        }
    }
    // No lease is left.
    let left = scene.items().await.unwrap();
    let left = left
        .iter()
        .filter(|item| item["UserName"].as_str().unwrap().contains('#'));
    assert_eq!(left.count(), 0);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn throttling_is_waited_for_and_what_it_stops_is_done_by_the_next_run() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    for name in ["alice", "bob"] {
        scene.put_row(name, account_id, json!({})).await.unwrap();
    }
    let control = scene.world.control();
    // A few refusals are the SDK's business.
    let few = Fault::new(FaultKind::Throttle, "iam:CreateUser")
        .in_account(account_id)
        .times(2);
    control.add_fault(&few).await.unwrap();
    // One call is refused for good.
    let always = Fault::new(FaultKind::Throttle, "iam:CreateAccessKey")
        .in_account(account_id)
        .with_parameter("bob")
        .always();
    control.add_fault(&always).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        answer["counts"],
        json!({"Created": 1, "Failed": 1}),
        "{answer:#}"
    );
    let result = scene.result("bob", account_id).await.unwrap();
    assert!(
        result["LastError"]
            .as_str()
            .unwrap()
            .contains("CreateAccessKey"),
        "{result:#}"
    );
    control.clear_faults(account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    key_works(&scene, account_id, "bob").await;
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_run_that_hangs_ends_with_its_process_and_the_next_one_completes_it() {
    let options = SceneOptions {
        timeout: std::time::Duration::from_secs(8),
        ..SceneOptions::default().members(1)
    };
    let scene = Scene::with(options).await.unwrap();
    let account_id = scene.member().id();
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    let control = scene.world.control();
    let held = Fault::new(FaultKind::HoldBeforeCommit, "iam:CreateUser").in_account(account_id);
    let held = control.add_fault(&held).await.unwrap();
    let failed = format!("{:#}", scene.fire_schedule().await.unwrap_err());
    assert!(failed.contains("the next run goes on"), "{failed}");
    // The process is gone, and with it whatever it would have done later.
    control.release(&held.id).await.unwrap();
    control.clear_faults(account_id).await.unwrap();
    let before = scene.reconcile.environments();
    for item in scene.items().await.unwrap() {
        let name = item["UserName"].as_str().unwrap();
        if name.starts_with("lease#") {
            scene
                .set(name, account_id, "HeldUntil", &json!(0))
                .await
                .unwrap();
        }
    }
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(scene.reconcile.environments(), before + 1);
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    key_works(&scene, account_id, "alice").await;
    scene.check().await.unwrap();
}

/// Somebody has switched off a key that leaked: no hour may switch it on again by itself.
#[tokio::test]
async fn a_key_that_was_made_inactive_by_hand_works_again_when_its_row_says_so() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    scene.fire_schedule().await.unwrap();
    let key = scene.secrets_of(account_id, "alice").await.unwrap().keys;
    let iam = scene.member().iam();
    iam.update_access_key()
        .user_name("alice")
        .access_key_id(&key[0].access_key_id)
        .status(aws_sdk_iam::types::StatusType::Inactive)
        .send()
        .await
        .unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Exists")],
        "{answer:#}"
    );
    let warning = answer["rows"][0]["warnings"][0].as_str().unwrap();
    assert!(warning.contains("is inactive, and stays so"), "{answer:#}");
    // Another change of the row is no word about the key.
    let readers = json!({"Groups": ["readers"]});
    scene.put_row("alice", account_id, readers).await.unwrap();
    scene.fire_schedule().await.unwrap();
    let user = scene.secrets_of(account_id, "alice").await.unwrap();
    assert!(active(&user).is_empty());
    let asks = json!({"Groups": ["readers"], "AccessKey": {"Status": "Active"}});
    scene.put_row("alice", account_id, asks).await.unwrap();
    scene.fire_schedule().await.unwrap();
    let user = scene.secrets_of(account_id, "alice").await.unwrap();
    assert_eq!(active(&user), [key[0].access_key_id.as_str()]);
    scene.check().await.unwrap();
}
