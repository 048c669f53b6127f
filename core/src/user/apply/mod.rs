//! Carrying out steps: one AWS write each, each safe to repeat.

mod access_key;
mod console_access;
mod once;
mod recent;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_iam::types::{StatusType, Tag};
use jiff::Timestamp;

use super::password_policies::PasswordPolicies;
use super::{ConsoleAccess, ConsoleStep, KeyStep, Limits, ObservedUser, Step, observe};
use crate::audit::{Step as StepRecord, StepResult};
use crate::aws::{RequestId, is_settling, settle};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::secret::Secret;
use crate::secrets::{ParameterName, SecretKind, SecretStore};
use crate::session::{Session, Sessions, Target};
use access_key::NewKey;
use recent::{Recent, VISIBLE_WITHIN};

/// How long IAM may refuse because it is busy with another change of the same user.
const SETTLED_WITHIN: Duration = Duration::from_mins(5);
/// How long IAM may still see a child that was just removed.
const REMOVED_WITHIN: Duration = Duration::from_secs(20);

/// What it takes to carry out steps in one account.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) session: &'a Session,
    pub(super) sessions: &'a Sessions,
    pub(super) target: &'a Target,
    pub(super) store: Option<&'a SecretStore>,
    pub(super) password_policies: &'a PasswordPolicies,
    pub(super) clock: &'a dyn Clock,
    /// The moment for which the steps were decided.
    pub(super) at: Timestamp,
    pub(super) limits: &'a Limits,
}

/// Carries out the steps on one user and keeps what IAM has after each.
pub(super) struct Applier<'a> {
    tools: Tools<'a>,
    /// The user after the steps so far; its sets are those that were observed.
    user: ObservedUser,
    /// What IAM may not have heard of yet.
    recent: Recent,
    /// The console access that is wanted: it says how long a password is, or brings it.
    console_access: Option<&'a ConsoleAccess>,
    /// The password of this operation, between its making and its use.
    password: Option<Secret>,
    /// The access key of this operation, between its making and its naming.
    new_key: Option<NewKey>,
    /// Whether the intent on the user is this operation's. Another run's is not closed.
    intent_is_ours: bool,
    /// Whether an earlier run left its intent open: it may have made a key that IAM does not list yet.
    earlier_intent: bool,
    /// Parameters that a secret was put into.
    secret_names: BTreeSet<ParameterName>,
    records: Vec<StepRecord>,
    /// What the present step has done besides, to be recorded after it.
    beside: Option<StepRecord>,
}

/// How far the steps came.
pub(super) struct Applied {
    pub(super) user: ObservedUser,
    pub(super) records: Vec<StepRecord>,
    /// Parameters that a secret was put into.
    pub(super) secret_names: BTreeSet<ParameterName>,
    /// The step that failed, and why. The steps before it were carried out.
    pub(super) failure: Option<(Step, Error)>,
}

impl<'a> Applier<'a> {
    pub(super) fn new(
        tools: Tools<'a>,
        user: ObservedUser,
        console_access: Option<&'a ConsoleAccess>,
    ) -> Self {
        Self {
            tools,
            user,
            recent: Recent::default(),
            console_access,
            password: None,
            new_key: None,
            intent_is_ours: false,
            earlier_intent: false,
            secret_names: BTreeSet::new(),
            records: Vec::new(),
            beside: None,
        }
    }

    /// The user was created by a call with this request id.
    pub(super) fn created(mut self, step: &Step, request_id: Option<String>) -> Self {
        self.recent = Recent::created();
        self.records.push(record(step, &Ok(request_id)));
        self
    }

    /// Carries out the steps in order until one fails or time is up. A cancellation does not stop them: what has
    /// begun is a handful of calls away from being whole.
    pub(super) async fn run(mut self, steps: Vec<Step>) -> Applied {
        let mut steps = steps.into_iter();
        while let Some(step) = steps.next() {
            let outcome = match (self.tools.limits.check_time(), &step) {
                (Err(error), _) => Err(error.in_account(&self.tools.target.account_id)),
                // On the heap: rare, and far larger than every other step.
                (Ok(()), Step::Key(step)) => Box::pin(self.key_step(step)).await,
                (Ok(()), Step::Console(step)) => Box::pin(self.console_step(step)).await,
                (Ok(()), Step::MoveSecret { kind, from }) => self.move_secret(*kind, from).await,
                (Ok(()), step) => self.carry_out(step).await,
            };
            let mut done = record(&step, &outcome);
            if let Some(made) = self.made_by(&step) {
                done.name = format!("{} {made}", step.action());
            }
            self.records.push(done);
            self.records.extend(self.beside.take());
            match outcome {
                Ok(_) => {
                    self.recent.after(&step);
                    self.user.after(&step);
                }
                Err(error) => {
                    let error =
                        error.while_doing(format_args!("{step} for user {}", self.user.name));
                    let error = self.take_back_new_key(error).await;
                    self.records.extend(steps.map(|step| skipped(&step)));
                    return self.applied(Some((step, error)));
                }
            }
        }
        self.applied(None)
    }

    /// What a step worked on that was not known before: the id of the new key, or where a secret went.
    fn made_by(&self, step: &Step) -> Option<String> {
        let parameter = |kind| Some(self.parameter(self.tools.store?, kind).to_string());
        match step {
            Step::Key(KeyStep::Create | KeyStep::Verify) => self.new_key_id().map(str::to_owned),
            Step::Key(KeyStep::NameCurrent { .. } | KeyStep::DeactivateNew) => {
                self.current_key_id()
            }
            Step::Key(KeyStep::Store) => parameter(SecretKind::AccessKey),
            Step::Console(ConsoleStep::Store | ConsoleStep::DeleteStored) => {
                parameter(SecretKind::ConsolePassword)
            }
            _ => None,
        }
    }

    fn applied(self, failure: Option<(Step, Error)>) -> Applied {
        Applied {
            user: self.user,
            records: self.records,
            secret_names: self.secret_names,
            failure,
        }
    }

    /// The secret store. Steps that need one are only planned when there is one.
    fn store(&self) -> Result<&'a SecretStore, Error> {
        self.tools.store.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "no secret store is configured")
                .in_account(&self.tools.target.account_id)
                .with_advice("Configure `secrets`: credentials are kept in SSM Parameter Store.")
        })
    }

    /// The parameter that belongs to the user by its present name.
    fn parameter(&self, store: &SecretStore, kind: SecretKind) -> ParameterName {
        store.parameter(&self.tools.target.account_id, &self.user.name, kind)
    }

    async fn move_secret(
        &mut self,
        kind: SecretKind,
        from: &ParameterName,
    ) -> Result<Option<String>, Error> {
        let store = self.store()?;
        let to = self.parameter(store, kind);
        let (target, name) = (self.tools.target, &self.user.name);
        let moved = store.move_to(target, from, &to, name).await?;
        self.secret_names.insert(to);
        let deletion = Step::DeleteSecret(from.clone());
        match moved.deleted {
            Ok(deleted) => {
                self.beside = deleted.map(|id| record(&deletion, &Ok(Some(id))));
                Ok(moved.written)
            }
            Err(error) => {
                // The copy is made and recorded, the step has failed all the same.
                let from = from.clone();
                let copied = record(&Step::MoveSecret { kind, from }, &Ok(moved.written));
                self.records.push(copied);
                Err(error)
            }
        }
    }

    /// One step, with the waiting that IAM's eventual consistency asks for.
    async fn carry_out(&self, step: &Step) -> Result<Option<String>, Error> {
        let removes = matches!(step, Step::DeleteUser | Step::DeleteVirtualMfaDevice(_));
        let waits =
            |error: &Error| is_settling(error) || (removes && error.kind() == ErrorKind::Conflict);
        self.settle(step_patience(step), waits, || self.call(step))
            .await
    }

    /// Calls until IAM has heard of what this operation did a moment ago, and as long as `waits` says.
    async fn settle<T, F, Fut>(
        &self,
        patience: Duration,
        waits: impl Fn(&Error) -> bool,
        call: F,
    ) -> Result<T, Error>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let limits = self.tools.limits;
        self.recent.settle(limits, patience, waits, call).await
    }

    /// The call of a step. What is gone already counts as removed.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each step, and no decision but which call it is"
    )]
    async fn call(&self, step: &Step) -> Result<Option<String>, Error> {
        let session = self.tools.session;
        let name = self.user.name.as_str();
        let action = step.action();
        /// Sends one request and keeps its request id.
        macro_rules! send {
            ($build:expr) => {
                session
                    .call(action, $build)
                    .await
                    .map(|output| output.request_id().map(str::to_owned))
            };
        }
        // A new user that is not shown everywhere yet is not gone, and what it holds neither.
        let gone_is_fine = |answer: Result<Option<String>, Error>| match answer {
            Err(error) if error.kind() == ErrorKind::NotFound && !self.recent.hides(&error) => {
                Ok(None)
            }
            answer => answer,
        };
        match step {
            Step::CreateUser { .. } | Step::Key(_) | Step::Console(_) | Step::MoveSecret { .. } => {
                Err(Error::new(
                    ErrorKind::Internal,
                    format!("{step} is not carried out like this"),
                ))
            }
            Step::DeleteSecret(parameter) => {
                self.store()?.delete(self.tools.target, parameter).await
            }
            Step::UpdateUser { new_name, new_path } => {
                let answer = send!(|iam| iam
                    .update_user()
                    .user_name(name)
                    .set_new_user_name(new_name.as_ref().map(ToString::to_string))
                    .set_new_path(new_path.as_ref().map(ToString::to_string))
                    .send());
                match (answer, new_name) {
                    (Err(error), Some(new_name)) => self.after_lost_rename(error, new_name).await,
                    (answer, _) => answer,
                }
            }
            Step::PutPermissionsBoundary(arn) => send!(|iam| iam
                .put_user_permissions_boundary()
                .user_name(name)
                .permissions_boundary(arn.as_str())
                .send()),
            Step::DeletePermissionsBoundary => gone_is_fine(send!(|iam| iam
                .delete_user_permissions_boundary()
                .user_name(name)
                .send())),
            Step::UntagUser(keys) => send!(|iam| iam
                .untag_user()
                .user_name(name)
                .set_tag_keys(Some(keys.iter().cloned().collect()))
                .send()),
            Step::TagUser(tags) => {
                let tags = tags
                    .iter()
                    .map(|(key, value)| build_tag(key, value))
                    .collect::<Result<Vec<_>, _>>()?;
                send!(|iam| iam.tag_user().user_name(name).set_tags(Some(tags)).send())
            }
            Step::AttachPolicy(arn) => send!(|iam| iam
                .attach_user_policy()
                .user_name(name)
                .policy_arn(arn.as_str())
                .send()),
            Step::DetachPolicy(arn) => gone_is_fine(send!(|iam| iam
                .detach_user_policy()
                .user_name(name)
                .policy_arn(arn.as_str())
                .send())),
            Step::PutInlinePolicy(policy, document) => send!(|iam| iam
                .put_user_policy()
                .user_name(name)
                .policy_name(policy.as_str())
                .policy_document(document.as_str())
                .send()),
            Step::DeleteInlinePolicy(policy) => gone_is_fine(send!(|iam| iam
                .delete_user_policy()
                .user_name(name)
                .policy_name(policy.as_str())
                .send())),
            Step::AddToGroup(group) => send!(|iam| iam
                .add_user_to_group()
                .user_name(name)
                .group_name(group.as_str())
                .send()),
            Step::RemoveFromGroup(group) => gone_is_fine(send!(|iam| iam
                .remove_user_from_group()
                .user_name(name)
                .group_name(group.as_str())
                .send())),
            Step::DeleteLoginProfile => gone_is_fine(send!(|iam| iam
                .delete_login_profile()
                .user_name(name)
                .send())),
            Step::DeactivateAccessKey(id) => gone_is_fine(send!(|iam| iam
                .update_access_key()
                .user_name(name)
                .access_key_id(id)
                .status(StatusType::Inactive)
                .send())),
            Step::DeleteAccessKey(id) => gone_is_fine(send!(|iam| iam
                .delete_access_key()
                .user_name(name)
                .access_key_id(id)
                .send())),
            Step::DeactivateServiceSpecificCredential(id) => gone_is_fine(send!(|iam| iam
                .update_service_specific_credential()
                .user_name(name)
                .service_specific_credential_id(id)
                .status(StatusType::Inactive)
                .send())),
            Step::DeleteServiceSpecificCredential(id) => gone_is_fine(send!(|iam| iam
                .delete_service_specific_credential()
                .user_name(name)
                .service_specific_credential_id(id)
                .send())),
            Step::DeactivateMfaDevice(serial) => gone_is_fine(send!(|iam| iam
                .deactivate_mfa_device()
                .user_name(name)
                .serial_number(serial)
                .send())),
            Step::DeleteVirtualMfaDevice(serial) => gone_is_fine(send!(|iam| iam
                .delete_virtual_mfa_device()
                .serial_number(serial)
                .send())),
            Step::DeactivateSigningCertificate(id) => gone_is_fine(send!(|iam| iam
                .update_signing_certificate()
                .user_name(name)
                .certificate_id(id)
                .status(StatusType::Inactive)
                .send())),
            Step::DeleteSigningCertificate(id) => gone_is_fine(send!(|iam| iam
                .delete_signing_certificate()
                .user_name(name)
                .certificate_id(id)
                .send())),
            Step::DeactivateSshPublicKey(id) => gone_is_fine(send!(|iam| iam
                .update_ssh_public_key()
                .user_name(name)
                .ssh_public_key_id(id)
                .status(StatusType::Inactive)
                .send())),
            Step::DeleteSshPublicKey(id) => gone_is_fine(send!(|iam| iam
                .delete_ssh_public_key()
                .user_name(name)
                .ssh_public_key_id(id)
                .send())),
            Step::DeleteUser => gone_is_fine(send!(|iam| iam.delete_user().user_name(name).send())),
        }
    }

    /// A rename whose answer was lost is repeated by the SDK and then finds no user of the old name.
    /// The unique id tells whether the new name is held by the very user that was to be renamed.
    async fn after_lost_rename(
        &self,
        error: Error,
        new_name: &UserName,
    ) -> Result<Option<String>, Error> {
        if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) {
            return Err(error);
        }
        match observe::get_user(self.tools.session, new_name).await {
            Ok(Some(user)) if user.unique_id == self.user.unique_id => Ok(None),
            _ => Err(error),
        }
    }
}

/// A step that was tried, as the audit record tells it.
pub(super) fn record(step: &Step, outcome: &Result<Option<String>, Error>) -> StepRecord {
    let (result, request_id, error_code) = match outcome {
        Ok(request_id) => (StepResult::Done, request_id.clone(), None),
        Err(error) => (
            StepResult::Failed,
            error.aws().and_then(|failure| failure.request_id.clone()),
            error.aws_code().map(str::to_owned),
        ),
    };
    StepRecord {
        name: step.to_string(),
        result,
        aws_request_ids: request_id.into_iter().collect(),
        error_code,
    }
}

fn skipped(step: &Step) -> StepRecord {
    StepRecord {
        name: step.to_string(),
        result: StepResult::Skipped,
        aws_request_ids: Vec::new(),
        error_code: None,
    }
}

/// What a creation found.
pub(super) enum Creation {
    /// The user was created, by the call with this request id.
    Created(Box<ObservedUser>, Option<String>),
    /// A user of this name exists, or may have been created by a call whose answer was lost.
    Exists(Error),
    /// Nothing was created.
    Failed(Error),
}

/// `CreateUser`.
pub(super) async fn create_user(
    session: &Session,
    limits: &Limits,
    name: &UserName,
    step: &Step,
) -> Creation {
    let Step::CreateUser {
        path,
        permissions_boundary,
        tags,
    } = step
    else {
        return Creation::Failed(Error::new(
            ErrorKind::Internal,
            "a creation begins with CreateUser",
        ));
    };
    let send = || async {
        let tags = tags
            .iter()
            .map(|(key, value)| build_tag(key, value))
            .collect::<Result<Vec<_>, _>>()?;
        session
            .call("iam:CreateUser", |iam| {
                iam.create_user()
                    .user_name(name.as_str())
                    .path(path.as_str())
                    .set_permissions_boundary(
                        permissions_boundary.as_ref().map(ToString::to_string),
                    )
                    .set_tags(Some(tags))
                    .send()
            })
            .await
    };
    match settle(&limits.settle(SETTLED_WITHIN), is_settling, send).await {
        Ok(output) => {
            let request_id = output.request_id().map(str::to_owned);
            let user = match output.user() {
                Some(user) => observe::from_user(session, user),
                None => Err(Error::new(
                    ErrorKind::Internal,
                    "iam:CreateUser answered without a user",
                )),
            };
            match user {
                Ok(user) => {
                    // What was sent is what the user has; not every partition repeats it.
                    let user = ObservedUser {
                        permissions_boundary: permissions_boundary.clone(),
                        tags: tags.clone(),
                        ..user
                    };
                    Creation::Created(Box::new(user.with_empty_sets()), request_id)
                }
                Err(error) => Creation::Exists(error),
            }
        }
        Err(error) => match error.kind() {
            // After a lost answer the SDK tries again, and then the user exists.
            ErrorKind::AlreadyExists | ErrorKind::Unavailable => Creation::Exists(error),
            _ => Creation::Failed(error),
        },
    }
}

fn build_tag(key: &str, value: &str) -> Result<Tag, Error> {
    Tag::builder()
        .key(key)
        .value(value)
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, format!("build tag {key}")).with_source(error)
        })
}

fn step_patience(step: &Step) -> Duration {
    match step {
        Step::DeleteUser | Step::DeleteVirtualMfaDevice(_) => REMOVED_WITHIN,
        Step::AddToGroup(_) | Step::AttachPolicy(_) | Step::PutInlinePolicy(..) => VISIBLE_WITHIN,
        _ => SETTLED_WITHIN,
    }
}
