//! Bringing a user that is remembered to the wanted state.

use std::sync::Arc;

use super::credentials::refuse;
use super::refusal::{check_still_ours, replaced};
use super::{Limits, Outcome, Recorded, Scope, Users, describe, expected, in_own_task, subject};
use crate::audit::{Action, Status};
use crate::error::{Error, ErrorKind};
use crate::session::{Access, Session, Target};
use crate::user::apply::Applier;
use crate::user::{Changes, Expected, ObservedUser, Start, Step, UserSpec, changes, observe};

impl Users {
    /// Brings a user that is remembered to the wanted state, credentials included as far as `scope` says.
    /// Idempotent.
    pub async fn update(
        self: &Arc<Self>,
        target: Target,
        recorded: Recorded,
        spec: UserSpec,
        scope: Scope,
        limits: Limits,
    ) -> Outcome {
        let users = Arc::clone(self);
        in_own_task(async move {
            users
                .update_locked(&target, &recorded, &spec, scope, &limits)
                .await
        })
        .await
    }

    async fn update_locked(
        &self,
        target: &Target,
        recorded: &Recorded,
        spec: &UserSpec,
        scope: Scope,
        limits: &Limits,
    ) -> Outcome {
        let user_lock = self.user_lock(&target.account_id, &recorded.name);
        let _guard = user_lock.lock().await;
        let prepared = self
            .prepare_update(target, recorded, spec, scope, limits)
            .await;
        let Prepared {
            session,
            user,
            changes,
            held_back,
        } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                return Outcome::failed(
                    error.while_doing(format_args!("update user {}", recorded.name)),
                );
            }
        };
        if changes.steps.is_empty() {
            return Outcome {
                warnings: held_back,
                ..Outcome::done(Status::Unchanged, Some(user))
            };
        }
        let subject = subject(target, &user.name, Some(&user));
        let recording = match self
            .audit
            .begin(subject, action(&changes), describe(&changes.steps))
            .await
        {
            Ok(recording) => recording,
            Err(error) => return Outcome::failed(error),
        };
        let status = if changes.rotates() {
            Status::Rotated
        } else {
            Status::Updated
        };
        let tools = self.tools(&session, target, scope.at, limits);
        let work = Applier::new(tools, user, spec.console_access.as_ref());
        let applied = work.run(changes.steps).await;
        self.claim(target, &applied.user.name);
        let mut outcome = self.finish(target, recording, status, applied).await;
        outcome.warnings.extend(held_back);
        outcome
    }

    async fn prepare_update(
        &self,
        target: &Target,
        recorded: &Recorded,
        spec: &UserSpec,
        scope: Scope,
        limits: &Limits,
    ) -> Result<Prepared, Error> {
        limits.check_start()?;
        self.check_store(target, spec)?;
        let session = self.sessions.open(target, Access::Write).await?;
        let expected = Expected {
            access_keys: recorded.access_keys.clone(),
            ..expected(spec, &recorded.parameters)
        };
        let place = self.place(&session, target, &expected, true);
        let mut found = observe::observe(place, &recorded.name, spec.facets()).await?;
        if found.is_none() && spec.name != recorded.name {
            // An earlier run renamed the user and died before it could say so.
            found = observe::observe(place, &spec.name, spec.facets())
                .await?
                .filter(|user| user.unique_id == recorded.unique_id);
        }
        let user = found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the user does not exist any more")
                .in_account(&target.account_id)
                .with_advice("Plan again: the user will be created anew.")
        })?;
        if user.unique_id != recorded.unique_id {
            return Err(replaced(target, recorded, &user));
        }
        check_still_ours(self.owner(), target, recorded, &user)?;
        let wish = self.wish(target, spec, scope.at, recorded.parameters.clone());
        let mut changes = changes(&wish, Start::User(&user));
        let mut held_back = hold_back(&mut changes, scope);
        held_back.extend(self.left_behind(target, &recorded.parameters));
        refuse(&changes, target)?;
        self.check_credentials(&session, target, spec, &changes)
            .await?;
        Ok(Prepared {
            session,
            user,
            changes,
            held_back,
        })
    }
}

/// Everything that an update knows before its first write.
struct Prepared {
    session: Arc<Session>,
    user: ObservedUser,
    changes: Changes,
    /// What is due and was not in the plan, or cannot be done.
    held_back: Vec<String>,
}

/// Leaves out changes of credentials that nobody has seen in a plan, and tells.
fn hold_back(changes: &mut Changes, scope: Scope) -> Vec<String> {
    let mut told = Vec::new();
    if !scope.access_keys && changes.touches_keys() {
        changes.steps.retain(|step| !matches!(step, Step::Key(_)));
        told.append(&mut changes.key_reasons);
    }
    if !scope.console_access && changes.touches_console() {
        changes
            .steps
            .retain(|step| !matches!(step, Step::Console(_)));
        told.extend(changes.console_reason.take());
    }
    told.iter()
        .map(|reason| format!("{reason}. This was not in the plan and is left to the next one"))
        .collect()
}

/// What the operation is for: the change of a credential when there is nothing else.
fn action(changes: &Changes) -> Action {
    let all = |is: fn(&Step) -> bool| changes.steps.iter().all(is);
    if all(|step| matches!(step, Step::Key(_))) {
        Action::RotateAccessKey
    } else if all(|step| matches!(step, Step::Console(_))) {
        Action::ResetPassword
    } else {
        Action::UpdateUser
    }
}
