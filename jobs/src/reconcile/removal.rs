//! Users whose rows went: deleted, quarantined or let go, and never more of them than the rules allow.

use crossaccount_core::audit::Status;
use crossaccount_core::ids::UserName;
use crossaccount_core::session::Target;
use crossaccount_core::user::{
    DeletionPolicy, Facets, ObservedUser, Ownership, Parameters, Recorded, Removal, UserSpec,
};
use crossaccount_core::{Error, ErrorKind};
use futures_util::stream::{self, StreamExt as _};

use super::Work;
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
            self.remove_leftovers(&target, name).await?;
            return Ok(row(RowStatus::Exists, None));
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

    /// Removes all of these users, or, when that would be more than an hour may see, none.
    pub(super) async fn remove_all(&self, extras: Vec<Extra>, mode: Mode) -> Vec<Row> {
        if extras.is_empty() {
            return Vec::new();
        }
        let per_hour = self.removal.per_hour;
        let allowed = match mode {
            Mode::DryRun => Ok(true),
            Mode::Apply => {
                let count = u32::try_from(extras.len()).unwrap_or(u32::MAX);
                self.registry.take_removals(count, per_hour).await
            }
        };
        let refused = match allowed {
            Ok(true) => None,
            Ok(false) => Some(Reason::new(
                ReasonKind::RemovalsRefused,
                format!(
                    "{} users were to be removed, and none is: CROSSACCOUNT_MAX_REMOVALS allows {per_hour} within one \
                     hour. The schedule removes them when there are few enough; when their rows were lost, bring them back.",
                    extras.len()
                ),
            )),
            Err(error) => Some(Reason::from(&error)),
        };
        let rows = stream::iter(extras).map(|extra| async {
            match &refused {
                Some(reason) => of(&extra, RowStatus::Failed).because(reason.clone()),
                None => self.remove(extra, mode).await,
            }
        });
        rows.buffered(self.run.accounts_at_once).collect().await
    }

    async fn remove(&self, extra: Extra, mode: Mode) -> Row {
        if mode == Mode::DryRun {
            return of(&extra, RowStatus::WouldDelete);
        }
        let late = |why: &str| {
            let message = format!("{why}: the next run looks at it");
            of(&extra, RowStatus::Postponed)
                .because(Reason::new(ReasonKind::Of(ErrorKind::TimedOut), message))
        };
        if !self.run.goes_on() {
            return late("there was no time left to remove this user");
        }
        let Extra { target, user } = &extra;
        let lease = match self.registry.lease(&target.account_id, &user.name).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return late("another run works on this user"),
            Err(error) => return of(&extra, RowStatus::Failed).because((&error).into()),
        };
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
        lease.give_back().await;
        let mut row = match (&outcome.result, outcome.status) {
            (Err(error), _) => of(&extra, RowStatus::Failed).because(error.into()),
            (Ok(()), Status::Deleted | Status::Updated) => of(&extra, RowStatus::Deleted),
            (Ok(()), _) => of(&extra, RowStatus::Exists),
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

    /// The secrets of a user that is gone. They are ours by their own tags, or are left alone.
    async fn remove_leftovers(&self, target: &Target, name: &UserName) -> Result<(), Error> {
        let Some(places) = self.run.users.places(target, name) else {
            return Ok(());
        };
        let gone = Recorded {
            name: name.clone(),
            // No user has it: whoever is there by now is a stranger.
            unique_id: String::new(),
            parameters: Parameters {
                access_key: Some(places.access_key),
                console_password: Some(places.console_password),
            },
            access_keys: std::collections::BTreeSet::new(),
        };
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
        outcome.result
    }
}

fn of(extra: &Extra, status: RowStatus) -> Row {
    let mut row = Row::of(
        extra.target.account_id.as_str(),
        extra.user.name.as_str(),
        status,
    );
    row.user_arn = Some(extra.user.arn.clone());
    row
}
