//! Sees every request that any of our SDK clients sends: counts it, logs it, and stops a session from
//! doing more than its access covers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::operation::assume_role::AssumeRoleInput;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use tokio::time::Instant;

use super::member::Access;
use crate::ids::{AccountId, RoleArn};

/// How many requests were sent since the start, retries included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Requests by action, for example `iam:GetUser`, over all accounts.
    pub by_action: BTreeMap<String, u64>,
    /// `AssumeRole` requests by the account they were for.
    pub assumed: BTreeMap<AccountId, u64>,
}

/// The counters behind [`Statistics`].
#[derive(Debug, Clone, Default)]
pub(super) struct Counters(Arc<Mutex<Statistics>>);

impl Counters {
    pub(super) fn snapshot(&self) -> Statistics {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn count(&self, action: String, account_id: Option<&AccountId>) {
        let mut statistics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(account_id), "sts:AssumeRole") = (account_id, action.as_str()) {
            *statistics.assumed.entry(account_id.clone()).or_default() += 1;
        }
        *statistics.by_action.entry(action).or_default() += 1;
    }
}

/// The account that an `AssumeRole` is about: the hub's client serves them all.
#[derive(Debug, Clone)]
struct AboutAccount(AccountId);

impl Storable for AboutAccount {
    type Storer = StoreReplace<Self>;
}

/// When an execution began.
#[derive(Debug)]
struct Began(Instant);

impl Storable for Began {
    type Storer = StoreReplace<Self>;
}

/// A session was used for a call that its access does not cover: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("{action} was stopped: {why}")]
pub(crate) struct BeyondAccess {
    action: String,
    why: &'static str,
}

/// The interceptor of every client.
#[derive(Debug, Clone)]
pub(super) struct Observer {
    pub(super) counters: Counters,
    pub(super) account_id: Option<AccountId>,
    /// What may be sent; the hub's own clients are not limited here.
    pub(super) access: Access,
}

/// `iam:GetUser`, from what the SDK itself knows about the operation.
fn action(cfg: &ConfigBag) -> String {
    cfg.load::<Metadata>().map_or_else(
        || "unknown".to_owned(),
        |metadata| format!("{}:{}", metadata.service().to_lowercase(), metadata.name()),
    )
}

/// Why a session of this access does not make this call; `None` when it does.
///
/// Values of parameters come out through [`Access::ReadSecrets`] alone: nobody reads a secret who did
/// not open a session for just that.
fn refusal(access: Access, action: &str) -> Option<&'static str> {
    let (service, operation) = action.split_once(':').unwrap_or(("", action));
    let reads_secret = service == "ssm" && operation.starts_with("GetParameter");
    let only_reads = ["Get", "List", "Describe"]
        .iter()
        .any(|start| operation.starts_with(start));
    match access {
        Access::ReadSecrets if action == "ssm:GetParameter" => None,
        Access::ReadSecrets => Some("the session may read secrets and nothing else"),
        Access::Read | Access::Write if reads_secret => Some("the session may not read secrets"),
        Access::Read if !only_reads => Some("the session may only read"),
        Access::Read | Access::Write => None,
    }
}

impl Observer {
    fn account(&self, cfg: &ConfigBag) -> Option<AccountId> {
        self.account_id
            .clone()
            .or_else(|| cfg.load::<AboutAccount>().map(|about| about.0.clone()))
    }
}

#[dyn_dispatch_hint]
impl Intercept for Observer {
    fn name(&self) -> &'static str {
        "crossaccount observer"
    }

    fn read_before_execution(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        cfg.interceptor_state().store_put(Began(Instant::now()));
        let assumed = context
            .input()
            .downcast_ref::<AssumeRoleInput>()
            .and_then(|input| input.role_arn()?.parse::<RoleArn>().ok());
        if let Some(role_arn) = assumed {
            let about = AboutAccount(role_arn.account_id().clone());
            cfg.interceptor_state().store_put(about);
        }
        Ok(())
    }

    /// The SDK names the operation from here on; nothing has been built or sent yet.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let action = action(cfg);
        match refusal(self.access, &action) {
            None => Ok(()),
            Some(why) => Err(Box::new(BeyondAccess { action, why })),
        }
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.counters.count(action(cfg), self.account(cfg).as_ref());
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let milliseconds = cfg
            .load::<Began>()
            .map(|began| began.0.elapsed().as_millis());
        let header = |name| {
            context
                .response()
                .and_then(|response| response.headers().get(name))
        };
        tracing::debug!(
            account_id = self.account(cfg).as_ref().map(AccountId::as_str),
            action = action(cfg),
            request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
            http_status = context
                .response()
                .map(|response| response.status().as_u16()),
            milliseconds,
            "AWS call"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, refusal};

    #[rstest::rstest]
    #[case("iam", "GetUser", true, true, false)]
    #[case("ssm", "DescribeParameters", true, true, false)]
    #[case("ssm", "ListTagsForResource", true, true, false)]
    #[case("kms", "DescribeKey", true, true, false)]
    #[case("iam", "CreateUser", false, true, false)]
    #[case("ssm", "PutParameter", false, true, false)]
    #[case("ssm", "GetParameter", false, false, true)]
    #[case("ssm", "GetParameters", false, false, false)]
    #[case("ssm", "GetParametersByPath", false, false, false)]
    #[case("ssm", "GetParameterHistory", false, false, false)]
    #[case("kms", "Decrypt", false, true, false)]
    fn each_access_covers_its_own_calls(
        #[case] service: &str,
        #[case] operation: &str,
        #[case] read: bool,
        #[case] write: bool,
        #[case] read_secrets: bool,
    ) {
        let action = format!("{service}:{operation}");
        let covers = |access| refusal(access, &action).is_none();
        assert_eq!(covers(Access::Read), read);
        assert_eq!(covers(Access::Write), write);
        assert_eq!(covers(Access::ReadSecrets), read_secrets);
    }
}
