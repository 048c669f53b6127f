//! Removing a user: deleting, locking or forgetting it.

use std::sync::Arc;

use super::refusal::{check_still_ours, obstacles};
use super::{
    Limits, Outcome, Recorded, Removal, Users, describe, in_own_task, lock, note, subject, user_key,
};
use crate::audit::{Action, Conclusion, Status};
use crate::error::Error;
use crate::session::{Access, Session, Target};
use crate::user::access_keys::{KeyTags, own_keys};
use crate::user::apply::Applier;
use crate::user::{
    Children, DeletionPolicy, ObservedUser, OwnCredentials, observe, plan_quarantine, plan_removal,
};

impl Users {
    /// Removes a user that is remembered, as its deletion policy says. A user that is gone, or whose name a
    /// stranger holds now, is left alone and counts as removed; only the secrets that it left behind go. Idempotent.
    pub async fn remove(
        self: &Arc<Self>,
        target: Target,
        recorded: Recorded,
        removal: Removal,
        limits: Limits,
    ) -> Outcome {
        let users = Arc::clone(self);
        in_own_task(async move {
            users
                .remove_locked(&target, &recorded, &removal, &limits)
                .await
        })
        .await
    }

    async fn remove_locked(
        &self,
        target: &Target,
        recorded: &Recorded,
        removal: &Removal,
        limits: &Limits,
    ) -> Outcome {
        let user_lock = self.user_lock(&target.account_id, &recorded.name);
        let _guard = user_lock.lock().await;
        let action = match removal.policy {
            DeletionPolicy::Delete => Action::DeleteUser,
            DeletionPolicy::Retain => return self.retain(target, recorded, limits).await,
            DeletionPolicy::Quarantine => Action::QuarantineUser,
        };
        if lock(&self.claims).contains(&user_key(&target.account_id, &recorded.name)) {
            let mut outcome = Outcome::done(Status::Unchanged, None);
            outcome.warnings.push(format!(
                "account {}: user {} is managed by another resource of this configuration now (a moved or renamed \
                 resource, probably): it was not deleted",
                target.account_id, recorded.name
            ));
            return outcome;
        }
        let doing = format!("{} user {}", removal.policy.as_str(), recorded.name);
        let (session, user, children) = match self.prepare_removal(target, recorded, limits).await {
            Ok(Found::User(found)) => *found,
            Ok(Found::Nothing) => {
                let outcome = self.remove_leftovers(target, recorded).await;
                return Outcome {
                    result: outcome.result.map_err(|error| error.while_doing(doing)),
                    ..outcome
                };
            }
            Ok(Found::Stranger(stranger)) => {
                // Its tags tell whether the secrets are those of the stranger by now.
                let mut outcome = if stranger.has_own_keys() || stranger.has_own_console_access() {
                    Outcome::done(Status::Unchanged, None)
                } else {
                    self.remove_leftovers(target, recorded).await
                };
                outcome.warnings.push(format!(
                        "account {}: user {} is another user than the one that was recorded (unique id {}): it was \
                         left alone",
                        target.account_id, recorded.name, recorded.unique_id
                    ));
                return Outcome {
                    result: outcome.result.map_err(|error| error.while_doing(doing)),
                    ..outcome
                };
            }
            Err(error) => return Outcome::failed(error.while_doing(doing)),
        };
        let planned = match removal.policy {
            DeletionPolicy::Quarantine => Ok(plan_quarantine(&children, self.owner().as_str())),
            DeletionPolicy::Delete | DeletionPolicy::Retain => {
                plan_removal(&children, &removal.recorded, removal.force_destroy)
            }
        };
        let steps = match planned {
            Ok(steps) => steps,
            Err(foreign) => return Outcome::failed(obstacles(target, recorded, &foreign)),
        };
        if let Err(error) =
            self.count_deletion(&self.deletions, &target.account_id, &recorded.unique_id)
        {
            return Outcome::failed(error.while_doing(doing));
        }
        let subject = subject(target, &user.name, Some(&user));
        let recording = match self.audit.begin(subject, action, describe(&steps)).await {
            Ok(recording) => recording,
            Err(error) => return Outcome::failed(error.while_doing(doing)),
        };
        let tools = self.tools(&session, target, self.clock.now(), limits);
        let applied = Applier::new(tools, user, None).run(steps).await;
        let done = applied.failure.is_none();
        if done {
            self.release(target, &recorded.name);
        }
        let status = match removal.policy {
            DeletionPolicy::Quarantine => Status::Updated,
            DeletionPolicy::Delete | DeletionPolicy::Retain => Status::Deleted,
        };
        let mut outcome = self.finish(target, recording, status, applied).await;
        if done && removal.policy == DeletionPolicy::Delete {
            outcome.user = None;
            outcome
                .warnings
                .extend(self.left_behind(target, &recorded.parameters));
        }
        outcome
    }

    /// Forgets a user: recorded, but not touched.
    async fn retain(&self, target: &Target, recorded: &Recorded, limits: &Limits) -> Outcome {
        let mut subject = subject(target, &recorded.name, None);
        subject.unique_id = Some(recorded.unique_id.clone());
        let begun = match limits.check_start() {
            Ok(()) => {
                self.audit
                    .begin(subject, Action::ReleaseUser, Vec::new())
                    .await
            }
            Err(error) => Err(error),
        };
        self.release(target, &recorded.name);
        match begun {
            Err(error) => Outcome::failed(error),
            Ok(recording) => {
                let conclusion = Conclusion {
                    status: Status::Unchanged,
                    subject: None,
                    steps: Vec::new(),
                    secret_names: Vec::new(),
                    error: None,
                };
                let warnings = note(recording.finish(conclusion).await);
                Outcome {
                    warnings,
                    ..Outcome::done(Status::Unchanged, None)
                }
            }
        }
    }

    async fn prepare_removal(
        &self,
        target: &Target,
        recorded: &Recorded,
        limits: &Limits,
    ) -> Result<Found, Error> {
        limits.check_start()?;
        let session = self.sessions.open(target, Access::Write).await?;
        let (user, children) = tokio::join!(
            observe::get_user(&session, &recorded.name),
            observe::children(&session, &recorded.name),
        );
        let Some(user) = user? else {
            return Ok(Found::Nothing);
        };
        if user.unique_id != recorded.unique_id {
            return Ok(Found::Stranger(Box::new(user)));
        }
        check_still_ours(self.owner(), target, recorded, &user)?;
        let (mut children, keys) = children?;
        let parameters = self.own_parameters(target, recorded, Some(&user)).await?;
        children.own = OwnCredentials {
            login_profile: user.has_own_console_access(),
            access_keys: own_keys(&KeyTags::read(&user.tags), &keys),
            access_key_parameter: parameters.access_key,
            console_password_parameter: parameters.console_password,
        };
        Ok(Found::User(Box::new((session, user, children))))
    }
}

/// What a removal found under the recorded name.
enum Found {
    User(Box<(Arc<Session>, ObservedUser, Children)>),
    Nothing,
    Stranger(Box<ObservedUser>),
}
