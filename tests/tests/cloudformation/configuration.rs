//! A function that is not set up: stacks get an answer that says what to repair, and can roll back.

use harness::cloudformation::{RequestKind, SceneOptions, Status};

use super::people::People;

const MISSING: &str = "CROSSACCOUNT_EXTERNAL_ID";

#[tokio::test]
async fn a_stack_learns_what_is_missing_and_rolls_back() {
    let options = SceneOptions::default()
        .without(MISSING)
        .with("CROSSACCOUNT_SESSION_DURATION", "soon");
    let mut people = People::with(options).await;
    let alice = people.scene.full_user("alice");
    assert_eq!(
        people.create(&alice).await,
        Status::RollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    let reason = people.reason(RequestKind::Create);
    assert!(reason.contains(MISSING), "{reason}");
    assert!(reason.contains("CROSSACCOUNT_SESSION_DURATION"), "{reason}");
    assert_eq!(people.scene.calls().await.unwrap().len(), 0);
    people.stack.endpoint().check_confirmed_once().unwrap();
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn users_that_exist_are_kept_until_the_function_is_set_up_again() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.forget_calls().await.unwrap();
    let function = people.scene.function.clone();
    function.configure(MISSING, None);
    assert_eq!(people.delete().await, Status::DeleteFailed);
    let reason = people.reason(RequestKind::Delete);
    assert!(reason.contains(MISSING), "{reason}");
    assert_eq!(people.scene.calls().await.unwrap().len(), 0);
    people.assert_is(&alice).await;
    let external_id = people.scene.world.external_id().to_owned();
    function.configure(MISSING, Some(&external_id));
    people.deleted().await;
}

#[tokio::test]
async fn without_a_secret_store_there_are_users_but_no_credentials() {
    let options = SceneOptions::default().without("CROSSACCOUNT_SECRETS_KMS_KEY_ID");
    let mut people = People::with(options).await;
    let alice = people.scene.full_user("alice");
    assert_eq!(people.create(&alice).await, Status::RollbackComplete);
    let reason = people.reason(RequestKind::Create);
    assert!(
        reason.contains("CROSSACCOUNT_SECRETS_KMS_KEY_ID"),
        "{reason}"
    );
    people.stack = people.scene.stack();
    let alice = people.scene.user("alice");
    people.created(&alice).await;
    people.deleted().await;
}
