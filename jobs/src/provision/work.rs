//! The work of a call: every account at its own pace, a bounded number of them at the same time.

use std::collections::BTreeSet;

use crossaccount_core::ids::{AccountId, Path};
use crossaccount_core::session::{Access, Target};
use crossaccount_core::user::Facets;
use crossaccount_core::{Error, ErrorKind};
use crossaccount_lambda::properties::UserProperties;
use futures_util::stream::{self, StreamExt as _};
use indicatif::ProgressBar;

use super::Call;
use crate::rows::{Reason, ReasonKind, Row, RowStatus};
use crate::run::Run;
use crate::tend::{Mode, Seen, failed};
use crate::wanted::{Wish, wanted};

/// From so many users on it is cheaper to list an account than to ask for each of them.
const LIST_FROM: usize = 2;

/// What is known of the names in an account before its users are looked at.
enum Names {
    /// Every name, as IAM compares it.
    Listed(BTreeSet<String>),
    /// Nothing: each user is asked for.
    Unknown,
}

impl Run {
    /// One row for each account and user, in the order of the accounts and of the users.
    pub(super) async fn provision(&self, call: &Call, progress: &ProgressBar) -> Vec<Row> {
        progress.set_length((call.accounts.len() * call.users.len()) as u64);
        let accounts = stream::iter(call.accounts.clone())
            .map(|account_id| self.provision_account(call, account_id, progress));
        let rows: Vec<Vec<Row>> = accounts.buffered(self.accounts_at_once).collect().await;
        rows.into_iter().flatten().collect()
    }

    async fn provision_account(
        &self,
        call: &Call,
        account_id: AccountId,
        progress: &ProgressBar,
    ) -> Vec<Row> {
        let mode = if call.dry_run {
            Mode::DryRun
        } else {
            Mode::Apply
        };
        let wishes: Vec<Result<UserProperties, Box<Row>>> = call
            .users
            .iter()
            .map(|name| self.wish(call, &account_id, name.as_str()))
            .collect();
        // Without time each user says so below, and the account is not asked.
        let names = if self.goes_on() {
            self.names_in(&wishes, mode).await
        } else {
            Ok(Names::Unknown)
        };
        let rows = stream::iter(wishes).map(|wish| async {
            let row = match wish {
                Err(row) => *row,
                Ok(wanted) => match &names {
                    Err(error) => failed(&wanted, error.into()),
                    Ok(names) => self.provision_user(&wanted, names, mode).await,
                },
            };
            progress.inc(1);
            row
        });
        rows.buffered(self.users_at_once).collect().await
    }

    fn wish(
        &self,
        call: &Call,
        account_id: &AccountId,
        name: &str,
    ) -> Result<UserProperties, Box<Row>> {
        let wish = Wish {
            account_id: account_id.as_str(),
            user_name: name,
            properties: &call.spec,
        };
        wanted(wish, &self.defaults, &self.guardrails).map_err(|unfit| {
            let row = Row::of(account_id.as_str(), name, RowStatus::Failed);
            Box::new(row.because(unfit.into()))
        })
    }

    /// Opens the account, and lists it when that is worth it. An account that cannot be opened is asked once, and not for
    /// each of its users.
    async fn names_in(
        &self,
        wishes: &[Result<UserProperties, Box<Row>>],
        mode: Mode,
    ) -> Result<Names, Error> {
        let wanted: Vec<&UserProperties> = wishes.iter().flatten().collect();
        let Some(target) = wanted.first().map(|wanted| &wanted.target) else {
            return Ok(Names::Unknown);
        };
        let write = async {
            match mode {
                Mode::Apply => self.sessions.open(target, Access::Write).await.map(drop),
                Mode::DryRun => Ok(()),
            }
        };
        let list = async {
            if wanted.len() < LIST_FROM {
                self.sessions.open(target, Access::Read).await?;
                return Ok(Names::Unknown);
            }
            self.list(target).await
        };
        let ((), names) = tokio::try_join!(write, list)?;
        Ok(names)
    }

    async fn list(&self, target: &Target) -> Result<Names, Error> {
        match self.users.list(target, &Path::default()).await {
            Ok(users) => {
                let names = users.iter().map(|user| user.name.case_folded());
                Ok(Names::Listed(names.collect()))
            }
            // A member role may be without the feature data_sources: then each user is asked for.
            Err(error) if error.kind() == ErrorKind::AccessDenied => Ok(Names::Unknown),
            Err(error) => Err(error),
        }
    }

    async fn provision_user(&self, wanted: &UserProperties, names: &Names, mode: Mode) -> Row {
        if !self.goes_on() {
            let reason = "there was no time left for this user: call again, and only what is missing is done";
            return Row {
                status: RowStatus::Postponed,
                ..failed(
                    wanted,
                    Reason::new(ReasonKind::Of(ErrorKind::TimedOut), reason),
                )
            };
        }
        let UserProperties { target, spec, .. } = wanted;
        let found = match names {
            Names::Listed(names) if !names.contains(&spec.name.case_folded()) => Ok(None),
            Names::Listed(_) => self.look(target, spec, spec.facets()).await,
            // One call tells whether there is anything to look at.
            Names::Unknown => match self.look(target, spec, Facets::NONE).await {
                Ok(Some(_)) => self.look(target, spec, spec.facets()).await,
                nothing => nothing,
            },
        };
        match found {
            Err(error) => failed(wanted, (&error).into()),
            Ok(found) => {
                let seen = found.as_ref().map_or(Seen::Nothing, Seen::Whole);
                self.tend(wanted, seen, mode).await
            }
        }
    }
}
