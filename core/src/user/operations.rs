//! Operations: observe, decide, record, apply, record.
//!
//! Each operation on a user runs under the lock of that user, in a task of its own: a caller that goes
//! away (a cancelled gRPC call, say) drops its future, and a dropped future between two writes would
//! lose what the first one made.
//!
//! Guarantees: nothing is written before the `started` record is; what exists after a partial
//! success is returned beside the error; a user that somebody else owns is never changed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::apply::{Applied, Applier, Creation, create_user};
use super::observe::{self, UserSummary};
use super::ownership::MANAGED_BY_TAG;
use super::{
    Child, DeletionPolicy, Facets, ObservedUser, Owner, Ownership, Quotas, Step, UserSpec, diff,
    plan_quarantine, plan_removal,
};
use crate::audit::{Action, Audit, Conclusion, Recording, Status, Subject};
use crate::aws::{SettleLimits, settle};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::ids::{AccountId, Path, PolicyName, UserName};
use crate::session::{Access, Session, Sessions, Target};

/// How long after its creation a user may still be invisible to reads.
const YOUNG: Duration = Duration::from_secs(120);
/// How long a read waits for a young user.
const YOUNG_VISIBLE_WITHIN: Duration = Duration::from_secs(30);

/// What an operation may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When no further step is begun.
    pub deadline: Instant,
    /// Cancelled when the user asks to stop: no operation begins after that, and no waiting goes on.
    /// An operation that has begun is brought to its end.
    pub cancelled: CancellationToken,
}

impl Limits {
    /// Limits that end after this time, counted from now.
    pub fn within(time: Duration, cancelled: CancellationToken) -> Self {
        Self { deadline: Instant::now() + time, cancelled }
    }

    pub(super) fn check_time(&self) -> Result<(), Error> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(Error::new(ErrorKind::TimedOut, "the time for this operation is used up")
            .with_advice("Run it again: it goes on where it stopped. `timeouts` gives it more time."))
    }

    fn check_start(&self) -> Result<(), Error> {
        if self.cancelled.is_cancelled() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "the run was interrupted before this operation began; nothing was changed",
            ));
        }
        self.check_time()
    }

    pub(super) fn settle(&self, budget: Duration) -> SettleLimits {
        SettleLimits::new(budget).until(self.deadline).unless(self.cancelled.clone())
    }
}

/// What to do when the user exists before it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adoption {
    /// Refuse, unless an earlier run of this deployment made it.
    #[default]
    Fail,
    /// Take it over, unless somebody else owns it.
    Adopt,
}

/// The user that a face remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The name that it had.
    pub name: UserName,
    /// Its unique id. A user of the same name with another id is a stranger.
    pub unique_id: String,
}

/// How a user is removed.
#[derive(Debug, Clone)]
pub struct Removal {
    /// Delete, retain or quarantine.
    pub policy: DeletionPolicy,
    /// Whether things that we did not create are removed with the user.
    pub force_destroy: bool,
    /// What the user was made from: the members of its managed sets are ours to remove.
    pub recorded: UserSpec,
}

/// What an operation led to: what exists now, and what went wrong, both at once.
#[derive(Debug)]
pub struct Outcome {
    /// The user as it is now; `None` when there is none, or when the operation did not get far
    /// enough to know.
    pub user: Option<ObservedUser>,
    /// What happened, as the audit record says it.
    pub status: Status,
    /// Whether the user existed before a creation and was taken over.
    pub existed: bool,
    /// What the caller should tell, though nothing failed.
    pub warnings: Vec<String>,
    /// The step that failed.
    pub failed_step: Option<Step>,
    /// Success, or why not.
    pub result: Result<(), Error>,
}

impl Outcome {
    fn failed(error: Error) -> Self {
        Self {
            user: None,
            status: Status::Failed,
            existed: false,
            warnings: Vec::new(),
            failed_step: None,
            result: Err(error),
        }
    }

    fn done(status: Status, user: Option<ObservedUser>) -> Self {
        Self {
            user,
            status,
            existed: false,
            warnings: Vec::new(),
            failed_step: None,
            result: Ok(()),
        }
    }
}

/// What all operations of one face share.
#[derive(Debug, Clone)]
pub struct UsersSettings {
    /// The owner tag of everything that is made.
    pub owner: Owner,
    /// How many users one run may delete or quarantine; `None` sets no limit.
    pub max_user_deletions: Option<u32>,
}

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
    locks: Mutex<HashMap<UserKey, Arc<tokio::sync::Mutex<()>>>>,
    quotas: Mutex<HashMap<Target, Arc<OnceCell<Arc<Quotas>>>>>,
    /// Users that this process works for: a second claim on one is a fault of the configuration.
    claims: Mutex<HashSet<UserKey>>,
    planned_deletions: Mutex<HashSet<(AccountId, String)>>,
    deletions: Mutex<HashSet<(AccountId, String)>>,
}

impl Users {
    /// Operations with these sessions, recorded here.
    pub fn new(
        sessions: Arc<Sessions>,
        audit: Arc<Audit>,
        clock: Arc<dyn Clock>,
        settings: UsersSettings,
    ) -> Self {
        Self {
            sessions,
            audit,
            clock,
            settings,
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

    /// Reads a user with the read session, or nothing when it does not exist.
    ///
    /// `expected_inline` are inline policies that are probably there (see `observe`).
    pub async fn find(
        &self,
        target: &Target,
        name: &UserName,
        facets: Facets,
        expected_inline: &BTreeSet<PolicyName>,
    ) -> Result<Option<ObservedUser>, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        observe::observe(&session, name, facets, expected_inline).await
    }

    /// Reads a user that is remembered, with the read session: nothing when it is gone.
    ///
    /// A user that was created within the last two minutes and cannot be seen is waited for. A user
    /// that was renamed by somebody else is found by its unique id.
    ///
    /// # Errors
    /// [`ErrorKind::Replaced`] when the name is held by another user than the remembered one.
    pub async fn read(
        &self,
        target: &Target,
        recorded: &Recorded,
        created: Option<Timestamp>,
        facets: Facets,
        expected_inline: &BTreeSet<PolicyName>,
        limits: &Limits,
    ) -> Result<Option<ObservedUser>, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        let young = created.is_some_and(|created| {
            self.clock.now().duration_since(created).unsigned_abs() < YOUNG
        });
        let patience = if young { YOUNG_VISIBLE_WITHIN } else { Duration::ZERO };
        let read = || async {
            observe::observe(&session, &recorded.name, facets, expected_inline)
                .await?
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "the user is not visible"))
        };
        let waits = |error: &Error| young && error.kind() == ErrorKind::NotFound;
        match settle(&limits.settle(patience), waits, read).await {
            Ok(user) if user.unique_id == recorded.unique_id => Ok(Some(user)),
            Ok(user) => Err(replaced(target, recorded, &user)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.find_renamed(&session, recorded, facets, expected_inline).await
            }
            Err(error) => Err(error),
        }
    }

    /// Looks for a user by its unique id. Costs a list of the account, but only when a user is gone.
    async fn find_renamed(
        &self,
        session: &Session,
        recorded: &Recorded,
        facets: Facets,
        expected_inline: &BTreeSet<PolicyName>,
    ) -> Result<Option<ObservedUser>, Error> {
        let users = match observe::list_users(session, &Path::default()).await {
            Ok(users) => users,
            // A member role that is limited to a path may not list the whole account.
            Err(error) if error.kind() == ErrorKind::AccessDenied => return Ok(None),
            Err(error) => return Err(error),
        };
        match users.into_iter().find(|user| user.unique_id == recorded.unique_id) {
            Some(user) => observe::observe(session, &user.name, facets, expected_inline).await,
            None => Ok(None),
        }
    }

    /// Lists the users of an account under a path, with the read session.
    pub async fn list(
        &self,
        target: &Target,
        path_prefix: &Path,
    ) -> Result<Vec<UserSummary>, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        observe::list_users(&session, path_prefix).await
    }

    /// The live quotas of an account: read once, with the read session.
    pub async fn quotas(&self, target: &Target) -> Result<Arc<Quotas>, Error> {
        let cell = Arc::clone(lock(&self.quotas).entry(target.clone()).or_default());
        let quotas = cell
            .get_or_try_init(|| async {
                let session = self.sessions.open(target, Access::Read).await?;
                observe::quotas(&session).await.map(Arc::new)
            })
            .await?;
        Ok(Arc::clone(quotas))
    }

    /// Counts a planned deletion against the guardrail, before anything is done. The same user counts once.
    pub fn plan_deletion(&self, account_id: &AccountId, unique_id: &str) -> Result<(), Error> {
        self.count_deletion(&self.planned_deletions, account_id, unique_id)
    }

    fn count_deletion(
        &self,
        counted: &Mutex<HashSet<(AccountId, String)>>,
        account_id: &AccountId,
        unique_id: &str,
    ) -> Result<(), Error> {
        let Some(limit) = self.settings.max_user_deletions else { return Ok(()) };
        let mut counted = lock(counted);
        let user = (account_id.clone(), unique_id.to_owned());
        if counted.contains(&user) || counted.len() < limit as usize {
            counted.insert(user);
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Guardrail,
            format!("this run would delete or quarantine more users than the {limit} that are allowed"),
        )
        .in_account(account_id)
        .with_advice(
            "If that is meant, raise `guardrails.max_user_deletions` for this run; otherwise look for what removed \
             the users from the configuration.",
        ))
    }

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
        let steps = diff(spec, self.owner(), None);
        let Some((creation, rest)) = steps.split_first() else {
            return Outcome::failed(Error::new(ErrorKind::Internal, "a creation has no step"));
        };
        let begun = self.begin(target, subject(target, &spec.name, None), Action::CreateUser, &steps, limits);
        let (session, recording) = match begun.await {
            Ok(begun) => begun,
            Err(error) => {
                return Outcome::failed(error.while_doing(format_args!("create user {}", spec.name)));
            }
        };
        match create_user(&session, limits, &spec.name, creation).await {
            Creation::Created(user, request_id) => {
                let applier =
                    Applier::new(&session, limits, *user).created(creation, request_id.as_deref());
                let applied = applier.run(rest.to_vec()).await;
                self.claim(target, &spec.name);
                self.finish(target, recording, Status::Created, applied).await
            }
            Creation::Failed(error) => {
                let error = error.while_doing(format_args!("create user {}", spec.name));
                self.finish_without_user(recording, error).await
            }
            Creation::Exists(error) => {
                let found = self.take_over(target, &session, spec, adoption, error).await;
                match found {
                    Err(error) => self.finish_without_user(recording, error).await,
                    Ok(user) => {
                        let steps = diff(spec, self.owner(), Some(&user));
                        let status =
                            if steps.is_empty() { Status::Exists } else { Status::Updated };
                        let applied = Applier::new(&session, limits, user).run(steps).await;
                        self.claim(target, &spec.name);
                        let outcome = self.finish(target, recording, status, applied).await;
                        Outcome { existed: true, ..outcome }
                    }
                }
            }
        }
    }

    /// Decides about a user that exists although it was to be created.
    async fn take_over(
        &self,
        target: &Target,
        session: &Session,
        spec: &UserSpec,
        adoption: Adoption,
        refusal: Error,
    ) -> Result<ObservedUser, Error> {
        let expected = expected_inline(spec);
        let refusal = refusal.while_doing(format_args!("create user {}", spec.name));
        let found = observe::observe(session, &spec.name, spec.facets(), &expected).await;
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
        match user.ownership(self.owner()) {
            Ownership::Ours if lock(&self.claims).contains(&key) => {
                Err(refusal.with_advice(
                    "Another resource of this configuration manages this user already; remove one of the two.",
                ))
            }
            Ownership::Ours => Ok(user),
            Ownership::Nobody if adoption == Adoption::Adopt => Ok(user),
            Ownership::Nobody => Err(refusal.with_advice(format!(
                "The user was not made by this deployment. Import it (id {}/{}), or set adoption_policy = \
                 \"adopt\" to take it over.",
                target.account_id, spec.name
            ))),
            Ownership::Other(owner) => Err(owned_by(&owner, target, &spec.name)),
        }
    }

    /// Brings a user that is remembered to the wanted state. Idempotent.
    pub async fn update(
        self: &Arc<Self>,
        target: Target,
        recorded: Recorded,
        spec: UserSpec,
        limits: Limits,
    ) -> Outcome {
        let users = Arc::clone(self);
        in_own_task(async move { users.update_locked(&target, &recorded, &spec, &limits).await })
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
        let recording = match self.audit.begin(subject, Action::UpdateUser, describe(&steps)).await {
            Ok(recording) => recording,
            Err(error) => return Outcome::failed(error),
        };
        let applied = Applier::new(&session, limits, user).run(steps).await;
        self.claim(target, &applied.user.name);
        self.finish(target, recording, Status::Updated, applied).await
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

    /// Removes a user that is remembered, as its deletion policy says. A user that is gone, or whose name a
    /// stranger holds now, is left alone and counts as removed. Idempotent.
    pub async fn remove(
        self: &Arc<Self>,
        target: Target,
        recorded: Recorded,
        removal: Removal,
        limits: Limits,
    ) -> Outcome {
        let users = Arc::clone(self);
        in_own_task(async move { users.remove_locked(&target, &recorded, &removal, &limits).await })
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
        let (session, user, children) =
            match self.prepare_removal(target, recorded, limits).await {
                Ok(Found::User(found)) => *found,
                Ok(Found::Nothing) => return Outcome::done(Status::Unchanged, None),
                Ok(Found::Stranger) => {
                    let mut outcome = Outcome::done(Status::Unchanged, None);
                    outcome.warnings.push(format!(
                        "account {}: user {} is another user than the one that was recorded (unique id {}): it was \
                         left alone",
                        target.account_id, recorded.name, recorded.unique_id
                    ));
                    return outcome;
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
        let applied = Applier::new(&session, limits, user).run(steps).await;
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
        }
        outcome
    }

    /// Forgets a user: recorded, but not touched.
    async fn retain(&self, target: &Target, recorded: &Recorded, limits: &Limits) -> Outcome {
        let mut subject = subject(target, &recorded.name, None);
        subject.unique_id = Some(recorded.unique_id.clone());
        let begun = match limits.check_start() {
            Ok(()) => self.audit.begin(subject, Action::ReleaseUser, Vec::new()).await,
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
                Outcome { warnings, ..Outcome::done(Status::Unchanged, None) }
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
        let Some(user) = user? else { return Ok(Found::Nothing) };
        if user.unique_id != recorded.unique_id {
            return Ok(Found::Stranger);
        }
        if let Ownership::Other(owner) = user.ownership(self.owner()) {
            return Err(owned_by(&owner, target, &user.name));
        }
        Ok(Found::User(Box::new((session, user, children?))))
    }

    /// Everything before the first write of a creation: time, session, record.
    async fn begin(
        &self,
        target: &Target,
        subject: Subject,
        action: Action,
        steps: &[Step],
        limits: &Limits,
    ) -> Result<(Arc<Session>, Recording), Error> {
        limits.check_start()?;
        let session = self.sessions.open(target, Access::Write).await?;
        let recording = self.audit.begin(subject, action, describe(steps)).await?;
        Ok((session, recording))
    }

    async fn finish(
        &self,
        target: &Target,
        recording: Recording,
        status: Status,
        applied: Applied,
    ) -> Outcome {
        let Applied { user, records, failure } = applied;
        let status = if failure.is_some() { Status::Failed } else { status };
        let conclusion = Conclusion {
            status,
            subject: Some(subject(target, &user.name, Some(&user))),
            steps: records,
            secret_names: Vec::new(),
            error: failure.as_ref().map(|(_, error)| error),
        };
        let warnings = note(recording.finish(conclusion).await);
        let (failed_step, result) = match failure {
            None => (None, Ok(())),
            Some((step, error)) => (Some(step), Err(error)),
        };
        Outcome { user: Some(user), status, existed: false, warnings, failed_step, result }
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
        Outcome { warnings, ..Outcome::failed(error) }
    }

    fn user_lock(&self, account_id: &AccountId, name: &UserName) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.locks).entry(user_key(account_id, name)).or_default())
    }

    fn claim(&self, target: &Target, name: &UserName) {
        lock(&self.claims).insert(user_key(&target.account_id, name));
    }

    fn release(&self, target: &Target, name: &UserName) {
        lock(&self.claims).remove(&user_key(&target.account_id, name));
    }
}

/// What a removal found under the recorded name.
enum Found {
    User(Box<(Arc<Session>, ObservedUser, super::Children)>),
    Nothing,
    Stranger,
}

/// Runs work that must not be dropped half done. A panic in it goes on in the caller.
async fn in_own_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
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
    written.err().map(|error| error.to_string()).into_iter().collect()
}

fn expected_inline(spec: &UserSpec) -> BTreeSet<PolicyName> {
    spec.inline_policies.iter().flatten().map(|(name, _)| name.clone()).collect()
}

fn replaced(target: &Target, recorded: &Recorded, found: &ObservedUser) -> Error {
    Error::new(
        ErrorKind::Replaced,
        format!(
            "user {} was deleted and created again by somebody else: its unique id is {}, and {} was recorded",
            recorded.name, found.unique_id, recorded.unique_id
        ),
    )
    .in_account(&target.account_id)
    .with_advice(format!(
        "Nothing was changed. If the new user is right, forget the old one and import the new one (id {}/{}); \
         otherwise delete the new user.",
        target.account_id, recorded.name
    ))
}

fn owned_by(owner: &str, target: &Target, name: &UserName) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("user {name} is managed by {owner:?} (tag {MANAGED_BY_TAG})"),
    )
    .in_account(&target.account_id)
    .with_advice(
        "Nothing was changed. Two owners would undo each other's work: remove the user there first, or remove the tag \
         if that owner is gone.",
    )
}

fn obstacles(target: &Target, recorded: &Recorded, foreign: &[Child]) -> Error {
    let names: Vec<String> = foreign.iter().map(ToString::to_string).collect();
    Error::new(
        ErrorKind::Conflict,
        format!(
            "user {} has things that were not created here: {}",
            recorded.name,
            names.join(", ")
        ),
    )
    .in_account(&target.account_id)
    .with_advice(
        "Nothing was changed. Remove them, or set force_destroy = true and apply before the user is destroyed.",
    )
}

/// What a plan says about a user that exists although it is to be created. Pure.
pub fn existing_user_warning(
    user: &ObservedUser,
    spec: &UserSpec,
    owner: &Owner,
) -> String {
    let steps = diff(spec, owner, Some(user));
    let changes: Vec<String> = steps.iter().map(|step| format!("  - {step}")).collect();
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
