//! Sees every request that any of our SDK clients sends: counts it, logs it, and stops a reading
//! session from writing.

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

/// A reading session was used for a call that changes something: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("{action} was stopped: the session may only read")]
pub(crate) struct WriteThroughReadSession {
    action: String,
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

fn only_reads(action: &str) -> bool {
    let operation = action.split_once(':').map_or(action, |(_, name)| name);
    operation.starts_with("Get") || operation.starts_with("List")
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
        if self.access == Access::Read && !only_reads(&action) {
            return Err(Box::new(WriteThroughReadSession { action }));
        }
        Ok(())
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
