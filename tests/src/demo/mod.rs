//! The demo: five member accounts, users in all of them, a change by hand, drift, repair, audit, a key that rotates,
//! destruction, and the same from a CloudFormation stack.
//!
//! Each step checks what it shows; when something is not as expected the demo ends with an error and a non-zero exit code.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a demo is made of what it prints"
)]

mod audit;
mod jobs;
mod keys;
mod screen;
mod stack;

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_iam::types::User;

use crate::cloudformation::world_with_member_role;
use crate::{Account, StandIn, Terraform, TerraformOutput, World};

const MEMBERS: usize = 5;
/// The quickstart makes two users in each account.
const USERS: usize = MEMBERS * 2;
const HELP: &str = "cargo demo [--keep]\n\n\
    Runs real Terraform with this provider against an AWS stand-in on this machine: a hub account and five member \
    accounts.\n\n  --keep   leave the stand-in running at the end, and print how to play on\n";

/// Runs the demo with the arguments of the command line.
pub async fn main(arguments: &[String]) -> ExitCode {
    let keep = match arguments {
        [] => false,
        [keep] if keep == "--keep" => true,
        [help] if help == "--help" || help == "-h" => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::FAILURE;
        }
    };
    match run(keep).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(keep: bool) -> Result<()> {
    let cli = crate::terraform::find_cli()?;
    println!("crossaccount demo: IAM users in {MEMBERS} AWS accounts, one provider, one process.");

    let progress = screen::step("Starting the AWS stand-in (the first start installs it)");
    let stand_in = StandIn::start()?;
    let world = World::inside(
        &stand_in,
        world_with_member_role(MEMBERS, USERS_OF_THE_HUB, &[])?,
    )
    .await?;
    progress.done(&format!("listening on {}", stand_in.endpoint()));
    screen::note(&format!("hub account     {}", world.hub().id()));
    for member in world.members() {
        screen::note(&format!("member account  {}", member.id()));
    }
    screen::note(
        "Each member account has the role of examples/cloudformation/member-role.yaml; permissions \
         are checked.",
    );

    let progress = screen::step("Building the provider");
    let terraform = quickstart(&world)?;
    progress.done(&format!("{} drives it", cli.display()));

    create(&terraform)?;
    drift_and_repair(&world, &terraform).await?;
    show_audit(&world).await?;
    keys::show(&world).await?;
    if keep {
        return play_on(&stand_in, &world, &terraform);
    }
    destroy(&world, &terraform).await?;
    stack::show().await?;
    jobs::show().await?;
    stand_in.control().check_canary().await?;
    println!("\nEverything was as expected. No user is left, and no call went to a wrong account.");
    Ok(())
}

/// The example of the documentation, with the accounts of the world as its variables.
fn quickstart(world: &World) -> Result<Terraform> {
    let mut terraform = Terraform::with_mirror(world.env())?;
    terraform.copy_from(&crate::cargo::workspace().join("examples/terraform/quickstart"))?;
    let accounts: Vec<&str> = world.members().iter().map(Account::id).collect();
    terraform.set_env("TF_VAR_accounts", &serde_json::to_string(&accounts)?);
    terraform.set_env("TF_VAR_external_id", world.external_id());
    terraform.set_env("TF_VAR_audit_bucket", world.audit_bucket());
    Ok(terraform)
}

/// Plans, and checks that the exit code says whether there is something to do.
fn plan(terraform: &Terraform, changes: bool) -> Result<TerraformOutput> {
    let plan = terraform.plan()?;
    let code = if changes { 2 } else { 0 };
    ensure!(
        plan.status.code() == Some(code),
        "the plan is not as expected:\n{}",
        plan.text()
    );
    Ok(plan)
}

fn create(terraform: &Terraform) -> Result<()> {
    screen::command("terraform init");
    terraform.init()?.expect_success()?;
    screen::command("terraform plan");
    let planned = plan(terraform, true)?;
    screen::excerpt(&planned.stdout, &["will be created", "Plan:"]);
    ensure!(
        planned.stdout.contains(&format!("{USERS} to add")),
        "the plan should add {USERS} users"
    );

    let progress = screen::step("terraform apply");
    let applied = terraform.apply()?.expect_success()?;
    progress.done("");
    screen::excerpt(&applied.stdout, &["Apply complete!"]);
    plan(terraform, false)?;
    screen::note("A second plan shows nothing to do.");
    Ok(())
}

async fn drift_and_repair(world: &World, terraform: &Terraform) -> Result<()> {
    let account_id = world
        .members()
        .get(2)
        .context("there are five members")?
        .id();
    screen::title(&format!(
        "Somebody changes user alice by hand in account {account_id}"
    ));
    change_by_hand(world, account_id).await?;
    screen::note("attached AdministratorAccess, and removed the tag Team");

    screen::command("terraform plan");
    let drift = plan(terraform, true)?;
    let shown = [
        "will be updated",
        "AdministratorAccess",
        "\"Team\"",
        "Plan:",
    ];
    screen::excerpt(&drift.stdout, &shown);
    ensure!(
        drift.stdout.contains("0 to add, 1 to change, 0 to destroy"),
        "exactly one user should be repaired:\n{}",
        drift.text()
    );

    let progress = screen::step("terraform apply repairs it");
    terraform.apply()?.expect_success()?;
    progress.done("");
    ensure!(
        is_repaired(world, account_id).await?,
        "the policy should be detached again"
    );
    screen::note("AdministratorAccess is detached, the tag is back.");
    Ok(())
}

async fn show_audit(world: &World) -> Result<()> {
    screen::title(&format!(
        "What the audit bucket {} says",
        world.audit_bucket()
    ));
    let records = audit::records(world).await?;
    audit::show(&records);
    let finished = records
        .iter()
        .filter(|record| record["phase"] == "finished")
        .count();
    // One creation for each user, and one repair.
    ensure!(
        finished == USERS + 1,
        "{} operations should be recorded, not {finished}",
        USERS + 1
    );
    Ok(())
}

async fn destroy(world: &World, terraform: &Terraform) -> Result<()> {
    let progress = screen::step("terraform destroy");
    terraform.destroy()?.expect_success()?;
    progress.done("");
    for member in world.members() {
        let left = member.iam().list_users().send().await?;
        let names: Vec<&str> = left.users().iter().map(User::user_name).collect();
        let ours = names.iter().any(|name| ["alice", "build"].contains(name));
        ensure!(
            !ours,
            "users are left in account {}: {names:?}",
            member.id()
        );
    }
    Ok(())
}

/// Whom the member roles of the demo trust: Terraform runs as a user.
const USERS_OF_THE_HUB: &str = "user/*";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

async fn change_by_hand(world: &World, account_id: &str) -> Result<()> {
    let iam = world.iam(account_id)?;
    iam.attach_user_policy()
        .user_name("alice")
        .policy_arn(ADMINISTRATOR)
        .send()
        .await?;
    iam.untag_user()
        .user_name("alice")
        .tag_keys("Team")
        .send()
        .await?;
    Ok(())
}

async fn is_repaired(world: &World, account_id: &str) -> Result<bool> {
    let attached = world
        .iam(account_id)?
        .list_attached_user_policies()
        .user_name("alice")
        .send()
        .await?;
    Ok(attached
        .attached_policies()
        .iter()
        .all(|policy| policy.policy_arn() != Some(ADMINISTRATOR)))
}

/// Leaves everything as it is until the person is done.
fn play_on(stand_in: &StandIn, world: &World, terraform: &Terraform) -> Result<()> {
    screen::title("The stand-in keeps running. In another shell:");
    println!("  cd {}", terraform.path().display());
    for (name, value) in terraform.environment() {
        println!("  export {name}='{value}'");
    }
    println!("  terraform plan");
    println!(
        "\nThe member role in the first account: {}",
        role_arn(world)?
    );
    println!(
        "Stand-in: {}. Its log: {}",
        stand_in.endpoint(),
        stand_in.error_log().display()
    );
    println!("\nPress Enter to stop it; its accounts and this directory are gone then.");
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .context("cannot read from the terminal")?;
    Ok(())
}

fn role_arn(world: &World) -> Result<String> {
    match world.members().first() {
        Some(member) => Ok(world.role_arn(member.id())),
        None => bail!("the world has no member account"),
    }
}
