//! The scene is ready for the function, and sees what it must not do.

use harness::cloudformation::{STRANGER, Scene, SceneOptions};

/// A scene whose function is never invoked.
async fn scene() -> Scene {
    let options = SceneOptions {
        binary: Some("/bin/true".into()),
        ..SceneOptions::default()
    };
    Scene::with(options).await.unwrap()
}

#[tokio::test]
async fn a_new_scene_is_empty() {
    let scene = scene().await;
    scene.check_empty().await.unwrap();
    assert_eq!(scene.calls().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_user_that_is_left_is_seen() {
    let scene = scene().await;
    let iam = scene.member().iam();
    iam.create_user().user_name("left").send().await.unwrap();
    let error = scene.check_empty().await.unwrap_err();
    assert!(
        error.to_string().contains(r#"users are left: ["left"]"#),
        "{error}"
    );
}

#[tokio::test]
async fn a_stranger_that_was_changed_is_seen() {
    let scene = scene().await;
    let iam = scene.member().iam();
    let call = iam.create_access_key().user_name(STRANGER).send();
    call.await.unwrap();
    let error = scene.check().await.unwrap_err();
    assert!(
        error.to_string().contains("the stranger changed"),
        "{error}"
    );
}

#[tokio::test]
async fn an_attempt_to_change_the_stranger_is_seen() {
    let scene = scene().await;
    let iam = scene.member().logged_iam();
    let call = iam.delete_user().user_name(STRANGER).send();
    call.await.unwrap_err();
    let error = scene.check().await.unwrap_err();
    assert!(
        error.to_string().contains("DeleteUser tried to change"),
        "{error}"
    );
}

#[tokio::test]
async fn a_secret_in_a_record_is_seen() {
    let scene = scene().await;
    let iam = scene.member().iam();
    iam.create_user().user_name("left").send().await.unwrap();
    let made = iam
        .create_access_key()
        .user_name("left")
        .send()
        .await
        .unwrap();
    let secret = made.access_key.unwrap().secret_access_key;
    scene
        .world
        .s3()
        .put_object()
        .bucket(scene.world.audit_bucket())
        .key("record")
        .body(format!("{{\"x\": {secret:?}}}").into_bytes().into())
        .send()
        .await
        .unwrap();
    let error = scene.check().await.unwrap_err();
    assert_eq!(error.to_string(), "the audit record record shows a secret");
}
