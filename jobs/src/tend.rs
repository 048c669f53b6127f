//! One user is brought to what is wanted: the same way for a call, a row of the stream and the schedule.

use std::collections::BTreeSet;

use crossaccount_core::audit::Status;
use crossaccount_core::session::Target;
use crossaccount_core::user::access_keys::KeyTags;
use crossaccount_core::user::{
    Adoption, Changes, Expected, Facets, ObservedUser, Outcome, Ownership, Parameters, Proof,
    Recorded, Scope, Start, UserSpec,
};
use crossaccount_core::{Error, ErrorKind};
use crossaccount_lambda::properties::UserProperties;

use crate::rows::{self, Reason, ReasonKind, Row, RowStatus};
use crate::run::Run;

/// Whether something is changed, or only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Changes are made.
    Apply,
    /// Changes are shown; nothing is written anywhere.
    DryRun,
}

/// What is known of a user before it is tended.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// There is no user of this name.
    Nothing,
    /// The user, without the last use of its keys: as a survey of its account shows it.
    Surveyed(&'a ObservedUser),
    /// The user with everything that the wish manages.
    Whole(&'a ObservedUser),
}

/// What has to be done about a user. Pure decisions lead here; [`Run::carry_out`] makes the calls.
#[derive(Debug)]
pub enum Need {
    /// It is as wanted; sentences about what is due and has to wait.
    Nothing(Box<ObservedUser>, Vec<String>),
    /// It has to be made.
    Create(Vec<String>),
    /// It exists, is nobody's, and may be taken over.
    Adopt(Vec<String>),
    /// It has to be changed.
    Update(Recorded, Vec<String>),
    /// It cannot be had.
    Impossible(Reason),
}

impl Run {
    /// Brings a user to what is wanted. `seen` is what a list or a look has shown already.
    pub async fn tend(&self, wanted: &UserProperties, seen: Seen<'_>, mode: Mode) -> Row {
        match self.need(wanted, seen, mode).await {
            Err(error) => failed(wanted, (&error).into()),
            Ok(need) => self.meet(wanted, need, mode).await,
        }
    }

    /// Meets a need: carries it out, or shows it.
    pub async fn meet(&self, wanted: &UserProperties, need: Need, mode: Mode) -> Row {
        let mut row = match mode {
            Mode::Apply => self.carry_out(wanted, need).await,
            Mode::DryRun => self.show(wanted, need),
        };
        row.warnings = std::mem::take(&mut row.warnings)
            .into_iter()
            .map(rows::warning)
            .collect();
        row
    }

    /// What has to be done. Reads only.
    ///
    /// # Errors
    /// Those of looking.
    pub async fn need(
        &self,
        wanted: &UserProperties,
        seen: Seen<'_>,
        mode: Mode,
    ) -> Result<Need, Error> {
        let UserProperties { target, spec, .. } = wanted;
        let user = match seen {
            // A creation looks for what is in its way by itself.
            Seen::Nothing if mode == Mode::Apply => return Ok(Need::Create(Vec::new())),
            Seen::Nothing => {
                let nothing = self.users.no_credentials(target, spec, false).await?;
                let changes = self.preview(target, spec, Start::Nothing(&nothing));
                return Ok(match refused(&changes, target) {
                    Some(reason) => Need::Impossible(reason),
                    None => Need::Create(sentences(&changes)),
                });
            }
            Seen::Surveyed(user) | Seen::Whole(user) => user,
        };
        let changes = self.preview(target, spec, Start::User(user));
        match user.ownership(self.users.owner()) {
            Ownership::Ours => {}
            Ownership::Other(owner) => {
                let message = format!(
                    "account {}: user {} exists and belongs to {owner:?} (tag crossaccount:managed-by): it is not \
                     changed. Remove it there first, or use another name.",
                    target.account_id, spec.name
                );
                return Ok(Need::Impossible(Reason::new(ReasonKind::NotOurs, message)));
            }
            Ownership::Nobody if wanted.adoption == Adoption::Adopt => {
                return self.may_adopt(wanted).await;
            }
            Ownership::Nobody => {
                let message = format!(
                    "account {}: user {} exists and was not made by this deployment: it is not changed. Use another \
                     name, or set AdoptionPolicy: adopt to take it over.",
                    target.account_id, spec.name
                );
                return Ok(Need::Impossible(Reason::new(ReasonKind::NotOurs, message)));
            }
        }
        // Something is due and has to wait, as it seems: only the last use of a key tells, and a survey does not.
        if matches!(seen, Seen::Surveyed(_))
            && changes.steps.is_empty()
            && !changes.blocked.is_empty()
        {
            let found = self.look(target, spec, spec.facets()).await?;
            let seen = found.as_ref().map_or(Seen::Nothing, Seen::Whole);
            return Box::pin(self.need(wanted, seen, mode)).await;
        }
        if let Some(reason) = refused(&changes, target) {
            return Ok(Need::Impossible(reason));
        }
        if changes.steps.is_empty() {
            return Ok(Need::Nothing(Box::new(user.clone()), changes.blocked));
        }
        Ok(Need::Update(recorded(user), sentences(&changes)))
    }

    /// Looks at a user through a read session.
    ///
    /// # Errors
    /// Those of the calls.
    pub async fn look(
        &self,
        target: &Target,
        spec: &UserSpec,
        facets: Facets,
    ) -> Result<Option<ObservedUser>, Error> {
        let expected = Expected {
            inline_policies: spec
                .inline_policies
                .iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect(),
            ..Expected::default()
        };
        let found = self
            .users
            .find(target, &spec.name, facets, &expected)
            .await?;
        // IAM answers to one spelling of a name; the other one is another wish.
        Ok(found.filter(|user| user.name == spec.name))
    }

    fn preview(&self, target: &Target, spec: &UserSpec, start: Start<'_>) -> Changes {
        let now = self.clock.now();
        self.users
            .preview(target, spec, start, now, Parameters::default())
    }

    /// Whether a user that is nobody's may be taken over: everything that it would keep is looked at.
    async fn may_adopt(&self, wanted: &UserProperties) -> Result<Need, Error> {
        let UserProperties { target, spec, .. } = wanted;
        let Some(user) = self.look(target, spec, Facets::ALL).await? else {
            return Ok(Need::Create(Vec::new()));
        };
        if let Err(refusal) = self.guardrails.check_existing(&user, spec) {
            let reason = Reason::new(ReasonKind::NotAllowed, refusal.to_string());
            return Ok(Need::Impossible(reason));
        }
        let changes = self.preview(target, spec, Start::User(&user));
        Ok(match refused(&changes, target) {
            Some(reason) => Need::Impossible(reason),
            None => Need::Adopt(sentences(&changes)),
        })
    }

    fn show(&self, wanted: &UserProperties, need: Need) -> Row {
        let (status, steps) = match need {
            Need::Nothing(user, warnings) => {
                let row = self.row(wanted, RowStatus::Exists, Some(&user));
                return Row { warnings, ..row };
            }
            Need::Impossible(reason) => return failed(wanted, reason),
            Need::Create(steps) => (RowStatus::WouldCreate, steps),
            Need::Adopt(steps) | Need::Update(_, steps) => (RowStatus::WouldUpdate, steps),
        };
        Row {
            steps,
            ..self.row(wanted, status, None)
        }
    }

    async fn carry_out(&self, wanted: &UserProperties, need: Need) -> Row {
        let UserProperties { target, spec, .. } = wanted;
        let users = &self.users;
        let limits = self.limits();
        let outcome = match need {
            Need::Nothing(user, warnings) => {
                let row = self.row(wanted, RowStatus::Exists, Some(&user));
                return Row { warnings, ..row };
            }
            Need::Impossible(reason) => return failed(wanted, reason),
            Need::Create(_) => {
                users
                    .create(target.clone(), spec.clone(), Adoption::Fail, limits)
                    .await
            }
            Need::Adopt(_) => {
                users
                    .create(target.clone(), spec.clone(), Adoption::Adopt, limits)
                    .await
            }
            Need::Update(recorded, _) => {
                let scope = Scope::everything(self.clock.now());
                users
                    .update(target.clone(), recorded, spec.clone(), scope, limits)
                    .await
            }
        };
        self.row_of(wanted, outcome)
    }

    fn row_of(&self, wanted: &UserProperties, outcome: Outcome) -> Row {
        let status = match (&outcome.result, outcome.status) {
            (Err(_), _) | (Ok(()), Status::Failed) => RowStatus::Failed,
            (Ok(()), Status::Created) => RowStatus::Created,
            (Ok(()), Status::Updated) => RowStatus::Updated,
            (Ok(()), Status::Rotated) => RowStatus::Rotated,
            (Ok(()), Status::Deleted) => RowStatus::Deleted,
            (Ok(()), Status::Exists | Status::Unchanged) => RowStatus::Exists,
        };
        let mut row = self.row(wanted, status, outcome.user.as_ref());
        row.warnings = outcome.warnings;
        row.reason = outcome.result.as_ref().err().map(Reason::from);
        row
    }

    /// A row about a user as it is: what exists is told also when something failed.
    fn row(&self, wanted: &UserProperties, status: RowStatus, user: Option<&ObservedUser>) -> Row {
        let UserProperties { target, spec, .. } = wanted;
        let mut row = Row::of(target.account_id.as_str(), spec.name.as_str(), status);
        let Some(user) = user else { return row };
        row.user_arn = Some(user.arn.clone());
        let current = KeyTags::read(&user.tags).current;
        if let Some(places) = self.users.places(target, &spec.name) {
            if user.has_own_console_access() && spec.console_access.is_some() {
                row.password_parameter = Some(places.console_password.to_string());
            }
            if current.is_some() && spec.access_key.is_some() {
                row.access_key_parameter = Some(places.access_key.to_string());
            }
        }
        let keys = user.access_keys.iter().flat_map(|keys| &keys.keys);
        let dated = current
            .as_ref()
            .and_then(|current| keys.into_iter().find(|key| key.id == current.id));
        row.access_key_date = dated.map(|key| format!("{:.0}", key.create_date));
        row.access_key_id = current.map(|current| current.id);
        row
    }
}

/// The user as somebody remembers it who has just seen it.
pub(crate) fn recorded(user: &ObservedUser) -> Recorded {
    let keys = user.access_keys.iter().flat_map(|keys| &keys.keys);
    Recorded {
        name: user.name.clone(),
        unique_id: user.unique_id.clone(),
        proof: Proof::Tag,
        parameters: Parameters::default(),
        access_keys: keys.map(|key| key.id.clone()).collect::<BTreeSet<_>>(),
    }
}

/// A row about a user that is not as wanted.
pub(crate) fn failed(wanted: &UserProperties, reason: Reason) -> Row {
    let account_id = wanted.target.account_id.as_str();
    Row::of(account_id, wanted.spec.name.as_str(), RowStatus::Failed).because(reason)
}

fn sentences(changes: &Changes) -> Vec<String> {
    let steps = changes.steps.iter().map(ToString::to_string);
    let reasons = changes.key_reasons.iter().chain(&changes.console_reason);
    steps.chain(reasons.cloned()).collect()
}

fn refused(changes: &Changes, target: &Target) -> Option<Reason> {
    let refusal = changes.refusal.as_ref()?;
    let error = Error::new(ErrorKind::Rejected, refusal.message())
        .in_account(&target.account_id)
        .with_advice("Nothing was changed.");
    let mut reason = Reason::from(&error);
    reason.kind = ReasonKind::Of(match refusal {
        crossaccount_core::user::Refusal::AccessKey(_) => ErrorKind::AccessKey,
        crossaccount_core::user::Refusal::ConsoleAccess(_) => ErrorKind::ConsoleAccess,
    });
    Some(reason)
}
