//! What a session does not do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Barrier;

use super::{get_user, member, open};
use crate::error::ErrorKind;
use crate::session::{Access, MaxConcurrency, Session, Target};
use crate::testing::{HUB, Server, all_is_well, sessions};

async fn delete_user(session: &Session) -> Result<(), crate::error::Error> {
    // The label is that of a reading call: what counts is what the client would send.
    session
        .call("iam:GetUser", |iam| {
            iam.delete_user().user_name("alice").send()
        })
        .await
        .map(drop)
}

#[rstest::rstest]
#[case(crate::session::tests::MEMBER)]
#[case(HUB)]
#[tokio::test]
async fn a_reading_session_sends_no_write(#[case] account_id: &str) {
    let server = Server::start(all_is_well).await;
    let sessions = sessions(server.settings());
    let target = Target {
        account_id: account_id.parse().unwrap(),
        role_arn: None,
    };
    let reading = sessions.open(&target, Access::Read).await.unwrap();
    let error = delete_user(&reading).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("iam:DeleteUser"), "{error}");
    assert!(server.requests("DeleteUser").is_empty());

    let writing = sessions.open(&target, Access::Write).await.unwrap();
    delete_user(&writing).await.unwrap();
    assert_eq!(server.requests("DeleteUser").len(), 1);
}

#[tokio::test]
async fn calls_to_one_account_are_bounded_over_both_sessions() {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let pair = Arc::new(Barrier::new(2));
    let peak = Arc::clone(&most);
    let server = Server::start_async(move |seen| {
        let (running, most, pair) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&pair));
        async move {
            if seen.action() == "GetUser" {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                // Nobody is answered before a second call is there.
                pair.wait().await;
                running.fetch_sub(1, Ordering::SeqCst);
            }
            all_is_well(&seen)
        }
    })
    .await;
    let mut settings = server.settings();
    settings.max_concurrency = MaxConcurrency::try_from(2).unwrap();
    let sessions = sessions(settings);
    let reading = open(&sessions).await.unwrap();
    let writing = sessions.open(&member(), Access::Write).await.unwrap();
    let both = (0..12).map(|number| if number % 2 == 0 { &reading } else { &writing });
    let calls = join_all(both.map(|session| get_user(session)));
    let results = tokio::time::timeout(Duration::from_secs(20), calls)
        .await
        .unwrap();
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(peak.load(Ordering::SeqCst), 2);
}
