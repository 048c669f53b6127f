//! The tables of users: every AWS call of a creation, an adoption, an update and a deletion.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::host::Stored;
use super::super::subject::{User, content, first, second, statement, user};
use super::{Case, Failure, Operation, table};

/// What is done with a user without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum UserOperation {
    Create,
    Adopt,
    Update,
    Delete,
}

impl UserOperation {
    fn adoption_policy(self) -> &'static str {
        if self == Self::Adopt { "adopt" } else { "fail" }
    }
}

impl Operation for UserOperation {
    /// The user that is to be adopted.
    type Before = Option<User>;

    async fn arrange(self, case: &Case) -> Result<(Stored, Self::Before)> {
        let mut stored = Stored::default();
        match self {
            Self::Create => {}
            Self::Adopt => {
                let iam = &case.iam;
                iam.create_user().user_name("alice").send().await?;
                let document = statement("kms:*").to_string();
                let put = iam.put_user_policy().user_name("alice").policy_name("old");
                put.policy_document(document).send().await?;
                return Ok((stored, user(iam, "alice").await?));
            }
            Self::Update | Self::Delete => {
                let wanted = first(case.member().id(), self.adoption_policy());
                case.apply(&mut stored, Some(&wanted)).await?;
            }
        }
        Ok((stored, None))
    }

    fn wanted(self, case: &Case) -> Option<Value> {
        match self {
            Self::Create | Self::Adopt => Some(first(case.member().id(), self.adoption_policy())),
            Self::Update => Some(second(case.member().id())),
            Self::Delete => None,
        }
    }

    fn failures(self) -> &'static [Failure] {
        match self {
            // The calls are those of an update, and the question is another one.
            Self::Adopt => &Failure::ESSENTIAL,
            Self::Create | Self::Update | Self::Delete => &Failure::ALL,
        }
    }

    async fn check(self, case: &Case, before: &Self::Before, stored: &Stored) -> Result<()> {
        let never_deleted = self == Self::Adopt || self == Self::Update;
        for call in case.calls().await?.iter().filter(|call| call.committed) {
            let deletes = call.action == "iam:DeleteUser";
            ensure!(!deletes || !never_deleted, "{self:?} deleted a user");
        }
        let Some(wanted) = self.wanted(case) else {
            return Ok(());
        };
        let name = wanted["name"].as_str().unwrap_or_default();
        let found = user(&case.iam, name)
            .await?
            .context("the user does not exist")?;
        ensure!(
            found.content == content(&wanted),
            "wrong user:\n{:#?}\nwanted:\n{:#?}",
            found.content,
            content(&wanted)
        );
        let tags = &found.credential_tags;
        ensure!(tags.is_empty(), "a user without credentials has {tags:?}");
        ensure!(
            stored.text("unique_id") == Some(&found.unique_id),
            "wrong unique id in state"
        );
        if let Some(adopted) = before {
            ensure!(
                found.unique_id == adopted.unique_id,
                "the adopted user was deleted"
            );
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_converges_after_any_failure_of_any_call() {
    table(UserOperation::Create).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adoption_converges_after_any_failure_and_never_deletes_the_user() {
    table(UserOperation::Adopt).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_converges_after_any_failure_of_any_call() {
    table(UserOperation::Update).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_converges_after_any_failure_of_any_call() {
    table(UserOperation::Delete).await;
}
