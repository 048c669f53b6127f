//! `provision`: users in many accounts on a call.

use harness::jobs::{Scene, SceneOptions};
use serde_json::{Value, json};

use super::{denied, rows};

#[tokio::test]
async fn the_job_of_the_old_system_is_done_without_a_password_in_the_report() {
    let scene = Scene::new(2).await.unwrap();
    let [first, second] = [0, 1].map(|place| scene.world.members()[place].id());
    let event = json!({"users": ["alice", " bob "], "accounts": "all"});
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    assert_eq!(answer["counts"], json!({"Created": 4}));
    assert_eq!(
        rows(&answer),
        [
            (first, "alice", "Created"),
            (first, "bob", "Created"),
            (second, "alice", "Created"),
            (second, "bob", "Created"),
        ]
    );
    for row in answer["rows"].as_array().unwrap() {
        let (account_id, name) = (
            row["account_id"].as_str().unwrap(),
            row["user_name"].as_str().unwrap(),
        );
        let parameter = format!("/crossaccount/{account_id}/{name}/console-password");
        assert_eq!(row["password_parameter"], parameter.as_str());
        // The stored password is the one that works, and has to be changed at the first sign-in.
        let stored = scene.stored(&parameter).await.unwrap();
        let login = scene
            .secrets_of(account_id, name)
            .await
            .unwrap()
            .login
            .unwrap();
        assert_eq!(stored["password"], login.password.as_str());
        assert!(login.reset_required);
        let iam = scene.world.iam(account_id).unwrap();
        let attached = iam
            .list_attached_user_policies()
            .user_name(name)
            .send()
            .await
            .unwrap();
        let mut policies: Vec<_> = attached
            .attached_policies()
            .iter()
            .map(|policy| policy.policy_name().unwrap())
            .collect();
        policies.sort_unstable();
        assert_eq!(policies, ["AmazonEC2FullAccess", "CloudWatchFullAccessV2"]);
        let user = iam
            .get_user()
            .user_name(name)
            .send()
            .await
            .unwrap()
            .user
            .unwrap();
        assert_eq!(user.path(), "/people/");
        let boundary = user.permissions_boundary().unwrap();
        assert_eq!(
            boundary.permissions_boundary_arn(),
            Some(format!("arn:aws:iam::{account_id}:policy/Boundary").as_str())
        );
        let owner = user
            .tags()
            .iter()
            .find(|tag| tag.key() == "crossaccount:managed-by");
        assert_eq!(owner.unwrap().value(), "provision/test");
    }
    // The boundary came with the call that made the user.
    for call in scene.calls().await.unwrap() {
        if call.action == "iam:CreateUser" {
            assert!(
                call.parameters["PermissionsBoundary"].is_string(),
                "{call:?}"
            );
        }
    }
    report_says_what_the_answer_says(&scene, &answer).await;
    scene.check().await.unwrap();
}

async fn report_says_what_the_answer_says(scene: &Scene, answer: &Value) {
    let objects = scene.objects().await.unwrap();
    let find = |key: &Value| {
        let found = objects
            .iter()
            .find(|(found, _)| found == key.as_str().unwrap());
        found.unwrap().1.clone()
    };
    let table = find(&answer["report"]["csv"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("account_id,user_name,status,"),
        "{table}"
    );
    assert_eq!(lines.len(), 1 + answer["rows"].as_array().unwrap().len());
    let report: Value = serde_json::from_str(&find(&answer["report"]["json"])).unwrap();
    for field in ["run_id", "counts", "dry_run"] {
        assert_eq!(report[field], answer[field], "{field}");
    }
    // Every operation has a record before and after it.
    let records = objects
        .iter()
        .filter(|(key, _)| key.starts_with("crossaccount/"));
    let records: Vec<Value> = records
        .map(|(_, text)| serde_json::from_str(text).unwrap())
        .collect();
    let finished: Vec<_> = records
        .iter()
        .filter(|record| record["phase"] == "finished")
        .collect();
    assert_eq!(records.len(), 2 * finished.len());
    assert_eq!(finished.len(), lines.len() - 1);
    for record in finished {
        assert_eq!(record["run_id"], answer["run_id"]);
        assert_eq!(
            (&record["face"], &record["status"]),
            (&json!("job"), &json!("Created"))
        );
    }
}

#[tokio::test]
async fn one_user_in_one_account_with_a_spec_of_its_own() {
    let scene = Scene::new(1).await.unwrap();
    let account_id = scene.member().id();
    let event = json!({
        "account_id": account_id,
        "user_name": "deploy",
        "spec": {
            "Groups": ["engineers"],
            "ConsoleAccess": null,
            "AccessKey": {"RotateAfterDays": 15, "DeleteAfterDays": 30},
            "Tags": [{"Key": "team", "Value": "core"}],
        },
    });
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "deploy", "Created")],
        "{answer:#}"
    );
    let row = &answer["rows"][0];
    let stored = scene
        .stored(row["access_key_parameter"].as_str().unwrap())
        .await
        .unwrap();
    let keys = scene.secrets_of(account_id, "deploy").await.unwrap().keys;
    assert_eq!(keys.len(), 1);
    assert_eq!(
        stored["secret_access_key"],
        keys[0].secret_access_key.as_str()
    );
    assert_eq!(row["access_key_id"], keys[0].access_key_id.as_str());
    // Who has access by groups gets no policy that nobody asked for.
    let iam = scene.member().iam();
    let attached = iam
        .list_attached_user_policies()
        .user_name("deploy")
        .send()
        .await
        .unwrap();
    assert!(attached.attached_policies().is_empty());
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_dry_run_shows_what_would_be_done_and_writes_nothing_but_its_report() {
    let scene = Scene::new(1).await.unwrap();
    let event =
        |dry_run: bool| json!({"users": ["alice", "bob"], "accounts": "all", "dry_run": dry_run});
    scene
        .provision(&json!({"users": ["bob"], "accounts": "all"}))
        .await
        .unwrap();
    scene.forget_calls().await.unwrap();
    let answer = scene.provision(&event(true)).await.unwrap();
    let account_id = scene.member().id();
    assert_eq!(
        rows(&answer),
        [
            (account_id, "alice", "WouldCreate"),
            (account_id, "bob", "Exists")
        ],
        "{answer:#}"
    );
    let steps = answer["rows"].as_array().unwrap().iter();
    let steps = steps
        .map(|row| &row["steps"])
        .find(|steps| *steps != &json!([]))
        .unwrap();
    assert!(steps.to_string().contains("AmazonEC2FullAccess"), "{steps}");
    for call in scene.calls().await.unwrap() {
        let name = call.action.split(':').nth(1).unwrap();
        let reads = ["Get", "List", "Describe", "AssumeRole"]
            .iter()
            .any(|start| name.starts_with(start));
        let report =
            call.action == "s3:PutObject" && call.parameters.to_string().contains("reports/");
        assert!(reads || report, "a dry run called {}", call.action);
    }
    assert_eq!(scene.users(scene.member()).await.unwrap(), ["bob"]);
    scene.check().await.unwrap();
}

#[tokio::test]
async fn one_account_that_cannot_be_reached_fails_its_rows_and_a_repeat_does_what_is_missing() {
    let scene = Scene::new(3).await.unwrap();
    let ids: Vec<&str> = scene
        .world
        .members()
        .iter()
        .map(harness::Account::id)
        .collect();
    let control = scene.world.control();
    let fault = denied("sts:AssumeRole").in_account(ids[1]).always();
    control.add_fault(&fault).await.unwrap();
    let event = json!({"users": ["alice", "bob"], "accounts": ids});
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(answer["outcome"], "PartlyFailed", "{answer:#}");
    assert_eq!(answer["counts"], json!({"Created": 4, "Failed": 2}));
    // What failed stands first.
    for row in &answer["rows"].as_array().unwrap()[..2] {
        assert_eq!(row["account_id"], ids[1]);
        assert_eq!(row["reason"]["kind"], "AssumeRole", "{row:#}");
        assert!(
            row["reason"]["message"].as_str().unwrap().contains(ids[1]),
            "{row:#}"
        );
    }
    control.clear_faults(ids[1]).await.unwrap();
    scene.forget_calls().await.unwrap();
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(answer["outcome"], "Succeeded", "{answer:#}");
    assert_eq!(answer["counts"], json!({"Created": 2, "Exists": 4}));
    for call in scene.calls().await.unwrap() {
        let elsewhere = call.account_id.as_str() != ids[1];
        let writes = call.action.starts_with("iam:")
            && !call.action.starts_with("iam:Get")
            && !call.action.starts_with("iam:List");
        assert!(
            !(elsewhere && writes),
            "a repeat called {} in {}",
            call.action,
            call.account_id
        );
    }
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_that_was_left_half_made_is_completed() {
    let scene = Scene::new(1).await.unwrap();
    let control = scene.world.control();
    let account_id = scene.member().id();
    for action in ["iam:AttachUserPolicy", "iam:CreateLoginProfile"] {
        control
            .add_fault(&denied(action).in_account(account_id).always())
            .await
            .unwrap();
    }
    let event = json!({"users": ["alice"], "accounts": "all"});
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(answer["outcome"], "Failed", "{answer:#}");
    let row = &answer["rows"][0];
    assert_eq!(row["reason"]["kind"], "AccessDenied", "{row:#}");
    // What exists is told.
    assert!(row["user_arn"].is_string(), "{row:#}");
    control.clear_faults(account_id).await.unwrap();
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Updated")],
        "{answer:#}"
    );
    let login = scene.secrets_of(account_id, "alice").await.unwrap().login;
    assert!(login.is_some());
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(
        rows(&answer),
        [(account_id, "alice", "Exists")],
        "{answer:#}"
    );
    scene.check().await.unwrap();
}

#[tokio::test]
async fn somebody_elses_user_is_told_and_left_alone() {
    let scene = Scene::new(1).await.unwrap();
    let answer = scene
        .provision(&json!({"users": ["mallory", "alice"], "accounts": "all"}))
        .await
        .unwrap();
    assert_eq!(answer["outcome"], "PartlyFailed", "{answer:#}");
    let row = &answer["rows"][0];
    assert_eq!(row["user_name"], "mallory");
    assert_eq!(row["reason"]["kind"], "NotOurs");
    let message = row["reason"]["message"].as_str().unwrap();
    assert!(message.contains("AdoptionPolicy: adopt"), "{message}");
    scene.check().await.unwrap();
}

#[tokio::test]
async fn what_the_rules_refuse_is_refused_before_any_call() {
    let scene = Scene::new(1).await.unwrap();
    for (spec, named) in [
        (json!({"Groups": ["admins"]}), "CROSSACCOUNT_ALLOWED_GROUPS"),
        (
            json!({"PermissionsBoundary": null}),
            "CROSSACCOUNT_PERMISSIONS_BOUNDARIES",
        ),
        (
            json!({"Path": "/elsewhere/"}),
            "CROSSACCOUNT_USER_PATH_PREFIX",
        ),
        (
            json!({"DeletionPolicy": "retain"}),
            "CROSSACCOUNT_DELETION_POLICY",
        ),
    ] {
        let event = json!({"users": ["alice"], "accounts": "all", "spec": spec});
        let answer = scene.provision(&event).await.unwrap();
        assert_eq!(answer["outcome"], "Failed", "{answer:#}");
        let message = answer["rows"][0]["reason"]["message"].as_str().unwrap();
        assert!(message.contains(named), "{message}");
    }
    let refused = scene
        .provision(&json!({"users": ["a/b"], "accounts": "all"}))
        .await;
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(
        refused.contains("a/b") && refused.contains("nothing was done"),
        "{refused}"
    );
    for call in scene.calls().await.unwrap() {
        assert_eq!(
            call.action, "s3:PutObject",
            "a refused call led to {}",
            call.action
        );
    }
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn nothing_is_changed_when_it_cannot_be_recorded_and_a_lost_report_is_told() {
    let scene = Scene::new(1).await.unwrap();
    let control = scene.world.control();
    let hub = scene.world.hub().id();
    let records = denied("s3:PutObject")
        .in_account(hub)
        .with_parameter("crossaccount/");
    control.add_fault(&records.always()).await.unwrap();
    let event = json!({"users": ["alice"], "accounts": "all"});
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(answer["rows"][0]["reason"]["kind"], "Audit", "{answer:#}");
    assert!(scene.users(scene.member()).await.unwrap().is_empty());
    control.clear_faults(hub).await.unwrap();
    let reports = denied("s3:PutObject")
        .in_account(hub)
        .with_parameter("reports/");
    control.add_fault(&reports.always()).await.unwrap();
    let answer = scene.provision(&event).await.unwrap();
    assert_eq!(answer["outcome"], "PartlyFailed", "{answer:#}");
    assert_eq!(answer["counts"], json!({"Created": 1}));
    assert!(
        answer["report_error"].as_str().unwrap().contains("s3://"),
        "{answer:#}"
    );
    control.clear_faults(hub).await.unwrap();
    scene.check().await.unwrap();
}

#[tokio::test]
async fn a_function_with_a_wrong_environment_says_everything_that_is_wrong() {
    let options = SceneOptions::default()
        .members(1)
        .with("ACCOUNTS_AT_ONCE", "many")
        .with("USER_PATH_PREFIX", "people");
    let scene = Scene::with(options).await.unwrap();
    let refused = scene
        .provision(&json!({"users": ["alice"], "accounts": "all"}))
        .await;
    let refused = format!("{:#}", refused.unwrap_err());
    for name in [
        "CROSSACCOUNT_ACCOUNTS_AT_ONCE",
        "CROSSACCOUNT_USER_PATH_PREFIX",
    ] {
        assert!(refused.contains(name), "{refused}");
    }
    assert!(scene.calls().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_log_has_metrics_of_every_run() {
    let scene = Scene::new(1).await.unwrap();
    let event = json!({"users": ["alice", "mallory"], "accounts": "all"});
    scene.provision(&event).await.unwrap();
    let output = scene.provision.output().unwrap();
    let lines = output
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let metrics: Vec<Value> = lines.filter(|line| line.get("_aws").is_some()).collect();
    assert_eq!(metrics.len(), 1, "{output}");
    let metrics = &metrics[0];
    assert_eq!(metrics["Function"], "provision");
    assert_eq!(metrics["DeploymentId"], "test");
    assert_eq!(
        (&metrics["UsersCreated"], &metrics["UsersFailed"]),
        (&json!(1), &json!(1))
    );
    assert!(metrics["AwsCalls"].as_u64().unwrap() > 5, "{metrics}");
}
