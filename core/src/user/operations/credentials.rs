//! What operations share about credentials: where secrets belong, what a new user finds there, and what is
//! refused before the first write. And the two operations that change nothing but a credential.

use std::sync::Arc;

use jiff::Timestamp;

use super::refusal::{check_ours, no_user};
use super::{Limits, Outcome, Users, describe, in_own_task, note, subject};
use crate::audit::{Action, Conclusion, Status};
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::password::{self, PasswordPolicy};
use crate::secrets::{KeyCheck, ParameterName, ParameterState, SecretKind, SecretStore};
use crate::session::{Access, Session, Target};
use crate::user::access_keys::{self, Demand, KeyPolicy, KeyStep, StoredKey};
use crate::user::apply::{Applier, record};
use crate::user::console_access::{
    CONSOLE_ACCESS_TAG, ConsoleAccess, ConsoleStep, PasswordSource, StoredPassword, UNFINISHED_MARK,
};
use crate::user::{
    Changes, Demands, Expected, Facets, NoCredentials, ObservedUser, Parameters, Places, Recorded,
    Refusal, Start, Step, UserSpec, Wish, changes, observe,
};

impl Users {
    /// Everything that decides about a user but for what IAM has.
    pub(super) fn wish<'a>(
        &'a self,
        target: &Target,
        spec: &'a UserSpec,
        at: Timestamp,
        remembered: Parameters,
    ) -> Wish<'a> {
        Wish {
            spec,
            owner: self.owner(),
            now: at,
            demands: Demands::default(),
            places: self.places(target, &spec.name),
            remembered,
        }
    }

    /// Where the secrets of a user of this name belong.
    pub fn places(&self, target: &Target, name: &UserName) -> Option<Places> {
        let store = self.store.as_deref()?;
        let place = |kind| store.parameter(&target.account_id, name, kind);
        Some(Places {
            access_key: place(SecretKind::AccessKey),
            console_password: place(SecretKind::ConsolePassword),
        })
    }

    /// What would change of a user at a moment, and why: what a plan shows. Calls nobody.
    pub fn preview(
        &self,
        target: &Target,
        spec: &UserSpec,
        start: Start<'_>,
        at: Timestamp,
        remembered: Parameters,
    ) -> Changes {
        changes(&self.wish(target, spec, at, remembered), start)
    }

    /// What the secret store holds at the places of a user that does not exist yet. `fresh` asks for this
    /// very user, as before a write; otherwise the answer may come from a list of the account.
    pub async fn no_credentials(
        &self,
        target: &Target,
        spec: &UserSpec,
        fresh: bool,
    ) -> Result<NoCredentials, Error> {
        let stores_password = spec
            .console_access
            .as_ref()
            .is_some_and(ConsoleAccess::is_stored);
        let (key, password) = tokio::try_join!(
            self.parameter_state(
                target,
                &spec.name,
                SecretKind::AccessKey,
                spec.access_key.is_some(),
                fresh
            ),
            self.parameter_state(
                target,
                &spec.name,
                SecretKind::ConsolePassword,
                stores_password,
                fresh
            ),
        )?;
        Ok(NoCredentials {
            stored_key: match key {
                None => StoredKey::Unknown,
                Some(ParameterState::Foreign { owner }) => StoredKey::Foreign(owner),
                // The secret of a user that is gone is as good as none.
                Some(ParameterState::Absent | ParameterState::Ours { .. }) => StoredKey::Absent,
            },
            stored_password: match password {
                None => StoredPassword::Unknown,
                Some(ParameterState::Foreign { owner }) => StoredPassword::Foreign(owner),
                Some(ParameterState::Absent) => StoredPassword::Absent,
                Some(ParameterState::Ours { .. }) => StoredPassword::Ours,
            },
        })
    }

    async fn parameter_state(
        &self,
        target: &Target,
        name: &UserName,
        kind: SecretKind,
        wanted: bool,
        fresh: bool,
    ) -> Result<Option<ParameterState>, Error> {
        let Some(store) = self.store.as_deref().filter(|_| wanted) else {
            return Ok(None);
        };
        let parameter = store.parameter(&target.account_id, name, kind);
        // Boxed for the sake of compile time.
        let state = if fresh {
            Box::pin(store.look(target, &parameter)).await
        } else {
            Box::pin(store.known(target, &parameter)).await
        };
        state.map(Some)
    }

    /// The parameters of ours that a user leaves behind. The store is only asked where the user or the
    /// caller's memory says that there may be something.
    pub(super) async fn own_parameters(
        &self,
        target: &Target,
        recorded: &Recorded,
        user: Option<&ObservedUser>,
    ) -> Result<Parameters, Error> {
        let keys = user.is_some_and(ObservedUser::has_own_keys);
        let console = user.is_some_and(ObservedUser::has_own_console_access);
        let (access_key, console_password) = tokio::try_join!(
            self.own_parameter(target, recorded, SecretKind::AccessKey, keys),
            self.own_parameter(target, recorded, SecretKind::ConsolePassword, console),
        )?;
        Ok(Parameters {
            access_key,
            console_password,
        })
    }

    async fn own_parameter(
        &self,
        target: &Target,
        recorded: &Recorded,
        kind: SecretKind,
        likely: bool,
    ) -> Result<Option<ParameterName>, Error> {
        let remembered = recorded.parameters.of(kind);
        let Some(store) = self
            .store
            .as_deref()
            .filter(|_| likely || remembered.is_some())
        else {
            return Ok(None);
        };
        let regular = store.parameter(&target.account_id, &recorded.name, kind);
        let parameter = remembered.unwrap_or(&regular).clone();
        match store.look(target, &parameter).await? {
            ParameterState::Ours { .. } => Ok(Some(parameter)),
            ParameterState::Absent | ParameterState::Foreign { .. } => Ok(None),
        }
    }

    /// Deletes the secrets of a user that is gone: somebody else deleted it, and its secrets open nothing.
    pub(super) async fn remove_leftovers(&self, target: &Target, recorded: &Recorded) -> Outcome {
        match self.try_remove_leftovers(target, recorded).await {
            Ok(warnings) => Outcome {
                warnings,
                ..Outcome::done(Status::Unchanged, None)
            },
            Err(error) => Outcome::failed(error),
        }
    }

    async fn try_remove_leftovers(
        &self,
        target: &Target,
        recorded: &Recorded,
    ) -> Result<Vec<String>, Error> {
        let parameters = self.own_parameters(target, recorded, None).await?;
        let parameters = [parameters.access_key, parameters.console_password];
        let parameters: Vec<ParameterName> = parameters.into_iter().flatten().collect();
        let Some(store) = self.store.as_deref().filter(|_| !parameters.is_empty()) else {
            return Ok(Vec::new());
        };
        let steps: Vec<Step> = parameters.into_iter().map(Step::DeleteSecret).collect();
        let subject = subject(target, &recorded.name, None);
        let recording = self
            .audit
            .begin(subject, Action::DeleteUser, describe(&steps))
            .await?;
        let mut records = Vec::new();
        let mut result = Ok(());
        for step in &steps {
            let Step::DeleteSecret(parameter) = step else {
                continue;
            };
            let deleted = store.delete(target, parameter).await;
            records.push(record(step, &deleted));
            if let Err(error) = deleted {
                result = Err(error);
                break;
            }
        }
        let conclusion = Conclusion {
            status: if result.is_ok() {
                Status::Deleted
            } else {
                Status::Failed
            },
            subject: None,
            steps: records,
            secret_names: Vec::new(),
            error: result.as_ref().err(),
        };
        let warnings = note(recording.finish(conclusion).await);
        result.map(|()| warnings)
    }

    /// A credential needs a place for its secret before it is made.
    pub(super) fn check_store(&self, target: &Target, spec: &UserSpec) -> Result<(), Error> {
        let stores = spec.access_key.is_some()
            || spec
                .console_access
                .as_ref()
                .is_some_and(ConsoleAccess::is_stored);
        if !stores || self.store.is_some() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "user {} is to get a credential, and no secret store is configured",
                spec.name
            ),
        )
        .in_account(&target.account_id)
        .with_advice(
            "Configure `secrets`: credentials are kept in SSM Parameter Store and nowhere else.",
        ))
    }

    /// Everything about new credentials that AWS would refuse later is refused here, before the first
    /// write: a KMS key that cannot be used, and a password that the account's policy does not take.
    pub(super) async fn check_credentials(
        &self,
        session: &Session,
        target: &Target,
        spec: &UserSpec,
        changes: &Changes,
    ) -> Result<(), Error> {
        let stores = |step: &Step| {
            matches!(
                step,
                Step::Key(KeyStep::Store) | Step::Console(ConsoleStep::Store)
            )
        };
        let sets_password = changes.steps.iter().any(|step| {
            matches!(
                step,
                Step::Console(
                    ConsoleStep::CreateProfile { .. } | ConsoleStep::UpdateProfile { .. }
                )
            )
        });
        let key = async {
            if changes.steps.iter().any(stores) {
                self.check_key(target).await
            } else {
                Ok(())
            }
        };
        let password = async {
            match (&spec.console_access, sets_password) {
                (Some(wanted), true) => {
                    let policy = self.password_policies.of(session).await?;
                    fits(wanted, &policy).map_err(|error| error.in_account(&target.account_id))
                }
                _ => Ok(()),
            }
        };
        tokio::try_join!(key, password).map(|_| ())
    }

    /// The KMS key of the store must be usable before a credential is made. Once per process and account.
    pub(super) async fn check_key(&self, target: &Target) -> Result<(), Error> {
        match self.store.as_deref() {
            None => Ok(()),
            Some(store) => match store.check_key(target).await? {
                // Whoever may not describe the key may still be allowed to use it: the store will tell.
                KeyCheck::Usable | KeyCheck::Unknown(_) => Ok(()),
            },
        }
    }

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
        let credential = Credential::AccessKey(policy);
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
            let doing = format!("give user {name} a new {}", credential.kind());
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
            let steps = credential.decide(at, &user).map_err(|error| {
                error
                    .in_account(&target.account_id)
                    .with_advice("Nothing was changed.")
            })?;
            self.check_key(target).await?;
            let subject = subject(target, name, Some(&user));
            let action = credential.action();
            let recording = self.audit.begin(subject, action, describe(&steps)).await?;
            Ok::<_, Error>((session, user, steps, recording))
        };
        let (session, user, steps, recording) = match prepared.await {
            Ok(prepared) => prepared,
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

    /// The secret store, without which there are no credentials to change or to hand out.
    pub(super) fn secret_store(&self, target: &Target) -> Result<&SecretStore, Error> {
        self.store.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "no secret store is configured")
                .in_account(&target.account_id)
                .with_advice("Configure `secrets`: credentials are kept in SSM Parameter Store.")
        })
    }
}

/// A credential that somebody asks to be replaced now.
pub(super) enum Credential {
    AccessKey(KeyPolicy),
    ConsolePassword(ConsoleAccess),
}

impl Credential {
    fn kind(&self) -> &'static str {
        match self {
            Self::AccessKey(_) => "access key",
            Self::ConsolePassword(_) => "console password",
        }
    }

    pub(super) fn facets(&self) -> Facets {
        Facets {
            access_keys: matches!(self, Self::AccessKey(_)),
            console_access: matches!(self, Self::ConsolePassword(_)),
            ..Facets::NONE
        }
    }

    fn action(&self) -> Action {
        match self {
            Self::AccessKey(_) => Action::RotateAccessKey,
            Self::ConsolePassword(_) => Action::ResetPassword,
        }
    }

    pub(super) fn console_access(&self) -> Option<&ConsoleAccess> {
        match self {
            Self::AccessKey(_) => None,
            Self::ConsolePassword(wanted) => Some(wanted),
        }
    }

    /// The steps, or why there are none. Pure.
    pub(super) fn decide(&self, at: Timestamp, user: &ObservedUser) -> Result<Vec<Step>, Error> {
        match self {
            Self::AccessKey(policy) => decide_rotation(at, user, policy),
            Self::ConsolePassword(wanted) => decide_reset(user, wanted.password_reset_required),
        }
    }
}

fn decide_rotation(
    at: Timestamp,
    user: &ObservedUser,
    policy: &KeyPolicy,
) -> Result<Vec<Step>, Error> {
    let ring = user.key_ring().filter(|ring| ring.tags.current.is_some());
    let ring = ring.ok_or_else(|| {
        let message = format!(
            "user {} has no access key that crossaccount made",
            user.name
        );
        Error::new(ErrorKind::NotFound, message).with_advice("Give it access_key first.")
    })?;
    let policy = policy.as_observed(&ring);
    let decision = access_keys::decide(at, Some(&policy), Demand::RotateNow, &ring);
    if let Some(obstacle) = decision.error {
        return Err(Error::new(ErrorKind::AccessKey, obstacle.to_string()));
    }
    if decision.steps.is_empty() {
        return Err(Error::new(
            ErrorKind::AccessKey,
            decision.blocked.join("; "),
        ));
    }
    Ok(decision.steps.into_iter().map(Step::Key).collect())
}

fn decide_reset(user: &ObservedUser, password_reset_required: bool) -> Result<Vec<Step>, Error> {
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
    Ok(steps.map(Step::Console).into())
}

/// Whether the password that is wanted can satisfy the policy of its account. Pure.
pub(super) fn fits(wanted: &ConsoleAccess, policy: &PasswordPolicy) -> Result<(), Error> {
    let refused = |error: Error| error.with_kind(ErrorKind::ConsoleAccess);
    match &wanted.source {
        PasswordSource::Generated { length } => password::effective_length(*length, policy)
            .map(|_| ())
            .map_err(refused),
        PasswordSource::Given(given) => match &given.password {
            Some(password) => policy.check(password).map_err(refused),
            None => Ok(()),
        },
    }
}

/// Stops what cannot be had before anything is written.
pub(super) fn refuse(changes: &Changes, target: &Target) -> Result<(), Error> {
    match &changes.refusal {
        None => Ok(()),
        Some(refusal) => {
            let kind = match refusal {
                Refusal::AccessKey(_) => ErrorKind::AccessKey,
                Refusal::ConsoleAccess(_) => ErrorKind::ConsoleAccess,
            };
            Err(Error::new(kind, refusal.message())
                .in_account(&target.account_id)
                .with_advice("Nothing was changed."))
        }
    }
}
