//! Who we are: the identity of the hub credentials, and what to do when they are no good.

use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::settings::SessionSettings;
use crate::aws::{classify, is_credential_failure};
use crate::error::{Error, ErrorKind};
use crate::ids::{AccountId, Partition};

/// The identity of the hub credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubIdentity {
    /// The hub account.
    pub account_id: AccountId,
    /// The partition that the hub, and so every member account, lives in.
    pub partition: Partition,
    /// The ARN of the caller, as audit records name it.
    pub caller_arn: String,
}

impl HubIdentity {
    /// Whether the hub credentials are those of a role, so that AWS gives sessions of an hour at most.
    pub(super) fn is_assumed_role(&self) -> bool {
        self.caller_arn.contains(":assumed-role/")
    }
}

/// Asks STS who the hub credentials belong to.
pub(super) async fn identify(
    sts: &aws_sdk_sts::Client,
    settings: &SessionSettings,
) -> Result<HubIdentity, Error> {
    let answer = sts
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| explain(error, settings))?;
    let account_id = answer.account().and_then(|text| text.parse().ok());
    let caller_arn = answer.arn().unwrap_or_default();
    let partition = caller_arn
        .split(':')
        .nth(1)
        .and_then(|text| text.parse().ok());
    match (account_id, partition) {
        (Some(account_id), Some(partition)) => Ok(HubIdentity {
            account_id,
            partition,
            caller_arn: caller_arn.to_owned(),
        }),
        _ => Err(Error::new(
            ErrorKind::HubCredentials,
            format!("sts:GetCallerIdentity named no account that we understand ({caller_arn:?})"),
        )),
    }
}

fn explain(
    error: SdkError<GetCallerIdentityError, HttpResponse>,
    settings: &SessionSettings,
) -> Error {
    let unreachable = matches!(
        &error,
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_)
    );
    let error = classify(error, "sts:GetCallerIdentity", None);
    let region = &settings.region;
    let code = error.aws_code().unwrap_or_default();
    let advice = match error.kind() {
        ErrorKind::HubCredentials => {
            "Give credentials of the hub account: environment variables, a profile, SSO (aws sso \
             login), or the role of the machine."
                .to_owned()
        }
        _ if code.starts_with("Expired") || code == "TokenRefreshRequired" => {
            "The hub credentials have expired: renew them (for SSO: aws sso login) and run again."
                .to_owned()
        }
        _ if matches!(code, "RequestExpired" | "RequestTimeTooSkewed") => {
            "The clock of this machine differs from AWS by more than five minutes: set it."
                .to_owned()
        }
        _ if is_credential_failure(&error) => format!(
            "AWS does not know the hub credentials: check for a deleted or mistyped access key, and \
             that they belong to the partition of Region {region} ({}).",
            region.partition()
        ),
        ErrorKind::AccessDenied => {
            "A policy denies the hub credentials: check for explicit denies and service control \
             policies on sts."
                .to_owned()
        }
        _ if unreachable => format!(
            "STS in Region {region} was not reached: check that the Region exists, that the network \
             or proxy lets it through, and the endpoint setting."
        ),
        // Throttling and failures of AWS say nothing about the credentials.
        _ => return error.while_doing("identify the hub credentials"),
    };
    error
        .with_kind(ErrorKind::HubCredentials)
        .while_doing("identify the hub credentials")
        .with_advice(advice)
}
