//! The operations that change nothing but a credential.

use std::sync::Arc;

use jiff::Timestamp;

use super::refusal::{check_ours, no_user};
use super::{Limits, Outcome, Users, describe, in_own_task, subject};
use crate::audit::{Action, Recording, Status};
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::session::{Access, Session, Target};
use crate::user::access_keys::{self, Demand, KeyPolicy};
use crate::user::apply::Applier;
use crate::user::console_access::{
    CONSOLE_ACCESS_TAG, ConsoleAccess, ConsoleStep, StoredPassword, UNFINISHED_MARK,
};
use crate::user::{Expected, Facets, ObservedUser, Step, observe};

impl Users {
    /// Replaces the access key of a user now, whatever its age. The old key keeps working until its time.
    ///
    /// `policy` says how long a key that is in use is kept; rotation trigger and status of the user's own
    /// policy stay as they are. Not idempotent: each call makes a new key, or says why it cannot.
    ///
    /// # Errors
    /// In the outcome: [`ErrorKind::NotFound`] without user or key of ours, [`ErrorKind::AccessKey`] when the
    /// rotation is blocked, [`ErrorKind::AlreadyExists`] when somebody else owns the user.
    pub async fn rotate_access_key(
        self: &Arc<Self>,
        target: Target,
        name: UserName,
        policy: KeyPolicy,
        limits: Limits,
    ) -> Outcome {
        let credential = Credential::AccessKey(policy, Demand::RotateNow);
        self.change_credential(target, name, credential, limits)
            .await
    }

    /// Does what is due of the schedule of a user's access keys: replaces, disables or deletes. Nothing else of the user is
    /// changed, and nothing that somebody did by hand is undone: a key that was made inactive stays so, and one that was
    /// deleted is not made again.
    ///
    /// Idempotent: when nothing is due, the outcome is [`Status::Unchanged`] and nothing is recorded.
    ///
    /// # Errors
    /// In the outcome, as for [`Users::rotate_access_key`]. What is due and has to wait (a key that is in use) is a
    /// warning.
    pub async fn rotate_access_key_when_due(
        self: &Arc<Self>,
        target: Target,
        name: UserName,
        policy: KeyPolicy,
        limits: Limits,
    ) -> Outcome {
        let credential = Credential::AccessKey(policy, Demand::Scheduled);
        self.change_credential(target, name, credential, limits)
            .await
    }

    /// Gives the console access of a user a new generated password now.
    ///
    /// Only for a login profile of ours. Not idempotent: each call sets a new password.
    ///
    /// # Errors
    /// In the outcome, as for [`Users::rotate_access_key`].
    pub async fn reset_password(
        self: &Arc<Self>,
        target: Target,
        name: UserName,
        wanted: ConsoleAccess,
        limits: Limits,
    ) -> Outcome {
        let credential = Credential::ConsolePassword(wanted);
        self.change_credential(target, name, credential, limits)
            .await
    }

    async fn change_credential(
        self: &Arc<Self>,
        target: Target,
        name: UserName,
        credential: Credential,
        limits: Limits,
    ) -> Outcome {
        let users = Arc::clone(self);
        in_own_task(async move {
            let outcome = users
                .change_locked(&target, &name, &credential, &limits)
                .await;
            let doing = credential.doing(&name);
            Outcome {
                result: outcome.result.map_err(|error| error.while_doing(doing)),
                ..outcome
            }
        })
        .await
    }

    async fn change_locked(
        &self,
        target: &Target,
        name: &UserName,
        credential: &Credential,
        limits: &Limits,
    ) -> Outcome {
        let user_lock = self.user_lock(&target.account_id, name);
        let _guard = user_lock.lock().await;
        let at = self.clock.now();
        let prepared = async {
            limits.check_start()?;
            let (session, user) = self.own_user(target, name, credential.facets()).await?;
            let decided = credential.decide(at, &user).map_err(|error| {
                error
                    .in_account(&target.account_id)
                    .with_advice("Nothing was changed.")
            })?;
            if decided.steps.is_empty() {
                return Ok(Prepared::NothingDue(user, decided.blocked));
            }
            self.check_key(target).await?;
            let steps = decided.steps;
            let subject = subject(target, name, Some(&user));
            let action = credential.action();
            let recording = self.audit.begin(subject, action, describe(&steps)).await?;
            Ok::<_, Error>(Prepared::Due(session, user, steps, recording))
        };
        let (session, user, steps, recording) = match prepared.await {
            Ok(Prepared::Due(session, user, steps, recording)) => (session, user, steps, recording),
            Ok(Prepared::NothingDue(user, blocked)) => {
                return Outcome {
                    warnings: blocked,
                    ..Outcome::done(Status::Unchanged, Some(user))
                };
            }
            Err(error) => return Outcome::failed(error),
        };
        let tools = self.tools(&session, target, at, limits);
        let applied = Applier::new(tools, user, credential.console_access())
            .run(steps)
            .await;
        self.finish(target, recording, Status::Rotated, applied)
            .await
    }

    /// A user of ours, freshly looked at through a write session.
    async fn own_user(
        &self,
        target: &Target,
        name: &UserName,
        facets: Facets,
    ) -> Result<(Arc<Session>, ObservedUser), Error> {
        self.secret_store(target)?;
        let session = self.sessions.open(target, Access::Write).await?;
        let expected = Expected::default();
        let place = self.place(&session, target, &expected, true);
        let user = observe::observe(place, name, facets).await?;
        let user = user.ok_or_else(|| no_user(target, name))?;
        check_ours(self.owner(), target, name, &user)?;
        Ok((session, user))
    }
}

/// What a change of a credential knows before its first write.
enum Prepared {
    Due(Arc<Session>, ObservedUser, Vec<Step>, Recording),
    NothingDue(ObservedUser, Vec<String>),
}

/// What has to be done to a credential.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// The steps.
    pub(super) steps: Vec<Step>,
    /// What is due and has to wait: sentences.
    pub(super) blocked: Vec<String>,
}

/// A credential that somebody, or its schedule, asks to be replaced.
pub(super) enum Credential {
    AccessKey(KeyPolicy, Demand),
    ConsolePassword(ConsoleAccess),
}

impl Credential {
    fn doing(&self, name: &UserName) -> String {
        match self {
            Self::AccessKey(_, Demand::RotateNow) => format!("give user {name} a new access key"),
            Self::AccessKey(_, Demand::Scheduled) => {
                format!("do what is due of the access keys of user {name}")
            }
            Self::ConsolePassword(_) => format!("give user {name} a new console password"),
        }
    }

    pub(super) fn facets(&self) -> Facets {
        Facets {
            access_keys: matches!(self, Self::AccessKey(..)),
            console_access: matches!(self, Self::ConsolePassword(_)),
            ..Facets::NONE
        }
    }

    fn action(&self) -> Action {
        match self {
            Self::AccessKey(..) => Action::RotateAccessKey,
            Self::ConsolePassword(_) => Action::ResetPassword,
        }
    }

    pub(super) fn console_access(&self) -> Option<&ConsoleAccess> {
        match self {
            Self::AccessKey(..) => None,
            Self::ConsolePassword(wanted) => Some(wanted),
        }
    }

    /// The steps, or why there are none. Pure.
    pub(super) fn decide(&self, at: Timestamp, user: &ObservedUser) -> Result<Decided, Error> {
        match self {
            Self::AccessKey(policy, demand) => decide_rotation(at, user, policy, *demand),
            Self::ConsolePassword(wanted) => decide_reset(user, wanted.password_reset_required),
        }
    }
}

fn decide_rotation(
    at: Timestamp,
    user: &ObservedUser,
    policy: &KeyPolicy,
    demand: Demand,
) -> Result<Decided, Error> {
    let ring = user.key_ring().filter(|ring| ring.tags.current.is_some());
    let ring = ring.ok_or_else(|| {
        let message = format!(
            "user {} has no access key that crossaccount made",
            user.name
        );
        Error::new(ErrorKind::NotFound, message).with_advice("Give it access_key first.")
    })?;
    let current = ring.tags.current.as_ref();
    let is_there = current.is_some_and(|current| ring.keys.iter().any(|key| key.id == current.id));
    if demand == Demand::Scheduled && !is_there {
        return Ok(Decided {
            steps: Vec::new(),
            blocked: vec![format!(
                "the current access key of user {} was deleted by somebody else; the schedule does not make it again",
                user.name
            )],
        });
    }
    let policy = policy.as_observed(&ring);
    let decision = access_keys::decide(at, Some(&policy), demand, &ring);
    if let Some(obstacle) = decision.error {
        return Err(Error::new(ErrorKind::AccessKey, obstacle.to_string()));
    }
    if decision.steps.is_empty() && demand == Demand::RotateNow {
        return Err(Error::new(
            ErrorKind::AccessKey,
            decision.blocked.join("; "),
        ));
    }
    Ok(Decided {
        steps: decision.steps.into_iter().map(Step::Key).collect(),
        blocked: decision.blocked,
    })
}

fn decide_reset(user: &ObservedUser, password_reset_required: bool) -> Result<Decided, Error> {
    let console = user
        .console_access
        .as_ref()
        .filter(|found| found.profile.is_some());
    let console = console
        .filter(|_| user.has_own_console_access())
        .ok_or_else(|| {
            let message = format!(
                "user {} has no console password that crossaccount set",
                user.name
            );
            Error::new(ErrorKind::NotFound, message).with_advice("Give it console_access first.")
        })?;
    if let StoredPassword::Foreign(owner) = &console.stored {
        let owner = owner.as_deref().unwrap_or("nobody that it names");
        let message = format!("the parameter for the console password belongs to {owner}");
        return Err(Error::new(ErrorKind::ConsoleAccess, message)
            .with_advice("Remove the parameter, or choose another prefix for secrets."));
    }
    let update = ConsoleStep::UpdateProfile {
        password_reset_required,
    };
    let mark = user
        .tags
        .get(CONSOLE_ACCESS_TAG)
        .cloned()
        .unwrap_or_default();
    let marks = [UNFINISHED_MARK.to_owned(), mark].map(ConsoleStep::Mark);
    let [unfinished, done] = marks;
    let steps = [unfinished, ConsoleStep::Store, update, done];
    Ok(Decided {
        steps: steps.map(Step::Console).into(),
        blocked: Vec::new(),
    })
}
