//! Accounts, credentials and the canary.

use harness::World;

#[tokio::test]
async fn a_role_session_acts_in_the_member_account_only() {
    let world = World::new(2).await.unwrap();
    let (first, second) = (&world.members()[0], &world.members()[1]);
    let session = world
        .hub()
        .sts()
        .assume_role()
        .role_arn(world.role_arn(first.id()))
        .role_session_name("test")
        .external_id(world.external_id())
        .send()
        .await
        .unwrap();
    let config = first.session_config(session.credentials().unwrap());
    aws_sdk_iam::Client::new(&config).create_user().user_name("alice").send().await.unwrap();

    assert!(first.iam().get_user().user_name("alice").send().await.is_ok());
    let elsewhere = second.iam().get_user().user_name("alice").send().await.unwrap_err();
    assert!(elsewhere.into_service_error().is_no_such_entity_exception());
    world.control().check_canary().await.unwrap();
}
