//! The jobs, end to end: the real binaries behind a real Runtime API, with roles of their own, against the stand-in.

mod crash;
mod member_role;
mod provision;
mod races;
mod removals;
mod schedule;
mod stream;

use harness::jobs::Scene;
use harness::{Fault, FaultKind};
use serde_json::Value;

/// The rows of an answer as (account, user, status).
fn rows(answer: &Value) -> Vec<(&str, &str, &str)> {
    let rows = answer["rows"].as_array().unwrap();
    let mut found: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["account_id"].as_str().unwrap(),
                row["user_name"].as_str().unwrap(),
                row["status"].as_str().unwrap(),
            )
        })
        .collect();
    found.sort_unstable();
    found
}

/// AWS denies a call.
fn denied(action: &str) -> Fault {
    let kind = FaultKind::HttpError {
        status: 403,
        code: "AccessDenied".to_owned(),
    };
    Fault::new(kind, action)
}

/// The stored pair of a user is that of a key that works, and the tags say which one is current.
async fn key_works(scene: &Scene, account_id: &str, name: &str) {
    let parameter = format!("/crossaccount/{account_id}/{name}/access-key");
    let stored = scene.stored(&parameter).await.unwrap();
    let user = scene.secrets_of(account_id, name).await.unwrap();
    let id = stored["access_key_id"].as_str().expect("a key is stored");
    let key = user.keys.iter().find(|key| key.access_key_id == id);
    let key = key.unwrap_or_else(|| panic!("{name}: the stored key {id} does not exist: {user:?}"));
    assert!(key.active, "{name}: the stored key {id} is inactive");
    assert_eq!(stored["secret_access_key"], key.secret_access_key.as_str());
    let current = &user.tags["crossaccount:current-key"];
    assert!(
        current.contains(id),
        "{name}: {current} is current, and {id} is stored"
    );
}
