//! Writing, deleting and moving: what is called, what is left alone, and what survives a lost answer.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::parameter_store::{Fault, Parameter, ParameterStore};
use super::{KEY, PASSWORD, alice, key, name, store, store_of, target};
use crate::clock::SystemClock;
use crate::error::ErrorKind;
use crate::ids::UserName;
use crate::secrets::{ParameterState, SecretLocation, SecretValue};
use crate::session::{Attempts, SessionSettings};
use crate::testing::{Answer, CountedCredentials, Server, all_is_well, sessions_at};

const OURS: &str = "access key AKIAOLD of IAM user alice in account 222222222222";
const OLD: &str = "/crossaccount/222222222222/al/access-key";

/// Refuses the next call for good. The test's clock stands in the past, and the SDK tries a denied call
/// again when the clocks differ.
fn refuse(aws: &ParameterStore, action: &'static str, code: &str) {
    for _ in 0..2 {
        aws.fault(action, Fault::Refuse(Answer::json_error(400, code)));
    }
}

fn ours() -> Parameter {
    Parameter::owned_by(Some("platform"), OURS)
}

#[tokio::test]
async fn a_new_secret_is_one_call_with_key_tags_and_description() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    let request_id = store
        .put(&target, &name, &alice(), &key("AKIANEW", "hunter2"))
        .await
        .unwrap();
    assert_eq!(request_id.as_deref(), Some("r-1"));
    assert_eq!(aws.actions(), ["PutParameter"]);
    let mut input = aws.server.requests("PutParameter")[0].json();
    input.as_object_mut().unwrap().remove("Value");
    assert_eq!(
        input,
        json!({
            "Name": KEY,
            "Description": "access key AKIANEW of IAM user alice in account 222222222222",
            "Type": "SecureString",
            "KeyId": "alias/iam",
            "Overwrite": false,
            "Tags": [
                { "Key": "crossaccount:managed-by", "Value": "platform" },
                { "Key": "crossaccount:account-id", "Value": "222222222222" },
                { "Key": "crossaccount:user-name", "Value": "alice" },
            ],
        })
    );
    assert_eq!(aws.stored(KEY)["secret_access_key"], "hunter2");
    let credential = Some("AKIANEW".to_owned());
    let known = store.known(&target, &name).await.unwrap();
    assert_eq!(known, ParameterState::Ours { credential });
    assert_eq!(aws.actions().len(), 1);
}

#[tokio::test]
async fn a_user_name_that_is_no_tag_value_stands_in_the_description_alone() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let user: UserName = "a,b".parse().unwrap();
    let name = "/crossaccount/222222222222/a_2Cb/access-key";
    store
        .put(&target(), &super::name(name), &user, &key("AKIANEW", "s"))
        .await
        .unwrap();
    let parameter = aws.parameter(name).unwrap();
    assert_eq!(parameter.tags.len(), 2);
    assert!(parameter.description.contains("IAM user a,b in"));
}

#[tokio::test]
async fn a_secret_that_is_known_to_be_ours_is_overwritten_by_one_call() {
    let aws = ParameterStore::start().await;
    aws.insert(KEY, ours());
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    store.known(&target, &name).await.unwrap();
    let before = aws.actions().len();
    for id in ["AKIANEW", "AKIANEWER"] {
        store
            .put(&target, &name, &alice(), &key(id, "s"))
            .await
            .unwrap();
    }
    assert_eq!(aws.actions()[before..], ["PutParameter", "PutParameter"]);
    assert_eq!(aws.parameter(KEY).unwrap().version, 3);
    assert_eq!(aws.stored(KEY)["access_key_id"], "AKIANEWER");
}

#[tokio::test]
async fn a_secret_that_turns_out_to_be_ours_is_overwritten() {
    let aws = ParameterStore::start().await;
    aws.insert(KEY, ours());
    let store = store(aws.server.settings(), SecretLocation::Hub);
    store
        .put(&target(), &name(KEY), &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap();
    assert_eq!(
        aws.actions(),
        ["PutParameter", "ListTagsForResource", "PutParameter"]
    );
}

#[rstest::rstest]
#[case(Some("stranger"), "names \"stranger\" and not platform")]
#[case(None, "it has no tag crossaccount:managed-by")]
#[tokio::test]
async fn a_parameter_of_somebody_else_is_never_overwritten_or_deleted(
    #[case] owner: Option<&str>,
    #[case] whose: &str,
) {
    let aws = ParameterStore::start().await;
    let theirs = Parameter::owned_by(owner, OURS);
    aws.insert(KEY, theirs.clone());
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    // Having listed it makes no difference.
    for listed in [false, true] {
        if listed {
            store.known(&target, &name).await.unwrap();
        }
        let error = store
            .put(&target, &name, &alice(), &key("AKIANEW", "hunter2"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        let text = error.to_string();
        for part in [KEY, whose, "account 222222222222", "Nothing was changed"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!format!("{text} {error:?}").contains("hunter2"));
    }
    let error = store.delete(&target, &name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(aws.parameter(KEY), Some(theirs));
}

#[tokio::test]
async fn a_lost_answer_is_no_stranger() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    aws.fault("PutParameter", Fault::LoseAnswer);
    store
        .put(&target, &name, &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap();
    assert_eq!(aws.stored(KEY)["access_key_id"], "AKIANEW");
    aws.fault("PutParameter", Fault::LoseAnswer);
    store
        .put(&target, &name, &alice(), &key("AKIANEWER", "s"))
        .await
        .unwrap();
    assert_eq!(aws.stored(KEY)["access_key_id"], "AKIANEWER");
    aws.fault("DeleteParameter", Fault::LoseAnswer);
    assert_eq!(store.delete(&target, &name).await.unwrap(), None);
    assert_eq!(aws.parameter(KEY), None);
}

#[tokio::test]
async fn a_write_whose_answers_are_all_lost_may_have_committed_and_is_repeated_by_the_next_one() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    // The store tries each call twice as often as the settings say, which is once.
    aws.fault("PutParameter", Fault::LoseAnswer);
    aws.fault(
        "PutParameter",
        Fault::Refuse(Answer::json_error(500, "InternalServerError")),
    );
    let value = key("AKIANEW", "hunter2");
    let error = store
        .put(&target, &name, &alice(), &value)
        .await
        .unwrap_err();
    assert!(crate::aws::may_have_committed(&error), "{error}");
    assert!(error.to_string().contains(KEY), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
    store.put(&target, &name, &alice(), &value).await.unwrap();
    assert_eq!(aws.stored(KEY)["access_key_id"], "AKIANEW");
}

#[tokio::test]
async fn a_parameter_that_vanished_is_made_anew_with_its_tags() {
    let aws = ParameterStore::start().await;
    aws.insert(KEY, ours());
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    store.look(&target, &name).await.unwrap();
    aws.state().parameters.clear();
    store
        .put(&target, &name, &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap();
    let parameter = aws.parameter(KEY).unwrap();
    assert_eq!(parameter.tags["crossaccount:managed-by"], "platform");

    // Without its tags it would be a stranger's for ever.
    store.look(&target, &name).await.unwrap();
    aws.state().parameters.clear();
    refuse(&aws, "AddTagsToResource", "AccessDeniedException");
    let error = store
        .put(&target, &name, &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(aws.parameter(KEY), None);
}

#[tokio::test]
async fn a_name_that_was_freed_a_moment_ago_is_waited_for() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    for _ in 0..4 {
        let taken = Answer::json_error(400, "ParameterAlreadyExists");
        aws.fault("PutParameter", Fault::Refuse(taken));
    }
    let began = Instant::now();
    store
        .put(&target(), &name(KEY), &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap();
    assert!(began.elapsed() > Duration::from_millis(500), "no pause");
    assert_eq!(aws.stored(KEY)["access_key_id"], "AKIANEW");
    // Each time somebody else's parameter would have been seen.
    assert_eq!(aws.server.requests("ListTagsForResource").len(), 4);
}

#[tokio::test]
async fn two_writers_at_the_same_moment_both_get_through() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let busy = Answer::json_error(400, "TooManyUpdates");
    aws.fault("PutParameter", Fault::Refuse(busy));
    store
        .put(&target(), &name(KEY), &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap();
    assert_eq!(aws.actions(), ["PutParameter", "PutParameter"]);
}

#[rstest::rstest]
#[case("AccessDeniedException", ErrorKind::AccessDenied, "KMS key alias/iam")]
#[case("InvalidKeyId", ErrorKind::Rejected, "cannot use KMS key alias/iam")]
#[case(
    "ParameterLimitExceeded",
    ErrorKind::LimitExceeded,
    "Intelligent-Tiering"
)]
#[case("ParameterMaxVersionLimitExceeded", ErrorKind::LimitExceeded, "label")]
#[tokio::test]
async fn a_refused_write_says_what_to_do(
    #[case] code: &str,
    #[case] kind: ErrorKind,
    #[case] advice: &str,
) {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    refuse(&aws, "PutParameter", code);
    let error = store
        .put(&target(), &name(KEY), &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), kind);
    for part in [KEY, code, advice] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_password_is_not_written_where_a_key_belongs() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let error = store
        .put(&target(), &name(PASSWORD), &alice(), &key("AKIANEW", "s"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(aws.actions().is_empty());
}

#[tokio::test]
async fn deleting_what_is_gone_is_fine() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, name) = (target(), name(KEY));
    assert_eq!(store.delete(&target, &name).await.unwrap(), None);
    aws.insert(KEY, ours());
    let deleted = store.delete(&target, &name).await.unwrap();
    assert_eq!(deleted.as_deref(), Some("r-1"));
    let state = store.known(&target, &name).await.unwrap();
    assert_eq!(state, ParameterState::Absent);
}

#[tokio::test]
async fn a_secret_moves_with_its_user() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, from, to) = (target(), name(OLD), name(KEY));
    let al: UserName = "al".parse().unwrap();
    store
        .put(&target, &from, &al, &key("AKIANEW", "hunter2"))
        .await
        .unwrap();
    // Once and again: the second time there is nothing left to do.
    for _ in 0..2 {
        store.move_to(&target, &from, &to, &alice()).await.unwrap();
        assert_eq!(aws.parameter(OLD), None);
        assert_eq!(
            aws.stored(KEY),
            json!({
                "account_id": "222222222222",
                "user_name": "alice",
                "access_key_id": "AKIANEW",
                "secret_access_key": "hunter2",
                "created": "2026-01-02T03:04:05Z",
            })
        );
    }
    let parameter = aws.parameter(KEY).unwrap();
    assert_eq!(parameter.tags["crossaccount:user-name"], "alice");
    assert!(parameter.description.contains("IAM user alice"));
}

#[tokio::test]
async fn a_move_that_was_interrupted_is_finished_and_the_newer_secret_stays() {
    let aws = ParameterStore::start().await;
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let (target, from, to) = (target(), name(OLD), name(KEY));
    let made = |id: &str, created: &str| SecretValue::AccessKey {
        id: id.to_owned(),
        secret: crate::secret::Secret::new("s".to_owned()),
        created: created.parse().unwrap(),
    };
    for (at_from, at_to, stays) in [
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "AKIATO"),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "AKIAFROM"),
    ] {
        for (name, value) in [
            (&from, made("AKIAFROM", at_from)),
            (&to, made("AKIATO", at_to)),
        ] {
            store.put(&target, name, &alice(), &value).await.unwrap();
        }
        store.move_to(&target, &from, &to, &alice()).await.unwrap();
        assert_eq!(aws.parameter(OLD), None);
        assert_eq!(aws.stored(KEY)["access_key_id"], stays);
    }
}

#[rstest::rstest]
#[case(OLD, ErrorKind::Conflict)]
#[case(KEY, ErrorKind::AlreadyExists)]
#[tokio::test]
async fn a_move_touches_neither_a_strangers_source_nor_a_strangers_target(
    #[case] theirs: &str,
    #[case] kind: ErrorKind,
) {
    let aws = ParameterStore::start().await;
    for name in [OLD, KEY] {
        let owner = if name == theirs {
            "stranger"
        } else {
            "platform"
        };
        aws.insert(name, Parameter::owned_by(Some(owner), OURS));
    }
    let before = aws.state().parameters.clone();
    let store = store(aws.server.settings(), SecretLocation::Hub);
    let error = store
        .move_to(&target(), &name(OLD), &name(KEY), &alice())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), kind);
    assert_eq!(aws.state().parameters, before);
}

/// Parameter Store takes about three writes a second. The bucket here refills ten times as fast, so
/// that the test takes seconds. (With three a second and a hundred secrets it takes 49 seconds and
/// 168 of them are throttled, and all get through too.)
#[tokio::test]
async fn many_secrets_at_once_get_through_a_narrow_quota() {
    const BURST: f64 = 10.0;
    const EACH_SECOND: f64 = 30.0;
    let bucket = Arc::new(Mutex::new((BURST, Instant::now())));
    let server = Server::start(move |seen| {
        if seen.action() != "PutParameter" {
            return all_is_well(seen);
        }
        let mut bucket = bucket.lock().unwrap();
        let refilled = bucket.0 + bucket.1.elapsed().as_secs_f64() * EACH_SECOND;
        *bucket = (refilled.min(BURST), Instant::now());
        if bucket.0 < 1.0 {
            return Answer::json_error(400, "ThrottlingException");
        }
        bucket.0 -= 1.0;
        Answer::ok(r#"{"Version":1,"Tier":"Standard"}"#)
    })
    .await;
    let settings = SessionSettings {
        attempts: Attempts::default(),
        ..server.settings()
    };
    // The SDK paces itself by this clock, so it has to run.
    let sessions = sessions_at(settings, SystemClock, CountedCredentials::default());
    let store = store_of(sessions, SecretLocation::Hub);
    let target = target();
    let names: Vec<_> = (0..40)
        .map(|number| {
            name(&format!(
                "/crossaccount/222222222222/user-{number}/access-key"
            ))
        })
        .collect();
    let value = key("AKIANEW", "s");
    let user = alice();
    let writes = join_all(
        names
            .iter()
            .map(|name| store.put(&target, name, &user, &value)),
    );
    let results = tokio::time::timeout(Duration::from_mins(2), writes)
        .await
        .unwrap();
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let throttled = server.requests("PutParameter").len() - names.len();
    assert!(throttled > 0, "the quota was not narrow enough");
}
