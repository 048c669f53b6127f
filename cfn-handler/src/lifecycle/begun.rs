//! A request that has its turn.

use std::sync::Arc;
use std::time::Duration;

use crossaccount_core::Error;
use crossaccount_core::audit::Status;
use crossaccount_core::aws::may_have_committed;
use crossaccount_core::session::{Access, Target};
use crossaccount_core::user::{
    Adoption, DeletionPolicy, Expected, Facets, Limits, ObservedUser, Outcome, Owner, Ownership,
    Parameters, Proof, Recorded, Removal, UserSpec, Users,
};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::spelling::in_template_words;
use super::{Handler, OVERTAKEN};
use crate::ledger::{Left, Made, Turn};
use crate::owner::owner_of;
use crate::physical_id::PhysicalId;
use crate::protocol::answer::Reply;
use crate::protocol::invocation::body_of;
use crate::protocol::request::Request;
use crate::protocol::resource::{Earlier, Handled};
use crossaccount_lambda::properties::UserProperties;

/// The share of the time that a change may take; the rest is for undoing it, in quarters.
const SHARE_OF_CHANGE: u32 = 3;

/// A request that has its turn, and what it works with.
pub(super) struct Begun<'a> {
    pub(super) handler: &'a Handler,
    pub(super) request: &'a Request,
    pub(super) owner: Owner,
    pub(super) users: Arc<Users>,
    pub(super) turn: Turn,
    until: Instant,
}

/// What a request means for the schedule of access keys.
pub(super) enum Keys<'a> {
    /// Nothing.
    AsBefore,
    /// They rotate as these properties say, or not at all.
    Rotate(Option<&'a Map<String, Value>>),
}

/// Why a user is not as wanted, and what is there now.
pub(super) struct Trouble {
    /// For people.
    pub(super) reason: String,
    /// What is there.
    pub(super) left: Left,
}

impl Handler {
    /// Enters a request about a user into the ledger and waits for its turn.
    pub(super) async fn begin<'a>(
        &'a self,
        request: &'a Request,
        user: &PhysicalId,
        until: Instant,
    ) -> Result<Begun<'a>, NotBegun> {
        let failed = |error: Error| NotBegun::Failed(in_template_words(&error));
        let owner = owner_of(&request.stack_id, &request.logical_resource_id)
            .map_err(|error| NotBegun::Failed(error.to_string()))?;
        let turn = self
            .ledger
            .enter(request, user, until)
            .await
            .map_err(failed)?;
        let turn = turn.ok_or_else(|| NotBegun::Failed(OVERTAKEN.to_owned()))?;
        // Another delivery may have worked while this one waited.
        match self.ledger.earlier(request).await {
            Ok(Earlier::Nothing) => Ok(Begun {
                handler: self,
                request,
                users: self.users(owner.clone()),
                owner,
                turn,
                until,
            }),
            Ok(earlier) => {
                turn.give_back().await;
                Err(NotBegun::Remembered(earlier))
            }
            Err(error) => {
                turn.give_back().await;
                Err(failed(error))
            }
        }
    }
}

/// Why a request does not work.
pub(super) enum NotBegun {
    /// It may not, or cannot.
    Failed(String),
    /// Another delivery of it has done the work.
    Remembered(Earlier),
}

impl NotBegun {
    /// What there is to answer.
    pub(super) fn handled(self, reply: impl FnOnce(String) -> Reply) -> Handled {
        match self {
            Self::Failed(reason) => reply(reason).into(),
            Self::Remembered(earlier) => Handled::Remembered(earlier),
        }
    }
}

impl Begun<'_> {
    /// The limits of a change. The last quarter of the time is left for undoing it.
    pub(super) fn limits(&self) -> Limits {
        let time = self.until.saturating_duration_since(Instant::now());
        self.limits_within(time / (SHARE_OF_CHANGE + 1) * SHARE_OF_CHANGE)
    }

    /// The limits of the last thing that a request does.
    pub(super) fn last_limits(&self) -> Limits {
        self.limits_within(self.until.saturating_duration_since(Instant::now()))
    }

    fn limits_within(&self, time: Duration) -> Limits {
        Limits::within(time, self.turn.ended().clone())
    }

    /// Remembers the reply and ends the turn, in this order: whoever has the next turn for the same request finds it.
    pub(super) async fn end(self, reply: Reply, left: Left, keys: Keys<'_>) -> Handled {
        let body = body_of(self.request, &reply);
        let remembered = self.handler.ledger.answering(self.request, &body).await;
        match keys {
            Keys::AsBefore => self.turn.leave(left).await,
            Keys::Rotate(properties) => self.turn.leave_scheduled(left, properties).await,
        }
        match remembered {
            Ok(()) => Handled::Remembered(Earlier::Answered(body)),
            Err(error) => {
                tracing::warn!(%error, "the answer could not be remembered; it is tried once more");
                Handled::Reply(reply)
            }
        }
    }

    /// What was there of the user before this request, as far as it is known.
    pub(super) fn left_before(&self) -> Left {
        match self.turn.made {
            Made::Nothing => Left::Nothing,
            Made::Something { .. } => Left::Something,
        }
    }

    /// Makes a user, or completes one of ours, or takes over one that nobody owns. What this request made before it
    /// failed is removed again.
    pub(super) async fn make(
        &self,
        wanted: &UserProperties,
    ) -> Result<(ObservedUser, Status, Left), Trouble> {
        let before = self.left_before();
        let stays = |reason: String| Trouble {
            reason,
            left: before,
        };
        // Opened first: where no session can be had, nothing can have been made.
        let sessions = &self.handler.sessions;
        let opened = sessions.open(&wanted.target, Access::Write).await;
        opened.map_err(|error| stays(in_template_words(&error)))?;
        let takes_over = self.takes_over(wanted).await.map_err(stays)?;
        let (target, spec) = (wanted.target.clone(), wanted.spec.clone());
        let outcome = self
            .users
            .create(target, spec, wanted.adoption, self.limits())
            .await;
        tell(&outcome);
        let created = outcome.user.is_some() && !outcome.existed;
        let left = match (takes_over, created) {
            (true, _) => Left::Adopted,
            (false, true) => Left::Created,
            (false, false) => Left::Something,
        };
        let error = match (outcome.result, outcome.user) {
            (Ok(()), Some(user)) => return Ok((user, outcome.status, left)),
            (Ok(()), None) => {
                return Err(stays("the user was made and cannot be shown".to_owned()));
            }
            (Err(error), Some(user)) if created => {
                return Err(self.undo(wanted, &user, in_template_words(&error)).await);
            }
            (Err(error), _) => error,
        };
        let left = match before {
            // A user that existed before must not be deleted because taking it over failed.
            _ if takes_over => Left::Nothing,
            Left::Nothing if may_have_committed(&error) => Left::Something,
            _ => before,
        };
        let reason = in_template_words(&error);
        Err(Trouble { reason, left })
    }

    /// Whether a user is there that would be taken over; asks the rules about it.
    async fn takes_over(&self, wanted: &UserProperties) -> Result<bool, String> {
        if wanted.adoption != Adoption::Adopt {
            return Ok(false);
        }
        // Everything that it has: what is not managed stays with it.
        let (name, nothing) = (&wanted.spec.name, Expected::default());
        let found = self.users.find(&wanted.target, name, Facets::ALL, &nothing);
        match found.await.map_err(|error| in_template_words(&error))? {
            Some(user) if user.ownership(&self.owner) == Ownership::Nobody => {
                let allowed = self.handler.guardrails.check_existing(&user, &wanted.spec);
                allowed
                    .map(|()| true)
                    .map_err(|refusal| refusal.to_string())
            }
            Some(_) | None => Ok(false),
        }
    }

    /// The user as IAM shows it, without its sets.
    pub(super) async fn look(
        &self,
        target: &Target,
        spec: &UserSpec,
    ) -> Result<Option<ObservedUser>, Error> {
        let nothing = Expected::default();
        self.users
            .find(target, &spec.name, Facets::NONE, &nothing)
            .await
    }

    /// Removes what this request made, and says why.
    pub(super) async fn undo(
        &self,
        wanted: &UserProperties,
        user: &ObservedUser,
        reason: String,
    ) -> Trouble {
        let (target, spec) = (wanted.target.clone(), wanted.spec.clone());
        match self.remove_again(target, spec, user).await {
            Ok(()) => Trouble {
                reason: format!("{reason} What was made is removed again."),
                left: Left::Nothing,
            },
            Err(error) => Trouble {
                reason: format!(
                    "{reason} What was made could not be removed again; the request that follows tries it once more: {error}"
                ),
                left: Left::Something,
            },
        }
    }

    /// Removes a user that was made and that nobody is to have.
    pub(super) async fn remove_again(
        &self,
        target: Target,
        spec: UserSpec,
        user: &ObservedUser,
    ) -> Result<(), String> {
        // Operations of their own: those of this request hold the user for its resource.
        let users = self.handler.users(self.owner.clone());
        let removal = Removal {
            policy: DeletionPolicy::Delete,
            force_destroy: false,
            recorded: spec,
        };
        let recorded = recorded(user, Parameters::default());
        // A turn that has ended stops what waits; this has to be done all the same.
        let time = self.until.saturating_duration_since(Instant::now());
        let limits = Limits::within(time, tokio_util::sync::CancellationToken::new());
        let outcome = users.remove(target, recorded, removal, limits).await;
        tell(&outcome);
        outcome.result.map_err(|error| in_template_words(&error))
    }
}

/// The user as the core remembers one.
pub(super) fn recorded(user: &ObservedUser, parameters: Parameters) -> Recorded {
    Recorded {
        name: user.name.clone(),
        unique_id: user.unique_id.clone(),
        proof: Proof::Remembered,
        parameters,
        access_keys: std::collections::BTreeSet::new(),
    }
}

/// What went well and is worth knowing stands in the log: a reply has no place for it.
pub(super) fn tell(outcome: &Outcome) {
    for warning in &outcome.warnings {
        tracing::warn!(%warning, "the operation has something to tell");
    }
}
