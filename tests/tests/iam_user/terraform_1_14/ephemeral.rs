//! Ephemeral keys and passwords: opened, renewed and closed.

use std::time::{Duration, SystemTime};

use aws_sdk_iam::types::StatusType;
use crossaccount_proto::tfplugin6::{
    close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource,
    validate_ephemeral_resource_config,
};
use harness::KMS_ALIAS;
use harness::standin::{Fault, FaultKind};
use rmpv::Value as Msgpack;
use serde_json::{Value, json};

use super::super::host::attribute;
use super::{Stage, actions, block, config, lines, text, whole};

const KEY: &str = "crossaccount_iam_access_key";
const PASSWORD: &str = "crossaccount_console_password";

struct Opened {
    result: Msgpack,
    private: Option<Vec<u8>>,
    renew_at: Option<SystemTime>,
}

/// Validates and opens as Core does, with its checks.
async fn open(stage: &Stage, type_name: &str, values: &Value) -> Result<Opened, Vec<String>> {
    let attributes = block(&stage.schemas.ephemeral_resource_schemas[type_name]);
    let config = config(attributes, values);
    let mut client = stage.client.clone();
    let request = validate_ephemeral_resource_config::Request {
        type_name: type_name.to_owned(),
        config: Some(config.clone()),
    };
    let answer = client.validate_ephemeral_resource_config(request).await;
    assert_eq!(lines(&answer.unwrap().into_inner().diagnostics), [""; 0]);
    let request = open_ephemeral_resource::Request {
        type_name: type_name.to_owned(),
        config: Some(config),
        client_capabilities: None,
    };
    let answer = client.open_ephemeral_resource(request).await.unwrap();
    let answer = answer.into_inner();
    if !answer.diagnostics.is_empty() {
        return Err(lines(&answer.diagnostics));
    }
    assert_eq!(answer.deferred, None);
    let result = whole(attributes, answer.result.as_ref());
    for (name, value) in values.as_object().unwrap() {
        assert_eq!(text(&result, name), value.as_str().unwrap(), "{name}");
    }
    Ok(Opened {
        result,
        private: answer.private,
        renew_at: answer.renew_at.map(|at| SystemTime::try_from(at).unwrap()),
    })
}

async fn refusal(stage: &Stage, type_name: &str, values: &Value) -> String {
    match open(stage, type_name, values).await {
        Ok(opened) => panic!("opened: {}", attribute(&opened.result, "id")),
        Err(lines) => lines.join("\n"),
    }
}

async fn renew(stage: &Stage, opened: &Opened) -> (Vec<String>, Option<SystemTime>) {
    let request = renew_ephemeral_resource::Request {
        type_name: KEY.to_owned(),
        private: opened.private.clone(),
    };
    let answer = stage.client.clone().renew_ephemeral_resource(request).await;
    let answer = answer.unwrap().into_inner();
    let renew_at = answer.renew_at.map(|at| SystemTime::try_from(at).unwrap());
    (lines(&answer.diagnostics), renew_at)
}

async fn close(stage: &Stage, type_name: &str, opened: &Opened) {
    let request = close_ephemeral_resource::Request {
        type_name: type_name.to_owned(),
        private: opened.private.clone(),
    };
    let answer = stage.client.clone().close_ephemeral_resource(request).await;
    assert_eq!(lines(&answer.unwrap().into_inner().diagnostics), [""; 0]);
}

fn in_ten_minutes(at: Option<SystemTime>) -> bool {
    let left = at.unwrap().duration_since(SystemTime::now()).unwrap();
    left > Duration::from_mins(9) && left <= Duration::from_mins(10)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_opened_renewed_and_closed_while_it_works() {
    let mut stage = Stage::new().await;
    let user = stage.user("alice", json!({"access_key": {}})).await;
    let mut named = stage.named("alice");
    named["unique_id"] = json!(user.text("unique_id").unwrap());
    let opened = open(&stage, KEY, &named).await.unwrap();
    let key = stage.secrets("alice").await.keys.remove(0);
    assert_eq!(text(&opened.result, "id"), key.access_key_id);
    assert_eq!(text(&opened.result, "secret"), key.secret_access_key);
    let place = format!("/crossaccount/{}/alice/access-key", stage.member().id());
    assert_eq!(text(&opened.result, "parameter"), place);
    assert!(text(&opened.result, "create_date").ends_with('Z'));
    assert!(in_ten_minutes(opened.renew_at));
    let private = String::from_utf8(opened.private.clone().unwrap()).unwrap();
    assert!(!private.contains(&key.secret_access_key));

    let (found, renew_at) = renew(&stage, &opened).await;
    assert_eq!(found, [""; 0]);
    assert!(in_ten_minutes(renew_at));

    let iam = stage.member().iam();
    let update = iam.update_access_key().user_name("alice");
    let update = update
        .access_key_id(&key.access_key_id)
        .status(StatusType::Inactive);
    update.send().await.unwrap();
    let (found, _) = renew(&stage, &opened).await;
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("error [name] Access key cannot be had"),
        "{found:?}"
    );
    assert!(
        found[0].contains("was made inactive while it was in use"),
        "{found:?}"
    );
    let found = refusal(&stage, KEY, &named).await;
    assert!(found.contains("is inactive"), "{found}");
    close(&stage, KEY, &opened).await;
    close(&stage, KEY, &opened).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gives_no_key_and_the_error_says_what_to_do() {
    let mut stage = Stage::new().await;
    stage.user("alice", json!({"access_key": {}})).await;
    stage.user("bob", json!({})).await;
    let iam = stage.member().iam();
    iam.create_user().user_name("mallory").send().await.unwrap();
    let control = stage.world.control();
    control
        .age_user(stage.member().id(), "bob", 1.0)
        .await
        .unwrap();

    let found = refusal(&stage, KEY, &stage.named("carol")).await;
    assert!(
        found.starts_with("error [name] Object not found"),
        "{found}"
    );
    assert!(found.contains("apply the user first"), "{found}");
    let found = refusal(&stage, KEY, &stage.named("mallory")).await;
    assert!(found.contains("is not managed by crossaccount"), "{found}");
    let found = refusal(&stage, KEY, &stage.named("bob")).await;
    assert!(
        found.contains("Give the user access_key and apply first"),
        "{found}"
    );
    let found = refusal(&stage, PASSWORD, &stage.named("bob")).await;
    assert!(
        found.contains("Give the user console_access and apply first"),
        "{found}"
    );
    let mut other = stage.named("alice");
    other["unique_id"] = json!("AIDAOTHER");
    let found = refusal(&stage, KEY, &other).await;
    assert!(
        found.starts_with("error [unique_id] User was replaced"),
        "{found}"
    );
    // None of it reached for a secret.
    let calls = control.calls(stage.world.hub().id()).await.unwrap();
    assert!(calls.iter().all(|call| call.action != "ssm:GetParameter"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_store_nothing_can_be_opened() {
    let stage = Stage::with(json!({})).await;
    let found = refusal(&stage, KEY, &stage.named("alice")).await;
    assert!(found.starts_with("error [] Invalid value: "), "{found}");
    assert!(found.contains("no secret store is configured"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_plan_of_a_rename_the_user_is_found_by_its_unique_id() {
    let mut stage = Stage::new().await;
    let user = stage.user("alice", json!({"access_key": {}})).await;
    let mut renamed = stage.named("alice.new");
    renamed["unique_id"] = json!(user.text("unique_id").unwrap());
    let opened = open(&stage, KEY, &renamed).await.unwrap();
    let key = stage.secrets("alice").await.keys.remove(0);
    assert_eq!(text(&opened.result, "secret"), key.secret_access_key);
    assert_eq!(renew(&stage, &opened).await.0, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_being_replaced_is_waited_for() {
    let mut stage = Stage::new().await;
    stage.user("alice", json!({"access_key": {}})).await;
    let control = stage.world.control();
    // The call that names the new key, when its secret is stored already: the first one opens the intent.
    let hold = Fault::new(FaultKind::HoldBeforeCommit, "iam:TagUser")
        .in_account(stage.member().id())
        .from_call(2);
    let hold = control.add_fault(&hold).await.unwrap();
    let named = stage.named("alice");
    let rotation = actions::invoke(&stage, actions::ROTATE, &named);
    let reading = async {
        let limit = Duration::from_mins(1);
        control.wait_for_fault(&hold.id, 1, limit).await.unwrap();
        control.clear_calls(stage.world.hub().id()).await.unwrap();
        let opening = open(&stage, KEY, &named);
        let release = async {
            // Released when the reader has seen that the store is ahead of the tags.
            while !control
                .calls(stage.world.hub().id())
                .await
                .unwrap()
                .iter()
                .any(|call| call.action == "ssm:GetParameter")
            {}
            control.release(&hold.id).await.unwrap();
        };
        tokio::join!(opening, release).0.unwrap()
    };
    let ((_, found), opened) = tokio::join!(rotation, reading);
    assert_eq!(found, [""; 0]);
    let stored = stage.stored("alice", "access-key").await;
    assert_eq!(
        text(&opened.result, "id"),
        stored["access_key_id"].as_str().unwrap()
    );
    let secret = stored["secret_access_key"].as_str().unwrap();
    assert_eq!(text(&opened.result, "secret"), secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_is_opened_and_one_of_ones_own_is_not() {
    let mut stage = Stage::new().await;
    stage.user("alice", json!({"console_access": {}})).await;
    let own = json!({"console_access": {"password": "Correct-Horse-9", "password_version": 1}});
    stage.user("bob", own).await;
    let opened = open(&stage, PASSWORD, &stage.named("alice")).await.unwrap();
    let login = stage.secrets("alice").await.login.unwrap();
    assert_eq!(text(&opened.result, "password"), login.password);
    let url = format!(
        "https://{}.signin.aws.amazon.com/console",
        stage.member().id()
    );
    assert_eq!(text(&opened.result, "console_url"), url);
    assert_eq!(opened.renew_at, None);
    close(&stage, PASSWORD, &opened).await;
    let found = refusal(&stage, PASSWORD, &stage.named("bob")).await;
    assert!(found.contains("password_version"), "{found}");
    assert!(!found.contains("Correct-Horse-9"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_member_account_are_opened_too() {
    let secrets = json!({"kms_key_id": KMS_ALIAS, "location": "member", "prefix": "/people"});
    let mut stage = Stage::with(json!({"secrets": secrets})).await;
    let both = json!({"access_key": {}, "console_access": {}});
    stage.user("alice", both).await;
    let found = stage.secrets("alice").await;
    let named = stage.named("alice");
    let opened = open(&stage, KEY, &named).await.unwrap();
    assert_eq!(
        text(&opened.result, "secret"),
        found.keys[0].secret_access_key
    );
    let opened = open(&stage, PASSWORD, &named).await.unwrap();
    assert_eq!(
        text(&opened.result, "password"),
        found.login.unwrap().password
    );
}
