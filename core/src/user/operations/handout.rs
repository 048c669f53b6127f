//! Handing credentials out, and looking ahead at what would replace one.
//!
//! All of it goes through sessions that can change nothing, and a secret through one that can do nothing but
//! read it. A secret is handed out only when user, key and store agree about it: whoever gets it gets one that works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::change_credential::Credential;
use super::credentials::fits;
use super::read::YOUNG;
use super::refusal::{check_ours, no_user};
use super::{Limits, Proof, Recorded, Users};
use crate::aws::settle;
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::secret::Secret;
use crate::secrets::{ParameterName, SecretKind, SecretValue, console_url};
use crate::session::{Access, Target};
use crate::user::access_keys::{Demand, KeyPolicy, KeyStatus, KeyTags};
use crate::user::console_access::ConsoleAccess;
use crate::user::observe::{list_access_keys, login_profile};
use crate::user::{Expected, Facets, ObservedUser, Parameters};

/// How long a reader waits for IAM to show what an apply wrote a moment ago.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);

/// Whose credential is to be handed out.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The account, and the role to assume there.
    pub target: Target,
    /// The name of the user.
    pub name: UserName,
    /// The unique id that the user must have. A user that is not found by its name is looked for by it.
    pub unique_id: Option<String>,
}

/// An access key that works, with its secret.
#[derive(Debug, Clone)]
pub struct HeldKey {
    /// The access key id.
    pub id: String,
    /// The secret access key.
    pub secret: Secret,
    /// When it was made.
    pub create_date: Timestamp,
    /// The user that it belongs to, by the name that it has now.
    pub user_name: UserName,
    /// Where its secret is kept.
    pub parameter: ParameterName,
}

/// A console password that was generated here.
#[derive(Debug, Clone)]
pub struct HeldPassword {
    /// The password.
    pub password: Secret,
    /// Where it is kept.
    pub parameter: ParameterName,
    /// Where the user signs in.
    pub console_url: String,
}

/// What cannot be handed out, and whether waiting may help.
struct Missing {
    error: Error,
    may_come: bool,
}

impl From<Error> for Missing {
    fn from(error: Error) -> Self {
        Self {
            error,
            may_come: false,
        }
    }
}

impl Users {
    /// The current access key of a user of ours, with its secret. Changes nothing.
    ///
    /// Waits up to 30 seconds where IAM may not show yet what was just made: a user that is known to exist, the
    /// key of a user that is two minutes old at most, and a key that is being replaced at this moment.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without user, key of ours or stored secret; [`ErrorKind::Replaced`] when the user
    /// has another unique id; [`ErrorKind::AlreadyExists`] when somebody else owns the user;
    /// [`ErrorKind::AccessKey`] when the key is inactive or the store holds another one.
    pub fn access_key<'a>(
        &'a self,
        holder: &'a Holder,
        limits: &'a Limits,
    ) -> BoxFuture<'a, Result<HeldKey, Error>> {
        Box::pin(wait_for(limits, move || {
            self.try_access_key(holder, limits)
        }))
    }

    /// The console password of a user of ours that was generated here, as it was stored. Changes nothing.
    /// Whether the user has changed it since, AWS does not tell.
    ///
    /// # Errors
    /// As [`Users::access_key`].
    pub fn console_password<'a>(
        &'a self,
        holder: &'a Holder,
        limits: &'a Limits,
    ) -> BoxFuture<'a, Result<HeldPassword, Error>> {
        Box::pin(wait_for(limits, move || {
            self.try_console_password(holder, limits)
        }))
    }

    /// Whether an access key that was handed out still works, by its metadata.
    ///
    /// # Errors
    /// [`ErrorKind::AccessKey`] when it was made inactive or deleted, [`ErrorKind::NotFound`] when its user was.
    pub async fn check_access_key(
        &self,
        target: &Target,
        name: &UserName,
        id: &str,
    ) -> Result<(), Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        let keys = list_access_keys(&session, name).await?;
        let end = match keys.iter().find(|key| key.id == id).map(|key| key.status) {
            Some(KeyStatus::Active) => return Ok(()),
            Some(KeyStatus::Inactive) => "made inactive",
            None => "deleted",
        };
        Err(Error::new(
            ErrorKind::AccessKey,
            format!("access key {id} of user {name} was {end} while it was in use"),
        )
        .in_account(&target.account_id)
        .with_advice("Run again: the user's current key is used then."))
    }

    /// Whether [`Users::rotate_access_key`] would work now. Changes nothing.
    ///
    /// # Errors
    /// Those that the rotation would have.
    pub async fn preview_rotation(
        &self,
        target: &Target,
        name: &UserName,
        policy: KeyPolicy,
    ) -> Result<(), Error> {
        self.preview_credential(
            target,
            name,
            &Credential::AccessKey(policy, Demand::RotateNow),
        )
        .await
    }

    /// Whether [`Users::reset_password`] would work now. Changes nothing.
    ///
    /// # Errors
    /// Those that the reset would have.
    pub async fn preview_reset(
        &self,
        target: &Target,
        name: &UserName,
        wanted: ConsoleAccess,
    ) -> Result<(), Error> {
        self.preview_credential(target, name, &Credential::ConsolePassword(wanted))
            .await
    }

    async fn preview_credential(
        &self,
        target: &Target,
        name: &UserName,
        credential: &Credential,
    ) -> Result<(), Error> {
        self.secret_store(target)?;
        let expected = Expected::default();
        let found = self.find(target, name, credential.facets(), &expected);
        let user = found.await?.ok_or_else(|| no_user(target, name))?;
        check_ours(self.owner(), target, name, &user)?;
        let decided = credential.decide(self.clock.now(), &user);
        decided.map_err(|error| error.in_account(&target.account_id))?;
        if let Some(wanted) = credential.console_access() {
            let policy = self.password_policy(target).await?;
            fits(wanted, &policy).map_err(|error| error.in_account(&target.account_id))?;
        }
        Ok(())
    }

    async fn try_access_key(&self, holder: &Holder, limits: &Limits) -> Result<HeldKey, Missing> {
        let target = &holder.target;
        let store = self.secret_store(target)?;
        let user = self.holder(holder, limits).await?;
        let name = &user.name;
        let session = self.sessions.open(target, Access::Read).await?;
        let keys = list_access_keys(&session, name).await?;
        let tag = KeyTags::read(&user.tags).current;
        let current = tag.and_then(|tag| keys.iter().find(|key| key.id == tag.id));
        let Some(current) = current else {
            let message = format!("user {name} has no access key that crossaccount made");
            return Err(Missing {
                error: Error::new(ErrorKind::NotFound, message)
                    .in_account(&target.account_id)
                    .with_advice("Give the user access_key and apply first."),
                may_come: self.is_young(&user),
            });
        };
        let refused = |message: String, advice: &str| {
            Error::new(ErrorKind::AccessKey, message)
                .in_account(&target.account_id)
                .with_advice(advice)
        };
        if current.status != KeyStatus::Active {
            let message = format!("access key {} of user {name} is inactive", current.id);
            let advice = "Make it active (status of access_key) and apply first.";
            return Err(refused(message, advice).into());
        }
        let parameter = store.parameter(&target.account_id, name, SecretKind::AccessKey);
        match store.read(target, &parameter).await? {
            SecretValue::AccessKey { id, secret, .. } if id == current.id => Ok(HeldKey {
                id,
                secret,
                create_date: current.create_date,
                user_name: name.clone(),
                parameter,
            }),
            SecretValue::AccessKey { id, .. } => Err(Missing {
                error: refused(
                    format!(
                        "parameter {parameter} holds access key {id}, and the current key of user {name} is {}",
                        current.id
                    ),
                    "The key is being replaced, or a rotation was interrupted. Run again; if that does not help, apply \
                     the user, which brings both together.",
                ),
                may_come: true,
            }),
            SecretValue::ConsolePassword { .. } => {
                let message = format!("parameter {parameter} holds no access key");
                Err(refused(message, "Rotate the key to store a new one.").into())
            }
        }
    }

    async fn try_console_password(
        &self,
        holder: &Holder,
        limits: &Limits,
    ) -> Result<HeldPassword, Missing> {
        let target = &holder.target;
        let store = self.secret_store(target)?;
        let user = self.holder(holder, limits).await?;
        let name = &user.name;
        let session = self.sessions.open(target, Access::Read).await?;
        let profile = login_profile(&session, name).await?;
        if profile.is_none() || !user.has_own_console_access() {
            let message = format!("user {name} has no console password that crossaccount set");
            return Err(Missing {
                error: Error::new(ErrorKind::NotFound, message)
                    .in_account(&target.account_id)
                    .with_advice("Give the user console_access and apply first."),
                may_come: self.is_young(&user),
            });
        }
        let parameter = store.parameter(&target.account_id, name, SecretKind::ConsolePassword);
        let read = store.read(target, &parameter).await;
        let value = read.map_err(|error| match error.kind() {
            ErrorKind::NotFound => error.with_advice(
                "A password of the configuration's own (password_version) is kept nowhere. If this one was generated, its \
                 parameter was deleted: reset the password.",
            ),
            _ => error,
        })?;
        let SecretValue::ConsolePassword { password, .. } = value else {
            let message = format!("parameter {parameter} holds no password");
            return Err(Error::new(ErrorKind::ConsoleAccess, message)
                .in_account(&target.account_id)
                .with_advice("Reset the password to store a new one.")
                .into());
        };
        let partition = self.sessions.hub().await?.partition;
        Ok(HeldPassword {
            password,
            parameter,
            console_url: console_url(partition, &target.account_id),
        })
    }

    /// The user, which must be ours and the one that is meant.
    async fn holder(&self, holder: &Holder, limits: &Limits) -> Result<ObservedUser, Missing> {
        let Holder {
            target,
            name,
            unique_id,
        } = holder;
        let expected = Expected::default();
        let mut found = self.find(target, name, Facets::NONE, &expected).await?;
        if let (None, Some(unique_id)) = (&found, unique_id) {
            // In the plan of a rename the new name is known and the user still has the old one.
            let recorded = Recorded {
                name: name.clone(),
                unique_id: unique_id.clone(),
                proof: Proof::Remembered,
                parameters: Parameters::default(),
                access_keys: std::collections::BTreeSet::new(),
            };
            let read = self.read(target, &recorded, None, Facets::NONE, &expected, limits);
            found = read.await?;
        }
        let Some(user) = found else {
            return Err(Missing {
                error: no_user(target, name)
                    .with_advice("Check account and name, or apply the user first."),
                may_come: unique_id.is_some(),
            });
        };
        if let Some(unique_id) = unique_id.as_ref().filter(|id| **id != user.unique_id) {
            let message = format!(
                "user {name} has the unique id {}, and {unique_id} is asked for",
                user.unique_id
            );
            return Err(Error::new(ErrorKind::Replaced, message)
                .in_account(&target.account_id)
                .with_advice("Another user has the name now. Nothing was read.")
                .into());
        }
        check_ours(self.owner(), target, name, &user)?;
        Ok(user)
    }

    fn is_young(&self, user: &ObservedUser) -> bool {
        let now = self.clock.now();
        let age = user.create_date.map(|created| now.duration_since(created));
        age.is_some_and(|age| age.unsigned_abs() < YOUNG)
    }
}

async fn wait_for<T, F>(limits: &Limits, mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Missing>>,
{
    let may_come = AtomicBool::new(false);
    let read = || {
        let attempt = attempt();
        async {
            attempt.await.map_err(|missing| {
                may_come.store(missing.may_come, Ordering::Relaxed);
                missing.error
            })
        }
    };
    let waits = |_: &Error| may_come.load(Ordering::Relaxed);
    settle(&limits.settle(SETTLES_WITHIN), waits, read).await
}
