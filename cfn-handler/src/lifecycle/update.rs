//! Update: in place, or a new user in place of the old one.

use std::time::Duration;

use crossaccount_core::ErrorKind;
use crossaccount_core::audit::Status;
use crossaccount_core::session::Access;
use crossaccount_core::user::{Expected, ObservedUser, Ownership, Parameters, Scope, Start, Users};
use tokio::time::Instant;

use super::begun::{Begun, Trouble, recorded, tell};
use super::create::{id_of, scheduled};
use super::delete::subject;
use super::reply::{exists, failed};
use super::spelling::in_template_words;
use super::{Handler, incoming_or_nothing};
use crate::ledger::Left;
use crate::physical_id::PhysicalId;
use crate::properties::{UserProperties, remember};
use crate::protocol::answer::Reply;
use crate::protocol::request::Request;

/// How long Lambda tries to deliver an event at most.
const LONGEST_REQUEST: Duration = Duration::from_hours(6);

impl Handler {
    /// Brings the user to what the template says now.
    ///
    /// Another account or name makes a new user and answers its id: CloudFormation deletes the old one when the whole
    /// update has succeeded. A user that is gone is made anew. A failed Update echoes the id that came in, whatever
    /// happened, so that CloudFormation never takes the new user for the old one.
    pub(super) async fn update(&self, request: &Request, until: Instant) -> Reply {
        let incoming = incoming_or_nothing(request);
        let wanted = match self.wanted(request).await {
            Ok(wanted) => wanted,
            Err(reason) => return failed(request, &incoming, reason),
        };
        let refusal = self.guardrails.check(&wanted).err();
        if let Some(refusal) = &refusal
            && let Err(again) = self.guardrails.check_target(&wanted.target)
        {
            tracing::debug!(%again, "the user is not looked at");
            return failed(request, &incoming, refusal.to_string());
        }
        let begun = match self.begin(request, until).await {
            Ok(begun) => begun,
            Err(reason) => return failed(request, &incoming, reason),
        };
        let in_place = PhysicalId::read(&incoming) == id_of(&wanted);
        let changed = match refusal {
            Some(refusal) => begun.unchanged(&wanted, refusal.to_string()).await,
            None if in_place => begun.change(&wanted).await,
            None => begun.replace(&wanted).await,
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
                begun
                    .turn
                    .leave_scheduled(left, scheduled(request, &wanted))
                    .await;
                reply
            }
            Err(trouble) => {
                begun.turn.leave(trouble.left).await;
                failed(request, &incoming, trouble.reason)
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
        let left = match self.left_before() {
            Left::Adopted => Left::Adopted,
            Left::Something | Left::Nothing => Left::Something,
        };
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

    /// A new user. The old one stays until CloudFormation sends its Delete, so something is left in any case.
    async fn replace(
        &self,
        wanted: &UserProperties,
    ) -> Result<(ObservedUser, Status, Left), Trouble> {
        let kept = match self.left_before() {
            Left::Adopted => Left::Adopted,
            Left::Something | Left::Nothing => Left::Something,
        };
        self.make(wanted).await.map_err(|trouble| Trouble {
            left: kept,
            ..trouble
        })
    }

    /// Removes the user of a replacement that did not come to its end.
    ///
    /// CloudFormation knows it by no id and never deletes it: it only rolls back, with an Update of the old user whose
    /// old properties are those of the replacement. An old user that a replacement retained is older.
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
        let Some(user) = found.filter(|user| self.is_of_late(user)) else {
            return Ok(());
        };
        self.remove_again(target, spec, &user)
            .await
            .map_err(|reason| {
                format!(
                    "the user of a replacement that failed before could not be removed: {reason}"
                )
            })
    }

    /// Whether a user is ours and was made by a request that may still have been under way a moment ago.
    fn is_of_late(&self, user: &ObservedUser) -> bool {
        let now = self.handler.clock.now();
        let age = user.create_date.map(|date| now.duration_since(date));
        user.ownership(&self.owner) == Ownership::Ours
            && age.is_some_and(|age| age.unsigned_abs() < LONGEST_REQUEST)
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
            return Ok((user, Status::Unchanged, left));
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
