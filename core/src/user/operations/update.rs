//! Bringing a user that is remembered to the wanted state.

use std::sync::Arc;

use super::refusal::{owned_by, replaced};
use super::{Limits, Outcome, Recorded, Users, describe, expected_inline, in_own_task, subject};
use crate::audit::{Action, Status};
use crate::error::{Error, ErrorKind};
use crate::session::{Access, Session, Target};
use crate::user::apply::Applier;
use crate::user::{ObservedUser, Ownership, Step, UserSpec, diff, observe};

impl Users {
    /// Brings a user that is remembered to the wanted state. Idempotent.
    pub async fn update(
        self: &Arc<Self>,
        target: Target,
        recorded: Recorded,
        spec: UserSpec,
        limits: Limits,
    ) -> Outcome {
        let users = Arc::clone(self);
        in_own_task(async move {
            users
                .update_locked(&target, &recorded, &spec, &limits)
                .await
        })
        .await
    }

    async fn update_locked(
        &self,
        target: &Target,
        recorded: &Recorded,
        spec: &UserSpec,
        limits: &Limits,
    ) -> Outcome {
        let user_lock = self.user_lock(&target.account_id, &recorded.name);
        let _guard = user_lock.lock().await;
        let prepared = self.prepare_update(target, recorded, spec, limits).await;
        let (session, user, steps) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                return Outcome::failed(
                    error.while_doing(format_args!("update user {}", recorded.name)),
                );
            }
        };
        if steps.is_empty() {
            return Outcome::done(Status::Unchanged, Some(user));
        }
        let subject = subject(target, &user.name, Some(&user));
        let recording = match self
            .audit
            .begin(subject, Action::UpdateUser, describe(&steps))
            .await
        {
            Ok(recording) => recording,
            Err(error) => return Outcome::failed(error),
        };
        let applied = Applier::new(&session, limits, user).run(steps).await;
        self.claim(target, &applied.user.name);
        self.finish(target, recording, Status::Updated, applied)
            .await
    }

    async fn prepare_update(
        &self,
        target: &Target,
        recorded: &Recorded,
        spec: &UserSpec,
        limits: &Limits,
    ) -> Result<(Arc<Session>, ObservedUser, Vec<Step>), Error> {
        limits.check_start()?;
        let session = self.sessions.open(target, Access::Write).await?;
        let expected = expected_inline(spec);
        let mut found =
            observe::observe(&session, &recorded.name, spec.facets(), &expected).await?;
        if found.is_none() && spec.name != recorded.name {
            // An earlier run renamed the user and died before it could say so.
            found = observe::observe(&session, &spec.name, spec.facets(), &expected)
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
        if let Ownership::Other(owner) = user.ownership(self.owner()) {
            return Err(owned_by(&owner, target, &user.name));
        }
        let steps = diff(spec, self.owner(), Some(&user));
        Ok((session, user, steps))
    }
}
