//! Changes in the store: write, delete, move. Each asks first whose parameter it is, and each is safe
//! to repeat.

use std::time::Duration;

use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging, Tag};
use aws_types::request_id::RequestId;

use super::description::describe;
use super::store::{SecretStore, kind_of};
use super::value::Subject;
use super::{ParameterName, ParameterState, SecretLocation, SecretValue};
use crate::aws::{SettleLimits, is_settling, settle};
use crate::error::{Error, ErrorKind};
use crate::ids::{TagValue, UserName};
use crate::secret::Secret;
use crate::session::{Access, Session, Target};
use crate::user::MANAGED_BY_TAG;

/// The tags that tell people what a parameter is about; the owner is in [`MANAGED_BY_TAG`].
const ACCOUNT_TAG: &str = "crossaccount:account-id";
const USER_TAG: &str = "crossaccount:user-name";

/// SSM refuses two changes of one parameter at the same moment (`TooManyUpdates`).
const UNDISTURBED_WITHIN: Duration = Duration::from_secs(20);

/// How long a name may count as taken although nothing has it. After a deletion AWS wants at least 30 seconds to pass
/// before a parameter of the same name is created (`DeleteParameter` in the SSM API reference).
const NAME_FREE_WITHIN: Duration = Duration::from_secs(40);

/// The request ids of a move; none for what had not to be done.
#[derive(Debug)]
pub struct Moved {
    /// Of the copy under the new name.
    pub written: Option<String>,
    /// Of the deletion under the old name, or why it failed.
    pub deleted: Result<Option<String>, Error>,
}

impl Moved {
    const NOTHING: Self = Self {
        written: None,
        deleted: Ok(None),
    };
}

/// What is to be written.
struct Content<'a> {
    name: &'a ParameterName,
    user_name: &'a UserName,
    target: &'a Target,
    value: Secret,
    description: String,
}

impl SecretStore {
    /// Writes a secret: creates the parameter, or overwrites it when it is ours. Gives the request id
    /// of the write.
    ///
    /// One call when this process has seen the parameter ([`SecretStore::known`],
    /// [`SecretStore::look`]) or there is none. Safe to repeat, also after a lost answer: the same
    /// value is stored once more, as the next version.
    ///
    /// Errors: [`ErrorKind::AlreadyExists`] when the parameter belongs to somebody else, and it stays
    /// as it is. With every error the secret counts as not stored, though it may be
    /// ([`crate::aws::may_have_committed`]).
    pub async fn put(
        &self,
        target: &Target,
        name: &ParameterName,
        user_name: &UserName,
        value: &SecretValue,
    ) -> Result<Option<String>, Error> {
        if kind_of(name) != Some(value.kind()) {
            let kind = value.kind();
            let message = format!("parameter {name} is not the place of a {kind}");
            return Err(Error::new(ErrorKind::Internal, message).in_account(&target.account_id));
        }
        let session = self.session(target, Access::Write).await?;
        let subject = Subject {
            partition: self.sessions.hub().await?.partition,
            account_id: &target.account_id,
            user_name,
        };
        let encoded = value.encode(&subject).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the secret could not be written as JSON",
            )
            .in_account(&target.account_id)
        })?;
        let content = Content {
            name,
            user_name,
            target,
            value: encoded,
            description: describe(value, user_name, &target.account_id),
        };
        let known_ours = matches!(self.seen(name), Some(ParameterState::Ours { .. }));
        // Whatever happens now, what was seen before is no longer true.
        self.forget(name);
        let request_id = self.write(&session, &content, known_ours).await?;
        let credential = match value {
            SecretValue::AccessKey { id, .. } => Some(id.clone()),
            SecretValue::ConsolePassword { .. } => None,
        };
        self.remember(name, ParameterState::Ours { credential });
        Ok(request_id)
    }

    async fn write(
        &self,
        session: &Session,
        content: &Content<'_>,
        ours: bool,
    ) -> Result<Option<String>, Error> {
        if ours {
            return self.overwrite(session, content).await;
        }
        let limits = SettleLimits::new(NAME_FREE_WITHIN);
        let written = settle(&limits, is_taken, || {
            self.create_or_overwrite(session, content)
        });
        let error = match written.await {
            Err(error) if is_taken(&error) => error,
            other => return other,
        };
        let message = format!(
            "parameter {} comes and goes: somebody else is changing it",
            content.name
        );
        Err(Error::new(ErrorKind::Unavailable, message)
            .in_account(&content.target.account_id)
            .with_source(error)
            .with_advice("Find out who else writes below the prefix, and run again."))
    }

    /// Creates the parameter, or overwrites it when it turns out to be ours. When nobody has the name that is taken,
    /// the refusal of AWS is the error ([`is_taken`]).
    async fn create_or_overwrite(
        &self,
        session: &Session,
        content: &Content<'_>,
    ) -> Result<Option<String>, Error> {
        let name = content.name;
        let taken = match self.create(session, content).await {
            Err(error) if is_taken(&error) => error,
            other => return other.map_err(|error| self.explain(error, name, "write")),
        };
        match self.ownership(session, name).await? {
            // Perhaps written by an attempt whose answer was lost.
            ParameterState::Ours { .. } => self.overwrite(session, content).await,
            ParameterState::Absent => Err(taken),
            ParameterState::Foreign { owner } => {
                Err(self.foreign(content.target, name, owner.as_deref(), "write"))
            }
        }
    }

    async fn create(
        &self,
        session: &Session,
        content: &Content<'_>,
    ) -> Result<Option<String>, Error> {
        let tags = self.tags(content)?;
        let answer = self.send(session, content, Some(tags)).await?;
        Ok(answer.request_id)
    }

    async fn overwrite(
        &self,
        session: &Session,
        content: &Content<'_>,
    ) -> Result<Option<String>, Error> {
        let name = content.name;
        let explain = |error| self.explain(error, name, "write");
        let answer = self.send(session, content, None).await.map_err(explain)?;
        if answer.version == 1 {
            // It was gone, so this made a new one, and without tags. It is ours: we made it.
            if let Err(error) = self.tag(session, content).await {
                self.remove(session, name).await?;
                return Err(error);
            }
        }
        Ok(answer.request_id)
    }

    async fn tag(&self, session: &Session, content: &Content<'_>) -> Result<(), Error> {
        let name = content.name;
        let tags = self.tags(content)?;
        session
            .call_ssm("ssm:AddTagsToResource", |ssm| {
                ssm.add_tags_to_resource()
                    .resource_type(ResourceTypeForTagging::Parameter)
                    .resource_id(name.as_str())
                    .set_tags(Some(tags))
                    .send()
            })
            .await
            .map(drop)
            .map_err(|error| self.explain(error, name, "tag"))
    }

    /// One `PutParameter`: with tags it creates, without it overwrites. AWS refuses both at once.
    async fn send(
        &self,
        session: &Session,
        content: &Content<'_>,
        tags: Option<Vec<Tag>>,
    ) -> Result<Written, Error> {
        let limits = SettleLimits::new(UNDISTURBED_WITHIN);
        settle(&limits, is_settling, || async {
            let answer = session
                .call_ssm("ssm:PutParameter", |ssm| {
                    ssm.put_parameter()
                        .name(content.name.as_str())
                        .description(&content.description)
                        .value(content.value.expose())
                        .r#type(ParameterType::SecureString)
                        .key_id(self.settings().kms_key_id.as_str())
                        .overwrite(tags.is_none())
                        .set_tags(tags.clone())
                        .send()
                })
                .await?;
            Ok(Written {
                version: answer.version(),
                request_id: answer.request_id().map(str::to_owned),
            })
        })
        .await
    }

    fn tags(&self, content: &Content<'_>) -> Result<Vec<Tag>, Error> {
        let mut tags = vec![
            (MANAGED_BY_TAG, self.owner.as_str()),
            (ACCOUNT_TAG, content.target.account_id.as_str()),
        ];
        // A user name may hold a comma, a tag may not. The description has the name in any case.
        if content.user_name.as_str().parse::<TagValue>().is_ok() {
            tags.push((USER_TAG, content.user_name.as_str()));
        }
        tags.into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<_, _>>()
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "a tag could not be built").with_source(error)
            })
    }

    /// Deletes a parameter of ours and gives the request id. One that is gone is fine: then there is
    /// none.
    ///
    /// Errors: [`ErrorKind::Conflict`] when it belongs to somebody else, and it stays as it is.
    pub async fn delete(
        &self,
        target: &Target,
        name: &ParameterName,
    ) -> Result<Option<String>, Error> {
        let session = self.session(target, Access::Write).await?;
        match self.ownership(&session, name).await? {
            ParameterState::Absent => {
                self.remember(name, ParameterState::Absent);
                Ok(None)
            }
            ParameterState::Foreign { owner } => Err(self
                .foreign(target, name, owner.as_deref(), "delete")
                .with_kind(ErrorKind::Conflict)),
            ParameterState::Ours { .. } => self.remove(&session, name).await,
        }
    }

    async fn remove(
        &self,
        session: &Session,
        name: &ParameterName,
    ) -> Result<Option<String>, Error> {
        self.forget(name);
        let limits = SettleLimits::new(UNDISTURBED_WITHIN);
        let answer = settle(&limits, is_settling, || {
            session.call_ssm("ssm:DeleteParameter", |ssm| {
                ssm.delete_parameter().name(name.as_str()).send()
            })
        })
        .await;
        let request_id = match answer {
            Ok(answer) => answer.request_id().map(str::to_owned),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(self.explain(error, name, "delete")),
        };
        self.remember(name, ParameterState::Absent);
        Ok(request_id)
    }

    /// Moves a secret to another name: for a user that was renamed, or another prefix. Gives the
    /// request ids of what had to be done.
    ///
    /// The value is copied before the old parameter is deleted, so that it is never gone. Safe to
    /// repeat: after a crash in between both are there, and the newer credential stays.
    ///
    /// Errors: [`ErrorKind::AlreadyExists`] or [`ErrorKind::Conflict`] when one of the two belongs to
    /// somebody else; both stay as they are.
    pub async fn move_to(
        &self,
        target: &Target,
        from: &ParameterName,
        to: &ParameterName,
        user_name: &UserName,
    ) -> Result<Moved, Error> {
        if from == to {
            return Ok(Moved::NOTHING);
        }
        let session = self.session(target, Access::Write).await?;
        match self.ownership(&session, from).await? {
            ParameterState::Absent => return Ok(Moved::NOTHING),
            ParameterState::Foreign { owner } => {
                return Err(self
                    .foreign(target, from, owner.as_deref(), "move")
                    .with_kind(ErrorKind::Conflict));
            }
            ParameterState::Ours { .. } => {}
        }
        let newer = match self.ownership(&session, to).await? {
            ParameterState::Absent => None,
            ParameterState::Foreign { owner } => {
                return Err(self.foreign(target, to, owner.as_deref(), "write"));
            }
            ParameterState::Ours { .. } => self.value(target, to).await?,
        };
        let Some(value) = self.value(target, from).await? else {
            return Ok(Moved::NOTHING);
        };
        let written = match newer {
            Some(newer) if newer.created() >= value.created() => None,
            _ => self.put(target, to, user_name, &value).await?,
        };
        let deleted = self.remove(&session, from).await;
        Ok(Moved { written, deleted })
    }

    pub(super) fn foreign(
        &self,
        target: &Target,
        name: &ParameterName,
        owner: Option<&str>,
        what: &str,
    ) -> Error {
        let whose = owner.map_or_else(
            || format!("it has no tag {MANAGED_BY_TAG}"),
            |owner| {
                format!(
                    "its tag {MANAGED_BY_TAG} names {owner:?} and not {}",
                    self.owner
                )
            },
        );
        Error::new(
            ErrorKind::AlreadyExists,
            format!("cannot {what} parameter {name}: it belongs to somebody else ({whose})"),
        )
        .in_account(&target.account_id)
        .with_advice(format!(
            "Nothing was changed. Delete the parameter if nobody needs it, choose another \
             secrets.prefix, or, if it is yours, set its tag {MANAGED_BY_TAG} to {}.",
            self.owner
        ))
    }

    pub(super) fn missing(target: &Target, name: &ParameterName) -> Error {
        Error::new(
            ErrorKind::NotFound,
            format!("there is no parameter {name} in the secret store"),
        )
        .in_account(&target.account_id)
        .with_advice(
            "The secret was deleted or never stored under this name: rotate the credential to \
             store a new one.",
        )
    }

    /// Names the parameter and, where the answer of AWS is known to puzzle, what to do.
    pub(super) fn explain(&self, error: Error, name: &ParameterName, what: &str) -> Error {
        let who = match self.settings().location {
            SecretLocation::Hub => "the hub credentials",
            SecretLocation::Member => "the member role (feature member_secrets)",
        };
        let key = &self.settings().kms_key_id;
        let code = error.aws_code().unwrap_or_default();
        let advice = match (error.kind(), code) {
            (_, "InvalidKeyId") => Some(format!(
                "Parameter Store cannot use KMS key {key}: check that it is enabled, symmetric and \
                 in the Region of the configuration, and that {who} may use it."
            )),
            (ErrorKind::AccessDenied, _) => Some(format!(
                "Allow {who} what the secret store needs on parameters below {} and on KMS key \
                 {key}; the key's own policy has to allow it too.",
                self.settings().prefix
            )),
            (_, "ParameterLimitExceeded") => Some(
                "The account has as many parameters as its quota allows: raise it, or turn on \
                 Intelligent-Tiering in the settings of Parameter Store."
                    .to_owned(),
            ),
            (_, "ParameterMaxVersionLimitExceeded") => Some(
                "The oldest of its 100 versions carries a label: remove the label, so that the \
                 version can go."
                    .to_owned(),
            ),
            _ => None,
        };
        let error = error.while_doing(format!("{what} parameter {name}"));
        match advice {
            Some(advice) => error.with_advice(advice),
            None => error,
        }
    }
}

/// Whether AWS says that the name of the parameter is taken.
fn is_taken(error: &Error) -> bool {
    error.aws_code() == Some("ParameterAlreadyExists")
}

/// The answer of a `PutParameter`.
struct Written {
    version: i64,
    request_id: Option<String>,
}
