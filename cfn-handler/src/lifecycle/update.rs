//! Update: in place, or a new user in place of the old one.

use crossaccount_core::ErrorKind;
use crossaccount_core::audit::Status;
use crossaccount_core::session::Access;
use crossaccount_core::user::{Expected, ObservedUser, Ownership, Parameters, Scope, Start, Users};
use jiff::SignedDuration;
use tokio::time::Instant;

use super::begun::{Begun, Keys, Trouble, recorded, tell};
use super::create::{id_of, scheduled};
use super::delete::subject;
use super::reply::{exists, failed};
use super::spelling::in_template_words;
use super::{Handler, incoming_or_nothing};
use crate::ledger::{Left, Made};
use crate::physical_id::PhysicalId;
use crate::protocol::request::Request;
use crate::protocol::resource::Handled;
use crossaccount_lambda::properties::{UserProperties, remember};

/// How long Lambda tries to deliver an event at most.
const LONGEST_REQUEST: SignedDuration = SignedDuration::from_hours(6);
/// How much the clock of IAM, which tells whole seconds, may be behind ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(30);

impl Handler {
    /// Brings the user to what the template says now.
    ///
    /// Another account or name makes a new user and answers its id: CloudFormation deletes the old one when the whole
    /// update has succeeded. A user that is gone is made anew. A failed Update echoes the id that came in, whatever
    /// happened, so that CloudFormation never takes the new user for the old one.
    pub(super) async fn update(&self, request: &Request, until: Instant) -> Handled {
        let incoming = incoming_or_nothing(request);
        let wanted = match self.wanted(request).await {
            Ok(wanted) => wanted,
            Err(reason) => return failed(request, &incoming, reason).into(),
        };
        let refusal = self.guardrails.check(&wanted).err();
        if let Some(refusal) = &refusal
            && let Err(again) = self.guardrails.check_target(&wanted.target)
        {
            tracing::debug!(%again, "the user is not looked at");
            return failed(request, &incoming, refusal.to_string()).into();
        }
        let user = id_of(&wanted);
        let begun = match self.begin(request, &user, until).await {
            Ok(begun) => begun,
            Err(stopped) => return stopped.handled(|reason| failed(request, &incoming, reason)),
        };
        let in_place = PhysicalId::read(&incoming) == user;
        let changed = match refusal {
            Some(refusal) => begun.unchanged(&wanted, refusal.to_string()).await,
            None if in_place => begun.change(&wanted).await,
            // A new user. The old one stays until CloudFormation sends its Delete.
            None => begun.make(&wanted).await,
        };
        let changed = match changed {
            Ok((user, status, left)) if in_place => begun
                .remove_unfinished_replacement(&wanted)
                .await
                .map(|()| (user, status, left))
                .map_err(|reason| Trouble { reason, left }),
            changed => changed,
        };
        match changed {
            Ok((user, status, left)) => {
                let reply = exists(&begun.users, &wanted.target, &wanted.spec, &user, status);
                let keys = Keys::Rotate(scheduled(request, &wanted));
                begun.end(reply, left, keys).await
            }
            Err(trouble) => {
                let reply = failed(request, &incoming, trouble.reason);
                begun.end(reply, trouble.left, Keys::AsBefore).await
            }
        }
    }
}

impl Begun<'_> {
    /// A change in place.
    async fn change(
        &self,
        wanted: &UserProperties,
    ) -> Result<(ObservedUser, Status, Left), Trouble> {
        let left = Left::Something;
        let stays = |reason: String| Trouble { reason, left };
        let found = self.look(&wanted.target, &wanted.spec).await;
        let found = found.map_err(|error| stays(in_template_words(&error)))?;
        let Some(user) = found.filter(|user| user.ownership(&self.owner) == Ownership::Ours) else {
            // It is gone, or not ours: made anew, taken over or refused like at the beginning.
            return self.make(wanted).await;
        };
        let recorded = recorded(&user, parameters(&self.users, wanted, &user));
        let scope = Scope::everything(self.handler.clock.now());
        let (target, spec) = (wanted.target.clone(), wanted.spec.clone());
        let outcome = self
            .users
            .update(target, recorded, spec, scope, self.last_limits())
            .await;
        tell(&outcome);
        match (outcome.result, outcome.user) {
            (Ok(()), Some(user)) => Ok((user, outcome.status, left)),
            (Ok(()), None) => Err(stays("the user was changed and cannot be shown".to_owned())),
            (Err(error), _) => Err(stays(in_template_words(&error))),
        }
    }

    /// Removes the user of a replacement that did not come to its end.
    ///
    /// CloudFormation knows it by no id and never deletes it: it only rolls back, with an Update of the old user whose
    /// old properties are those of the replacement. Only a user that was made for the replacement goes: one that the
    /// ledger knows to have been in the making, that is no older than that, and no older than an event of Lambda can be.
    /// A user that was to be taken over, or that an earlier replacement retained, is older.
    async fn remove_unfinished_replacement(&self, wanted: &UserProperties) -> Result<(), String> {
        let remembered = remember(&self.request.old_properties);
        let Some((target, spec)) = subject(&PhysicalId::Nothing, &remembered) else {
            return Ok(());
        };
        // Names differ by more than their case: IAM does not tell such users apart.
        let is_wanted = target.account_id == wanted.target.account_id
            && spec.name.case_folded() == wanted.spec.name.case_folded();
        if is_wanted || self.handler.guardrails.check_target(&target).is_err() {
            return Ok(());
        }
        match self.handler.sessions.open(&target, Access::Write).await {
            Ok(_) => {}
            // Where no session can be had, nothing can have been made.
            Err(error) if error.kind() == ErrorKind::AssumeRole => return Ok(()),
            Err(error) => return Err(in_template_words(&error)),
        }
        let found = self.look(&target, &spec).await;
        let found = found.map_err(|error| in_template_words(&error))?;
        let id = PhysicalId::User {
            account_id: target.account_id.clone(),
            name: spec.name.clone(),
        };
        let made = self.turn.made_of(&id);
        let Some(user) = found.filter(|user| self.was_made_for_it(user, made)) else {
            return Ok(());
        };
        self.remove_again(target, spec, &user)
            .await
            .map_err(|reason| {
                format!(
                    "the user of a replacement that failed before could not be removed: {reason}"
                )
            })?;
        self.turn.forget(&id).await;
        Ok(())
    }

    fn was_made_for_it(&self, user: &ObservedUser, made: Made) -> bool {
        let (
            Made::Something {
                since,
                adopted: false,
            },
            Some(created),
        ) = (made, user.create_date)
        else {
            return false;
        };
        let now = self.handler.clock.now();
        user.ownership(&self.owner) == Ownership::Ours
            && created.duration_since(since) >= -CLOCKS_DIFFER
            && now.duration_since(created) < LONGEST_REQUEST
    }

    /// What the rules refuse may stay as it is: otherwise a rule that was added later would leave no way back from a
    /// failed update.
    async fn unchanged(
        &self,
        wanted: &UserProperties,
        refusal: String,
    ) -> Result<(ObservedUser, Status, Left), Trouble> {
        let left = self.left_before();
        let trouble = |reason: String| Trouble { reason, left };
        let facets = wanted.spec.facets();
        let expected = Expected::default();
        let found = self
            .users
            .find(&wanted.target, &wanted.spec.name, facets, &expected)
            .await;
        let user = match found {
            Ok(Some(user)) if user.ownership(&self.owner) == Ownership::Ours => user,
            Ok(_) | Err(_) => return Err(trouble(refusal)),
        };
        let now = self.handler.clock.now();
        let remembered = parameters(&self.users, wanted, &user);
        let start = Start::User(&user);
        let changes = self
            .users
            .preview(&wanted.target, &wanted.spec, start, now, remembered);
        if changes.steps.is_empty() {
            return Ok((user, Status::Unchanged, Left::Something));
        }
        Err(trouble(refusal))
    }
}

/// Where the secrets of a user of ours are: its tags tell which it has.
fn parameters(users: &Users, wanted: &UserProperties, user: &ObservedUser) -> Parameters {
    let Some(places) = users.places(&wanted.target, &user.name) else {
        return Parameters::default();
    };
    Parameters {
        access_key: user.has_own_keys().then_some(places.access_key),
        console_password: user
            .has_own_console_access()
            .then_some(places.console_password),
    }
}
