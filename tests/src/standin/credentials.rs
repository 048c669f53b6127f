//! Commands about keys, passwords and secrets: what a test must know or arrange, and what AWS would not tell or let
//! anybody do.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use super::control::Control;

/// What the stand-in knows of one user beside what IAM shows.
#[derive(Debug, Clone, Deserialize)]
pub struct UserSecrets {
    /// The access keys, the oldest first.
    pub keys: Vec<UserKey>,
    /// The login profile.
    pub login: Option<Login>,
    /// All tags, reserved ones too.
    pub tags: BTreeMap<String, String>,
}

/// An access key with its secret.
#[derive(Debug, Clone, Deserialize)]
pub struct UserKey {
    /// `AKIA...`
    pub access_key_id: String,
    /// Its secret, worth nothing outside of the stand-in.
    pub secret_access_key: String,
    /// Whether it can be used.
    pub active: bool,
    /// RFC 3339.
    pub create_date: String,
    /// RFC 3339; none when it was never used.
    pub last_used: Option<String>,
}

/// A login profile with its password.
#[derive(Debug, Clone, Deserialize)]
pub struct Login {
    /// The password that works now.
    pub password: String,
    /// Whether it must be changed at the first login.
    pub reset_required: bool,
    /// RFC 3339.
    pub create_date: String,
}

/// A parameter in clear text.
#[derive(Debug, Clone, Deserialize)]
pub struct Parameter {
    /// As it was given at creation.
    pub name: String,
    /// The newest value, decrypted.
    pub value: String,
    /// `String`, `StringList` or `SecureString`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Empty without one.
    pub description: String,
    /// The key as the writer named it; none for plain text.
    pub key_id: Option<String>,
    /// `Standard` or `Advanced`.
    pub tier: String,
    /// The newest version, counted from 1.
    pub version: u64,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A new KMS key.
#[derive(Debug, Clone, Deserialize)]
pub struct KmsKey {
    /// Its id.
    pub key_id: String,
    /// Its ARN.
    pub arn: String,
}

#[derive(Deserialize)]
struct Parameters {
    parameters: Vec<Parameter>,
}

impl Control {
    /// Keys with their secrets, the console password and all tags of a user.
    ///
    /// # Errors
    /// When the user does not exist.
    pub async fn user_secrets(&self, account_id: &str, name: &str) -> Result<UserSecrets> {
        let request = json!({"account_id": account_id, "user_name": name});
        self.command("users/read", &request).await
    }

    /// Lets days pass for one user: dates of the user, of its keys, their last use and its login profile, and the
    /// times inside the tags `crossaccount:retiring-key` and `crossaccount:key-intent` get older.
    ///
    /// # Errors
    /// When the user does not exist.
    pub async fn age_user(&self, account_id: &str, name: &str, days: f64) -> Result<()> {
        let request = json!({"account_id": account_id, "user_name": name, "days": days});
        self.order("users/age", &request).await
    }

    /// Sets the password policy of an account, named as in `UpdateAccountPasswordPolicy`; `None` removes it.
    pub async fn set_password_policy(&self, account_id: &str, policy: Option<Value>) -> Result<()> {
        let request = json!({"account_id": account_id, "policy": policy});
        self.order("accounts/password-policy", &request).await
    }

    /// From now on the first `uses` calls with each new access key of an account meet a place that has not heard of
    /// the key, and are refused with `InvalidClientTokenId`.
    pub async fn set_key_delay(&self, account_id: &str, uses: u32) -> Result<()> {
        let request = json!({"account_id": account_id, "uses": uses});
        self.order("accounts/key-delay", &request).await
    }

    /// All parameters of an account in us-east-1 in clear text, by name.
    pub async fn parameters(&self, account_id: &str) -> Result<Vec<Parameter>> {
        let request = json!({"account_id": account_id});
        let found: Parameters = self.command("parameters/list", &request).await?;
        Ok(found.parameters)
    }

    /// One parameter in clear text.
    pub async fn parameter(&self, account_id: &str, name: &str) -> Result<Option<Parameter>> {
        let all = self.parameters(account_id).await?;
        Ok(all.into_iter().find(|parameter| parameter.name == name))
    }

    /// Puts a parameter as somebody else would: `parameter` is a `PutParameter` request as JSON.
    ///
    /// # Errors
    /// When Parameter Store would refuse it.
    pub async fn put_parameter(&self, account_id: &str, parameter: &Value) -> Result<()> {
        let request = json!({"account_id": account_id, "parameter": parameter});
        self.order("parameters/put", &request).await
    }

    /// Makes a KMS key in us-east-1. `alias` (`alias/...`) moves to it when it exists; `spec` is for example
    /// `SYMMETRIC_DEFAULT` or `RSA_2048`.
    pub async fn create_kms_key(
        &self,
        account_id: &str,
        alias: Option<&str>,
        spec: &str,
    ) -> Result<KmsKey> {
        let request = json!({"account_id": account_id, "alias": alias, "spec": spec});
        self.command("kms/create", &request).await
    }

    /// Makes a key `Enabled`, `Disabled` or `PendingDeletion`; `key` is an id, an ARN or an alias.
    ///
    /// # Errors
    /// When there is no such key.
    pub async fn set_kms_key_state(&self, account_id: &str, key: &str, state: &str) -> Result<()> {
        let request = json!({"account_id": account_id, "key": key, "state": state});
        self.order("kms/state", &request).await
    }
}
