//! A user from its declaration to its end.

use harness::cloudformation::{Scene, StackTemplate, Status};

#[tokio::test]
async fn a_user_is_created_changed_and_deleted_with_its_stack() {
    let scene = Scene::new(1).await.unwrap();
    let mut stack = scene.stack();
    let mut alice = scene.full_user("alice");
    let template = StackTemplate::new().with("Alice", &alice).unwrap();
    assert_eq!(
        stack.create(&template).await.unwrap(),
        Status::CreateComplete,
        "{:#?}",
        stack.events()
    );
    let account = scene.member().id();
    assert_eq!(
        stack.reference("Alice").unwrap(),
        format!("crossaccount:v1:{account}:alice")
    );
    assert_eq!(stack.get_att("Alice", "Status").unwrap(), "Created");
    assert_eq!(stack.get_att("Alice", "UserName").unwrap(), "alice");
    assert!(
        stack
            .get_att("Alice", "AccessKeyId")
            .unwrap()
            .starts_with("AKIA")
    );

    alice["Tags"] = serde_json::json!([{"Key": "team", "Value": "blue"}]);
    let template = StackTemplate::new().with("Alice", &alice).unwrap();
    assert_eq!(
        stack.update(&template).await.unwrap(),
        Status::UpdateComplete,
        "{:#?}",
        stack.events()
    );
    assert_eq!(stack.get_att("Alice", "Status").unwrap(), "Updated");
    scene.check().await.unwrap();

    assert_eq!(
        stack.delete().await.unwrap(),
        Status::DeleteComplete,
        "{:#?}",
        stack.events()
    );
    scene.check_empty().await.unwrap();
}
