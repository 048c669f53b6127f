//! The password policies of accounts, each read once in the life of a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::error::Error;
use crate::ids::AccountId;
use crate::password::PasswordPolicy;
use crate::session::Session;

/// Password policies by account.
#[derive(Debug, Default)]
pub(super) struct PasswordPolicies(Mutex<HashMap<AccountId, Arc<OnceCell<Arc<PasswordPolicy>>>>>);

impl PasswordPolicies {
    /// The policy of the session's account. A failure is not kept.
    pub(super) async fn of(&self, session: &Session) -> Result<Arc<PasswordPolicy>, Error> {
        let cell = {
            let mut policies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(policies.entry(session.account_id().clone()).or_default())
        };
        let policy = cell
            .get_or_try_init(|| async { PasswordPolicy::fetch(session).await.map(Arc::new) })
            .await?;
        Ok(Arc::clone(policy))
    }
}
