//! What operations share about credentials: where secrets belong, what a new user finds there, and what is
//! refused before the first write.

use jiff::Timestamp;

use super::{Outcome, Users, describe, note, subject};
use crate::audit::{Action, Conclusion, Status};
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::password::{self, PasswordPolicy};
use crate::secrets::{KeyCheck, ParameterName, ParameterState, SecretKind, SecretStore};
use crate::session::{Session, Target};
use crate::user::access_keys::{KeyStep, StoredKey};
use crate::user::apply::record;
use crate::user::console_access::{ConsoleAccess, ConsoleStep, PasswordSource, StoredPassword};
use crate::user::{
    Changes, Demands, NoCredentials, ObservedUser, Parameters, Places, Recorded, Refusal, Start,
    Step, UserSpec, Wish, changes,
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
            // Whose it is counts here, and not what it holds: the user that it was for does not exist.
            Box::pin(store.owner_of(target, &parameter)).await
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

    /// The secret store, without which there are no credentials to change or to hand out.
    pub(super) fn secret_store(&self, target: &Target) -> Result<&SecretStore, Error> {
        self.store.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "no secret store is configured")
                .in_account(&target.account_id)
                .with_advice("Configure `secrets`: credentials are kept in SSM Parameter Store.")
        })
    }
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
