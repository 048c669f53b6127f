//! The tables of credentials: every AWS call of what happens to a console password and an access key in their life.

use anyhow::Result;
use harness::{Account, KMS_ALIAS};
use serde_json::{Value, json};

use super::super::host::Stored;
use super::super::subject::boundary;
use super::credentials_outcome::{Before, Outcome, look};
use super::{Case, Failure, Operation, table};

/// What is done with credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CredentialOperation {
    /// The user is created with both.
    Create,
    /// The same, and IAM lists keys late.
    CreateUnlisted,
    /// A user who has a key of his own gets both.
    Add,
    /// The key is 16 days old.
    Rotate,
    /// The rotation trigger changes.
    RotateByTrigger,
    /// The replaced key is 24 days old and unused.
    Disable,
    /// The replaced key is 27 days old and unused, and is to be deleted after 25.
    DeleteRetired,
    /// The replaced key is 31 days old and unused, and the current one is due too: IAM has room for two.
    DeleteAndRotate,
    /// The password trigger changes.
    ResetPassword,
    /// Somebody deleted the parameter of the password.
    RestorePassword,
    /// The status of the key becomes `Inactive`.
    Deactivate,
    /// It becomes `Active` again.
    Activate,
    /// The user gets another name, and the secrets move.
    Rename,
    /// Both are no longer wanted.
    Remove,
    /// The user is deleted with both.
    DeleteUser,
}

impl CredentialOperation {
    /// The user before the operation; none when there is none.
    fn first(self, account_id: &str) -> Option<Value> {
        let user = with_credentials(account_id);
        match self {
            Self::Create | Self::CreateUnlisted => None,
            Self::Add => Some(plain(account_id)),
            Self::DeleteRetired => Some(changed(user, "access_key", "delete_after_days", 25)),
            Self::Activate => Some(changed(user, "access_key", "status", "Inactive")),
            _ => Some(user),
        }
    }

    /// How many days pass before each further apply that belongs to the time before, and then before the operation.
    fn days(self) -> (&'static [f64], f64) {
        match self {
            Self::Rotate => (&[], 16.0),
            Self::Disable => (&[16.0], 8.0),
            Self::DeleteRetired => (&[16.0], 11.0),
            Self::DeleteAndRotate => (&[16.0], 15.0),
            _ => (&[], 0.0),
        }
    }

    /// What must have become of the credentials.
    fn outcome(self) -> Outcome {
        let same = Outcome::SAME;
        match self {
            Self::Create | Self::CreateUnlisted | Self::Add => Outcome {
                replaces_unlisted: self == Self::CreateUnlisted,
                makes_key: true,
                sets_password: true,
                ..same
            },
            Self::Rotate | Self::RotateByTrigger => Outcome {
                makes_key: true,
                ..same
            },
            Self::Disable => Outcome {
                disables_retired: true,
                ..same
            },
            Self::DeleteRetired => Outcome {
                deletes_retired: true,
                ..same
            },
            Self::DeleteAndRotate => Outcome {
                deletes_retired: true,
                makes_key: true,
                ..same
            },
            Self::ResetPassword | Self::RestorePassword => Outcome {
                sets_password: true,
                ..same
            },
            Self::Deactivate => Outcome {
                active: false,
                ..same
            },
            Self::Activate | Self::Rename => same,
            Self::Remove | Self::DeleteUser => Outcome {
                removes: true,
                ..same
            },
        }
    }
}

/// A user without credentials.
fn plain(account_id: &str) -> Value {
    json!({
        "account_id": account_id,
        "name": "alice",
        "permissions_boundary": boundary(account_id),
        "tags": {"Team": "core"},
    })
}

fn with_credentials(account_id: &str) -> Value {
    let mut user = plain(account_id);
    user["console_access"] = json!({"password_reset_trigger": "first"});
    user["access_key"] = json!({"rotation_trigger": "first"});
    user
}

fn changed(mut user: Value, block: &str, name: &str, value: impl Into<Value>) -> Value {
    user[block][name] = value.into();
    user
}

impl Operation for CredentialOperation {
    type Before = Before;

    fn settings(self) -> Value {
        json!({"secrets": {"kms_key_id": KMS_ALIAS}})
    }

    async fn arrange(self, case: &Case) -> Result<(Stored, Before)> {
        let (control, account_id) = (case.world.control(), case.member().id());
        strangers(case).await?;
        let mut stored = Stored::default();
        let first = self.first(account_id);
        if let Some(first) = &first {
            let (earlier, last) = self.days();
            case.apply(&mut stored, Some(first)).await?;
            for days in earlier {
                control.age_user(account_id, "alice", *days).await?;
                case.apply(&mut stored, Some(first)).await?;
            }
            control.age_user(account_id, "alice", last).await?;
        }
        if self == Self::Add {
            let key = case.iam.create_access_key().user_name("alice");
            key.send().await?;
        }
        if self == Self::RestorePassword {
            let name = format!("/crossaccount/{account_id}/alice/console-password");
            let ssm = case.world.hub().ssm();
            ssm.delete_parameter().name(name).send().await?;
        }
        let before = look(case, first.is_some().then_some("alice")).await?;
        before.use_current_key(case.member()).await?;
        Ok((stored, before))
    }

    fn wanted(self, case: &Case) -> Option<Value> {
        let account_id = case.member().id();
        let user = with_credentials(account_id);
        Some(match self {
            Self::RotateByTrigger => changed(user, "access_key", "rotation_trigger", "second"),
            Self::DeleteRetired => changed(user, "access_key", "delete_after_days", 25),
            Self::ResetPassword => {
                changed(user, "console_access", "password_reset_trigger", "second")
            }
            Self::Deactivate => changed(user, "access_key", "status", "Inactive"),
            Self::Rename => {
                let mut user = user;
                user["name"] = json!("alice.new");
                user
            }
            Self::Remove => plain(account_id),
            Self::DeleteUser => return None,
            _ => user,
        })
    }

    fn failures(self) -> &'static [Failure] {
        match self {
            // Every call that must not be repeated is in the first two. Nothing is left out in what users rely on daily.
            Self::Create
            | Self::Rotate
            | Self::ResetPassword
            | Self::Disable
            | Self::DeleteRetired
            | Self::DeleteUser => &Failure::ALL,
            // The same calls in another order, or calls that are safe to repeat and that the SDK retries like those of
            // the tables with all failures. What matters is where a run ends.
            Self::Add
            | Self::CreateUnlisted
            | Self::RotateByTrigger
            | Self::DeleteAndRotate
            | Self::RestorePassword
            | Self::Deactivate
            | Self::Activate
            | Self::Rename
            | Self::Remove => &Failure::ESSENTIAL,
        }
    }

    fn failures_of_reads(self) -> &'static [Failure] {
        if self.failures() == Failure::ALL {
            &Failure::OF_READS
        } else {
            &Failure::ESSENTIAL_OF_READS
        }
    }

    async fn check(self, case: &Case, before: &Before, stored: &Stored) -> Result<()> {
        let wanted = self.wanted(case);
        let name = wanted.as_ref().and_then(|wanted| wanted["name"].as_str());
        let after = look(case, name).await?;
        let calls = case.calls().await?;
        self.outcome().check_keys(before, &after)?;
        self.outcome().check_history(before, &after, &calls)?;
        self.outcome().check_password(before, &after)?;
        after.check_store(case, name)?;
        after.check_strangers(before)?;
        if let Some(wanted) = &wanted {
            after.check_state(wanted, stored)?;
            after.use_current_key(case.member()).await?;
        }
        Ok(())
    }
}

/// A user with a key, a password and a parameter that nobody may touch.
async fn strangers(case: &Case) -> Result<()> {
    let iam = &case.iam;
    iam.create_access_key().user_name("mallory").send().await?;
    let login = iam.create_login_profile().user_name("mallory");
    login.password("a Password of 1 stranger!").send().await?;
    let parameter = json!({
        "Name": mallorys_parameter(case.member()),
        "Value": "not ours",
        "Type": "SecureString",
    });
    let control = case.world.control();
    control
        .put_parameter(case.world.hub().id(), &parameter)
        .await
}

fn mallorys_parameter(member: &Account) -> String {
    format!("/crossaccount/{}/mallory/access-key", member.id())
}

macro_rules! tables {
    ($($name:ident: $operation:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                table(CredentialOperation::$operation).await;
            }
        )+
    };
}

tables! {
    a_creation_with_credentials_converges_after_any_failure: Create,
    credentials_of_an_existing_user_converge_after_any_failure: Add,
    a_rotation_by_age_converges_after_any_failure: Rotate,
    a_rotation_by_trigger_converges_after_any_failure: RotateByTrigger,
    a_replaced_key_is_disabled_after_any_failure: Disable,
    a_replaced_key_is_deleted_after_any_failure: DeleteRetired,
    a_rotation_that_needs_the_place_of_a_replaced_key_converges_after_any_failure: DeleteAndRotate,
    a_password_reset_converges_after_any_failure: ResetPassword,
    a_password_that_was_deleted_from_the_store_is_replaced_after_any_failure: RestorePassword,
    keys_become_inactive_after_any_failure: Deactivate,
    keys_become_active_after_any_failure: Activate,
    secrets_follow_a_new_name_after_any_failure: Rename,
    removed_credentials_are_gone_after_any_failure: Remove,
    a_deletion_takes_credentials_along_after_any_failure: DeleteUser,
}
