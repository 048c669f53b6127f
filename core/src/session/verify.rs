//! Proof that a new access key works: the key itself asks STS who it belongs to.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::connection::retry_partition;
use super::sessions::Sessions;
use crate::aws::classify;
use crate::error::{Error, ErrorKind};
use crate::ids::{AccountId, UserArn};
use crate::secret::Secret;

impl Sessions {
    /// Asks `sts:GetCallerIdentity` with an access key, and gives the user that it belongs to. Nothing
    /// is kept, neither the answer nor the key.
    ///
    /// IAM shows a new key everywhere only after some seconds. Until then the answer is
    /// `InvalidClientTokenId`; waiting for its end is up to the caller ([`crate::aws::settle`]). The
    /// same answer comes for ever when the account has not enabled the Region of the settings.
    ///
    /// Errors: [`ErrorKind::AccessDenied`] while AWS does not accept the key,
    /// [`ErrorKind::WrongAccount`] when the key belongs to another account than `account_id`.
    pub async fn verify_key(
        &self,
        account_id: &AccountId,
        key_id: &str,
        secret: &Secret,
    ) -> Result<UserArn, Error> {
        let credentials = Credentials::new(key_id, secret.expose(), None, None, "new access key");
        let parts = self.parts(SharedCredentialsProvider::new(credentials));
        let endpoint = parts.endpoints().sts.as_ref();
        // Not the partition of the hub's STS client: keys that AWS does not know yet slow nobody down.
        let partition = retry_partition("crossaccount sts verify".to_owned());
        let config = parts.sts(endpoint, partition, self.reading_observer(account_id));
        let answer = aws_sdk_sts::Client::from_conf(config.build())
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| {
                classify(error, "sts:GetCallerIdentity", Some(account_id))
                    .while_doing(format!("use access key {key_id}"))
            })?;
        let arn = answer.arn().unwrap_or_default();
        let user: Option<UserArn> = arn.parse().ok();
        match user {
            Some(user) if user.account_id() == account_id => Ok(user),
            _ => Err(Error::new(
                ErrorKind::WrongAccount,
                format!("access key {key_id} belongs to {arn:?} and not to a user of the account"),
            )
            .in_account(account_id)
            .with_advice(
                "Check the endpoint settings: something else than AWS STS may be answering.",
            )),
        }
    }
}
