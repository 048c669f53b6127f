//! One row of the registry and its user.

use crossaccount_core::ErrorKind;
use crossaccount_core::ids::AccountId;
use crossaccount_core::user::{Facets, ObservedUser};
use crossaccount_lambda::properties::UserProperties;

use super::Work;
use crate::registry::{RegistryRow, next_result};
use crate::rows::{Reason, ReasonKind, Row, RowStatus};
use crate::tend::{Mode, Need, Seen, failed};
use crate::wanted::{Wish, wanted};

impl Work<'_> {
    /// The account of a row, as it is written, or the one of rows that name none.
    pub(super) fn account_of<'a>(&'a self, row: &'a RegistryRow) -> Option<&'a str> {
        let default = self.default_account.map(AccountId::as_str);
        row.account_id.as_deref().or(default)
    }

    /// What a row wants, or the row of the report that says why it cannot be had.
    pub(super) fn wanted_by(&self, row: &RegistryRow) -> Result<UserProperties, Box<Row>> {
        let name = row.key.user_name.as_str();
        let Some(account_id) = self.account_of(row) else {
            let message = "AccountId: the row names no account, and CROSSACCOUNT_DEFAULT_ACCOUNT_ID is not set.";
            let reason = Reason::new(ReasonKind::InvalidProperties, message);
            return Err(Box::new(
                Row::of("", name, RowStatus::Failed).because(reason),
            ));
        };
        let wish = Wish {
            account_id,
            user_name: name,
            properties: &row.properties,
        };
        wanted(wish, &self.run.defaults, &self.run.guardrails).map_err(|unfit| {
            Box::new(Row::of(account_id, name, RowStatus::Failed).because(unfit.into()))
        })
    }

    /// Brings the user of a row to what it wants. What a survey has shown is taken as a reason to act, and never as what
    /// to act on: the operations look again.
    pub(super) async fn tend(
        &self,
        wanted: &UserProperties,
        seen: Option<&ObservedUser>,
        mode: Mode,
    ) -> Row {
        if !self.run.goes_on() {
            return postponed(wanted, "there was no time left for this user");
        }
        let seen = seen.map_or(Seen::Nothing, Seen::Surveyed);
        match self.run.need(wanted, seen, mode).await {
            Err(error) => failed(wanted, (&error).into()),
            Ok(need) => self.meet(wanted, need, mode).await,
        }
    }

    /// As [`Work::tend`], for a user of which nothing is known.
    pub(super) async fn look_and_tend(&self, wanted: &UserProperties) -> Row {
        if !self.run.goes_on() {
            return postponed(wanted, "there was no time left for this user");
        }
        let UserProperties { target, spec, .. } = wanted;
        // One call tells whether there is anything to look at.
        let found = match self.run.look(target, spec, Facets::NONE).await {
            Ok(Some(_)) => self.run.look(target, spec, spec.facets()).await,
            nothing => nothing,
        };
        let need = match found {
            Err(error) => return failed(wanted, (&error).into()),
            Ok(found) => {
                let seen = found.as_ref().map_or(Seen::Nothing, Seen::Whole);
                self.run.need(wanted, seen, Mode::Apply).await
            }
        };
        match need {
            Err(error) => failed(wanted, (&error).into()),
            Ok(need) => self.meet(wanted, need, Mode::Apply).await,
        }
    }

    /// Meets a need: under the lease of the user, when something is to be changed.
    async fn meet(&self, wanted: &UserProperties, need: Need, mode: Mode) -> Row {
        if mode == Mode::DryRun || matches!(need, Need::Nothing(..) | Need::Impossible(_)) {
            return self.run.meet(wanted, need, mode).await;
        }
        let account_id = &wanted.target.account_id;
        match self.registry.lease(account_id, &wanted.spec.name).await {
            Err(error) => failed(wanted, (&error).into()),
            Ok(None) => postponed(wanted, "another run works on this user"),
            Ok(Some(lease)) => {
                let row = self.run.meet(wanted, need, mode).await;
                lease.give_back().await;
                row
            }
        }
    }

    /// Writes what became of a user into its row, when it says something new. The row is settled by that: its change in
    /// the stream is known for ours, and leads to nothing.
    pub(super) async fn write_back(&self, row: &RegistryRow, became: &Row) {
        let now = self.run.clock.now();
        let next = next_result(row.result.as_ref(), became, &row.fingerprint(), now);
        let Some(result) = next else { return };
        if let Err(error) = self.registry.write_result(&row.key, &result).await {
            // The user is as it is; the next run writes what this one could not.
            tracing::error!(
                user_name = row.key.user_name,
                %error,
                "what became of the user could not be written into its row"
            );
        }
    }
}

fn postponed(wanted: &UserProperties, why: &str) -> Row {
    let reason = Reason::new(
        ReasonKind::Of(ErrorKind::TimedOut),
        format!("{why}: the next run looks at it"),
    );
    Row {
        status: RowStatus::Postponed,
        ..failed(wanted, reason)
    }
}

/// Tells the log what became of a user.
pub(super) fn tell(row: &Row) {
    let (account_id, user_name) = (&row.account_id, &row.user_name);
    let status = row.status.as_str();
    match &row.reason {
        Some(reason) if row.status == RowStatus::Failed => {
            tracing::error!(
                event = "user_failed",
                account_id,
                user_name,
                status,
                "{}",
                reason.message
            );
        }
        Some(reason) => {
            tracing::info!(account_id, user_name, status, "{}", reason.message);
        }
        None if row.status == RowStatus::Exists => {}
        None => tracing::info!(event = "user_tended", account_id, user_name, status),
    }
    for warning in &row.warnings {
        tracing::warn!(account_id, user_name, "{warning}");
    }
}
