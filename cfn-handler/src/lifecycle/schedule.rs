//! Rotation by age: what no request of CloudFormation asks for, because time passing is no change of a template.

use std::sync::Arc;

use crossaccount_core::audit::Status;
use crossaccount_core::user::Limits;
use crossaccount_core::{Error, ErrorKind};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use tokio::time::Instant;

use super::Handler;
use super::begun::tell;
use super::spelling::in_template_words;
use crate::ledger::{Left, Scheduled};
use crate::owner::owner_of;
use crossaccount_lambda::properties;

/// How many users are worked on at the same time.
const AT_ONCE: usize = 16;

/// What a run of the schedule did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotations {
    /// Users with a key that was replaced, disabled or deleted.
    pub rotated: usize,
    /// Users of whom nothing was due.
    pub unchanged: usize,
    /// Users that a request of CloudFormation works on, or that there was no time for: the next run looks at them.
    pub postponed: usize,
    /// Users whose schedule could not be kept, and why.
    pub failed: Vec<FailedRotation>,
}

/// A user whose schedule could not be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FailedRotation {
    /// The stack.
    pub stack_id: String,
    /// The name of the resource in the template.
    pub logical_resource_id: String,
    /// What failed and what to do.
    pub reason: String,
}

/// What became of one user.
enum Tended {
    Rotated,
    Unchanged,
    Postponed,
    Failed(FailedRotation),
}

impl Handler {
    /// Does what is due of the access keys of all users that stacks declare with an `AccessKey`. Nothing else of them is
    /// changed, and what somebody did to a key by hand is not undone. Idempotent.
    ///
    /// # Errors
    /// When the ledger cannot be read. What fails for one user stands in the result.
    pub async fn rotate_due_keys(&self, until: Instant) -> Result<Rotations, String> {
        let mut scheduled = self
            .ledger
            .scheduled()
            .await
            .map_err(|error| in_template_words(&error))?;
        // Another beginning in every run: when there is not enough time for all, everybody has a turn some time.
        if !scheduled.is_empty() {
            let minutes = self.clock.now().as_second() / 60;
            let beginning = usize::try_from(minutes).unwrap_or_default() % scheduled.len();
            scheduled.rotate_left(beginning);
        }
        let tended = stream::iter(scheduled)
            .map(|scheduled| self.tend(scheduled, until))
            .buffer_unordered(AT_ONCE);
        let sum = |mut sum: Rotations, tended| async move {
            match tended {
                Tended::Rotated => sum.rotated += 1,
                Tended::Unchanged => sum.unchanged += 1,
                Tended::Postponed => sum.postponed += 1,
                Tended::Failed(failed) => sum.failed.push(failed),
            }
            sum
        };
        Ok(tended.fold(Rotations::default(), sum).await)
    }

    async fn tend(&self, scheduled: Scheduled, until: Instant) -> Tended {
        if Instant::now() >= until {
            return Tended::Postponed;
        }
        match self.try_tend(&scheduled, until).await {
            Ok(tended) => tended,
            Err(reason) => {
                let Scheduled {
                    stack_id,
                    logical_resource_id,
                    ..
                } = scheduled;
                tracing::error!(
                    event = "rotation_failed",
                    stack_id,
                    logical_resource_id,
                    "the schedule of an access key could not be kept: {reason}"
                );
                Tended::Failed(FailedRotation {
                    stack_id,
                    logical_resource_id,
                    reason,
                })
            }
        }
    }

    async fn try_tend(&self, scheduled: &Scheduled, until: Instant) -> Result<Tended, String> {
        let owner = owner_of(&scheduled.stack_id, &scheduled.logical_resource_id)
            .map_err(|error| error.to_string())?;
        let wanted =
            properties::read(&scheduled.properties).map_err(|problems| problems.to_string())?;
        let Some(policy) = wanted.spec.access_key else {
            return Ok(Tended::Unchanged);
        };
        self.guardrails
            .check_target(&wanted.target)
            .map_err(|refusal| refusal.to_string())?;
        let turn = self
            .ledger
            .enter_scheduled(scheduled)
            .await
            .map_err(|error| in_template_words(&error))?;
        let Some(turn) = turn else {
            return Ok(Tended::Postponed);
        };
        let time = until.saturating_duration_since(Instant::now());
        let limits = Limits::within(time, turn.ended().clone());
        let users = Arc::clone(&self.users(owner));
        let outcome = users
            .rotate_access_key_when_due(wanted.target, wanted.spec.name, policy, limits)
            .await;
        tell(&outcome);
        turn.leave(Left::Something).await;
        match (outcome.result, outcome.status) {
            // Its stack may never say so: a resource that was retained gets no request any more.
            (Err(error), _) if is_not_ours(&error) => {
                tracing::warn!(%error, "there is no key of ours to look after any more");
                Ok(Tended::Unchanged)
            }
            (Err(error), _) => Err(in_template_words(&error)),
            (Ok(()), Status::Unchanged) => Ok(Tended::Unchanged),
            (Ok(()), _) => Ok(Tended::Rotated),
        }
    }
}

/// Whether the user or its keys are gone, or the user is somebody else's.
fn is_not_ours(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists)
}
