//! The schedule: every row, every account, and then the users that are in no row.

use std::collections::{BTreeMap, BTreeSet};

use crossaccount_core::Error;
use crossaccount_core::ids::{AccountId, RunId};
use crossaccount_core::session::{AccountFilter, Target};
use crossaccount_lambda::properties::UserProperties;
use crossaccount_lambda::runtime::answer;
use futures_util::stream::{self, StreamExt as _};
use indicatif::ProgressBar;
use serde::Serialize;

use super::Work;
use super::extras::{Extent, refusal};
use super::removal::Extra;
use super::row::{postponed, tell};
use crate::function::Done;
use crate::metrics::Metrics;
use crate::registry::{Contents, RegistryRow};
use crate::rows::{Counts, Outcome, Reason, Row, RowStatus, with_room};
use crate::tend::{Mode, failed};
use crate::wanted::{Wish, place};

/// What the function answers to the schedule.
#[derive(Debug, Serialize)]
struct Report<'a> {
    run_id: RunId,
    outcome: Outcome,
    dry_run: bool,
    /// How many rows the table has.
    rows_in_table: usize,
    /// How many accounts were looked at.
    accounts: usize,
    counts: Counts,
    /// Those to which something happened, or should have.
    rows: Vec<&'a Row>,
    /// How many of them the answer has no room for; the log has them.
    rows_omitted: usize,
    /// Accounts that could not be looked at.
    failed_accounts: Vec<FailedAccount>,
    /// Why nobody was removed.
    removals_refused: Option<String>,
}

/// An account that could not be looked at.
#[derive(Debug, Serialize)]
struct FailedAccount {
    account_id: AccountId,
    reason: Reason,
}

/// A row and what it wants.
type Wanted = (RegistryRow, UserProperties);

/// What was seen and done in one account, through one role.
#[derive(Default)]
struct Seen {
    rows: Vec<Row>,
    /// The account, and how many users of ours it has.
    owned: Option<(AccountId, usize)>,
    extras: Vec<Extra>,
    failed: Option<FailedAccount>,
}

/// What all accounts are looked at with.
struct Look<'a> {
    names: Names,
    /// Where the registry remembers to have users.
    places: BTreeSet<TargetKey>,
    mode: Mode,
    progress: &'a ProgressBar,
}

impl Work<'_> {
    /// Brings every user to what its row wants, and removes the users of the registry that are in no row.
    ///
    /// # Errors
    /// When the table cannot be read as a whole: nothing is done then.
    pub(super) async fn reconcile(
        &self,
        mode: Mode,
        progress: &ProgressBar,
    ) -> Result<Done, String> {
        let Contents {
            rows: table,
            places,
        } = self
            .registry
            .read()
            .await
            .map_err(|error| error.to_string())?;
        progress.set_length(table.len() as u64);
        let rows_in_table = table.len();
        let names = Names::of(&table, |row| self.account_of(row));
        let (by_target, mut rows) = self.sort(table, mode, progress).await;
        // The rules may have changed since a place was remembered.
        let allowed = |place: &&Target| self.run.guardrails.check_target(place).is_ok();
        let places = places.iter().filter(allowed).map(TargetKey::of).collect();
        let tour = self.tour(by_target, &places);
        let accounts = tour.len();
        let look = Look {
            names,
            places,
            mode,
            progress,
        };
        let seen =
            stream::iter(tour).map(|(target, wanted)| self.account(target.target(), wanted, &look));
        let mut seen = seen.buffer_unordered(self.run.accounts_at_once);
        let mut failed_accounts = Vec::new();
        // An account may be seen through several roles, and has its users once.
        let mut owned: BTreeMap<AccountId, usize> = BTreeMap::new();
        let mut extras: BTreeMap<(AccountId, String), Extra> = BTreeMap::new();
        while let Some(one) = seen.next().await {
            rows.extend(one.rows);
            if let Some((account_id, number)) = one.owned {
                let most = owned.entry(account_id).or_default();
                *most = number.max(*most);
            }
            for extra in one.extras {
                let id = extra.user.unique_id.clone();
                extras.insert((extra.target.account_id.clone(), id), extra);
            }
            failed_accounts.extend(one.failed);
        }
        drop(seen);
        let extras: Vec<Extra> = extras.into_values().collect();
        let extent = Extent {
            rows: rows_in_table,
            owned: owned.values().sum(),
            extras: extras.len(),
        };
        let count = extras.len();
        let removals_refused = refusal(extent, self.removal);
        if let Some(refused) = &removals_refused {
            tracing::error!(event = "removals_refused", "{refused}");
        } else {
            rows.extend(self.remove_all(extras, mode).await);
        }
        let refused = match removals_refused {
            Some(_) => count,
            None => rows.iter().filter(|row| was_refused(row)).count(),
        };
        let report = Report {
            run_id: self.run.run_id,
            outcome: Outcome::Succeeded,
            dry_run: mode == Mode::DryRun,
            rows_in_table,
            accounts,
            counts: Counts::default(),
            rows: Vec::new(),
            rows_omitted: 0,
            failed_accounts,
            removals_refused,
        };
        self.conclude(report, rows, refused)
    }

    /// Rows by the account and role that they want, and those that cannot be had, which say so.
    async fn sort(
        &self,
        table: Vec<RegistryRow>,
        mode: Mode,
        progress: &ProgressBar,
    ) -> (BTreeMap<TargetKey, Vec<Wanted>>, Vec<Row>) {
        let mut unfit = Vec::new();
        let mut by_target: BTreeMap<TargetKey, Vec<Wanted>> = BTreeMap::new();
        for row in table {
            match self.wanted_by(&row) {
                Ok(wanted) => {
                    let group = by_target.entry(TargetKey::of(&wanted.target)).or_default();
                    group.push((row, wanted));
                }
                Err(why) => {
                    if mode == Mode::Apply {
                        self.write_back(&row, &why).await;
                    }
                    progress.inc(1);
                    unfit.push(*why);
                }
            }
        }
        (by_target, unfit)
    }

    /// Tells the log, counts, and completes the report.
    fn conclude(&self, report: Report<'_>, rows: Vec<Row>, refused: usize) -> Result<Done, String> {
        // From here on it borrows the rows.
        let mut report = report;
        rows.iter().for_each(tell);
        for row in &rows {
            report.counts.add(row.status);
        }
        let failed_accounts = report.failed_accounts.len();
        report.outcome = match report.counts.outcome() {
            Outcome::Succeeded if refused > 0 || failed_accounts > 0 => Outcome::PartlyFailed,
            outcome => outcome,
        };
        let eventful = |row: &&Row| row.status != RowStatus::Exists || !row.warnings.is_empty();
        (report.rows, report.rows_omitted) = with_room(rows.iter().filter(eventful).collect());
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let metrics = Metrics::of("reconcile", &report.counts)
            .with("ScheduledRuns", u64::from(!report.dry_run))
            .with("AccountsFailed", number(failed_accounts))
            .with("RemovalsRefused", number(refused))
            .with("AwsCalls", self.run.aws_calls());
        tracing::info!(
            event = "reconciled",
            run_id = %self.run.run_id,
            rows_in_table = report.rows_in_table,
            accounts = report.accounts,
            dry_run = report.dry_run,
            "the registry was gone through"
        );
        let answer = answer(&report).map_err(|failure| failure.message)?;
        let outcome = report.outcome;
        Ok(Done {
            answer,
            metrics,
            rows,
            outcome,
        })
    }

    /// All that is looked at: the accounts of rows, those that are allowed by name, and those that the registry
    /// remembers. Every hour begins at another one, so that when the time is short each has its turn.
    fn tour(
        &self,
        mut by_target: BTreeMap<TargetKey, Vec<Wanted>>,
        places: &BTreeSet<TargetKey>,
    ) -> Vec<(TargetKey, Vec<Wanted>)> {
        let beside_rows = match &self.run.guardrails.accounts {
            AccountFilter::Only(allowed) => allowed.clone(),
            AccountFilter::Any | AccountFilter::AllBut(_) => BTreeSet::new(),
        };
        for place in places {
            by_target.entry(place.clone()).or_default();
        }
        for account_id in beside_rows.iter().chain(self.default_account) {
            // A row that names another role is a way into the account as well.
            if by_target.keys().any(|target| target.0 == *account_id) {
                continue;
            }
            if let Some(target) = self.place_in(account_id) {
                by_target.entry(TargetKey::of(&target)).or_default();
            }
        }
        let mut tour: Vec<_> = by_target.into_iter().collect();
        if !tour.is_empty() {
            let hour = self.run.clock.now().as_second() / 3600;
            let beginning = usize::try_from(hour).unwrap_or_default() % tour.len();
            tour.rotate_left(beginning);
        }
        tour
    }

    /// An account through the role that users without a role of their own are reached by.
    fn place_in(&self, account_id: &AccountId) -> Option<Target> {
        let wish = Wish {
            account_id: account_id.as_str(),
            user_name: "",
            properties: &serde_json::Map::new(),
        };
        place(wish, &self.run.defaults, &self.run.guardrails)
    }

    /// One account, through one role: its rows, and its users without a row.
    async fn account(&self, target: Target, wanted: Vec<Wanted>, look: &Look<'_>) -> Seen {
        let Look { mode, progress, .. } = *look;
        if !self.run.goes_on() {
            let rows = wanted.iter().map(|(_, wanted)| {
                progress.inc(1);
                postponed(wanted, "there was no time left for this account")
            });
            return Seen {
                rows: rows.collect(),
                ..Seen::default()
            };
        }
        let has_rows = !wanted.is_empty();
        let specs: Vec<_> = wanted.iter().map(|(_, it)| it.spec.clone()).collect();
        let survey = match self.run.users.survey(&target, &specs).await {
            Ok(survey) => survey,
            Err(error) => return self.unseen(target, wanted, &error, mode, progress).await,
        };
        let survey = &survey;
        let rows = stream::iter(wanted).map(|(row, wanted)| async move {
            let user = survey.user(&wanted.spec.name);
            let became = self.tend(&row, &wanted, user, mode).await;
            if mode == Mode::Apply {
                // The next hour looks again, whatever it was.
                self.write_back(&row, &became).await;
            }
            progress.inc(1);
            became
        });
        let rows = rows.buffered(self.run.users_at_once).collect().await;
        let mut seen = Seen {
            rows,
            ..Seen::default()
        };
        let mut owned = 0;
        for user in survey.owned(&self.run.users) {
            owned += 1;
            let is_wanted = look
                .names
                .hold(&target.account_id, &user.name.case_folded());
            if !is_wanted && !self.stays(user) {
                let (target, user) = (target.clone(), user.clone());
                seen.extras.push(Extra { target, user });
            }
        }
        if mode == Mode::Apply {
            self.keep_in_mind(&target, has_rows || owned > 0, look)
                .await;
        }
        seen.owned = Some((target.account_id, owned));
        seen
    }

    /// Remembers an account that no list names as long as it has users of ours, or rows that want some.
    async fn keep_in_mind(&self, target: &Target, has_users: bool, look: &Look<'_>) {
        if self.is_listed(&target.account_id) {
            return;
        }
        let done = match (look.places.contains(&TargetKey::of(target)), has_users) {
            (false, true) => self.registry.remember_place(target).await,
            (true, false) => self.registry.forget_place(target).await,
            (true, true) | (false, false) => Ok(()),
        };
        if let Err(error) = done {
            tracing::error!(account_id = %target.account_id, %error, "the next run tries it again");
        }
    }

    /// An account that cannot be looked at: its rows fail, and nothing else happens.
    async fn unseen(
        &self,
        target: Target,
        wanted: Vec<Wanted>,
        error: &Error,
        mode: Mode,
        progress: &ProgressBar,
    ) -> Seen {
        let mut rows = Vec::new();
        for (row, wanted) in &wanted {
            let became = failed(wanted, error.into());
            if mode == Mode::Apply {
                self.write_back(row, &became).await;
            }
            progress.inc(1);
            rows.push(became);
        }
        tracing::error!(
            event = "account_failed",
            account_id = %target.account_id,
            "the account could not be looked at: {error}"
        );
        Seen {
            rows,
            failed: Some(FailedAccount {
                account_id: target.account_id,
                reason: error.into(),
            }),
            ..Seen::default()
        }
    }
}

fn was_refused(row: &Row) -> bool {
    let kind = row.reason.as_ref().map(|reason| reason.kind);
    kind == Some(crate::rows::ReasonKind::RemovalsRefused)
}

/// An account and a role, in an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct TargetKey(AccountId, Option<String>);

impl TargetKey {
    fn of(target: &Target) -> Self {
        let role_arn = target.role_arn.as_ref().map(ToString::to_string);
        Self(target.account_id.clone(), role_arn)
    }

    fn target(self) -> Target {
        Target {
            account_id: self.0,
            // It was made of one.
            role_arn: self.1.and_then(|arn| arn.parse().ok()),
        }
    }
}

/// The names that stand in the table, whatever is wrong with their rows: their users are not without a row.
struct Names {
    in_account: BTreeSet<(String, String)>,
    /// Names of rows whose account nobody knows: they count everywhere.
    anywhere: BTreeSet<String>,
}

impl Names {
    fn of<'a>(
        rows: &'a [RegistryRow],
        account_of: impl Fn(&'a RegistryRow) -> Option<&'a str>,
    ) -> Self {
        let mut names = Self {
            in_account: BTreeSet::new(),
            anywhere: BTreeSet::new(),
        };
        for row in rows {
            // IAM takes names that differ by case for one.
            let name = row.key.user_name.to_ascii_lowercase();
            match account_of(row) {
                Some(account_id) if account_id.parse::<AccountId>().is_ok() => {
                    names.in_account.insert((account_id.to_owned(), name));
                }
                _ => {
                    names.anywhere.insert(name);
                }
            }
        }
        names
    }

    fn hold(&self, account_id: &AccountId, folded_name: &str) -> bool {
        self.anywhere.contains(folded_name)
            || self
                .in_account
                .contains(&(account_id.to_string(), folded_name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::Names;
    use crate::registry::{RegistryRow, RowKey};

    fn row(name: &str, account_id: Option<&str>) -> RegistryRow {
        RegistryRow {
            key: RowKey {
                user_name: name.to_owned(),
                account_id: None,
            },
            account_id: account_id.map(str::to_owned),
            properties: Map::new(),
            result: None,
        }
    }

    #[test]
    fn a_row_keeps_its_user_whatever_is_wrong_with_it() {
        let rows = [
            row("Alice", Some("222222222222")),
            row("bob", Some("2222")),
            row("carol", None),
        ];
        let names = Names::of(&rows, |row| row.account_id.as_deref());
        let hold = |account_id: &str, name| names.hold(&account_id.parse().unwrap(), name);
        assert!(hold("222222222222", "alice"));
        assert!(!hold("333333333333", "alice"));
        // Nobody knows in which account they are.
        assert!(hold("222222222222", "bob") && hold("333333333333", "bob"));
        assert!(hold("333333333333", "carol"));
        assert!(!hold("222222222222", "dave"));
    }
}
