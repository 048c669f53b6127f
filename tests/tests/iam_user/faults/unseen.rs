//! IAM does not show everywhere at once what a run has just done: each write after the creation of a user may arrive where
//! nobody has heard of the user, and each credential after an adoption where nobody has heard of the new owner. A role
//! that may change all users is told that there is none; one that is limited is denied.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cloudformation::world_with_member_role;
use harness::standin::WorldOptions;
use harness::{Fault, FaultKind, KMS_ALIAS};
use serde_json::{Value, json};

use super::super::host::Stored;
use super::super::subject::{boundary, content, first, user};
use super::credentials_outcome::{Before, Outcome, look};
use super::table::{assert_none_failed, run};
use super::{Case, Failure, Operation, Place, places};

/// A user with everything, credentials included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnseenOperation {
    /// It is created by a role that may change all users.
    Create,
    /// By a role that is limited to a path, to a boundary and to users with an owner.
    CreateLimited,
    /// It exists, has no owner and is taken over by the limited role.
    Adopt,
}

impl UnseenOperation {
    /// What tells IAM something by which it judges the calls after it.
    fn begins_with(self) -> &'static str {
        match self {
            Self::Create | Self::CreateLimited => "iam:CreateUser",
            Self::Adopt => "iam:TagUser",
        }
    }

    fn meets(self, place: &Place) -> bool {
        match self {
            Self::Create | Self::CreateLimited => {
                place.is_write() && place.action.starts_with("iam:")
            }
            // The role may do everything else to users without an owner.
            Self::Adopt => {
                ["iam:CreateLoginProfile", "iam:CreateAccessKey"].contains(&&*place.action)
            }
        }
    }

    fn refusal(self, action: &str) -> &'static str {
        match (self, action) {
            // Who is in a group is a matter of the group.
            (Self::Create, _) | (_, "iam:AddUserToGroup") => "NoSuchEntity",
            _ => "AccessDenied",
        }
    }
}

impl Operation for UnseenOperation {
    type Before = Before;

    fn settings(self) -> Value {
        json!({"secrets": {"kms_key_id": KMS_ALIAS}})
    }

    fn world(self) -> WorldOptions {
        if self == Self::Create {
            return WorldOptions::default();
        }
        let parameters = [
            ("UserPathPrefix", "/engineering/"),
            ("PermissionsBoundaryArn", "arn:aws:iam::*:policy/Boundary"),
        ];
        world_with_member_role(1, "user/*", &parameters).unwrap()
    }

    async fn arrange(self, case: &Case) -> Result<(Stored, Before)> {
        if self == Self::Adopt {
            let made = case.iam.create_user().user_name("alice");
            let made = made.path("/engineering/");
            let boundary = boundary(case.member().id());
            made.permissions_boundary(boundary).send().await?;
        }
        let name = (self == Self::Adopt).then_some("alice");
        Ok((Stored::default(), look(case, name).await?))
    }

    fn wanted(self, case: &Case) -> Option<Value> {
        let adoption_policy = if self == Self::Adopt { "adopt" } else { "fail" };
        let mut user = first(case.member().id(), adoption_policy);
        user["console_access"] = json!({});
        user["access_key"] = json!({});
        Some(user)
    }

    fn failures(self) -> &'static [Failure] {
        &[]
    }

    async fn check(self, case: &Case, before: &Before, _: &Stored) -> Result<()> {
        let wanted = self.wanted(case).context("a user is wanted")?;
        let found = user(&case.iam, "alice").await?.context("no user")?;
        ensure!(found.content == content(&wanted), "wrong user: {found:#?}");
        let outcome = Outcome {
            makes_key: true,
            sets_password: true,
            ..Outcome::SAME
        };
        let after = look(case, Some("alice")).await?;
        outcome.check_keys(before, &after)?;
        outcome.check_password(before, &after)?;
        after.check_store(case, Some("alice"))?;
        after.use_current_key(case.member()).await
    }
}

async fn check(operation: UnseenOperation, place: &Place, times: u32) -> Result<()> {
    let case = Case::new(operation).await?;
    let (mut stored, before) = operation.arrange(&case).await?;
    case.forget_calls().await?;
    let (control, account_id) = (case.world.control(), case.member().id());
    let fault = Fault::new(FaultKind::NotVisible, &place.action).from_call(place.number);
    let fault = fault.times(times).in_account(account_id);
    let fault = control.add_fault(&fault).await?;
    let wanted = operation.wanted(&case);
    let done = case.apply(&mut stored, wanted.as_ref()).await;
    done.context("the run did not wait")?;
    let hits = control
        .wait_for_fault(&fault.id, times, Duration::ZERO)
        .await;
    hits.context("the fault was not met as often")?;
    control.clear_faults(account_id).await?;
    for call in case.calls().await?.iter().filter(|it| it.fault.is_some()) {
        let (met, expected) = (call.error_code.as_deref(), operation.refusal(&call.action));
        ensure!(met == Some(expected), "{} met {met:?}", call.action);
    }
    case.converge(stored, operation, &before).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_iam_does_not_show_yet_is_waited_for_in_the_same_run() {
    let mut cases = Vec::new();
    for operation in [
        UnseenOperation::Create,
        UnseenOperation::CreateLimited,
        UnseenOperation::Adopt,
    ] {
        let places = places(operation).await.unwrap();
        let begins = |place: &Place| place.action == operation.begins_with();
        let begin = places.iter().position(begins).unwrap();
        let met = places.into_iter().skip(begin + 1);
        let met = met.filter(|place| operation.meets(place));
        cases.extend(met.map(|place| (operation, place)));
    }
    // Once and twice in turn.
    let failed =
        run(cases
            .iter()
            .zip([1, 2].into_iter().cycle())
            .map(|((operation, place), times)| {
                let title = format!("{operation:?}, {times} times at {place:?}");
                (title, check(*operation, place, times))
            }))
        .await;
    println!("users that are not shown yet: {} cases", cases.len());
    assert!(cases.len() > 15, "{cases:?}");
    assert_none_failed(cases.len(), &failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_be_stored_is_taken_back_from_a_user_that_is_not_shown_yet() {
    for operation in [UnseenOperation::Create, UnseenOperation::CreateLimited] {
        let case = Case::new(operation).await.unwrap();
        let (mut stored, before) = operation.arrange(&case).await.unwrap();
        let (control, account_id) = (case.world.control(), case.member().id());
        let denied = FaultKind::HttpError {
            status: 400,
            code: "AccessDeniedException".to_owned(),
        };
        let denied = Fault::new(denied, "ssm:PutParameter").always();
        let hub_id = case.world.hub().id();
        control.add_fault(&denied.in_account(hub_id)).await.unwrap();
        let unseen = Fault::new(FaultKind::NotVisible, "iam:DeleteAccessKey");
        let unseen = unseen.in_account(account_id).times(2);
        let unseen = control.add_fault(&unseen).await.unwrap();
        let mut wanted = operation.wanted(&case).unwrap();
        wanted["console_access"] = Value::Null;
        case.apply(&mut stored, Some(&wanted)).await.unwrap_err();
        let met = control.wait_for_fault(&unseen.id, 2, Duration::ZERO).await;
        met.unwrap();
        let left = control.user_secrets(account_id, "alice").await.unwrap();
        assert_eq!(left.keys.len(), 0, "{operation:?}: {:?}", left.tags);
        control.clear_faults(hub_id).await.unwrap();
        case.converge(stored, operation, &before).await.unwrap();
    }
}
