//! The steps of console access: a password is made and stored before IAM gets it.

use super::once::Once;
use super::{Applier, SETTLED_WITHIN, VISIBLE_WITHIN};
use crate::aws::{RequestId, is_settling};
use crate::error::{Error, ErrorKind};
use crate::password;
use crate::secret::Secret;
use crate::secrets::{SecretKind, SecretValue};
use crate::user::Step;
use crate::user::console_access::{
    CONSOLE_ACCESS_TAG, ConsoleStep, LoginProfile, ObservedConsole, PasswordSource, StoredPassword,
};

impl Applier<'_> {
    /// Carries out one step and keeps what it changed.
    pub(super) async fn console_step(
        &mut self,
        step: &ConsoleStep,
    ) -> Result<Option<String>, Error> {
        match step {
            ConsoleStep::Mark(mark) => {
                self.tag([(CONSOLE_ACCESS_TAG.to_owned(), mark.clone())].into())
                    .await
            }
            ConsoleStep::Store => self.store_password().await,
            ConsoleStep::CreateProfile {
                password_reset_required,
            } => self.create_profile(*password_reset_required).await,
            ConsoleStep::UpdateProfile {
                password_reset_required,
            } => self.update_profile(*password_reset_required).await,
            ConsoleStep::DeleteProfile => {
                let request_id = self.carry_out(&Step::DeleteLoginProfile).await?;
                self.console_mut().profile = None;
                Ok(request_id)
            }
            ConsoleStep::DeleteStored => self.delete_stored_password().await,
            ConsoleStep::Forget => {
                let step = Step::UntagUser([CONSOLE_ACCESS_TAG.to_owned()].into());
                let request_id = self.carry_out(&step).await?;
                self.user.after(&step);
                Ok(request_id)
            }
        }
    }

    fn console_mut(&mut self) -> &mut ObservedConsole {
        self.user.console_access.get_or_insert(ObservedConsole {
            profile: None,
            stored: StoredPassword::Unknown,
        })
    }

    /// Makes a password to the account's policy and puts it into the store.
    async fn store_password(&mut self) -> Result<Option<String>, Error> {
        let store = self.store()?;
        let tools = &self.tools;
        let policy = tools.password_policies.of(tools.session).await?;
        let length = match self.console_access.map(|wanted| &wanted.source) {
            Some(PasswordSource::Generated { length }) => *length,
            _ => None,
        };
        let length = password::effective_length(length, &policy)
            .map_err(|error| error.in_account(&tools.target.account_id))?;
        let password = password::generate(length, &self.user.name)?;
        let parameter = self.parameter(store, SecretKind::ConsolePassword);
        let value = SecretValue::ConsolePassword {
            password: password.clone(),
            created: tools.clock.now(),
        };
        let request_id = store
            .put(tools.target, &parameter, &self.user.name, &value)
            .await?;
        self.password = Some(password);
        self.console_mut().stored = StoredPassword::Ours;
        self.secret_names.insert(parameter);
        Ok(request_id)
    }

    /// The password of this operation: made a step before, or brought by the caller.
    fn password(&self) -> Result<Secret, Error> {
        let given = match self.console_access.map(|wanted| &wanted.source) {
            Some(PasswordSource::Given(given)) => given.password.clone(),
            _ => self.password.clone(),
        };
        given.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "there is no password to set")
                .in_account(&self.tools.target.account_id)
                .with_advice(
                    "Give console_access.password together with its version, or leave both out.",
                )
        })
    }

    /// Creates the profile with one request at a time. Only after a lost answer of our own is a profile that
    /// suddenly exists ours; otherwise somebody else made it in this very moment, and it is left alone.
    async fn create_profile(
        &mut self,
        password_reset_required: bool,
    ) -> Result<Option<String>, Error> {
        let password = self.password()?;
        let (session, name) = (self.tools.session, &self.user.name);
        let once = Once::default();
        let attempt = || async {
            let lost = once.is_lost();
            let answer = session
                .call_once("iam:CreateLoginProfile", |iam| {
                    iam.create_login_profile()
                        .user_name(name.as_str())
                        .password(password.expose())
                        .password_reset_required(password_reset_required)
                        .send()
                })
                .await;
            match once.note(answer) {
                Ok(output) => Ok(output.request_id().map(str::to_owned)),
                Err(error) if lost && error.aws_code() == Some("EntityAlreadyExists") => Ok(None),
                Err(error) => Err(error),
            }
        };
        let waits = |error: &Error| once.waits(error);
        let request_id = self.settle(VISIBLE_WITHIN, waits, attempt).await?;
        self.console_mut().profile = Some(LoginProfile {
            create_date: Some(self.tools.clock.now()),
            password_reset_required,
        });
        Ok(request_id)
    }

    async fn update_profile(
        &mut self,
        password_reset_required: bool,
    ) -> Result<Option<String>, Error> {
        let password = self.password()?;
        let (session, name) = (self.tools.session, &self.user.name);
        let update = || async {
            let answer = session.call("iam:UpdateLoginProfile", |iam| {
                iam.update_login_profile()
                    .user_name(name.as_str())
                    .password(password.expose())
                    .password_reset_required(password_reset_required)
                    .send()
            });
            answer
                .await
                .map(|output| output.request_id().map(str::to_owned))
        };
        let request_id = self.settle(SETTLED_WITHIN, is_settling, update).await?;
        if let Some(profile) = &mut self.console_mut().profile {
            profile.password_reset_required = password_reset_required;
        }
        Ok(request_id)
    }

    async fn delete_stored_password(&mut self) -> Result<Option<String>, Error> {
        let store = self.store()?;
        let parameter = self.parameter(store, SecretKind::ConsolePassword);
        let request_id = store.delete(self.tools.target, &parameter).await?;
        self.console_mut().stored = StoredPassword::Absent;
        Ok(request_id)
    }
}
