//! Users whose rows went: deleted, quarantined or let go, and never more of them than the rules allow.

use crossaccount_core::audit::Status;
use crossaccount_core::ids::UserName;
use crossaccount_core::session::Target;
use crossaccount_core::user::{
    DeletionPolicy, Facets, ObservedUser, Ownership, Parameters, Proof, Recorded, Removal, UserSpec,
};
use crossaccount_core::{Error, ErrorKind};
use futures_util::stream::{self, StreamExt as _};

use super::Work;
use crate::registry::{Lease, RowKey};
use crate::rows::{Reason, ReasonKind, Row, RowStatus};
use crate::tend::{Mode, recorded};

/// A user of the registry that has to go.
#[derive(Debug, Clone)]
pub(super) struct Extra {
    /// Where it is.
    pub(super) target: Target,
    /// The user, with its sets.
    pub(super) user: ObservedUser,
}

/// What a look for a user without a row has found.
#[derive(Debug)]
pub(super) enum Sought {
    /// It has to go.
    Extra(Box<Extra>),
    /// There is nothing to do; why.
    Nothing(Box<Row>),
}

impl Work<'_> {
    /// Looks for the user of a row that went. Only a user that carries the tag of this registry has to go. Secrets that a
    /// user left behind, when somebody else deleted it, go at once: they open nothing.
    ///
    /// # Errors
    /// Those of looking.
    pub(super) async fn seek(&self, target: Target, name: &UserName) -> Result<Sought, Error> {
        let spec = UserSpec::named(name.clone());
        let row = |status, why: Option<String>| {
            let mut row = Row::of(target.account_id.as_str(), name.as_str(), status);
            row.warnings.extend(why);
            Sought::Nothing(Box::new(row))
        };
        let found = match self.run.look(&target, &spec, Facets::NONE).await? {
            // Its sets are looked at too: they tell what the registry may have given.
            Some(_) => self.run.look(&target, &spec, Facets::ALL).await?,
            None => None,
        };
        let Some(user) = found else {
            let row = self.clear_after(&target, name).await;
            return Ok(Sought::Nothing(Box::new(row)));
        };
        let left_alone = match user.ownership(self.run.users.owner()) {
            Ownership::Ours if self.stays(&user) => None,
            Ownership::Ours => {
                return Ok(Sought::Extra(Box::new(Extra { target, user })));
            }
            Ownership::Nobody => Some("it is nobody's, and left alone".to_owned()),
            Ownership::Other(owner) => Some(format!("it belongs to {owner:?}, and is left alone")),
        };
        Ok(row(RowStatus::Exists, left_alone))
    }

    /// Whether a user of the registry without a row is already as it is to be.
    pub(super) fn stays(&self, user: &ObservedUser) -> bool {
        match self.removal.policy {
            DeletionPolicy::Delete => false,
            DeletionPolicy::Quarantine => user.is_quarantined(),
            DeletionPolicy::Retain => true,
        }
    }

    /// Removes all of these users, or, when that would be more than an hour may see, none. Those that are in a row by now,
    /// that somebody works on, or for which there is no time, are left out before they are counted. One row for each.
    pub(super) async fn remove_all(&self, extras: Vec<Extra>, mode: Mode) -> Vec<Row> {
        if mode == Mode::DryRun {
            let would = |extra: &Extra| row_of(extra, RowStatus::WouldDelete);
            return extras.iter().map(would).collect();
        }
        let at_once = self.run.accounts_at_once;
        let held = stream::iter(extras).map(|extra| async { self.hold(extra).await });
        let held: Vec<Result<Held, Row>> = held.buffered(at_once).collect().await;
        let refused = self
            .refusal_of(held.iter().filter(|one| one.is_ok()).count())
            .await;
        let rows = stream::iter(held).map(|held| async {
            let Held { extra, lease } = match held {
                Ok(held) => held,
                Err(row) => return row,
            };
            let row = match &refused {
                Some(reason) => row_of(&extra, RowStatus::Failed).because(reason.clone()),
                None => self.remove(&extra).await,
            };
            lease.give_back().await;
            row
        });
        rows.buffered(at_once).collect().await
    }

    /// Takes so many removals out of what this hour allows; why not, when there are too many.
    async fn refusal_of(&self, count: usize) -> Option<Reason> {
        if count == 0 {
            return None;
        }
        let per_hour = self.removal.per_hour;
        let number = u32::try_from(count).unwrap_or(u32::MAX);
        match self.registry.take_removals(number, per_hour).await {
            Ok(true) => None,
            Ok(false) => Some(Reason::new(
                ReasonKind::RemovalsRefused,
                format!(
                    "{count} users were to be removed, and none is: CROSSACCOUNT_MAX_REMOVALS allows {per_hour} within one \
                     hour. The schedule removes them when there are few enough; when their rows were lost, bring them back."
                ),
            )),
            Err(error) => Some(Reason::of_registry(&error)),
        }
    }

    /// Takes the lease of a user that has to go, and asks again whether it is in no row.
    async fn hold(&self, extra: Extra) -> Result<Held, Row> {
        if !self.run.goes_on() {
            return Err(late(&extra, "there was no time left to remove this user"));
        }
        let Extra { target, user } = &extra;
        match self.leave(target, &user.name).await {
            Ok(Leave::Given(lease)) => Ok(Held { extra, lease }),
            Ok(Leave::Busy) => Err(late(&extra, BUSY)),
            Ok(Leave::Wanted) => Err(row_of(&extra, RowStatus::Exists)),
            Err(error) => {
                Err(row_of(&extra, RowStatus::Failed).because(Reason::of_registry(&error)))
            }
        }
    }

    /// The right to remove the user of an account, or what is left of it: it is in no row, and nobody else works on it.
    async fn leave(&self, target: &Target, name: &UserName) -> Result<Leave, Error> {
        let Some(lease) = self.registry.lease(&target.account_id, name).await? else {
            return Ok(Leave::Busy);
        };
        match self.is_in_a_row(target, name).await {
            Ok(false) => Ok(Leave::Given(lease)),
            in_a_row => {
                lease.give_back().await;
                in_a_row.map(|_| Leave::Wanted)
            }
        }
    }

    /// Whether a row of the table, as it is now, keeps the user. A row whose account nobody knows keeps it everywhere.
    async fn is_in_a_row(&self, target: &Target, name: &UserName) -> Result<bool, Error> {
        let schema = self.registry.schema().await?;
        let key = RowKey::new(schema, target.account_id.as_str(), name.as_str());
        let row = self.registry.row(&key).await?;
        Ok(row.is_some_and(|row| self.keeps_in(&row, &target.account_id)))
    }

    async fn remove(&self, extra: &Extra) -> Row {
        let Extra { target, user } = extra;
        let removal = Removal {
            policy: self.removal.policy,
            force_destroy: self.removal.force_destroy,
            recorded: self.given_to(user),
        };
        let outcome = self
            .run
            .users
            .remove(target.clone(), recorded(user), removal, self.run.limits())
            .await;
        let mut row = match (&outcome.result, outcome.status) {
            (Err(error), _) => row_of(extra, RowStatus::Failed).because(error.into()),
            (Ok(()), Status::Deleted | Status::Updated) => row_of(extra, RowStatus::Deleted),
            (Ok(()), _) => row_of(extra, RowStatus::Exists),
        };
        row.warnings = outcome
            .warnings
            .into_iter()
            .map(crate::rows::warning)
            .collect();
        row
    }

    /// What of a user the registry may have given to it: what its rules allow. Everything else somebody else gave, and it
    /// stops the deletion, unless that is forced.
    fn given_to(&self, user: &ObservedUser) -> UserSpec {
        let rules = &self.run.guardrails;
        let mut spec = UserSpec::named(user.name.clone());
        let policies = user.managed_policy_arns.iter().flatten();
        let allowed = policies.filter(|arn| rules.policies.iter().any(|it| it.matches(arn)));
        spec.managed_policy_arns = Some(allowed.cloned().collect());
        let groups = user.groups.iter().flatten();
        let allowed = groups.filter(|group| rules.groups.iter().any(|it| it.matches(group)));
        spec.groups = Some(allowed.cloned().collect());
        if rules.inline_policies {
            spec.inline_policies.clone_from(&user.inline_policies);
        }
        spec
    }

    /// Clears away what is left of a user that somebody else deleted.
    async fn clear_after(&self, target: &Target, name: &UserName) -> Row {
        let row = |status| Row::of(target.account_id.as_str(), name.as_str(), status);
        let Some(places) = self.run.users.places(target, name) else {
            return row(RowStatus::Exists);
        };
        let lease = match self.leave(target, name).await {
            Ok(Leave::Given(lease)) => lease,
            Ok(Leave::Busy) => return row(RowStatus::Postponed).because(next_time(BUSY)),
            Ok(Leave::Wanted) => return row(RowStatus::Exists),
            Err(error) => return row(RowStatus::Failed).because(Reason::of_registry(&error)),
        };
        let gone = Recorded {
            name: name.clone(),
            // No user has it: whoever is there by now is a stranger.
            unique_id: String::new(),
            proof: Proof::Tag,
            parameters: Parameters {
                access_key: Some(places.access_key),
                console_password: Some(places.console_password),
            },
            access_keys: std::collections::BTreeSet::new(),
        };
        // They are ours by their own tags, or are left alone.
        let removal = Removal {
            policy: DeletionPolicy::Delete,
            force_destroy: false,
            recorded: UserSpec::named(name.clone()),
        };
        let outcome = self
            .run
            .users
            .remove(target.clone(), gone, removal, self.run.limits())
            .await;
        lease.give_back().await;
        match outcome.result {
            Ok(()) => row(RowStatus::Exists),
            Err(error) => row(RowStatus::Failed).because((&error).into()),
        }
    }
}

/// A user that has to go, and nobody else works on.
struct Held {
    extra: Extra,
    lease: Lease,
}

/// Whether a user may be removed.
enum Leave {
    Given(Lease),
    Busy,
    Wanted,
}

const BUSY: &str = "another run works on this user";

fn next_time(why: &str) -> Reason {
    let message = format!("{why}: the next run looks at it");
    Reason::new(ReasonKind::Of(ErrorKind::TimedOut), message)
}

fn late(extra: &Extra, why: &str) -> Row {
    row_of(extra, RowStatus::Postponed).because(next_time(why))
}

fn row_of(extra: &Extra, status: RowStatus) -> Row {
    let mut row = Row::of(
        extra.target.account_id.as_str(),
        extra.user.name.as_str(),
        status,
    );
    row.user_arn = Some(extra.user.arn.clone());
    row
}
