//! Operations: observe, decide, record, apply, record.
//!
//! Each operation on a user runs under the lock of that user, in a task of its own: a caller that goes
//! away (a cancelled gRPC call, say) drops its future, and a dropped future between two writes would
//! lose what the first one made.
//!
//! Guarantees: nothing is written before the `started` record is; what exists after a partial
//! success is returned beside the error; a user that somebody else owns is never changed.

mod change_credential;
mod create;
mod credentials;
mod guardrail;
mod handout;
mod read;
mod refusal;
mod remove;
mod survey;
mod types;
mod update;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::apply::{Applied, Tools};
use super::observe::{Expected, Parameters, Place};
use super::password_policies::PasswordPolicies;
use super::{ObservedUser, Owner, Quotas, Step, UserSpec};
use crate::audit::{Audit, Conclusion, Recording, Status, Subject};
use crate::clock::Clock;
use crate::error::Error;
use crate::ids::{AccountId, UserName};
use crate::secrets::SecretStore;
use crate::session::{Session, Sessions, Target};

pub use create::existing_user_warning;
pub use handout::{HeldKey, HeldPassword, Holder};
pub use survey::Survey;
pub use types::{Adoption, Limits, Outcome, Proof, Recorded, Removal, Scope, UsersSettings};

/// One user of one account, by the name that IAM compares.
type UserKey = (AccountId, String);

fn user_key(account_id: &AccountId, name: &UserName) -> UserKey {
    (account_id.clone(), name.case_folded())
}

/// Users in all accounts: the operations that every face is made of.
#[derive(Debug)]
pub struct Users {
    sessions: Arc<Sessions>,
    audit: Arc<Audit>,
    clock: Arc<dyn Clock>,
    settings: UsersSettings,
    /// Where secrets are kept; without one nobody gets a credential.
    store: Option<Arc<SecretStore>>,
    password_policies: PasswordPolicies,
    locks: Mutex<HashMap<UserKey, Arc<tokio::sync::Mutex<()>>>>,
    quotas: Mutex<HashMap<Target, Arc<OnceCell<Arc<Quotas>>>>>,
    /// Users that this process works for: a second claim on one is a fault of the configuration.
    claims: Mutex<HashSet<UserKey>>,
    planned_deletions: Mutex<HashSet<(AccountId, String)>>,
    deletions: Mutex<HashSet<(AccountId, String)>>,
}

impl Users {
    /// Operations with these sessions, recorded here, with secrets kept in this store.
    pub fn new(
        sessions: Arc<Sessions>,
        audit: Arc<Audit>,
        clock: Arc<dyn Clock>,
        settings: UsersSettings,
        store: Option<Arc<SecretStore>>,
    ) -> Self {
        Self {
            sessions,
            audit,
            clock,
            settings,
            store,
            password_policies: PasswordPolicies::default(),
            locks: Mutex::default(),
            quotas: Mutex::default(),
            claims: Mutex::default(),
            planned_deletions: Mutex::default(),
            deletions: Mutex::default(),
        }
    }

    /// The owner of what is made here.
    pub fn owner(&self) -> &Owner {
        &self.settings.owner
    }

    /// The sessions.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// The secret store, if one is configured.
    pub fn store(&self) -> Option<&Arc<SecretStore>> {
        self.store.as_ref()
    }

    /// Parameters that a caller remembers and nobody can reach: the secret store was taken out of the
    /// configuration.
    fn left_behind(&self, target: &Target, parameters: &Parameters) -> Vec<String> {
        if self.store.is_some() {
            return Vec::new();
        }
        let parameters = [&parameters.access_key, &parameters.console_password];
        let left = parameters.into_iter().flatten();
        left.map(|parameter| {
            format!(
                "account {}: parameter {parameter} holds a secret that is not needed any more, and no secret store \
                 is configured: delete it by hand",
                target.account_id
            )
        })
        .collect()
    }

    /// What it takes to carry out steps.
    fn tools<'a>(
        &'a self,
        session: &'a Session,
        target: &'a Target,
        at: Timestamp,
        limits: &'a Limits,
    ) -> Tools<'a> {
        Tools {
            session,
            sessions: &self.sessions,
            target,
            store: self.store.as_deref(),
            password_policies: &self.password_policies,
            clock: self.clock.as_ref(),
            at,
            limits,
        }
    }

    /// Where a user is looked at: `fresh` before a write, otherwise as cheaply as a plan needs it.
    fn place<'a>(
        &'a self,
        session: &'a Session,
        target: &'a Target,
        expected: &'a Expected,
        fresh: bool,
    ) -> Place<'a> {
        Place {
            session,
            target,
            store: self.store.as_deref(),
            fresh,
            expected,
        }
    }

    async fn finish(
        &self,
        target: &Target,
        recording: Recording,
        status: Status,
        applied: Applied,
    ) -> Outcome {
        let Applied {
            user,
            records,
            secret_names,
            failure,
        } = applied;
        let status = if failure.is_some() {
            Status::Failed
        } else {
            status
        };
        let conclusion = Conclusion {
            status,
            subject: Some(subject(target, &user.name, Some(&user))),
            steps: records,
            secret_names: secret_names.iter().map(ToString::to_string).collect(),
            error: failure.as_ref().map(|(_, error)| error),
        };
        let warnings = note(recording.finish(conclusion).await);
        let (failed_step, result) = match failure {
            None => (None, Ok(())),
            Some((step, error)) => (Some(step), Err(error)),
        };
        Outcome {
            user: Some(user),
            status,
            existed: false,
            warnings,
            failed_step,
            result,
        }
    }

    async fn finish_without_user(&self, recording: Recording, error: Error) -> Outcome {
        let conclusion = Conclusion {
            status: Status::Failed,
            subject: None,
            steps: Vec::new(),
            secret_names: Vec::new(),
            error: Some(&error),
        };
        let warnings = note(recording.finish(conclusion).await);
        Outcome {
            warnings,
            ..Outcome::failed(error)
        }
    }

    fn user_lock(&self, account_id: &AccountId, name: &UserName) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(
            lock(&self.locks)
                .entry(user_key(account_id, name))
                .or_default(),
        )
    }

    fn claim(&self, target: &Target, name: &UserName) {
        lock(&self.claims).insert(user_key(&target.account_id, name));
    }

    fn release(&self, target: &Target, name: &UserName) {
        lock(&self.claims).remove(&user_key(&target.account_id, name));
    }
}

/// Runs work that must not be dropped half done. A panic in it goes on in the caller.
///
/// The work is boxed here, so that the type of an operation ends at this function: whoever calls it
/// would otherwise spend minutes of compile time on what is inside.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where an operation leaves the future of its caller"
)]
fn in_own_task<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> BoxFuture<'static, T> {
    let work: BoxFuture<'static, T> = Box::pin(work);
    Box::pin(async move {
        match tokio::spawn(work).await {
            Ok(value) => value,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The guarded values are sets and maps that are valid after any panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The user as an audit record names it.
fn subject(target: &Target, name: &UserName, user: Option<&ObservedUser>) -> Subject {
    Subject {
        account_id: target.account_id.clone(),
        user_name: name.clone(),
        arn: user.and_then(|user| user.arn.parse().ok()),
        unique_id: user.map(|user| user.unique_id.clone()),
    }
}

fn describe(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

/// The change was made and is recorded as started: a missing last record is told, and is no failure of the change.
fn note(written: Result<(), Error>) -> Vec<String> {
    written
        .err()
        .map(|error| error.to_string())
        .into_iter()
        .collect()
}

/// What a spec says to expect of a user, and where its secrets are.
fn expected(spec: &UserSpec, parameters: &Parameters) -> Expected {
    Expected {
        inline_policies: spec
            .inline_policies
            .iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect(),
        access_keys: std::collections::BTreeSet::new(),
        parameters: parameters.clone(),
    }
}
