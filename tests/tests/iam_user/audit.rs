//! What the audit bucket holds, and what happens when it cannot be used.

use std::collections::{BTreeMap, BTreeSet};

use crossaccount_core::audit::verify_chain;
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::scene::Scene;

const ALICE: &str = r#"
resource "crossaccount_iam_user" "alice" {
  account_id = "{0}"
  name       = "alice"
  groups     = []
  tags       = { Team = "core" }
}
"#;

/// The bytes of all records by run, in the order of their keys.
async fn objects_by_run(scene: &Scene) -> BTreeMap<String, Vec<(String, Vec<u8>)>> {
    let (s3, bucket) = (scene.world.s3(), scene.world.audit_bucket());
    let listed = s3.list_objects_v2().bucket(bucket).send().await.unwrap();
    let mut runs: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for object in listed.contents() {
        let key = object.key().unwrap();
        let body = s3
            .get_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .unwrap()
            .body;
        let bytes = body.collect().await.unwrap().into_bytes().to_vec();
        let record: Value = serde_json::from_slice(&bytes).unwrap();
        let run = record["run_id"].as_str().unwrap().to_owned();
        runs.entry(run).or_default().push((key.to_owned(), bytes));
    }
    runs
}

#[tokio::test]
async fn a_missing_bucket_is_an_error_of_the_plan() {
    let scene = Scene::new(1).await;
    let (s3, bucket) = (scene.world.s3(), scene.world.audit_bucket());
    s3.delete_bucket().bucket(bucket).send().await.unwrap();
    scene.configure(ALICE);
    let errors = scene.plan_error();
    for expected in [
        "Audit record cannot be written",
        "in provider \"crossaccount\"",
        bucket,
        "Create the bucket, or correct its name",
    ] {
        assert!(errors.contains(expected), "{expected:?} is not in {errors}");
    }
    assert!(scene.calls(scene.member().id()).await.is_empty());
}

#[tokio::test]
async fn nothing_is_changed_when_the_first_record_cannot_be_written() {
    let scene = Scene::new(1).await;
    let (hub, control) = (scene.world.hub().id(), scene.world.control());
    let refuse = || {
        let kind = FaultKind::HttpError {
            status: 403,
            code: "AccessDenied".to_owned(),
        };
        Fault::new(kind, "s3:PutObject").in_account(hub).always()
    };
    let assert_refused = |errors: String| {
        for expected in [
            "Audit record cannot be written",
            "AccessDenied",
            scene.world.audit_bucket(),
            "s3:PutObject",
        ] {
            assert!(errors.contains(expected), "{expected:?} is not in {errors}");
        }
    };
    scene.configure(ALICE);
    control.add_fault(&refuse()).await.unwrap();
    assert_refused(scene.apply_error());
    assert_eq!(scene.writes().await, [""; 0]);
    assert!(scene.terraform.state().unwrap().is_empty());
    control.clear_faults(hub).await.unwrap();
    scene.apply();
    let user = scene.user("alice").await.unwrap();

    // The same for a change and for a deletion.
    control.clear_calls(scene.member().id()).await.unwrap();
    control.add_fault(&refuse()).await.unwrap();
    scene.configure(&ALICE.replace("core", "platform"));
    assert_refused(scene.apply_error());
    assert_eq!(
        scene.state("crossaccount_iam_user.alice")["tags"],
        json!({"Team": "core"})
    );
    let errors = scene.terraform.destroy().unwrap().expect_failure().unwrap();
    assert_refused(super::scene::flat(&errors.text()));
    assert_eq!(scene.writes().await, [""; 0]);
    assert_eq!(scene.user("alice").await.unwrap(), user);
    control.clear_faults(hub).await.unwrap();
    scene.apply();
    assert_eq!(
        scene.state("crossaccount_iam_user.alice")["tags"],
        json!({"Team": "platform"})
    );
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn every_operation_leaves_two_records_that_say_what_was_done() {
    let scene = Scene::new(1).await;
    scene.configure(ALICE);
    scene.apply();
    let created = scene.user("alice").await.unwrap();
    scene.configure(
        &ALICE
            .replace("core", "platform")
            .replace("\"alice\"\n", "\"alice.new\"\n"),
    );
    scene.apply();
    scene.assert_nothing_to_do();
    scene.terraform.destroy().unwrap().expect_success().unwrap();

    let records = scene.audit_records().await;
    let facts = |record: &Value| {
        ["action", "phase", "status", "user_name"]
            .map(|name| record[name].as_str().unwrap_or("-").to_owned())
    };
    let facts: Vec<_> = records.iter().map(facts).collect();
    // Within an operation the keys differ by `finished` and `started` only.
    assert_eq!(
        facts,
        [
            ["create_user", "finished", "Created", "alice"],
            ["create_user", "started", "-", "alice"],
            ["update_user", "finished", "Updated", "alice.new"],
            ["update_user", "started", "-", "alice"],
            ["delete_user", "finished", "Deleted", "alice.new"],
            ["delete_user", "started", "-", "alice.new"],
        ]
    );
    let hub = scene.world.hub();
    let calls = scene.calls(scene.member().id()).await;
    let mut named = BTreeSet::new();
    for record in &records {
        assert_eq!(record["account_id"], json!(scene.member().id()));
        assert_eq!(record["face"], json!("terraform"));
        let caller = record["caller_arn"].as_str().unwrap();
        assert!(caller.contains(hub.id()), "{caller}");
        let key = record["key"].as_str().unwrap();
        assert!(
            key.contains(&format!("/account_id={}/", scene.member().id())),
            "{key}"
        );
        let steps = record["steps"].as_array().unwrap();
        assert!(!steps.is_empty(), "{record}");
        let finished = record["phase"] == "finished";
        for step in steps {
            let expected = if finished { "done" } else { "planned" };
            assert_eq!(step["result"], json!(expected), "{record}");
            let requests = step["aws_request_ids"].as_array().unwrap();
            assert_eq!(requests.len(), usize::from(finished), "{record}");
            named.extend(requests.iter().map(|id| id.as_str().unwrap().to_owned()));
        }
        if finished {
            assert_eq!(record["user_unique_id"], json!(created.user_id()));
        }
    }
    // The records name exactly the calls that changed something.
    let reads = ["iam:Get", "iam:List", "sts:"];
    let written = calls
        .into_iter()
        .filter(|call| !reads.iter().any(|read| call.action.starts_with(read)));
    assert_eq!(named, written.map(|call| call.request_id).collect());
}

#[tokio::test]
async fn the_records_of_a_run_are_a_chain_that_shows_what_is_missing_or_altered() {
    let scene = Scene::new(1).await;
    let names = ["alice", "bob", "carol"];
    let text: String = names.map(|name| ALICE.replace("alice", name)).concat();
    scene.configure(&text);
    scene.apply();
    let runs = objects_by_run(&scene).await;
    assert_eq!(runs.len(), 1);
    let objects: Vec<_> = runs
        .into_values()
        .flatten()
        .map(|(_, bytes)| bytes)
        .collect();
    let report = verify_chain(&objects).unwrap();
    assert_eq!(
        (
            report.records,
            report.unwritten,
            report.unfinished_operations
        ),
        (6, vec![], vec![])
    );

    let sequence =
        |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["sequence"].clone();
    let first = objects
        .iter()
        .position(|bytes| sequence(bytes) == json!(0))
        .unwrap();
    let mut removed = objects.clone();
    removed.remove(first);
    verify_chain(&removed).unwrap_err();
    let mut altered = objects;
    let text = String::from_utf8(altered[first].clone()).unwrap();
    altered[first] = text.replace("create_user", "delete_user").into_bytes();
    assert_ne!(altered[first], text.into_bytes());
    verify_chain(&altered).unwrap_err();
}

#[tokio::test]
async fn a_record_is_never_overwritten() {
    let scene = Scene::new(1).await;
    let hub = scene.world.hub().id();
    scene.configure(ALICE);
    // The answer to the first put is lost: what comes next is refused by the condition, and counts as written.
    let fault = Fault::new(FaultKind::DropAfterCommit, "s3:PutObject").in_account(hub);
    scene.world.control().add_fault(&fault).await.unwrap();
    scene.apply();
    let puts: Vec<_> = scene
        .calls(hub)
        .await
        .into_iter()
        .filter(|call| call.action == "s3:PutObject")
        .map(|call| {
            (
                call.parameters["Key"].as_str().unwrap().to_owned(),
                call.error_code,
            )
        })
        .collect();
    assert_eq!(puts.len(), 3, "{puts:?}");
    assert_eq!(puts[0].0, puts[1].0);
    assert_eq!(puts[1].1.as_deref(), Some("PreconditionFailed"));
    assert_ne!(puts[1].0, puts[2].0);
    let objects: Vec<_> = objects_by_run(&scene)
        .await
        .into_values()
        .flatten()
        .map(|(_, bytes)| bytes)
        .collect();
    assert_eq!(verify_chain(&objects).unwrap().records, 2);
}
