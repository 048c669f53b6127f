//! Waiting for IAM to have heard of what this operation has just done to the user.
//!
//! IAM judges a call by the path, the tags and the boundary that the user has where the call arrives. A place that has not
//! heard of a new user judges by the name alone: a role that may change all users is told `NoSuchEntity`, one that is
//! limited to a path, a tag or a boundary `AccessDenied`. So is a role that may give credentials to owned users only, or
//! rights to users with a boundary, at a place that has not heard of the new owner or boundary. What was denied was not carried out: sending it again is safe, also where
//! it makes a secret.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::aws::{is_credential_failure, is_user_missing, settle};
use crate::error::{Error, ErrorKind};
use crate::user::{Limits, MANAGED_BY_TAG, Step};

/// How long IAM may take to show a user that was just created.
pub(super) const VISIBLE_WITHIN: Duration = Duration::from_mins(2);

/// How long a denial may mean "not yet". Changes of IAM are mostly everywhere within a few seconds. A lasting denial looks
/// the same, and whoever lacks a permission should not wait minutes to be told: the step fails after this time, which ends
/// the operation, and if it was IAM after all, the next run goes on where this one stopped.
const DENIED_WITHIN: Duration = Duration::from_secs(10);

/// What an operation has just done to its user.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recent {
    /// Whether it created the user.
    created: bool,
    /// Since when IAM has to judge calls on the user by something new.
    judged_anew: Option<Instant>,
}

impl Recent {
    /// The user was created just now.
    pub(super) fn created() -> Self {
        Self {
            created: true,
            judged_anew: Some(Instant::now()),
        }
    }

    /// This step was carried out just now. It may have changed by what the user is judged: its owner, its boundary, its path.
    pub(super) fn after(&mut self, step: &Step) {
        let judged_anew = match step {
            Step::TagUser(tags) => tags.contains_key(MANAGED_BY_TAG),
            Step::PutPermissionsBoundary(_) | Step::UpdateUser { .. } => true,
            _ => false,
        };
        if judged_anew {
            self.judged_anew = Some(Instant::now());
        }
    }

    /// Calls until IAM has heard of it. `waits` says which other errors are waited for, within `patience`.
    pub(super) async fn settle<T, F, Fut>(
        self,
        limits: &Limits,
        patience: Duration,
        waits: impl Fn(&Error) -> bool,
        call: F,
    ) -> Result<T, Error>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let (whole, denied) = (limits.settle(patience), limits.settle(DENIED_WITHIN));
        let not_yet = |error: &Error| waits(error) || self.hides(error);
        let explains = |error: &Error| self.explains_denial(error);
        settle(&whole, not_yet, || settle(&denied, explains, &call)).await
    }

    /// Whether the error says that there is no user, although there is: it was just created.
    pub(super) fn hides(self, error: &Error) -> bool {
        self.created && is_user_missing(error)
    }

    fn explains_denial(self, error: &Error) -> bool {
        let recently = |since: Instant| since.elapsed() < VISIBLE_WITHIN;
        self.judged_anew.is_some_and(recently) && is_denied(error)
    }
}

/// Whether IAM refused the call for want of a permission, an explicit deny included: those ask for a path or a boundary
/// too. Refused credentials and other services have nothing to do with the user.
fn is_denied(error: &Error) -> bool {
    let by_iam = error
        .aws()
        .is_some_and(|failure| failure.action.starts_with("iam:"));
    by_iam && error.kind() == ErrorKind::AccessDenied && !is_credential_failure(error)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    use super::{DENIED_WITHIN, Recent, VISIBLE_WITHIN};
    use crate::error::{AwsFailure, Error, ErrorKind};
    use crate::user::{Limits, MANAGED_BY_TAG, Step};

    fn refused(kind: ErrorKind, action: &str, code: &str, message: &str) -> Error {
        Error::new(kind, "refused").with_aws(AwsFailure {
            action: action.to_owned(),
            code: Some(code.to_owned()),
            message: Some(message.to_owned()),
            ..AwsFailure::default()
        })
    }

    fn denied() -> Error {
        let message = "not authorized to perform: iam:AttachUserPolicy on resource: user/alice";
        let action = "iam:AttachUserPolicy";
        refused(ErrorKind::AccessDenied, action, "AccessDenied", message)
    }

    fn missing() -> Error {
        let message = "The user with name alice cannot be found.";
        let action = "iam:AttachUserPolicy";
        refused(ErrorKind::NotFound, action, "NoSuchEntity", message)
    }

    /// A call that is refused so often and then succeeds: what became of it, how often it was made, and how long it took.
    async fn call(
        recent: Recent,
        refusal: impl Fn() -> Error,
        times: u32,
    ) -> (Result<(), Error>, u32, Duration) {
        let limits = Limits::within(Duration::from_hours(1), CancellationToken::new());
        let (calls, began) = (Cell::new(0), Instant::now());
        let answer = || {
            calls.set(calls.get() + 1);
            let refused = calls.get() <= times;
            std::future::ready(if refused { Err(refusal()) } else { Ok(()) })
        };
        let result = recent
            .settle(&limits, VISIBLE_WITHIN, |_| false, answer)
            .await;
        (result, calls.get(), began.elapsed())
    }

    fn owned() -> Recent {
        let mut recent = Recent::default();
        recent.after(&Step::TagUser(
            [(MANAGED_BY_TAG.to_owned(), "us".to_owned())].into(),
        ));
        recent
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_user_may_be_denied_or_missing_for_a_moment() {
        for refusal in [denied, missing] {
            let (result, calls, took) = call(Recent::created(), refusal, 3).await;
            assert_eq!((result.is_ok(), calls), (true, 4));
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
        let alternating = Cell::new(false);
        let either = || {
            alternating.set(!alternating.get());
            if alternating.get() {
                denied()
            } else {
                missing()
            }
        };
        let (result, calls, _) = call(Recent::created(), either, 5).await;
        assert_eq!((result.is_ok(), calls), (true, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_that_just_got_its_owner_may_be_denied_and_is_never_missing() {
        let (result, calls, _) = call(owned(), denied, 3).await;
        assert_eq!((result.is_ok(), calls), (true, 4));
        let (result, calls, _) = call(owned(), missing, 1).await;
        assert_eq!(
            (result.unwrap_err().kind(), calls),
            (ErrorKind::NotFound, 1)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_a_user_is_judged_by_makes_a_denial_uncertain() {
        let boundary = "arn:aws:iam::aws:policy/PowerUserAccess".parse().unwrap();
        let team = [("Team".to_owned(), "red".to_owned())].into();
        for (step, calls) in [
            (Step::PutPermissionsBoundary(boundary), 2),
            (Step::TagUser(team), 1),
            (Step::DeletePermissionsBoundary, 1),
        ] {
            let mut recent = Recent::default();
            recent.after(&step);
            assert_eq!(call(recent, denied, 1).await.1, calls, "{step}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_denial_is_told_after_seconds_and_as_iam_put_it() {
        for recent in [Recent::created(), owned()] {
            let (result, calls, took) = call(recent, denied, u32::MAX).await;
            assert_eq!(result.unwrap_err().to_string(), denied().to_string());
            assert!(calls > 3, "{calls}");
            assert_eq!(took.as_secs(), DENIED_WITHIN.as_secs());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_else_is_told_at_once() {
        let long_ago = owned();
        tokio::time::advance(VISIBLE_WITHIN).await;
        for recent in [Recent::default(), long_ago] {
            let (result, calls, took) = call(recent, denied, 1).await;
            assert_eq!(result.unwrap_err().kind(), ErrorKind::AccessDenied);
            assert_eq!((calls, took), (1, Duration::ZERO));
        }
        let (result, calls, _) = call(Recent::default(), missing, 1).await;
        assert_eq!((result.is_err(), calls), (true, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_other_services_and_other_errors_have_nothing_to_do_with_the_user() {
        let denied = ErrorKind::AccessDenied;
        for (kind, action, code, message) in [
            (
                denied,
                "iam:CreateAccessKey",
                "InvalidClientTokenId",
                "refused",
            ),
            (
                denied,
                "ssm:PutParameter",
                "AccessDeniedException",
                "refused",
            ),
            (denied, "sts:AssumeRole", "AccessDenied", "refused"),
            (
                ErrorKind::NotFound,
                "iam:AttachUserPolicy",
                "NoSuchEntity",
                "Policy x does not exist.",
            ),
            (
                ErrorKind::LimitExceeded,
                "iam:CreateAccessKey",
                "LimitExceeded",
                "refused",
            ),
        ] {
            let refusal = || refused(kind, action, code, message);
            let (result, calls, _) = call(Recent::created(), refusal, 1).await;
            assert_eq!(
                (result.unwrap_err().kind(), calls),
                (kind, 1),
                "{action} {code}"
            );
        }
    }
}
