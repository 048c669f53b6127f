//! Actions: planned and invoked, with progress and one completed event.

use crossaccount_proto::tfplugin6::invoke_action::event::Type;
use crossaccount_proto::tfplugin6::{
    DynamicValue, invoke_action, plan_action, validate_action_config,
};
use harness::standin::Credentials;
use serde_json::{Value, json};

use super::{Stage, block, config, lines};

pub(super) const ROTATE: &str = "crossaccount_rotate_access_key";
const RESET: &str = "crossaccount_reset_password";

fn configured(stage: &Stage, action: &str, values: &Value) -> DynamicValue {
    let schema = stage.schemas.action_schemas[action].schema.as_ref();
    config(block(schema.unwrap()), values)
}

/// Validates and plans; what is said.
async fn plan(stage: &Stage, action: &str, values: &Value) -> Vec<String> {
    let config = configured(stage, action, values);
    let mut client = stage.client.clone();
    let request = validate_action_config::Request {
        type_name: action.to_owned(),
        config: Some(config.clone()),
    };
    let answer = client.validate_action_config(request).await.unwrap();
    assert_eq!(lines(&answer.into_inner().diagnostics), [""; 0]);
    let request = plan_action::Request {
        action_type: action.to_owned(),
        config: Some(config),
        client_capabilities: None,
    };
    let answer = client.plan_action(request).await.unwrap().into_inner();
    lines(&answer.diagnostics)
}

/// Invokes: the messages of progress, and what the one completed event at the end says.
pub(super) async fn invoke(
    stage: &Stage,
    action: &str,
    values: &Value,
) -> (Vec<String>, Vec<String>) {
    let request = invoke_action::Request {
        action_type: action.to_owned(),
        config: Some(configured(stage, action, values)),
        client_capabilities: None,
    };
    let answer = stage.client.clone().invoke_action(request).await;
    let mut events = answer.unwrap().into_inner();
    let mut progress = Vec::new();
    let mut completed = None;
    while let Some(event) = events.message().await.unwrap() {
        assert!(completed.is_none(), "an event after the end");
        match event.r#type.unwrap() {
            Type::Progress(it) => progress.push(it.message),
            Type::Completed(it) => completed = Some(lines(&it.diagnostics)),
        }
    }
    (progress, completed.expect("a completed event"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_on_demand_and_the_configuration_still_fits() {
    let mut stage = Stage::new().await;
    let mut user = stage
        .user("alice", json!({"access_key": {"rotation_trigger": "1"}}))
        .await;
    let named = stage.named("alice");
    let before = stage.secrets("alice").await.keys.remove(0);
    assert_eq!(plan(&stage, ROTATE, &named).await, [""; 0]);
    let (progress, found) = invoke(&stage, ROTATE, &named).await;
    assert_eq!(found, [""; 0]);

    let keys = stage.secrets("alice").await.keys;
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key.active), "the old key still works");
    let stored = stage.stored("alice", "access-key").await;
    let id = stored["access_key_id"].as_str().unwrap();
    assert_ne!(id, before.access_key_id);
    assert_eq!(progress.len(), 2, "{progress:?}");
    assert!(progress[0].contains("alice"), "{progress:?}");
    assert!(progress[1].contains(id), "{progress:?}");
    assert!(progress[1].contains(&before.access_key_id), "{progress:?}");
    for key in &keys {
        assert!(!progress.concat().contains(&key.secret_access_key));
    }
    let new = Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: stored["secret_access_key"].as_str().unwrap().to_owned(),
    };
    let sts = aws_sdk_sts::Client::new(&stage.member().config(&new));
    let identity = sts.get_caller_identity().send().await.unwrap();
    assert!(identity.arn().unwrap().ends_with(":user/alice"));
    let records = stage.audited().await;
    assert_eq!(
        records.last().unwrap(),
        &("rotate_access_key".to_owned(), "Rotated".to_owned())
    );

    let mut wanted = named.clone();
    wanted["access_key"] = json!({"rotation_trigger": "1"});
    let changes = stage.provider.changes(&mut user, &wanted).await.unwrap();
    assert_eq!(changes, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_cannot_be_is_told_by_the_plan_and_refused() {
    let mut stage = Stage::new().await;
    stage.user("alice", json!({"access_key": {}})).await;
    let named = stage.named("alice");
    let first = stage.secrets("alice").await.keys.remove(0).access_key_id;
    assert_eq!(invoke(&stage, ROTATE, &named).await.1, [""; 0]);
    let control = stage.world.control();
    let now = jiff::Timestamp::now().to_string();
    let used = control.set_key_last_used(stage.member().id(), &first, Some(&now));
    used.await.unwrap();

    let found = plan(&stage, ROTATE, &named).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("warning [name] Action would not work now"),
        "{found:?}"
    );
    assert!(found[0].contains(&first), "{found:?}");
    let (_, found) = invoke(&stage, ROTATE, &named).await;
    assert!(
        found[0].starts_with("error [name] Access key cannot be had"),
        "{found:?}"
    );
    assert_eq!(stage.secrets("alice").await.keys.len(), 2);

    // Whoever says so loses the old key.
    let mut now = named.clone();
    now["keep_if_used_within_days"] = json!(0);
    assert_eq!(plan(&stage, ROTATE, &now).await, [""; 0]);
    assert_eq!(invoke(&stage, ROTATE, &now).await.1, [""; 0]);
    let keys = stage.secrets("alice").await.keys;
    assert!(keys.iter().all(|key| key.access_key_id != first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_reset_on_demand() {
    let mut stage = Stage::new().await;
    let mut user = stage.user("alice", json!({"console_access": {}})).await;
    let mut named = stage.named("alice");
    named["password_length"] = json!(40);
    named["password_reset_required"] = json!(false);
    assert_eq!(plan(&stage, RESET, &named).await, [""; 0]);
    let (progress, found) = invoke(&stage, RESET, &named).await;
    assert_eq!(found, [""; 0]);
    let login = stage.secrets("alice").await.login.unwrap();
    assert_eq!(login.password.chars().count(), 40);
    assert!(!login.reset_required);
    let stored = stage.stored("alice", "console-password").await;
    assert_eq!(stored["password"], login.password.as_str());
    assert!(!progress.concat().contains(&login.password));
    assert!(
        progress[1].contains("/alice/console-password"),
        "{progress:?}"
    );
    let records = stage.audited().await;
    assert_eq!(
        records.last().unwrap(),
        &("reset_password".to_owned(), "Rotated".to_owned())
    );
    let mut wanted = stage.named("alice");
    wanted["console_access"] = json!({"password_reset_required": true});
    let changes = stage.provider.changes(&mut user, &wanted).await.unwrap();
    assert_eq!(changes, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_warns_of_users_that_are_missing_or_strangers_and_changes_nothing() {
    let mut stage = Stage::new().await;
    stage.user("bob", json!({})).await;
    let iam = stage.member().iam();
    iam.create_user().user_name("mallory").send().await.unwrap();
    for (action, name, reason) in [
        (ROTATE, "carol", "there is no user carol"),
        (ROTATE, "mallory", "is not managed by crossaccount"),
        (ROTATE, "bob", "has no access key that crossaccount made"),
        (
            RESET,
            "bob",
            "has no console password that crossaccount set",
        ),
    ] {
        let named = stage.named(name);
        let found = plan(&stage, action, &named).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("warning [name] "), "{found:?}");
        assert!(found[0].contains(reason), "{found:?}");
        let (_, found) = invoke(&stage, action, &named).await;
        assert!(found[0].starts_with("error [name] "), "{found:?}");
    }
    assert!(stage.secrets("bob").await.keys.is_empty());
    assert_eq!(stage.audited().await.len(), 1, "the creation of bob only");
}
