//! Accounts, credentials and the canary.

use aws_sdk_iam::operation::RequestId;
use harness::standin::Credentials;
use harness::{StandIn, World};

use super::{member, refusal, session};

#[tokio::test]
async fn a_role_session_acts_in_the_member_account_only() {
    let world = World::new(2).await.unwrap();
    let (first, second) = (&world.members()[0], &world.members()[1]);
    let iam = aws_sdk_iam::Client::new(&session(&world, first).await);
    iam.create_user().user_name("alice").send().await.unwrap();

    assert!(
        first
            .iam()
            .get_user()
            .user_name("alice")
            .send()
            .await
            .is_ok()
    );
    let elsewhere = second.iam().get_user().user_name("alice").send().await;
    assert_eq!(refusal(elsewhere), "NoSuchEntity");
    world.control().check_canary().await.unwrap();
}

#[tokio::test]
async fn unknown_inactive_and_deleted_keys_are_invalid() {
    let (world, iam) = member().await;
    let account = &world.members()[0];
    super::make_user(&iam, "alice").await;
    let key = iam
        .create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let key = key.access_key().unwrap().clone();
    let credentials = Credentials {
        access_key_id: key.access_key_id().to_owned(),
        secret_access_key: key.secret_access_key().to_owned(),
    };
    let sts = aws_sdk_sts::Client::new(&account.config(&credentials));
    assert!(sts.get_caller_identity().send().await.is_ok());

    let unknown = Credentials {
        access_key_id: "AKIAUNKNOWNUNKNOWN77".to_owned(),
        ..credentials.clone()
    };
    let stranger = aws_sdk_sts::Client::new(&account.config(&unknown));
    assert_eq!(
        refusal(stranger.get_caller_identity().send().await),
        "InvalidClientTokenId"
    );

    iam.update_access_key()
        .user_name("alice")
        .access_key_id(key.access_key_id())
        .status(aws_sdk_iam::types::StatusType::Inactive)
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(sts.get_caller_identity().send().await),
        "InvalidClientTokenId"
    );

    iam.delete_access_key()
        .user_name("alice")
        .access_key_id(key.access_key_id())
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(sts.get_caller_identity().send().await),
        "InvalidClientTokenId"
    );
    world.control().check_canary().await.unwrap();
}

#[tokio::test]
async fn a_wrong_secret_does_not_match_the_signature() {
    let (world, _) = member().await;
    let account = &world.members()[0];
    let wrong = Credentials {
        secret_access_key: "not the secret".to_owned(),
        ..account.credentials().clone()
    };
    let sts = aws_sdk_sts::Client::new(&account.config(&wrong));
    assert_eq!(
        refusal(sts.get_caller_identity().send().await),
        "SignatureDoesNotMatch"
    );
}

#[tokio::test]
async fn an_expired_session_is_refused_as_expired() {
    let (world, _) = member().await;
    let account = &world.members()[0];
    let config = session(&world, account).await;
    let iam = aws_sdk_iam::Client::new(&config);
    assert!(iam.list_users().send().await.is_ok());

    world.control().expire_sessions(account.id()).await.unwrap();

    assert_eq!(refusal(iam.list_users().send().await), "ExpiredToken");
}

#[tokio::test]
async fn an_action_that_is_not_implemented_is_named_and_not_retried() {
    let (world, _) = member().await;
    let iam = world.members()[0].logged_iam();
    let error = iam
        .generate_organizations_access_report()
        .entity_path("o-1/r-1/ou-1")
        .send()
        .await;
    let error = error.unwrap_err();
    assert!(error.request_id().is_some());
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 501);
    assert!(format!("{error:?}").contains("GenerateOrganizationsAccessReport"));
}

#[tokio::test]
async fn resetting_an_account_empties_it_and_leaves_the_others() {
    let world = World::new(2).await.unwrap();
    let (first, second) = (&world.members()[0], &world.members()[1]);
    super::make_user(&first.iam(), "alice").await;
    super::make_user(&second.iam(), "alice").await;

    world.control().reset_account(first.id()).await.unwrap();

    let users = first.iam().list_users().send().await.unwrap();
    assert_eq!(users.users().len(), 0);
    assert!(
        second
            .iam()
            .get_user()
            .user_name("alice")
            .send()
            .await
            .is_ok()
    );
}

#[test]
fn the_stand_in_ends_with_its_parent() {
    let stand_in = StandIn::start().unwrap();
    let address = stand_in.address();
    // Dropping closes the pipe, as the kernel does when the parent dies.
    drop(stand_in);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn sixteen_clients_at_once_create_each_user_once() {
    let (world, _) = member().await;
    let iam = world.members()[0].iam();
    let attempts = (0..16).map(|_| {
        let iam = iam.clone();
        tokio::spawn(async move { iam.create_user().user_name("alice").send().await.is_ok() })
    });
    let mut created = 0;
    for attempt in futures_util::future::join_all(attempts).await {
        created += usize::from(attempt.unwrap());
    }
    assert_eq!(created, 1);
}
