//! KMS: what a check of the key finds out before something is changed.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeyManagerType, KeySpec, KeyState, KeyUsageType};
use harness::{KMS_ALIAS, World};

use super::refusal;

async fn describe(
    kms: &aws_sdk_kms::Client,
    key: &str,
) -> Result<aws_sdk_kms::types::KeyMetadata, String> {
    match kms.describe_key().key_id(key).send().await {
        Ok(found) => Ok(found.key_metadata().unwrap().clone()),
        refused => Err(refusal(refused)),
    }
}

#[tokio::test]
async fn a_key_is_found_by_id_arn_alias_and_alias_arn() {
    let world = World::new(0).await.unwrap();
    let kms = world.hub().kms();
    let key = describe(&kms, KMS_ALIAS).await.unwrap();
    let id = world.hub().id();
    assert_eq!(key.key_state(), Some(&KeyState::Enabled));
    assert_eq!(key.key_spec(), Some(&KeySpec::SymmetricDefault));
    assert_eq!(key.key_usage(), Some(&KeyUsageType::EncryptDecrypt));
    assert!(key.enabled());
    let alias_arn = format!("arn:aws:kms:us-east-1:{id}:{KMS_ALIAS}");
    for name in [key.key_id(), key.arn().unwrap(), alias_arn.as_str()] {
        let same = describe(&kms, name).await.unwrap();
        assert_eq!(same.key_id(), key.key_id(), "{name}");
    }
    let aws = describe(&kms, "alias/aws/ssm").await.unwrap();
    assert_eq!(aws.key_manager(), Some(&KeyManagerType::Aws));
}

#[tokio::test]
async fn a_key_that_does_not_exist_here_is_not_found() {
    let world = World::new(1).await.unwrap();
    let (hub, member) = (world.hub(), &world.members()[0]);
    let unknown = uuid::Uuid::new_v4().to_string();
    for name in ["alias/missing", unknown.as_str(), "rubbish"] {
        let refused = describe(&hub.kms(), name).await.unwrap_err();
        assert_eq!(refused, "NotFoundException", "{name}");
    }
    let foreign = describe(&member.kms(), KMS_ALIAS).await.unwrap();
    let refused = describe(&hub.kms(), foreign.arn().unwrap()).await;
    assert_eq!(refused.unwrap_err(), "AccessDeniedException");
}

#[tokio::test]
async fn a_key_tells_its_state_and_only_works_when_enabled() {
    let world = World::new(0).await.unwrap();
    let kms = world.hub().kms();
    let encrypt = || {
        let text = Blob::new("secret");
        kms.encrypt().key_id(KMS_ALIAS).plaintext(text).send()
    };
    let sealed = encrypt().await.unwrap().ciphertext_blob().unwrap().clone();
    let decrypt = |sealed| kms.decrypt().ciphertext_blob(sealed).send();
    let open = decrypt(sealed.clone()).await.unwrap();
    assert_eq!(open.plaintext().unwrap().as_ref(), b"secret");

    let key = describe(&kms, KMS_ALIAS).await.unwrap();
    kms.disable_key().key_id(key.key_id()).send().await.unwrap();
    let found = describe(&kms, KMS_ALIAS).await.unwrap();
    assert_eq!(found.key_state(), Some(&KeyState::Disabled));
    assert!(!found.enabled());
    assert_eq!(refusal(encrypt().await), "DisabledException");
    assert_eq!(refusal(decrypt(sealed).await), "DisabledException");

    let delete = kms.schedule_key_deletion().key_id(key.key_id());
    delete.send().await.unwrap();
    let found = describe(&kms, KMS_ALIAS).await.unwrap();
    assert_eq!(found.key_state(), Some(&KeyState::PendingDeletion));
    assert!(found.deletion_date().is_some());
    assert_eq!(refusal(encrypt().await), "KMSInvalidStateException");
}

#[tokio::test]
async fn keys_for_other_uses_say_so() {
    let world = World::new(0).await.unwrap();
    let (control, id) = (world.control(), world.hub().id());
    control
        .create_kms_key(id, Some("alias/rsa"), "RSA_2048")
        .await
        .unwrap();
    let made = world.hub().kms().create_key();
    let made = made
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify);
    let signing = made.send().await.unwrap().key_metadata().unwrap().clone();
    let rsa = describe(&world.hub().kms(), "alias/rsa").await.unwrap();
    assert_eq!(rsa.key_spec(), Some(&KeySpec::Rsa2048));
    assert_eq!(signing.key_usage(), Some(&KeyUsageType::SignVerify));
}
