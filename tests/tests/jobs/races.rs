//! What happens between the moment at which the registry is read and the one at which something is done about it.

use std::time::Duration;

use harness::jobs::Scene;
use harness::standin::UserKey;
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::rows;

const PATIENCE: Duration = Duration::from_mins(1);

/// A run of the schedule that stands still at the first call of an action about an account, while `meanwhile` is done.
async fn while_held<F: Future<Output = ()>>(
    scene: &Scene,
    account_id: &str,
    fault: Fault,
    meanwhile: F,
) -> Value {
    let control = scene.world.control();
    let held = control.add_fault(&fault.in_account(account_id)).await;
    let held = held.unwrap();
    let (answer, ()) = tokio::join!(scene.fire_schedule(), async {
        control.wait_for_fault(&held.id, 1, PATIENCE).await.unwrap();
        meanwhile.await;
        control.release(&held.id).await.unwrap();
    });
    control.clear_faults(account_id).await.unwrap();
    answer.unwrap()
}

/// The rows have been read, and the account not yet.
fn at_the_survey() -> Fault {
    let action = "iam:GetAccountAuthorizationDetails";
    Fault::new(FaultKind::HoldBeforeCommit, action)
}

/// The user is known to have no row, and nobody works on it yet.
fn at_the_lease() -> Fault {
    Fault::new(FaultKind::HoldBeforeCommit, "dynamodb:UpdateItem").with_parameter("lease#")
}

async fn groups(scene: &Scene, name: &str) -> Vec<String> {
    let iam = scene.member().iam();
    let answer = iam.list_groups_for_user().user_name(name).send().await;
    let groups = answer.unwrap().groups;
    groups.into_iter().map(|group| group.group_name).collect()
}

#[tokio::test]
async fn a_user_whose_row_goes_while_the_schedule_runs_is_not_made() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    let answer = while_held(&scene, account_id, at_the_survey(), async {
        scene.delete_row("alice", account_id).await.unwrap();
    })
    .await;
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Postponed")],
        "{answer:#}"
    );
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn rights_that_a_row_loses_while_the_schedule_runs_are_not_given() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    scene.fire_schedule().await.unwrap();
    let engineers = json!({"Groups": ["engineers"]});
    scene.put_row("alice", account_id, engineers).await.unwrap();
    let answer = while_held(&scene, account_id, at_the_survey(), async {
        scene
            .put_row("alice", account_id, json!({"Groups": []}))
            .await
            .unwrap();
    })
    .await;
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Postponed")],
        "{answer:#}"
    );
    assert!(groups(&scene, "alice").await.is_empty());
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    assert!(groups(&scene, "alice").await.is_empty());
    scene.check().await.unwrap();
}

/// Two users of the registry, one of which has no row any more.
async fn with_an_extra() -> Scene {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    for name in ["alice", "bob"] {
        scene.put_row(name, account_id, json!({})).await.unwrap();
    }
    scene.fire_schedule().await.unwrap();
    scene.delete_row("alice", account_id).await.unwrap();
    scene
}

#[tokio::test]
async fn a_user_that_is_handed_over_while_the_schedule_runs_is_left_alone() {
    let scene = with_an_extra().await;
    let account_id = scene.member().id();
    let hub = scene.world.hub().id();
    let answer = while_held(&scene, hub, at_the_lease(), async {
        let iam = scene.member().iam();
        iam.untag_user()
            .user_name("alice")
            .tag_keys("crossaccount:managed-by")
            .send()
            .await
            .unwrap();
    })
    .await;
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Failed")],
        "{answer:#}"
    );
    let users = scene.users(scene.member()).await.unwrap();
    assert_eq!(users, ["alice", "bob"]);
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_whose_row_comes_back_while_the_schedule_runs_stays_as_it_is() {
    let scene = with_an_extra().await;
    let account_id = scene.member().id();
    let before = scene.secrets_of(account_id, "alice").await.unwrap().keys;
    let hub = scene.world.hub().id();
    let answer = while_held(&scene, hub, at_the_lease(), async {
        scene.put_row("alice", account_id, json!({})).await.unwrap();
    })
    .await;
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    let after = scene.secrets_of(account_id, "alice").await.unwrap().keys;
    let id = |keys: &[UserKey]| keys[0].access_key_id.clone();
    assert_eq!(id(&before), id(&after));
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_that_a_list_still_shows_does_not_fail_its_account() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    for name in ["alice", "bob"] {
        scene.put_row(name, account_id, json!({})).await.unwrap();
    }
    scene.fire_schedule().await.unwrap();
    // The list is answered; then the user goes, and its keys are asked for.
    let fault = Fault::new(
        FaultKind::HoldAfterCommit,
        "iam:GetAccountAuthorizationDetails",
    );
    let answer = while_held(&scene, account_id, fault, async {
        let iam = scene.member().iam();
        let keys = scene.secrets_of(account_id, "alice").await.unwrap().keys;
        iam.delete_access_key()
            .user_name("alice")
            .access_key_id(&keys[0].access_key_id)
            .send()
            .await
            .unwrap();
        iam.delete_user().user_name("alice").send().await.unwrap();
    })
    .await;
    assert_eq!(answer["failed_accounts"], json!([]), "{answer:#}");
    // It is made anew, as its row wants.
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Created")],
        "{answer:#}"
    );
    super::key_works(&scene, account_id, "alice").await;
    scene.check().await.unwrap();
}
