//! Access keys and console passwords over their whole life, with the real Terraform.

use harness::KMS_ALIAS;
use harness::standin::{Parameter, UserSecrets};
use serde_json::Value;

use super::scene::Scene;

const ADDRESS: &str = "crossaccount_iam_user.alice";
const KEY_PARAMETER: &str = "access-key";
const PASSWORD_PARAMETER: &str = "console-password";

/// A scene whose provider block has a secret store.
async fn scene() -> Scene {
    let scene = Scene::new(1).await;
    scene.provider(&format!("  secrets = {{ kms_key_id = \"{KMS_ALIAS}\" }}"));
    scene
}

fn configure(scene: &Scene, attributes: &str) {
    scene.configure(&format!(
        "resource \"crossaccount_iam_user\" \"alice\" {{\n  account_id = \"{{0}}\"\n  name = \"alice\"\n{attributes}\n}}\n"
    ));
}

async fn secrets(scene: &Scene) -> UserSecrets {
    let control = scene.world.control();
    control
        .user_secrets(scene.member().id(), "alice")
        .await
        .unwrap()
}

async fn age(scene: &Scene, days: f64) {
    let control = scene.world.control();
    control
        .age_user(scene.member().id(), "alice", days)
        .await
        .unwrap();
}

/// The parameter of a credential in the hub account.
async fn parameter(scene: &Scene, what: &str) -> Option<Parameter> {
    let name = format!("/crossaccount/{}/alice/{what}", scene.member().id());
    let control = scene.world.control();
    control
        .parameter(scene.world.hub().id(), &name)
        .await
        .unwrap()
}

/// The stored access key: its id and secret are those of a key that IAM has.
async fn stored_key(scene: &Scene) -> String {
    let stored = parameter(scene, KEY_PARAMETER).await.expect("a stored key");
    let value: Value = serde_json::from_str(&stored.value).unwrap();
    let id = value["access_key_id"].as_str().unwrap().to_owned();
    let keys = secrets(scene).await.keys;
    let key = keys
        .iter()
        .find(|key| key.access_key_id == id)
        .expect("a key of IAM");
    assert_eq!(value["secret_access_key"], key.secret_access_key.as_str());
    assert!(key.active);
    id
}

fn keys(scene: &Scene) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let keys = scene.state(ADDRESS)["access_keys"].clone();
    let keys = keys.as_array().unwrap().iter();
    keys.map(|key| {
        (
            text(&key["id"]),
            text(&key["phase"]),
            text(&key["next_action"]),
        )
    })
    .collect()
}

const KEY_ONLY: &str = "  access_key = {}";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_stored_rotated_disabled_and_deleted_by_its_age() {
    let scene = scene().await;
    configure(&scene, KEY_ONLY);
    scene.apply();
    scene.assert_nothing_to_do();
    let first = stored_key(&scene).await;
    assert_eq!(
        keys(&scene),
        [(first.clone(), "current".to_owned(), "rotate".to_owned())]
    );

    age(&scene, 16.0).await;
    let plan = scene.plan_changes();
    assert!(plan.contains("1 to change"), "{plan}");
    assert!(
        plan.contains(&format!("access key {first} is 16 days old")),
        "{plan}"
    );
    scene.apply();
    scene.assert_nothing_to_do();
    let second = stored_key(&scene).await;
    assert_ne!(first, second);
    assert_eq!(
        keys(&scene),
        [
            (second.clone(), "current".to_owned(), "rotate".to_owned()),
            (first.clone(), "retiring".to_owned(), "disable".to_owned()),
        ]
    );

    age(&scene, 8.0).await;
    scene.apply();
    scene.assert_nothing_to_do();
    assert_eq!(
        keys(&scene)[1],
        (first.clone(), "disabled".to_owned(), "delete".to_owned())
    );
    assert!(!secrets(&scene).await.keys[0].active);

    // The old key is due, and the new one as well.
    age(&scene, 8.0).await;
    scene.apply();
    scene.assert_nothing_to_do();
    let third = stored_key(&scene).await;
    let ids: Vec<String> = keys(&scene).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, [third, second]);

    let records = scene.audit_records().await;
    let finished: Vec<&Value> = records
        .iter()
        .filter(|record| record["phase"] == "finished")
        .collect();
    let statuses: Vec<&str> = finished
        .iter()
        .map(|record| record["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["Created", "Rotated", "Updated", "Rotated"]);
    assert_eq!(finished[1]["action"], "rotate_access_key");
    assert!(
        finished[1]["secret_names"][0]
            .as_str()
            .unwrap()
            .ends_with("/alice/access-key")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_used_is_kept_and_the_plan_says_so() {
    let scene = scene().await;
    configure(&scene, KEY_ONLY);
    scene.apply();
    let first = stored_key(&scene).await;
    age(&scene, 16.0).await;
    scene.apply();
    age(&scene, 8.0).await;
    let control = scene.world.control();
    let now = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(26);
    control
        .set_key_last_used(scene.member().id(), &first, Some(&now.to_string()))
        .await
        .unwrap();
    let output = scene.terraform.plan().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", output.text());
    let plan = super::scene::flat(&output.text());
    assert!(
        plan.contains(&format!("access key {first} is due to be made inactive")),
        "{plan}"
    );
    assert!(secrets(&scene).await.keys.iter().all(|key| key.active));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_replaces_the_key_once_and_status_switches_all_keys_off() {
    let scene = scene().await;
    configure(&scene, KEY_ONLY);
    scene.apply();
    let first = stored_key(&scene).await;
    configure(&scene, "  access_key = { rotation_trigger = \"leak\" }");
    scene.apply();
    scene.assert_nothing_to_do();
    let second = stored_key(&scene).await;
    assert_ne!(first, second);
    configure(
        &scene,
        "  access_key = { rotation_trigger = \"leak\", status = \"Inactive\" }",
    );
    scene.apply();
    scene.assert_nothing_to_do();
    assert!(secrets(&scene).await.keys.iter().all(|key| !key.active));
    configure(&scene, "  access_key = { rotation_trigger = \"leak\" }");
    scene.apply();
    scene.assert_nothing_to_do();
    assert_eq!(stored_key(&scene).await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_password_is_made_to_the_policy_of_the_account_and_stored() {
    let scene = scene().await;
    let policy = serde_json::json!({"MinimumPasswordLength": 30, "RequireSymbols": true});
    let control = scene.world.control();
    control
        .set_password_policy(scene.member().id(), Some(policy))
        .await
        .unwrap();
    configure(&scene, "  console_access = {}");
    scene.apply();
    scene.assert_nothing_to_do();
    let login = secrets(&scene).await.login.unwrap();
    let stored = parameter(&scene, PASSWORD_PARAMETER).await.unwrap();
    let value: Value = serde_json::from_str(&stored.value).unwrap();
    assert_eq!(value["password"], login.password.as_str());
    assert_eq!(login.password.len(), 30);
    assert!(login.reset_required);
    assert_eq!(
        scene.state(ADDRESS)["console_access"]["password_parameter"],
        stored.name.as_str()
    );

    // A longer one, without a forced change.
    configure(
        &scene,
        "  console_access = { password_length = 40, password_reset_required = false }",
    );
    let plan = scene.plan_changes();
    assert!(plan.contains("a new one is set"), "{plan}");
    scene.apply();
    scene.assert_nothing_to_do();
    let login = secrets(&scene).await.login.unwrap();
    assert_eq!(login.password.len(), 40);
    assert!(!login.reset_required);

    // The profile and the parameter go with the block, the user stays.
    configure(&scene, "");
    scene.apply();
    scene.assert_nothing_to_do();
    assert!(secrets(&scene).await.login.is_none());
    assert!(parameter(&scene, PASSWORD_PARAMETER).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_that_a_user_chooses_is_no_drift_and_a_deleted_profile_is() {
    let scene = scene().await;
    configure(&scene, "  console_access = {}");
    scene.apply();
    let iam = scene.member().iam();
    let change = iam
        .update_login_profile()
        .user_name("alice")
        .password("Own-choice-2026");
    change.password_reset_required(false).send().await.unwrap();
    scene.assert_nothing_to_do();
    iam.delete_login_profile()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    scene.plan_changes();
    scene.apply();
    scene.assert_nothing_to_do();
    assert_ne!(
        secrets(&scene).await.login.unwrap().password,
        "Own-choice-2026"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_ones_own_is_set_and_neither_stored_nor_remembered() {
    let scene = scene().await;
    let given = |password: &str, version: u8| {
        format!("  console_access = {{ password = \"{password}\", password_version = {version} }}")
    };
    configure(&scene, &given("First-of-my-own-1", 1));
    scene.apply();
    scene.assert_nothing_to_do();
    assert_eq!(
        secrets(&scene).await.login.unwrap().password,
        "First-of-my-own-1"
    );
    assert!(parameter(&scene, PASSWORD_PARAMETER).await.is_none());
    assert!(scene.state(ADDRESS)["console_access"]["password"].is_null());
    // Only the version tells that there is another one.
    configure(&scene, &given("Second-of-my-own-2", 1));
    scene.assert_nothing_to_do();
    configure(&scene, &given("Second-of-my-own-2", 2));
    scene.apply();
    assert_eq!(
        secrets(&scene).await.login.unwrap().password,
        "Second-of-my-own-2"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_follow_a_rename_and_go_with_the_user() {
    let scene = scene().await;
    configure(&scene, "  console_access = {}\n  access_key = {}");
    scene.apply();
    let key = stored_key(&scene).await;
    let hub = scene.world.hub().id();
    let text = std::fs::read_to_string(scene.terraform.path().join("main.tf")).unwrap();
    let text = text.replace("name = \"alice\"", "name = \"ali_ce\"");
    scene.terraform.write("main.tf", &text).unwrap();
    scene.apply();
    scene.assert_nothing_to_do();
    let control = scene.world.control();
    let names: Vec<String> = control
        .parameters(hub)
        .await
        .unwrap()
        .into_iter()
        .map(|found| found.name)
        .collect();
    let prefix = format!("/crossaccount/{}/ali__ce", scene.member().id());
    assert_eq!(
        names,
        [
            format!("{prefix}/access-key"),
            format!("{prefix}/console-password")
        ]
    );
    let moved = control.parameter(hub, &names[0]).await.unwrap().unwrap();
    assert!(moved.value.contains(&key), "the same key");
    scene.terraform.destroy().unwrap().expect_success().unwrap();
    assert!(control.parameters(hub).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_can_live_in_the_member_account() {
    let scene = scene().await;
    scene.provider(&format!(
        "  secrets = {{ kms_key_id = \"{KMS_ALIAS}\", location = \"member\", prefix = \"/people\" }}"
    ));
    configure(&scene, "  console_access = {}\n  access_key = {}");
    scene.apply();
    scene.assert_nothing_to_do();
    let control = scene.world.control();
    let found = control.parameters(scene.member().id()).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(found[0].name.starts_with("/people/"));
    assert_eq!(found[0].key_id.as_deref(), Some(KMS_ALIAS));
    assert!(
        control
            .parameters(scene.world.hub().id())
            .await
            .unwrap()
            .is_empty()
    );
    scene.terraform.destroy().unwrap().expect_success().unwrap();
    assert!(
        control
            .parameters(scene.member().id())
            .await
            .unwrap()
            .is_empty()
    );
}
