//! The life of the credentials of a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::{get_user, member, open};
use crate::error::ErrorKind;
use crate::session::{Access, Target};
use crate::testing::{
    Answer, CountedCredentials, Server, account_in, all_is_well, assumed, clock, sessions,
    sessions_at,
};

#[tokio::test]
async fn calls_are_signed_with_the_credentials_of_the_session() {
    let server = Server::start(all_is_well).await;
    let session = open(&sessions(server.settings())).await.unwrap();
    let answer = get_user(&session).await.unwrap();
    assert_eq!(answer.user().unwrap().user_id(), "AIDA1");
    let request = &server.requests("GetUser")[0];
    let authorization = &request.headers["authorization"];
    assert!(
        authorization.contains("Credential=ASIA222222222222/20260102/"),
        "{authorization}"
    );
    assert_eq!(request.headers["x-amz-security-token"], "t");
    assert_eq!(
        server.requests("AssumeRole").len(),
        1,
        "the first credentials are used"
    );
}

#[tokio::test]
async fn credentials_are_renewed_before_they_expire() {
    let renewals = AtomicUsize::new(0);
    let server = Server::start(move |seen| match seen.action() {
        "AssumeRole" if renewals.fetch_add(1, Ordering::SeqCst) > 0 => {
            assumed(account_in(seen), "2026-01-02T05:00:00Z")
        }
        _ => all_is_well(seen),
    })
    .await;
    let time = clock();
    let sessions = sessions_at(
        server.settings(),
        time.clone(),
        CountedCredentials::default(),
    );
    let session = open(&sessions).await.unwrap();
    get_user(&session).await.unwrap();
    time.advance(Duration::from_mins(50));
    get_user(&session).await.unwrap();
    assert_eq!(
        server.requests("AssumeRole").len(),
        1,
        "ten minutes are left"
    );
    // The SDK adds a random part to the five minutes, so a minute before the end is surely late.
    time.advance(Duration::from_mins(9));
    get_user(&session).await.unwrap();
    assert_eq!(server.requests("AssumeRole").len(), 2);
}

#[tokio::test]
async fn a_session_that_lay_unused_for_hours_does_not_use_its_old_credentials() {
    let renewals = AtomicUsize::new(0);
    let server = Server::start(move |seen| match seen.action() {
        "AssumeRole" if renewals.fetch_add(1, Ordering::SeqCst) > 0 => {
            assumed("222222222222", "2026-01-02T07:00:00Z")
        }
        _ => all_is_well(seen),
    })
    .await;
    let time = clock();
    let sessions = sessions_at(
        server.settings(),
        time.clone(),
        CountedCredentials::default(),
    );
    let session = open(&sessions).await.unwrap();
    time.advance(Duration::from_hours(3));
    get_user(&session).await.unwrap();
    assert_eq!(server.requests("AssumeRole").len(), 2);
}

#[rstest::rstest]
#[case(None, ErrorKind::WrongAccount, "333333333333")]
#[case(Some("AccessDenied"), ErrorKind::AssumeRole, "trust policy")]
#[tokio::test]
async fn a_renewal_that_goes_wrong_is_told_as_such(
    #[case] code: Option<&'static str>,
    #[case] kind: ErrorKind,
    #[case] hint: &str,
) {
    let opened = AtomicBool::new(false);
    let server = Server::start(move |seen| match seen.action() {
        "AssumeRole" if opened.swap(true, Ordering::SeqCst) => match code {
            Some(code) => Answer::error(403, code),
            None => assumed("333333333333", "2026-01-02T09:00:00Z"),
        },
        _ => all_is_well(seen),
    })
    .await;
    let time = clock();
    let sessions = sessions_at(
        server.settings(),
        time.clone(),
        CountedCredentials::default(),
    );
    let session = open(&sessions).await.unwrap();
    time.advance(Duration::from_hours(1));
    let error = get_user(&session).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(hint), "{error}");
    assert!(server.requests("GetUser").is_empty());
}

#[tokio::test]
async fn a_hundred_accounts_share_hub_credentials_and_keep_their_own() {
    let server = Server::start(all_is_well).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let provider = CountedCredentials(Arc::clone(&asked));
    let sessions = sessions_at(server.settings(), clock(), provider);
    let mut opened = Vec::new();
    for number in 0..100u64 {
        let account_id = (300_000_000_000 + number).to_string().parse().unwrap();
        let target = Target {
            account_id,
            role_arn: None,
        };
        opened.push(sessions.open(&target, Access::Read).await.unwrap());
    }
    for _ in 0..2 {
        for session in &opened {
            get_user(session).await.unwrap();
        }
    }
    assert_eq!(
        server.requests("AssumeRole").len(),
        100,
        "no credentials were forgotten"
    );
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "hub credentials were fetched once"
    );
    assert_eq!(
        server.connections(),
        1,
        "one after the other needs one connection"
    );
    assert_eq!(sessions.statistics().by_action["iam:GetUser"], 200);
}

#[tokio::test]
async fn a_session_that_aws_has_ended_is_opened_anew() {
    let ended = AtomicBool::new(false);
    let server = Server::start(move |seen| match seen.action() {
        "GetUser" if !ended.swap(true, Ordering::SeqCst) => Answer::error(403, "ExpiredToken"),
        _ => all_is_well(seen),
    })
    .await;
    let sessions = sessions(server.settings());
    let session = open(&sessions).await.unwrap();
    let error = get_user(&session).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().contains("clock"), "{error}");
    let session = sessions.open(&member(), Access::Read).await.unwrap();
    get_user(&session).await.unwrap();
    assert_eq!(server.requests("AssumeRole").len(), 2);
}
