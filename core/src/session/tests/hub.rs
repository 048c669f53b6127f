//! Who we are, and hub credentials that are no good.

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use futures_util::future::join_all;
use tokio::net::TcpListener;

use crate::error::ErrorKind;
use crate::ids::Partition;
use crate::session::{Endpoints, SessionSettings};
use crate::testing::{
    Answer, HUB, Server, all_is_well, caller_identity, clock, sessions, sessions_at,
};

#[tokio::test]
async fn the_hub_is_asked_once_for_its_identity() {
    let server = Server::start(all_is_well).await;
    let sessions = sessions(server.settings());
    for hub in join_all((0..5).map(|_| sessions.hub())).await {
        let hub = hub.unwrap();
        assert_eq!(hub.account_id.as_str(), HUB);
        assert_eq!(hub.partition, Partition::Aws);
        assert_eq!(hub.caller_arn, "arn:aws:iam::111111111111:user/hub");
    }
    sessions.hub().await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[rstest::rstest]
#[case(400, "ExpiredToken", "have expired")]
#[case(403, "ExpiredTokenException", "have expired")]
#[case(403, "InvalidClientTokenId", "does not know the hub credentials")]
#[case(403, "SignatureDoesNotMatch", "does not know the hub credentials")]
#[case(400, "RequestExpired", "clock")]
#[case(403, "AccessDenied", "service control policies")]
#[tokio::test]
async fn refused_hub_credentials_are_explained(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] hint: &str,
) {
    let server = Server::start(move |_| Answer::error(status, code)).await;
    let error = sessions(server.settings()).hub().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HubCredentials);
    for part in ["identify the hub credentials", code, hint] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_failing_sts_says_nothing_about_the_credentials() {
    let server = Server::start(|_| Answer::error(503, "ServiceUnavailable")).await;
    let error = sessions(server.settings()).hub().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let server = Server::start(move |_| {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            Answer::error(403, "ExpiredToken")
        } else {
            caller_identity("user/hub")
        }
    })
    .await;
    let sessions = sessions(server.settings());
    sessions.hub().await.unwrap_err();
    sessions.hub().await.unwrap();
}

#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded(
            "no provider in the chain has credentials",
        )))
    }
}

#[tokio::test]
async fn missing_hub_credentials_are_explained() {
    let server = Server::start(all_is_well).await;
    let sessions = sessions_at(server.settings(), clock(), NoCredentials);
    let error = sessions.hub().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HubCredentials, "{error}");
    assert!(error.to_string().contains("aws sso login"), "{error}");
    assert!(
        error
            .to_string()
            .contains("no provider in the chain has credentials"),
        "{error}"
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_sts_that_is_not_there_makes_us_doubt_the_region() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = SessionSettings {
        endpoints: Endpoints {
            sts: Some(nobody.parse().unwrap()),
            ..Endpoints::default()
        },
        attempts: 1.try_into().unwrap(),
        ..crate::testing::settings()
    };
    let error = sessions(settings).hub().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HubCredentials, "{error}");
    assert!(
        error.to_string().contains("STS in Region eu-central-1"),
        "{error}"
    );
}
