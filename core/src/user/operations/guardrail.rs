//! How many users one run may delete.

use std::collections::HashSet;
use std::sync::Mutex;

use super::{Users, lock};
use crate::error::{Error, ErrorKind};
use crate::ids::AccountId;

impl Users {
    /// Counts a planned deletion against the guardrail, before anything is done. The same user counts once.
    pub fn plan_deletion(&self, account_id: &AccountId, unique_id: &str) -> Result<(), Error> {
        self.count_deletion(&self.planned_deletions, account_id, unique_id)
    }

    pub(super) fn count_deletion(
        &self,
        counted: &Mutex<HashSet<(AccountId, String)>>,
        account_id: &AccountId,
        unique_id: &str,
    ) -> Result<(), Error> {
        let Some(limit) = self.settings.max_user_deletions else {
            return Ok(());
        };
        let mut counted = lock(counted);
        let user = (account_id.clone(), unique_id.to_owned());
        if counted.contains(&user) || counted.len() < limit as usize {
            counted.insert(user);
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Guardrail,
            format!("this run would delete or quarantine more users than the {limit} that are allowed"),
        )
        .in_account(account_id)
        .with_advice(
            "If that is meant, raise `guardrails.max_user_deletions` for this run; otherwise look for what removed \
             the users from the configuration.",
        ))
    }
}
