//! The store against a Parameter Store in memory that refuses what AWS refuses.

mod keys;
mod known;
mod parameter_store;
mod writes;

use std::sync::Arc;

use super::{ParameterName, SecretKind, SecretLocation, SecretStore, SecretValue, SecretsSettings};
use crate::ids::UserName;
use crate::secret::Secret;
use crate::session::{SessionSettings, Sessions, Target};
use crate::testing::sessions;

const MEMBER: &str = "222222222222";
const KEY: &str = "/crossaccount/222222222222/alice/access-key";
const PASSWORD: &str = "/crossaccount/222222222222/alice/console-password";

fn target() -> Target {
    Target {
        account_id: MEMBER.parse().unwrap(),
        role_arn: None,
    }
}

fn alice() -> UserName {
    "alice".parse().unwrap()
}

fn name(text: &str) -> ParameterName {
    text.parse().unwrap()
}

/// A store of the owner `platform`.
fn store(settings: SessionSettings, location: SecretLocation) -> SecretStore {
    store_of(sessions(settings), location)
}

fn store_of(sessions: Sessions, location: SecretLocation) -> SecretStore {
    let secrets = SecretsSettings {
        prefix: "/crossaccount".parse().unwrap(),
        kms_key_id: "alias/iam".parse().unwrap(),
        location,
    };
    let owner = "platform".parse().unwrap();
    SecretStore::new(Arc::new(sessions), secrets, owner)
}

fn key(id: &str, secret: &str) -> SecretValue {
    SecretValue::AccessKey {
        id: id.to_owned(),
        secret: Secret::new(secret.to_owned()),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

#[test]
fn a_store_names_its_parameters_by_its_prefix() {
    let store = store(crate::testing::settings(), SecretLocation::Hub);
    let account_id = MEMBER.parse().unwrap();
    let parameter = |kind| store.parameter(&account_id, &alice(), kind);
    assert_eq!(parameter(SecretKind::AccessKey), name(KEY));
    assert_eq!(parameter(SecretKind::ConsolePassword), name(PASSWORD));
}
