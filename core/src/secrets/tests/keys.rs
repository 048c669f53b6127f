//! The check of the KMS key.

use serde_json::json;

use super::parameter_store::ParameterStore;
use super::{store, target};
use crate::error::{Error, ErrorKind};
use crate::secrets::{KeyCheck, SecretLocation};
use crate::testing::Answer;

async fn check(answer: Answer) -> Result<KeyCheck, Error> {
    let aws = ParameterStore::start().await;
    aws.state().key = Some(answer);
    store(aws.server.settings(), SecretLocation::Hub)
        .check_key(&target())
        .await
}

fn described(state: &str, usage: &str, spec: &str) -> Answer {
    let metadata = json!({ "KeyId": "1", "KeyState": state, "KeyUsage": usage, "KeySpec": spec });
    Answer::ok(json!({ "KeyMetadata": metadata }).to_string())
}

#[tokio::test]
async fn a_symmetric_enabled_key_is_usable() {
    let check = check(described("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")).await;
    assert!(matches!(check, Ok(KeyCheck::Usable)), "{check:?}");
}

#[rstest::rstest]
#[case(
    described("Disabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"),
    "its state is Disabled"
)]
#[case(
    described("PendingDeletion", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"),
    "its state is PendingDeletion"
)]
#[case(
    described("Enabled", "SIGN_VERIFY", "RSA_2048"),
    "it is made for SIGN_VERIFY"
)]
#[case(
    described("Enabled", "ENCRYPT_DECRYPT", "RSA_2048"),
    "it is not symmetric but RSA_2048"
)]
#[case(
    Answer::json_error(400, "NotFoundException"),
    "message of NotFoundException"
)]
#[case(
    Answer::json_error(400, "InvalidArnException"),
    "message of InvalidArnException"
)]
#[case(Answer::ok("{}"), "KMS says nothing about it")]
#[tokio::test]
async fn a_key_that_cannot_encrypt_is_an_error_that_says_why(
    #[case] answer: Answer,
    #[case] why: &str,
) {
    let error = check(answer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let text = error.to_string();
    assert!(text.contains("KMS key alias/iam"), "{text}");
    assert!(text.contains(why), "{text}");
    assert!(text.contains("account 111111111111"), "{text}");
}

#[tokio::test]
async fn a_key_that_we_may_not_look_at_is_not_a_bad_key() {
    let check = check(Answer::json_error(400, "AccessDeniedException")).await;
    let Ok(KeyCheck::Unknown(error)) = check else {
        panic!("{check:?}")
    };
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().contains("kms:DescribeKey"), "{error}");
}

#[tokio::test]
async fn a_key_is_asked_about_once_in_the_hub_and_once_in_each_member_account() {
    let usable = || described("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT");
    for (location, calls) in [(SecretLocation::Hub, 1), (SecretLocation::Member, 2)] {
        let aws = ParameterStore::start().await;
        aws.state().key = Some(usable());
        let store = store(aws.server.settings(), location);
        for account in ["222222222222", "333333333333", "222222222222"] {
            let account: crate::ids::AccountId = account.parse().unwrap();
            store.check_key(&account.into()).await.unwrap();
        }
        assert_eq!(
            aws.server.requests("DescribeKey").len(),
            calls,
            "{location}"
        );
    }
}
