//! A user with a password and an access key: stored where they belong, and replaced when sixteen days have passed.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{plan, screen};
use crate::standin::KMS_ALIAS;
use crate::{Account, Terraform, World};

const USER: &str = "carol";

/// Runs the example of users with credentials in the first member account.
pub(super) async fn show(world: &World) -> Result<()> {
    let account_id = world
        .members()
        .first()
        .map(Account::id)
        .context("there are five members")?;
    screen::title(&format!(
        "User {USER} in account {account_id} gets a console password and an access key that rotates"
    ));
    let terraform = console_user(world, account_id)?;
    let progress = screen::step("terraform apply");
    terraform.init()?.expect_success()?;
    terraform.apply()?.expect_success()?;
    progress.done("");
    let first = stored_key(world, account_id).await?;
    screen::note(&format!(
        "Both are in Parameter Store of the hub account: {}",
        directory(account_id)
    ));
    let state = std::fs::read_to_string(terraform.path().join("terraform.tfstate"))?;
    ensure!(!state.contains(&first.secret), "the state holds a secret");
    screen::note("Neither is in Terraform's state.");

    world.control().age_user(account_id, USER, 16.0).await?;
    screen::title("Sixteen days later");
    screen::command("terraform plan");
    let due = plan(&terraform, true)?;
    screen::excerpt(&due.stdout, &["last_key_change", "Plan:"]);
    ensure!(
        due.stdout.contains("16 days old"),
        "the plan should tell why:\n{}",
        due.text()
    );
    let progress = screen::step("terraform apply replaces the key");
    terraform.apply()?.expect_success()?;
    progress.done("");
    let second = stored_key(world, account_id).await?;
    ensure!(first.id != second.id, "the key should be another one");
    screen::note(&format!(
        "{} is stored and works; {} works until it is retired.",
        second.id, first.id
    ));
    plan(&terraform, false)?;

    let progress = screen::step("terraform destroy");
    terraform.destroy()?.expect_success()?;
    progress.done("");
    let left = world.control().parameters(world.hub().id()).await?;
    ensure!(left.is_empty(), "secrets are left in Parameter Store");
    screen::note("The user, both keys and both parameters are gone.");
    Ok(())
}

struct StoredKey {
    id: String,
    secret: String,
}

fn directory(account_id: &str) -> String {
    format!("/crossaccount/{account_id}/{USER}")
}

/// The stored access key, which is an active one of the user.
async fn stored_key(world: &World, account_id: &str) -> Result<StoredKey> {
    let control = world.control();
    let name = format!("{}/access-key", directory(account_id));
    let parameter = control.parameter(world.hub().id(), &name).await?;
    let value: Value = serde_json::from_str(&parameter.context("no stored key")?.value)?;
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let stored = StoredKey {
        id: text("access_key_id"),
        secret: text("secret_access_key"),
    };
    let keys = control.user_secrets(account_id, USER).await?.keys;
    let works = keys.iter().any(|key| {
        key.active && key.access_key_id == stored.id && key.secret_access_key == stored.secret
    });
    ensure!(works, "the stored key {} does not work", stored.id);
    Ok(stored)
}

/// The example of the documentation, for one user.
fn console_user(world: &World, account_id: &str) -> Result<Terraform> {
    let mut terraform = Terraform::with_mirror(world.env())?;
    terraform.copy_from(&crate::cargo::workspace().join("examples/terraform/console-user"))?;
    terraform.set_env("TF_VAR_engineers", &json!({USER: account_id}).to_string());
    terraform.set_env("TF_VAR_external_id", world.external_id());
    terraform.set_env("TF_VAR_audit_bucket", world.audit_bucket());
    terraform.set_env("TF_VAR_secrets_kms_key_id", KMS_ALIAS);
    Ok(terraform)
}
