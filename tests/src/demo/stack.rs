//! The other face: the same user, declared in a CloudFormation stack, through the real Lambda function.

use anyhow::{Result, ensure};

use super::screen;
use crate::cargo;
use crate::cloudformation::{Scene, SceneOptions, Sibling, Stack, StackTemplate, Status};

const USER: &str = "dora";

/// A stack that is created, one that is rolled back, and the end of the first.
pub(super) async fn show() -> Result<()> {
    screen::title("The other face: a CloudFormation stack declares a user");
    let progress = screen::step("Building the Lambda function");
    let binary = tokio::task::spawn_blocking(cargo::cfn_handler).await??;
    let options = SceneOptions {
        binary: Some(binary),
        ..SceneOptions::default()
    };
    let scene = Scene::with(options).await?;
    progress.done("it serves Custom::CrossAccountIamUser behind a Lambda Runtime API");

    let mut stack = scene.stack();
    let template = StackTemplate::new().with("Dora", &scene.full_user(USER))?;
    let progress = screen::step("aws cloudformation create-stack");
    let status = stack.create(&template).await?;
    progress.done(&format!("{status:?}"));
    expect(&stack, status, Status::CreateComplete)?;
    screen::note(&format!(
        "Ref                            {}",
        stack.reference("Dora")?
    ));
    for name in [
        "Arn",
        "AccessKeyId",
        "AccessKeyParameter",
        "ConsolePasswordParameter",
        "Status",
    ] {
        screen::note(&format!(
            "Fn::GetAtt {name:<19} {}",
            stack.get_att("Dora", name)?
        ));
    }

    let mut unlucky = scene.stack();
    let template = StackTemplate::new()
        .with("Ella", &scene.full_user("ella"))?
        .failing(Sibling::AfterAll);
    let progress = screen::step("A second stack fails on another resource and is rolled back");
    let status = unlucky.create(&template).await?;
    progress.done(&format!("{status:?}"));
    expect(&unlucky, status, Status::RollbackComplete)?;
    let users = scene.users(scene.member()).await?;
    ensure!(
        users == [USER],
        "the rollback should leave nobody but {USER}: {users:?}"
    );
    screen::note("Its user, key and parameters are gone again; nobody else was touched.");

    let progress = screen::step("aws cloudformation delete-stack");
    let status = stack.delete().await?;
    progress.done(&format!("{status:?}"));
    expect(&stack, status, Status::DeleteComplete)?;
    scene.check_empty().await?;
    screen::note(
        "Every request was answered exactly once, and no answer, log or record holds a secret.",
    );
    Ok(())
}

fn expect(stack: &Stack, found: Status, wanted: Status) -> Result<()> {
    ensure!(
        found == wanted,
        "the stack should be {wanted:?}: {:#?}",
        stack.events()
    );
    Ok(())
}
