//! Delete.

use std::time::Duration;

use crossaccount_core::audit::Status;
use crossaccount_core::aws::{SettleLimits, settle};
use crossaccount_core::session::{Access, Target};
use crossaccount_core::user::{
    DeletionPolicy, ObservedUser, Ownership, Parameters, Proof, Recorded, Removal, UserSpec,
};
use crossaccount_core::{Error, ErrorKind};
use tokio::time::Instant;

use super::begun::{Begun, Keys, recorded, tell};
use super::reply::{failed, gone};
use super::spelling::in_template_words;
use super::{Handler, incoming_or_nothing};
use crate::ledger::{Left, Made};
use crate::physical_id::PhysicalId;
use crate::protocol::request::Request;
use crate::protocol::resource::Handled;
use crossaccount_lambda::properties::{Remembered, remember};

/// How long after the beginning of a Create its user may still be invisible.
const YOUNG: Duration = Duration::from_mins(2);

impl Handler {
    /// Removes the user of this stack and logical id, and nothing else. What is not there, was never made, or belongs to
    /// somebody else is a success: there is nothing to remove.
    pub(super) async fn delete(&self, request: &Request, until: Instant) -> Handled {
        let incoming = incoming_or_nothing(request);
        let id = PhysicalId::read(&incoming);
        let remembered = remember(&request.properties);
        let subject = subject(&id, &remembered);
        let user = subject.as_ref().map_or(PhysicalId::Nothing, id_of_subject);
        // The ledger comes first: from here on, a Create that still runs or is still to come is overtaken.
        let begun = match self.begin(request, &user, until).await {
            Ok(begun) => begun,
            Err(stopped) => return stopped.handled(|reason| failed(request, &incoming, reason)),
        };
        match begun.remove(&id, &remembered, subject).await {
            Ok(status) => {
                let reply = gone(request, status);
                begun.end(reply, Left::Nothing, Keys::AsBefore).await
            }
            Err(reason) => {
                let left = begun.left_before();
                let reply = failed(request, &incoming, reason);
                begun.end(reply, left, Keys::AsBefore).await
            }
        }
    }
}

impl Begun<'_> {
    async fn remove(
        &self,
        id: &PhysicalId,
        remembered: &Remembered,
        subject: Option<(Target, UserSpec)>,
    ) -> Result<Status, String> {
        let is_made_up = !matches!(id, PhysicalId::User { .. });
        let made_nothing = self.turn.made == Made::Nothing;
        if *id == PhysicalId::Nothing && made_nothing {
            return Ok(Status::Unchanged);
        }
        let Some((target, spec)) = subject else {
            return Ok(Status::Unchanged);
        };
        if let Err(refusal) = self.handler.guardrails.check_target(&target) {
            // A Create of it was refused by the same rules, unless the id says that there was one.
            return if is_made_up && made_nothing {
                Ok(Status::Unchanged)
            } else {
                Err(refusal.to_string())
            };
        }
        match self.handler.sessions.open(&target, Access::Write).await {
            Ok(_) => {}
            // Where no session can be had, nothing can have been made.
            Err(error) if is_made_up && made_nothing && error.kind() == ErrorKind::AssumeRole => {
                return Ok(Status::Unchanged);
            }
            Err(error) => return Err(in_template_words(&error)),
        }
        let found = self.look_patiently(&target, &spec).await;
        let found = found.map_err(|error| in_template_words(&error))?;
        let ours = found.filter(|user| {
            let is_ours = user.ownership(&self.owner) == Ownership::Ours;
            if !is_ours {
                tracing::warn!(
                    account_id = %target.account_id,
                    user_name = %spec.name,
                    "the user does not belong to this stack and logical id: it was left alone"
                );
            }
            is_ours
        });
        let recorded = match &ours {
            Some(user) => recorded(user, Parameters::default()),
            None => self.only_secrets(&target, &spec),
        };
        let removal = Removal {
            policy: self.policy(remembered),
            force_destroy: remembered.force_destroy && self.handler.guardrails.force_destroy,
            recorded: spec,
        };
        let outcome = self
            .users
            .remove(target, recorded, removal, self.last_limits())
            .await;
        tell(&outcome);
        outcome
            .result
            .map(|()| outcome.status)
            .map_err(|error| in_template_words(&error))
    }

    /// The user, waited for when a Create that did not come to its end may have made it a moment ago.
    async fn look_patiently(
        &self,
        target: &Target,
        spec: &UserSpec,
    ) -> Result<Option<ObservedUser>, Error> {
        let now = self.handler.clock.now();
        let young = match self.turn.made {
            Made::Something { since, .. } => now.duration_since(since).unsigned_abs() < YOUNG,
            Made::Nothing => false,
        };
        let patience = if young {
            self.handler.patience
        } else {
            Duration::ZERO
        };
        let limits = SettleLimits::new(patience).until(self.last_limits().deadline);
        let look = || async {
            let found = self.look(target, spec).await?;
            found.ok_or_else(|| Error::new(ErrorKind::NotFound, "the user is not visible"))
        };
        let not_visible = |error: &Error| error.kind() == ErrorKind::NotFound;
        match settle(&limits, not_visible, look).await {
            Ok(user) => Ok(Some(user)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A user that is gone may have left its secrets behind. Without a unique id, whoever has its name is a stranger.
    fn only_secrets(&self, target: &Target, spec: &UserSpec) -> Recorded {
        let places = self.users.places(target, &spec.name);
        let (access_key, console_password) = places
            .map(|places| (places.access_key, places.console_password))
            .unzip();
        Recorded {
            name: spec.name.clone(),
            unique_id: String::new(),
            proof: Proof::Remembered,
            parameters: Parameters {
                access_key,
                console_password,
            },
            access_keys: std::collections::BTreeSet::new(),
        }
    }

    /// A user that existed before it was taken over is kept, unless the template says in words that it is to be deleted:
    /// a stack that is rolled back sends a Delete too.
    fn policy(&self, remembered: &Remembered) -> DeletionPolicy {
        match self.turn.made {
            Made::Something { adopted: true, .. } => {
                remembered.deletion_policy.unwrap_or(DeletionPolicy::Retain)
            }
            Made::Something { .. } | Made::Nothing => {
                remembered.deletion_policy.unwrap_or_default()
            }
        }
    }
}

/// The user that is meant, and what its sets named.
pub(super) fn subject(id: &PhysicalId, remembered: &Remembered) -> Option<(Target, UserSpec)> {
    let (account_id, name) = match id {
        PhysicalId::User { account_id, name } => (account_id.clone(), name.clone()),
        PhysicalId::Nothing | PhysicalId::Other(_) => {
            (remembered.account_id.clone()?, remembered.name.clone()?)
        }
    };
    let role_arn = remembered.role_arn.clone();
    let target = Target {
        role_arn: role_arn.filter(|role| *role.account_id() == account_id),
        account_id,
    };
    let spec = remembered.recorded_spec(name);
    Some((target, spec))
}

fn id_of_subject((target, spec): &(Target, UserSpec)) -> PhysicalId {
    PhysicalId::User {
        account_id: target.account_id.clone(),
        name: spec.name.clone(),
    }
}
