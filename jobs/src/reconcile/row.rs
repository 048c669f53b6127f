//! One row of the registry and its user.

use crossaccount_core::ids::{AccountId, UserName};
use crossaccount_core::session::{AccountFilter, Target};
use crossaccount_core::user::{Facets, ObservedUser};
use crossaccount_core::{Error, ErrorKind};
use crossaccount_lambda::properties::UserProperties;

use super::Work;
use crate::registry::{RegistryRow, next_result};
use crate::rows::{Reason, ReasonKind, Row, RowStatus};
use crate::tend::{Mode, Need, Seen, failed};
use crate::wanted::{Wish, place, wanted};

impl Work<'_> {
    /// The account of a row, as it is written, or the one of rows that name none.
    pub(super) fn account_of<'a>(&'a self, row: &'a RegistryRow) -> Option<&'a str> {
        let default = self.default_account.map(AccountId::as_str);
        row.account_id.as_deref().or(default)
    }

    /// Whether a row keeps the user of its name in an account. A row whose account nobody knows keeps it everywhere.
    pub(super) fn keeps_in(&self, row: &RegistryRow, account_id: &AccountId) -> bool {
        match self.account_of(row).map(str::parse::<AccountId>) {
            Some(Ok(of_row)) => of_row == *account_id,
            Some(Err(_)) | None => true,
        }
    }

    /// What a row wants, or the row of the report that says why it cannot be had.
    pub(super) fn wanted_by(&self, row: &RegistryRow) -> Result<UserProperties, Box<Row>> {
        let Some(wish) = self.wish_of(row) else {
            let name = row.key.user_name.as_str();
            let message = "AccountId: the row names no account, and CROSSACCOUNT_DEFAULT_ACCOUNT_ID is not set.";
            let reason = Reason::new(ReasonKind::InvalidProperties, message);
            return Err(Box::new(
                Row::of("", name, RowStatus::Failed).because(reason),
            ));
        };
        wanted(wish, &self.run.defaults, &self.run.guardrails).map_err(|unfit| {
            let row = Row::of(wish.account_id, wish.user_name, RowStatus::Failed);
            Box::new(row.because(unfit.into()))
        })
    }

    /// Where the user of a row is that is gone, or that names another account now. `None`: nobody was made for it.
    pub(super) fn place_of(&self, row: &RegistryRow) -> Option<(Target, UserName)> {
        let wish = self.wish_of(row)?;
        let target = place(wish, &self.run.defaults, &self.run.guardrails)?;
        Some((target, wish.user_name.parse().ok()?))
    }

    fn wish_of<'a>(&'a self, row: &'a RegistryRow) -> Option<Wish<'a>> {
        Some(Wish {
            account_id: self.account_of(row)?,
            user_name: row.key.user_name.as_str(),
            properties: &row.properties,
        })
    }

    /// Whether an account is looked at by every run of the schedule, also when no row names it any more.
    pub(super) fn is_listed(&self, account_id: &AccountId) -> bool {
        let listed = match &self.run.guardrails.accounts {
            AccountFilter::Only(allowed) => allowed.contains(account_id),
            AccountFilter::Any | AccountFilter::AllBut(_) => false,
        };
        listed || self.default_account == Some(account_id)
    }

    /// Brings the user of a row to what it wants. What a survey has shown is taken as a reason to act, and never as what
    /// to act on: the operations look again.
    pub(super) async fn tend(
        &self,
        row: &RegistryRow,
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
            Ok(need) => self.meet(row, wanted, need, mode).await,
        }
    }

    /// As [`Work::tend`], for a user of which nothing is known.
    pub(super) async fn look_and_tend(&self, row: &RegistryRow, wanted: &UserProperties) -> Row {
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
            Ok(need) => self.meet(row, wanted, need, Mode::Apply).await,
        }
    }

    /// Meets a need: under the lease of the user, when something is to be changed.
    async fn meet(
        &self,
        row: &RegistryRow,
        wanted: &UserProperties,
        need: Need,
        mode: Mode,
    ) -> Row {
        if mode == Mode::DryRun || matches!(need, Need::Nothing(..) | Need::Impossible(_)) {
            return self.run.meet(wanted, need, mode).await;
        }
        let account_id = &wanted.target.account_id;
        match self.registry.lease(account_id, &wanted.spec.name).await {
            Err(error) => failed(wanted, Reason::of_registry(&error)),
            Ok(None) => postponed(wanted, "another run works on this user"),
            Ok(Some(lease)) => {
                let became = match self.may_begin(row, &wanted.target, &need).await {
                    Err(error) => failed(wanted, Reason::of_registry(&error)),
                    Ok(false) => postponed(wanted, "its row was changed at this moment"),
                    Ok(true) => self.run.meet(wanted, need, mode).await,
                };
                lease.give_back().await;
                became
            }
        }
    }

    /// Whether the row is still what the need was told from. The schedule reads all rows at its beginning, and a user
    /// whose row went minutes ago must not come back. Remembers the account first where a user is to be made.
    async fn may_begin(
        &self,
        row: &RegistryRow,
        target: &Target,
        need: &Need,
    ) -> Result<bool, Error> {
        let now = self.registry.row(&row.key).await?;
        if now.is_none_or(|now| now.fingerprint() != row.fingerprint()) {
            return Ok(false);
        }
        let makes = matches!(need, Need::Create(_) | Need::Adopt(_));
        if makes && !self.is_listed(&target.account_id) {
            self.registry.remember_place(target).await?;
        }
        Ok(true)
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

pub(super) fn postponed(wanted: &UserProperties, why: &str) -> Row {
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
