//! Every writing call of the registry fails once: refused for good, carried out with its answer lost, or followed by the
//! death of the function, which also comes after every reading call. One more hour, and everything is as the table says.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use harness::jobs::{Scene, SceneOptions};
use harness::standin::Call;
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::key_works;

const NAME: &str = "alice";
/// Somebody who is always there, so that the table is never empty.
const KEEPER: &str = "keeper";
/// How many cases run at the same time.
const AT_ONCE: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    Rotate,
    Remove,
}

#[derive(Debug, Clone, Copy)]
enum Failure {
    /// Answered with HTTP 500 until the SDK gives up.
    Refused,
    /// Carried out, and every answer is lost.
    AnswerLost,
    /// Carried out, and the process is killed.
    Killed,
}

/// One call: its action, the account that it is about, and which of its kind it is.
#[derive(Debug, Clone)]
struct Step {
    action: String,
    in_hub: bool,
    number: u32,
    writes: bool,
}

async fn scene() -> Scene {
    // A lease is renewed by time; here it runs out when the test says so.
    let options = SceneOptions::default()
        .members(1)
        .with("LEASE_SECONDS", "900");
    Scene::with(options).await.unwrap()
}

fn properties() -> Value {
    json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"], "Groups": ["engineers"], "ConsoleAccess": {}})
}

/// Everything before the operation.
async fn prepare(scene: &Scene, operation: Operation) {
    let account_id = scene.member().id();
    scene
        .put_row(KEEPER, account_id, json!({"AccessKey": null}))
        .await
        .unwrap();
    if operation != Operation::Create {
        scene.put_row(NAME, account_id, properties()).await.unwrap();
    }
    scene.fire_schedule().await.unwrap();
    match operation {
        Operation::Create => scene.put_row(NAME, account_id, properties()).await.unwrap(),
        Operation::Rotate => {
            scene
                .world
                .control()
                .age_user(account_id, NAME, 16.0)
                .await
                .unwrap();
        }
        Operation::Remove => scene.delete_row(NAME, account_id).await.unwrap(),
    }
    scene.forget_calls().await.unwrap();
}

fn is_write(call: &Call) -> bool {
    let (service, name) = call.action.split_once(':').unwrap();
    let reads = ["Get", "List", "Describe", "Scan", "AssumeRole"];
    service != "kms" && !reads.iter().any(|start| name.starts_with(start))
}

/// The calls of an operation that goes well.
async fn steps(operation: Operation) -> Vec<Step> {
    let scene = scene().await;
    prepare(&scene, operation).await;
    scene.fire_schedule().await.unwrap();
    let mut numbers: BTreeMap<(String, bool), u32> = BTreeMap::new();
    let calls = scene.calls().await.unwrap();
    calls
        .iter()
        .map(|call| {
            let in_hub = call.account_id == scene.world.hub().id();
            let number = numbers.entry((call.action.clone(), in_hub)).or_default();
            *number += 1;
            Step {
                action: call.action.clone(),
                in_hub,
                number: *number,
                writes: is_write(call),
            }
        })
        .collect()
}

async fn run(operation: Operation, step: &Step, failure: Failure) {
    let case = format!(
        "{operation:?}, {} {}, {failure:?}",
        step.action, step.number
    );
    let scene = scene().await;
    prepare(&scene, operation).await;
    let control = scene.world.control();
    let account_id = if step.in_hub {
        scene.world.hub().id()
    } else {
        scene.member().id()
    };
    let kind = match failure {
        Failure::Refused => FaultKind::HttpError {
            status: 500,
            code: "InternalFailure".to_owned(),
        },
        Failure::AnswerLost => FaultKind::DropAfterCommit,
        Failure::Killed => FaultKind::HoldAfterCommit,
    };
    let fault = Fault::new(kind, &step.action)
        .in_account(account_id)
        .from_call(step.number);
    match failure {
        Failure::Refused | Failure::AnswerLost => {
            control.add_fault(&fault.always()).await.unwrap();
            // Whatever it answers: the next hour counts.
            let _ = scene
                .reconcile
                .invoke(&json!({"Job": "Reconcile"}))
                .await
                .unwrap();
        }
        Failure::Killed => {
            let fault = control.add_fault(&fault).await.unwrap();
            let event = json!({"Job": "Reconcile"});
            let death = async {
                control
                    .wait_for_fault(&fault.id, 1, Duration::from_mins(1))
                    .await
                    .unwrap();
                assert_eq!(scene.reconcile.kill_busy(), 1, "{case}");
                control.release(&fault.id).await.unwrap();
            };
            let (_, ()) = tokio::join!(scene.reconcile.invoke(&event), death);
        }
    }
    control.clear_faults(account_id).await.unwrap();
    time_runs_out(&scene).await;
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{case}: {answer:#}");
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        answer["rows"],
        json!([]),
        "{case}: a second hour has nothing to do: {answer:#}"
    );
    is_as_the_table_says(&scene, operation, &case).await;
    if let Err(error) = scene.check().await {
        panic!("{case}: {error:#}");
    }
}

/// Leases that nobody gave back run out.
async fn time_runs_out(scene: &Scene) {
    for item in scene.items().await.unwrap() {
        let name = item["UserName"].as_str().unwrap();
        if name.starts_with("lease#") {
            let account_id = item["AccountId"].as_str().unwrap();
            scene
                .set(name, account_id, "HeldUntil", &json!(0))
                .await
                .unwrap();
        }
    }
}

async fn is_as_the_table_says(scene: &Scene, operation: Operation, case: &str) {
    let account_id = scene.member().id();
    let hub = scene.world.hub().id();
    if operation == Operation::Remove {
        assert_eq!(
            scene.users(scene.member()).await.unwrap(),
            [KEEPER],
            "{case}"
        );
        let parameters = scene.world.control().parameters(hub).await.unwrap();
        let left: Vec<_> = parameters
            .iter()
            .map(|it| &it.name)
            .filter(|it| it.contains(NAME))
            .collect();
        assert!(left.is_empty(), "{case}: {left:?}");
        return;
    }
    let user = scene.secrets_of(account_id, NAME).await.unwrap();
    let keys = if operation == Operation::Rotate { 2 } else { 1 };
    assert_eq!(user.keys.len(), keys, "{case}: {user:?}");
    key_works(scene, account_id, NAME).await;
    let parameter = format!("/crossaccount/{account_id}/{NAME}/console-password");
    let stored = scene.stored(&parameter).await.unwrap();
    assert_eq!(
        stored["password"],
        user.login.unwrap().password.as_str(),
        "{case}"
    );
    let iam = scene.member().iam();
    let found = iam
        .get_user()
        .user_name(NAME)
        .send()
        .await
        .unwrap()
        .user
        .unwrap();
    assert!(found.permissions_boundary().is_some(), "{case}");
    let result = scene.result(NAME, account_id).await.unwrap();
    assert_ne!(result["Status"], "Failed", "{case}: {result:#}");
    assert!(result["LastError"].is_null(), "{case}: {result:#}");
    let current = &user.tags["crossaccount:current-key"];
    assert!(
        current.contains(result["AccessKeyId"].as_str().unwrap()),
        "{case}: {result:#}"
    );
    // No user was ever without its boundary.
    for call in scene.calls().await.unwrap() {
        if call.action == "iam:CreateUser" {
            assert!(call.parameters["PermissionsBoundary"].is_string(), "{case}");
        }
    }
}

async fn every_call_fails_once(operation: Operation, least: usize) {
    let steps = steps(operation).await;
    let writes = steps.iter().filter(|step| step.writes).count();
    assert!(writes >= least && steps.len() > writes, "{steps:#?}");
    let failures = [Failure::Refused, Failure::AnswerLost, Failure::Killed];
    let cases = steps.into_iter().flat_map(|step| {
        let writes = step.writes;
        let failures = failures.into_iter();
        failures
            .filter(move |failure| writes || matches!(failure, Failure::Killed))
            .map(move |failure| (step.clone(), failure))
    });
    let cases: Vec<_> = cases.collect();
    let count = cases.len();
    stream::iter(cases)
        .for_each_concurrent(AT_ONCE, |(step, failure)| async move {
            run(operation, &step, failure).await;
        })
        .await;
    println!("{operation:?}: {count} cases");
}

#[tokio::test]
async fn a_creation_that_dies_at_any_call_is_completed_by_the_next_hour() {
    every_call_fails_once(Operation::Create, 12).await;
}

#[tokio::test]
async fn a_rotation_that_dies_at_any_call_is_completed_by_the_next_hour() {
    every_call_fails_once(Operation::Rotate, 7).await;
}

#[tokio::test]
async fn a_removal_that_dies_at_any_call_is_completed_by_the_next_hour() {
    every_call_fails_once(Operation::Remove, 8).await;
}
