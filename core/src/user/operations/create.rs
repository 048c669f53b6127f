//! Creating a user, or completing or taking over one that exists.

use std::sync::Arc;

use jiff::Timestamp;

use super::credentials::refuse;
use super::refusal::owned_by;
use super::{
    Adoption, Limits, Outcome, Users, describe, expected, in_own_task, lock, subject, user_key,
};
use crate::audit::{Action, Recording, Status};
use crate::error::{Error, ErrorKind};
use crate::session::{Access, Session, Target};
use crate::user::apply::{Applier, Creation, create_user};
use crate::user::{
    Changes, ObservedUser, Owner, Ownership, Parameters, Start, UserSpec, changes, observe,
};

impl Users {
    /// Creates a user, or completes or takes over one that exists.
    ///
    /// Idempotent: a user that an earlier run of this owner made, also half of it, is brought to the
    /// wanted state.
    pub async fn create(
        self: &Arc<Self>,
        target: Target,
        spec: UserSpec,
        adoption: Adoption,
        limits: Limits,
    ) -> Outcome {
        let users = Arc::clone(self);
        in_own_task(async move { users.create_locked(&target, &spec, adoption, &limits).await })
            .await
    }

    async fn create_locked(
        &self,
        target: &Target,
        spec: &UserSpec,
        adoption: Adoption,
        limits: &Limits,
    ) -> Outcome {
        let user_lock = self.user_lock(&target.account_id, &spec.name);
        let _guard = user_lock.lock().await;
        let at = self.clock.now();
        let begun = self.begin_creation(target, spec, at, limits).await;
        let (changes, session, recording) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                return Outcome::failed(
                    error.while_doing(format_args!("create user {}", spec.name)),
                );
            }
        };
        let tools = self.tools(&session, target, at, limits);
        let console_access = spec.console_access.as_ref();
        let Some((creation, rest)) = changes.steps.split_first() else {
            return Outcome::failed(Error::new(ErrorKind::Internal, "a creation has no step"));
        };
        match create_user(&session, limits, &spec.name, creation).await {
            Creation::Created(user, request_id) => {
                let fresh =
                    Applier::new(tools, *user, console_access).created(creation, request_id);
                let applied = fresh.run(rest.to_vec()).await;
                self.claim(target, &spec.name);
                self.finish(target, recording, Status::Created, applied)
                    .await
            }
            Creation::Failed(error) => {
                let error = error.while_doing(format_args!("create user {}", spec.name));
                self.finish_without_user(recording, error).await
            }
            Creation::Exists(error) => {
                let found = self
                    .take_over(target, &session, spec, adoption, at, error)
                    .await;
                match found {
                    Err(error) => self.finish_without_user(recording, error).await,
                    Ok((user, changes)) => {
                        let status = if changes.steps.is_empty() {
                            Status::Exists
                        } else {
                            Status::Updated
                        };
                        let work = Applier::new(tools, user, console_access);
                        let applied = work.run(changes.steps).await;
                        self.claim(target, &spec.name);
                        let outcome = self.finish(target, recording, status, applied).await;
                        Outcome {
                            existed: true,
                            ..outcome
                        }
                    }
                }
            }
        }
    }

    /// Everything before the first write: the steps, the session and the record. What cannot be had is
    /// refused here.
    async fn begin_creation(
        &self,
        target: &Target,
        spec: &UserSpec,
        at: Timestamp,
        limits: &Limits,
    ) -> Result<(Changes, Arc<Session>, Recording), Error> {
        limits.check_start()?;
        self.check_store(target, spec)?;
        let session = self.sessions.open(target, Access::Write).await?;
        let nothing = self.no_credentials(target, spec, true).await?;
        let wish = self.wish(target, spec, at, Parameters::default());
        let changes = changes(&wish, Start::Nothing(&nothing));
        refuse(&changes, target)?;
        self.check_credentials(&session, target, spec, &changes)
            .await?;
        let subject = subject(target, &spec.name, None);
        let steps = describe(&changes.steps);
        let recording = self.audit.begin(subject, Action::CreateUser, steps).await?;
        Ok((changes, session, recording))
    }

    /// Decides about a user that exists although it was to be created.
    async fn take_over(
        &self,
        target: &Target,
        session: &Session,
        spec: &UserSpec,
        adoption: Adoption,
        at: Timestamp,
        refusal: Error,
    ) -> Result<(ObservedUser, Changes), Error> {
        let expected = expected(spec, &Parameters::default());
        let place = self.place(session, target, &expected, true);
        let refusal = refusal.while_doing(format_args!("create user {}", spec.name));
        let found = observe::observe(place, &spec.name, spec.facets()).await;
        let user = match found {
            Ok(Some(user)) if user.name == spec.name => user,
            // The name is taken, and yet not by a user that is written like this.
            Ok(_) if refusal.kind() == ErrorKind::AlreadyExists => {
                return Err(refusal.with_advice(
                    "IAM names may not differ by case alone: a user whose name differs only in upper and lower \
                     case exists. Use its spelling, or another name.",
                ));
            }
            Ok(_) | Err(_) => return Err(refusal),
        };
        let key = user_key(&target.account_id, &spec.name);
        let wish = self.wish(target, spec, at, Parameters::default());
        let changes = changes(&wish, Start::User(&user));
        let allowed = async {
            refuse(&changes, target)?;
            self.check_credentials(session, target, spec, &changes)
                .await
        };
        match user.ownership(self.owner()) {
            Ownership::Ours if lock(&self.claims).contains(&key) => {
                Err(refusal.with_advice(
                    "Another resource of this configuration manages this user already; remove one of the two.",
                ))
            }
            Ownership::Ours => allowed.await.map(|()| (user, changes)),
            Ownership::Nobody if adoption == Adoption::Adopt => {
                allowed.await.map(|()| (user, changes))
            }
            Ownership::Nobody => Err(refusal.with_advice(format!(
                "The user was not made by this deployment. Import it (id {}/{}), or set adoption_policy = \
                 \"adopt\" to take it over.",
                target.account_id, spec.name
            ))),
            Ownership::Other(owner) => Err(owned_by(&owner, target, &spec.name)),
        }
    }
}

/// What a plan says about a user that exists although it is to be created. Pure.
pub fn existing_user_warning(user: &ObservedUser, changes: &Changes, owner: &Owner) -> String {
    let changes: Vec<String> = changes
        .steps
        .iter()
        .map(|step| format!("  - {step}"))
        .collect();
    let history = match user.ownership(owner) {
        Ownership::Ours if user.is_quarantined() => "was quarantined by this deployment",
        Ownership::Ours => "was created by an earlier run of this deployment",
        Ownership::Nobody | Ownership::Other(_) => "is not managed by crossaccount yet",
    };
    let what = if changes.is_empty() {
        "It needs no change.".to_owned()
    } else {
        format!("These changes will be made to it:\n{}", changes.join("\n"))
    };
    format!(
        "User {} (unique id {}) exists and {history}. It will be taken over and not created. {what}",
        user.name, user.unique_id
    )
}
