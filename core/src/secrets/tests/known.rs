//! What a plan may know, and through which access anything is read.

use futures_util::future::join_all;

use super::parameter_store::{Parameter, ParameterStore};
use super::{KEY, PASSWORD, alice, key, name, store, target};
use crate::error::ErrorKind;
use crate::secrets::{ParameterState, SecretLocation, SecretValue};
use crate::testing::{READ_POLICY, SECRETS_POLICY, WRITE_POLICY};

const OURS: &str = "access key AKIAOLD of IAM user alice in account 222222222222";

#[tokio::test]
async fn an_account_is_listed_once_however_many_users_are_asked_for() {
    let aws = ParameterStore::start().await;
    for number in 0..7 {
        let name = format!("/crossaccount/222222222222/user-{number}/access-key");
        let description = format!("access key AKIA{number} of IAM user user-{number} in account 2");
        aws.insert(&name, Parameter::owned_by(Some("platform"), &description));
    }
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let names: Vec<_> = (0..9)
        .map(|number| {
            name(&format!(
                "/crossaccount/222222222222/user-{number}/access-key"
            ))
        })
        .collect();
    let target = target();
    let states = join_all(names.iter().map(|name| store.known(&target, name))).await;
    for (number, state) in states.into_iter().enumerate() {
        let expected = match number {
            0..7 => ParameterState::Ours {
                credential: Some(format!("AKIA{number}")),
            },
            _ => ParameterState::Absent,
        };
        assert_eq!(state.unwrap(), expected, "{number}");
    }
    // Two listings of four pages of two, and one empty page each.
    assert_eq!(aws.actions(), vec!["DescribeParameters"; 10]);
}

#[tokio::test]
async fn a_plan_tells_ours_from_theirs_and_from_nothing_without_reading_a_value() {
    let aws = ParameterStore::start().await;
    aws.insert(KEY, Parameter::owned_by(Some("platform"), OURS));
    aws.insert(PASSWORD, Parameter::owned_by(Some("stranger"), ""));
    let untagged = "/crossaccount/222222222222/bob/access-key";
    aws.insert(untagged, Parameter::owned_by(None, OURS));
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let target = target();
    let known = |text: &str| {
        let name = name(text);
        let (store, target) = (&store, &target);
        async move { store.known(target, &name).await.unwrap() }
    };
    let ours = ParameterState::Ours {
        credential: Some("AKIAOLD".to_owned()),
    };
    let theirs = ParameterState::Foreign { owner: None };
    assert_eq!(known(KEY).await, ours);
    assert_eq!(known(PASSWORD).await, theirs);
    assert_eq!(known(untagged).await, theirs);
    let nothing = "/crossaccount/222222222222/eve/access-key";
    assert_eq!(known(nothing).await, ParameterState::Absent);
    assert!(aws.server.requests("GetParameter").is_empty());
}

#[tokio::test]
async fn a_look_is_fresh_where_a_listing_is_old() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    let absent = store.known(&target, &name).await.unwrap();
    assert_eq!(absent, ParameterState::Absent);
    aws.insert(KEY, Parameter::owned_by(Some("stranger"), OURS));
    let theirs = ParameterState::Foreign {
        owner: Some("stranger".to_owned()),
    };
    assert_eq!(store.look(&target, &name).await.unwrap(), theirs);
    assert_eq!(store.known(&target, &name).await.unwrap(), theirs);
    aws.insert(KEY, Parameter::owned_by(Some("platform"), OURS));
    let ours = ParameterState::Ours {
        credential: Some("AKIAOLD".to_owned()),
    };
    assert_eq!(store.look(&target, &name).await.unwrap(), ours);
}

#[tokio::test]
async fn a_parameter_under_another_prefix_is_looked_up_by_itself() {
    let aws = ParameterStore::start().await;
    let old = "/old/222222222222/alice/access-key";
    aws.insert(old, Parameter::owned_by(Some("platform"), OURS));
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let state = store.known(&target(), &name(old)).await.unwrap();
    assert!(matches!(state, ParameterState::Ours { .. }), "{state:?}");
}

#[tokio::test]
async fn secrets_in_the_hub_are_reached_with_the_hub_credentials() {
    let aws = ParameterStore::start().await;
    let mut settings = aws.server.settings();
    // The hub need not be among the accounts that are managed.
    settings.accounts =
        crate::session::AccountFilter::Only([super::MEMBER.parse().unwrap()].into_iter().collect());
    let store = store(settings, SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    store.known(&target, &name).await.unwrap();
    store
        .put(&target, &name, &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap();
    store.read(&target, &name).await.unwrap();
    assert!(aws.server.requests("AssumeRole").is_empty());
    let writes = aws.server.requests("PutParameter");
    assert!(writes[0].headers["authorization"].contains("AKIAHUB"));
}

#[tokio::test]
async fn secrets_in_the_member_account_take_a_session_for_each_access() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Member);
    let (target, name) = (target(), name(KEY));
    let policies = || -> Vec<String> {
        let assumed = aws.server.requests("AssumeRole");
        let policies = assumed.iter().map(|seen| seen.field("Policy").unwrap());
        policies.map(str::to_owned).collect()
    };
    store.known(&target, &name).await.unwrap();
    assert_eq!(policies(), [READ_POLICY]);
    store
        .put(&target, &name, &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap();
    assert_eq!(policies(), [READ_POLICY, WRITE_POLICY]);
    store.read(&target, &name).await.unwrap();
    assert_eq!(policies(), [READ_POLICY, WRITE_POLICY, SECRETS_POLICY]);
    let writes = aws.server.requests("PutParameter");
    assert!(writes[0].headers["authorization"].contains("ASIA222222222222"));
}

#[tokio::test]
async fn a_stored_secret_reads_back() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    store
        .put(&target, &name, &alice(), &key("AKIANEW", "hunter2"))
        .await
        .unwrap();
    let value = store.read(&target, &name).await.unwrap();
    let SecretValue::AccessKey { id, secret, .. } = value else {
        panic!("an access key")
    };
    assert_eq!((id.as_str(), secret.expose()), ("AKIANEW", "hunter2"));
}

#[tokio::test]
async fn nothing_is_read_that_is_not_there_not_ours_or_not_a_credential() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    let error = store.read(&target, &name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(KEY), "{error}");

    aws.insert(KEY, Parameter::owned_by(Some("stranger"), OURS));
    let error = store.read(&target, &name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("stranger"), "{error}");
    assert!(aws.server.requests("GetParameter").is_empty());

    aws.insert(KEY, Parameter::owned_by(Some("platform"), OURS));
    let error = store.read(&target, &name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(
        !format!("{error} {error:?}").contains("theirs"),
        "{error:?}"
    );
}
