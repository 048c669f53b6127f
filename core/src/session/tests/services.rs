//! Calls beside the usual ones: sent once, or with a new access key.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::ErrorKind;
use crate::secret::Secret;
use crate::session::tests::{MEMBER, get_user, member, open};
use crate::session::{Access, Attempts, SessionSettings};
use crate::testing::{Answer, Server, all_is_well, sessions};

#[tokio::test]
async fn a_call_that_must_not_be_repeated_is_sent_once() {
    let server = Server::start(|seen| match seen.action() {
        "CreateAccessKey" => Answer::error(500, "ServiceFailure"),
        _ => all_is_well(seen),
    })
    .await;
    let settings = SessionSettings {
        attempts: Attempts::try_from(5).unwrap(),
        ..server.settings()
    };
    let sessions = sessions(settings);
    let session = sessions.open(&member(), Access::Write).await.unwrap();
    let action = format!("iam:{}", "CreateAccessKey");
    let error = session
        .call_once(&action, |iam| {
            iam.create_access_key().user_name("alice").send()
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(crate::aws::may_have_committed(&error));
    assert_eq!(error.account_id().unwrap().as_str(), MEMBER);
    assert_eq!(server.requests("CreateAccessKey").len(), 1);
    assert_eq!(sessions.statistics().by_action[&action], 1);

    // The guard of a reading session holds here too.
    let reading = sessions.open(&member(), Access::Read).await.unwrap();
    let error = reading
        .call_once(&action, |iam| {
            iam.create_access_key().user_name("alice").send()
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(server.requests("CreateAccessKey").len(), 1);
}

#[tokio::test]
async fn all_clients_of_a_session_use_one_session_of_sts() {
    let server = Server::start(all_is_well).await;
    let sessions = sessions(server.settings());
    let session = open(&sessions).await.unwrap();
    get_user(&session).await.unwrap();
    session
        .call_once("iam:GetUser", |iam| {
            iam.get_user().user_name("alice").send()
        })
        .await
        .unwrap();
    assert_eq!(server.requests("GetUser").len(), 2);
    assert_eq!(server.requests("AssumeRole").len(), 1);
}

fn identity(arn: &str) -> Answer {
    Answer::ok(format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDA</UserId>\
         <Account>222222222222</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    ))
}

#[tokio::test]
async fn a_new_key_says_itself_whose_it_is_and_every_time_anew() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |seen| {
        assert!(
            seen.headers["authorization"].contains("AKIANEW"),
            "{seen:?}"
        );
        match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::error(403, "InvalidClientTokenId"),
            _ => identity("arn:aws:iam::222222222222:user/people/alice"),
        }
    })
    .await;
    let sessions = sessions(server.settings());
    let account_id = MEMBER.parse().unwrap();
    let secret = Secret::new("hunter2".to_owned());
    let error = sessions
        .verify_key(&account_id, "AKIANEW", &secret)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(error.aws_code(), Some("InvalidClientTokenId"));
    assert!(error.to_string().contains("AKIANEW"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    for _ in 0..2 {
        let user = sessions
            .verify_key(&account_id, "AKIANEW", &secret)
            .await
            .unwrap();
        assert_eq!(user.name().as_str(), "alice");
    }
    assert_eq!(server.requests("GetCallerIdentity").len(), 3);
}

#[rstest::rstest]
#[case("arn:aws:iam::333333333333:user/alice")]
#[case("arn:aws:sts::222222222222:assumed-role/x/y")]
#[case("")]
#[tokio::test]
async fn a_key_of_another_account_or_of_no_user_is_refused(#[case] arn: &'static str) {
    let server = Server::start(move |_| identity(arn)).await;
    let error = sessions(server.settings())
        .verify_key(
            &MEMBER.parse().unwrap(),
            "AKIANEW",
            &Secret::new("s".to_owned()),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongAccount);
}
