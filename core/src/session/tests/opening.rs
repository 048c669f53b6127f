//! How often and with what a role is assumed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::{MEMBER, member, open};
use crate::error::ErrorKind;
use crate::secret::Secret;
use crate::session::{Access, AccountFilter, ExternalId, SessionDuration, SessionTags, Target};
use crate::testing::{
    Answer, HUB, READ_POLICY, Server, WRITE_POLICY, all_is_well, assumed, caller_identity, sessions,
};

#[tokio::test]
async fn ten_requests_at_once_assume_the_role_once() {
    let server = Server::start(all_is_well).await;
    let sessions = sessions(server.settings());
    let opened = join_all((0..10).map(|_| open(&sessions))).await;
    let first = opened[0].as_ref().unwrap();
    for session in &opened {
        assert!(Arc::ptr_eq(first, session.as_ref().unwrap()));
    }
    assert_eq!(server.requests("AssumeRole").len(), 1);
    assert_eq!(server.requests("GetCallerIdentity").len(), 1);
}

#[tokio::test]
async fn an_account_costs_two_sts_calls_one_for_reading_and_one_for_writing() {
    let server = Server::start(all_is_well).await;
    let sessions = sessions(server.settings());
    for access in [Access::Read, Access::Write, Access::Read, Access::Write] {
        let session = sessions.open(&member(), access).await.unwrap();
        assert_eq!(session.access(), access);
        assert_eq!(session.account_id().as_str(), MEMBER);
    }
    let policies: Vec<_> = server
        .requests("AssumeRole")
        .iter()
        .map(|seen| seen.field("Policy").unwrap().to_owned())
        .collect();
    assert_eq!(policies, [READ_POLICY, WRITE_POLICY]);
    let statistics = sessions.statistics();
    assert_eq!(statistics.assumed[&MEMBER.parse().unwrap()], 2);
    assert_eq!(statistics.by_action["sts:AssumeRole"], 2);
    assert_eq!(statistics.by_action["sts:GetCallerIdentity"], 1);
}

#[tokio::test]
async fn the_request_carries_all_session_settings() {
    let server = Server::start(all_is_well).await;
    let mut settings = server.settings();
    settings.external_id = Some(ExternalId::new(Secret::new("shared:id/1".to_owned())).unwrap());
    settings.duration = SessionDuration::try_from(7200).unwrap();
    settings.source_identity = Some("alice@example.com".parse().unwrap());
    settings.tags =
        SessionTags::new([("Team".parse().unwrap(), "Platform Team".parse().unwrap())].into())
            .unwrap();
    open(&sessions(settings)).await.unwrap();
    let request = &server.requests("AssumeRole")[0];
    for (name, value) in [
        (
            "RoleArn",
            "arn:aws:iam::222222222222:role/ops/CrossAccountUserAdmin",
        ),
        (
            "RoleSessionName",
            "crossaccount-00000000-0000-0000-0000-000000000007",
        ),
        ("ExternalId", "shared:id/1"),
        ("DurationSeconds", "7200"),
        ("SourceIdentity", "alice@example.com"),
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "Platform Team"),
        ("Policy", READ_POLICY),
    ] {
        assert_eq!(request.field(name), Some(value), "{name}");
    }
    let agent = &request.headers["user-agent"];
    assert!(agent.contains("app/crossaccount"), "{agent}");
}

#[tokio::test]
async fn what_is_not_set_is_not_sent() {
    let server = Server::start(all_is_well).await;
    open(&sessions(server.settings())).await.unwrap();
    let request = &server.requests("AssumeRole")[0];
    assert_eq!(request.field("DurationSeconds"), Some("3600"));
    for name in ["ExternalId", "SourceIdentity", "Tags.member.1.Key"] {
        assert_eq!(request.field(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_role_that_assumes_roles_asks_for_an_hour_at_most() {
    let server = Server::start(|seen| match seen.action() {
        "GetCallerIdentity" => caller_identity("assumed-role/Admin/me"),
        _ => all_is_well(seen),
    })
    .await;
    let mut settings = server.settings();
    settings.duration = SessionDuration::try_from(43200).unwrap();
    open(&sessions(settings)).await.unwrap();
    let request = &server.requests("AssumeRole")[0];
    assert_eq!(request.field("DurationSeconds"), Some("3600"));
}

#[tokio::test]
async fn the_hubs_own_account_is_reached_without_assuming_a_role() {
    let server = Server::start(all_is_well).await;
    let sessions = sessions(server.settings());
    let hub = Target::from(HUB.parse::<crate::ids::AccountId>().unwrap());
    let session = sessions.open(&hub, Access::Read).await.unwrap();
    super::get_user(&session).await.unwrap();
    assert!(server.requests("AssumeRole").is_empty());
    let authorization = &server.requests("GetUser")[0].headers["authorization"];
    assert!(
        authorization.contains("Credential=AKIAHUB/"),
        "{authorization}"
    );
}

#[tokio::test]
async fn a_role_that_is_named_is_assumed_in_the_hubs_account_too() {
    let server = Server::start(all_is_well).await;
    let sessions = sessions(server.settings());
    let target = Target {
        account_id: HUB.parse().unwrap(),
        role_arn: Some("arn:aws:iam::111111111111:role/Other".parse().unwrap()),
    };
    sessions.open(&target, Access::Write).await.unwrap();
    let request = &server.requests("AssumeRole")[0];
    assert_eq!(
        request.field("RoleArn"),
        Some("arn:aws:iam::111111111111:role/Other")
    );
}

#[tokio::test]
async fn a_session_for_another_account_is_refused_before_the_first_call() {
    let server = Server::start(|seen| match seen.action() {
        "AssumeRole" => assumed("333333333333", "2026-01-02T04:04:05Z"),
        _ => all_is_well(seen),
    })
    .await;
    let error = open(&sessions(server.settings())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongAccount);
    assert!(
        error.to_string().contains("account 222222222222"),
        "{error}"
    );
    assert!(error.to_string().contains("sts::333333333333"), "{error}");
    assert_eq!(server.seen().len(), 2, "only STS was called");
}

#[tokio::test]
async fn those_who_wait_share_a_failure_and_the_next_one_tries_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let server = Server::start(move |seen| match seen.action() {
        "AssumeRole" if switch.load(Ordering::SeqCst) => Answer::error(403, "AccessDenied"),
        _ => all_is_well(seen),
    })
    .await;
    let sessions = sessions(server.settings());
    for result in join_all((0..10).map(|_| open(&sessions))).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::AssumeRole);
    }
    assert_eq!(server.requests("AssumeRole").len(), 1);
    broken.store(false, Ordering::SeqCst);
    open(&sessions).await.unwrap();
    assert_eq!(server.requests("AssumeRole").len(), 2);
}

#[tokio::test]
async fn the_others_go_on_when_the_first_one_is_cancelled() {
    let server = Server::start(all_is_well).await;
    let sessions = sessions(server.settings());
    {
        let mut first = Box::pin(open(&sessions));
        assert!(
            (&mut first).now_or_never().is_none(),
            "it waits for the server"
        );
    }
    open(&sessions).await.unwrap();
    assert_eq!(server.requests("AssumeRole").len(), 1);
}

#[tokio::test]
async fn a_forbidden_account_is_refused_before_any_call() {
    let server = Server::start(all_is_well).await;
    let mut settings = server.settings();
    settings.accounts =
        AccountFilter::new(BTreeSet::new(), [MEMBER.parse().unwrap()].into()).unwrap();
    let error = open(&sessions(settings)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Guardrail);
    assert!(server.seen().is_empty());
}

#[rstest::rstest]
#[case("arn:aws:iam::333333333333:role/Other", "another account", 0)]
#[case("arn:aws-cn:iam::222222222222:role/Other", "another partition", 1)]
#[tokio::test]
async fn a_role_elsewhere_is_refused_without_assuming_it(
    #[case] role_arn: &str,
    #[case] why: &str,
    #[case] requests: usize,
) {
    let server = Server::start(all_is_well).await;
    let target = Target {
        role_arn: Some(role_arn.parse().unwrap()),
        ..member()
    };
    let result = sessions(server.settings())
        .open(&target, Access::Read)
        .await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains(why), "{error}");
    assert_eq!(server.seen().len(), requests);
}

#[rstest::rstest]
#[case(
    403,
    "AccessDenied",
    ErrorKind::AssumeRole,
    "no external id (none is configured)"
)]
#[case(
    400,
    "MalformedPolicyDocument",
    ErrorKind::AssumeRole,
    "session policy"
)]
#[case(
    400,
    "PackedPolicyTooLarge",
    ErrorKind::AssumeRole,
    "fewer or shorter session tags"
)]
#[case(
    403,
    "RegionDisabledException",
    ErrorKind::AssumeRole,
    "another Region"
)]
#[case(400, "ValidationError", ErrorKind::AssumeRole, "role chaining")]
#[case(400, "ExpiredTokenException", ErrorKind::HubCredentials, "renew them")]
#[case(403, "InvalidClientTokenId", ErrorKind::HubCredentials, "renew them")]
#[case(400, "Throttling", ErrorKind::Throttled, "throttled")]
#[case(500, "ServiceFailure", ErrorKind::Unavailable, "may have committed")]
#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_explained(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] kind: ErrorKind,
    #[case] hint: &str,
) {
    let server = Server::start(move |seen| match seen.action() {
        "AssumeRole" => Answer::error(status, code),
        _ => all_is_well(seen),
    })
    .await;
    let error = open(&sessions(server.settings())).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.aws_code(), Some(code));
    let text = error.to_string();
    for part in [
        "account 222222222222: ",
        "arn:aws:iam::222222222222:role/ops/CrossAccountUserAdmin",
        code,
        "r-1",
        hint,
    ] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
}

#[tokio::test]
async fn the_external_id_is_in_no_error_and_no_debug_output() {
    let server = Server::start(|seen| match seen.action() {
        "AssumeRole" => Answer::error(403, "AccessDenied"),
        _ => all_is_well(seen),
    })
    .await;
    let mut settings = server.settings();
    settings.external_id = Some(ExternalId::new(Secret::new("plantedsecret".to_owned())).unwrap());
    let sessions = sessions(settings);
    let error = open(&sessions).await.unwrap_err();
    assert!(error.to_string().contains("same external id"), "{error}");
    for text in [
        format!("{error}"),
        format!("{error:?}"),
        format!("{sessions:?}"),
    ] {
        assert!(!text.contains("plantedsecret"), "{text}");
    }
}
