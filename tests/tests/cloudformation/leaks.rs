//! No secret leaves the function but into the secret store, and neither does what signs its answers: everything that
//! it writes over the whole life of credentials is searched, with success, failure, roll-back, death and lost answers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use harness::cloudformation::{
    Reception, RequestKind, Scene, SceneOptions, Sibling, Stack, StackTemplate, Status,
};
use harness::lambda::Outcome;
use harness::leaks::{Needle, Texts, search};
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

const LOGICAL_ID: &str = "Alice";
/// What somebody writes into a template who did not read that it is no place for a password.
const MISTAKEN: &str = "A password in a template: 7/é+%";
const FORGED_SIGNATURE: &str = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

fn template(properties: &Value) -> StackTemplate {
    StackTemplate::new().with(LOGICAL_ID, properties).unwrap()
}

/// The user with another password and another key.
fn changed(scene: &Scene, trigger: &str) -> StackTemplate {
    let mut alice = scene.full_user("alice");
    alice["ConsoleAccess"]["PasswordResetTrigger"] = json!(trigger);
    alice["AccessKey"]["RotationTrigger"] = json!(trigger);
    template(&alice)
}

/// A scene whose function tells all that it can.
async fn scene(options: SceneOptions) -> Scene {
    let options = options.with("CROSSACCOUNT_LOG", "trace");
    Scene::with(options).await.unwrap()
}

/// Everything that a scene has written, by the kind of place.
async fn texts(scene: &Scene) -> Texts {
    let mut texts = Texts::new();
    let mut keep = |place: String, text: String| texts.insert(place, text.into_bytes());
    keep("output".to_owned(), scene.function.output().unwrap());
    for (number, body) in scene.endpoint.bodies().into_iter().enumerate() {
        let body = String::from_utf8_lossy(&body).into_owned();
        keep(format!("answer {number}"), body);
    }
    for (number, item) in scene.ledger().await.unwrap().into_iter().enumerate() {
        for (name, value) in item {
            let text = match value {
                AttributeValue::S(text) | AttributeValue::N(text) => text,
                other => format!("{other:?}"),
            };
            keep(format!("ledger {number} {name}"), text);
        }
    }
    for (key, text) in scene.audit_objects().await.unwrap() {
        keep(format!("audit {key}"), format!("{key}\n{text}"));
    }
    // Lambda keeps them for the on-failure destination.
    for (number, invocation) in scene.function.invocations().into_iter().enumerate() {
        if let Outcome::Failed(told) | Outcome::Returned(told) = invocation.outcome {
            keep(format!("told {number}"), told.to_string());
        }
    }
    texts
}

/// Everything that must not be there.
fn needles(scene: &Scene) -> Vec<Needle> {
    let mut needles = vec![
        Needle::new("the external id", scene.world.external_id()).unwrap(),
        Needle::new("a password in a template", MISTAKEN).unwrap(),
        Needle::new("a forged signature", FORGED_SIGNATURE).unwrap(),
    ];
    for secret in scene.noted_secrets() {
        needles.push(Needle::new("a secret", &secret).unwrap());
    }
    for signature in scene.endpoint.signatures() {
        needles.push(Needle::new("a signature", &signature).unwrap());
    }
    needles
}

async fn assert_nothing_leaks(scene: &Scene) {
    scene.note_secrets().await.unwrap();
    let (needles, texts) = (needles(scene), texts(scene).await);
    println!(
        "{} secrets in {} forms, searched in {} texts of {} bytes",
        needles.len(),
        needles.iter().map(Needle::forms).sum::<usize>(),
        texts.len(),
        texts.values().map(Vec::len).sum::<usize>()
    );
    let found = search(&needles, &texts).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    for place in ["output", "answer ", "ledger ", "audit "] {
        let texts = texts.iter().filter(|(name, _)| name.starts_with(place));
        let length: usize = texts.map(|(_, text)| text.len()).sum();
        assert!(length > 100, "{place}: {length}");
    }
}

/// The answers so far, to see why something did not happen.
fn reasons(scene: &Scene) -> String {
    let bodies = scene.endpoint.bodies();
    let bodies = bodies.iter().map(|body| String::from_utf8_lossy(body));
    bodies.collect::<Vec<_>>().join("\n")
}

/// Updates the stack; the function is killed when it makes this call.
async fn update_and_kill(
    scene: &Scene,
    stack: &mut Stack,
    trigger: &str,
    action: &str,
    kind: FaultKind,
) -> Status {
    let account = if action.starts_with("ssm:") {
        scene.world.hub().id()
    } else {
        scene.member().id()
    };
    let control = *scene.world.control();
    // A key that was replaced a moment ago is in the way of the next one.
    let (member, days) = (scene.member().id(), 31.0);
    control.age_user(member, "alice", days).await.unwrap();
    let hold = Fault::new(kind, action).in_account(account).times(1);
    let hold = control.add_fault(&hold).await.unwrap();
    let kill = async {
        let arrival = control.wait_for_fault(&hold.id, 1, Duration::from_mins(1));
        arrival
            .await
            .unwrap_or_else(|error| panic!("{trigger}: {error}: {}", reasons(scene)));
        // What exists only now is searched for too.
        scene.note_secrets().await.unwrap();
        assert_eq!(scene.function.kill_busy(), 1);
        control.clear_faults(account).await.unwrap();
    };
    let template = changed(scene, trigger);
    let (status, ()) = tokio::join!(stack.update(&template), kill);
    status.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_signature_is_in_anything_that_the_function_writes() {
    let scene = scene(SceneOptions::default()).await;
    let (member, hub) = (
        scene.member().id().to_owned(),
        scene.world.hub().id().to_owned(),
    );
    let control = *scene.world.control();
    let mut stack = scene.stack();
    let created = stack.create(&changed(&scene, "first")).await.unwrap();
    assert_eq!(created, Status::CreateComplete, "{:#?}", stack.events());
    scene.note_secrets().await.unwrap();

    // Each call that carries a secret fails, the reason tells why, and the stack is rolled back.
    for (action, account) in [
        ("iam:CreateAccessKey", &member),
        ("sts:GetCallerIdentity", &member),
        ("ssm:PutParameter", &hub),
        ("iam:UpdateLoginProfile", &member),
    ] {
        let kind = FaultKind::HttpError {
            status: 400,
            code: "ValidationError".to_owned(),
        };
        let fault = Fault::new(kind, action).in_account(account).times(1);
        control.add_fault(&fault).await.unwrap();
        let status = stack.update(&changed(&scene, action)).await.unwrap();
        assert_eq!(status, Status::UpdateRollbackComplete, "{action}");
        control.clear_faults(account).await.unwrap();
        scene.note_secrets().await.unwrap();
    }

    // Another resource fails after ours has made new secrets.
    let failing = changed(&scene, "rolled back").failing(Sibling::AfterAll);
    let status = stack.update(&failing).await.unwrap();
    assert_eq!(status, Status::UpdateRollbackComplete);
    scene.note_secrets().await.unwrap();

    // The process dies between the making of a secret and its storing.
    for (action, kind) in [
        ("iam:CreateAccessKey", FaultKind::HoldAfterCommit),
        ("ssm:PutParameter", FaultKind::HoldBeforeCommit),
        ("ssm:PutParameter", FaultKind::HoldAfterCommit),
    ] {
        let trigger = format!("killed at {action} {kind:?}");
        let status = update_and_kill(&scene, &mut stack, &trigger, action, kind).await;
        assert_eq!(status, Status::UpdateComplete, "{:#?}", stack.events());
        scene.note_secrets().await.unwrap();
    }

    // Answers are refused and lost, and at last none arrives.
    let script = [
        Reception::Refuse,
        Reception::ServerError,
        Reception::LoseRequest,
        Reception::LoseReply,
    ];
    stack.receive_with(LOGICAL_ID, RequestKind::Update, script);
    let status = stack
        .update(&changed(&scene, "lost answers"))
        .await
        .unwrap();
    assert_eq!(status, Status::UpdateComplete);
    scene.note_secrets().await.unwrap();
    let refused = std::iter::repeat_n(Reception::Refuse, 6);
    stack.receive_with(LOGICAL_ID, RequestKind::Update, refused);
    let status = stack.update(&changed(&scene, "no answer")).await.unwrap();
    assert_eq!(status, Status::UpdateRollbackComplete);
    scene.note_secrets().await.unwrap();

    // What a template must not hold is refused, and not repeated.
    let mut alice = scene.full_user("alice");
    alice["ConsoleAccess"] = json!({"Password": MISTAKEN});
    alice["Password"] = json!(MISTAKEN);
    let mut mistaken = scene.stack();
    let status = mistaken.create(&template(&alice)).await.unwrap();
    assert_eq!(status, Status::RollbackComplete);

    // Events that nobody can answer.
    let url = format!("http://127.0.0.1:1/x?X-Amz-Signature={FORGED_SIGNATURE}");
    for event in [
        json!({"ResponseURL": url}),
        json!({"ResponseURL": url, "RequestType": "Create", "ResourceProperties": {"Password": MISTAKEN}}),
        json!({"ResponseURL": [url], "RequestType": "Create", "Password": MISTAKEN}),
        json!([MISTAKEN]),
        json!({"Job": "Unknown", "Password": MISTAKEN}),
        json!({"Job": "RotateAccessKeys"}),
    ] {
        scene.function.invoke(&event).await.unwrap();
    }

    let status = stack.delete().await.unwrap();
    assert_eq!(status, Status::DeleteComplete);
    stack.settle().await.unwrap();
    mistaken.settle().await.unwrap();

    assert_nothing_leaks(&scene).await;
    // The stories were told: a quiet function proves nothing.
    let output = scene.function.output().unwrap();
    for word in [
        "\"level\":\"WARN\"",
        "\"level\":\"INFO\"",
        "could not be delivered",
    ] {
        assert!(output.contains(word), "{word}");
    }
    let outcomes = scene.function.invocations();
    let failed = outcomes
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::Failed(_)));
    assert!(failed.count() >= 3 + 4, "{outcomes:#?}");
    let killed = outcomes
        .iter()
        .filter(|it| it.outcome == Outcome::Exited { code: None });
    assert_eq!(killed.count(), 3, "{outcomes:#?}");
}

/// A call that never ends: the function answers in time, and ends its process.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_hangs_leaves_no_secret_behind() {
    let scene = scene(SceneOptions {
        timeout: Duration::from_secs(24),
        ..SceneOptions::default()
    })
    .await;
    let control = *scene.world.control();
    let member = scene.member().id();
    let hold = Fault::new(FaultKind::HoldAfterCommit, "iam:CreateAccessKey").in_account(member);
    let hold = control.add_fault(&hold).await.unwrap();
    let mut stack = scene.stack();
    let template = changed(&scene, "hangs");
    let look = async {
        control
            .wait_for_fault(&hold.id, 1, Duration::from_mins(1))
            .await
            .unwrap();
        scene.note_secrets().await.unwrap();
    };
    let (status, ()) = tokio::join!(stack.create(&template), look);
    assert_ne!(status.unwrap(), Status::CreateComplete);
    control.clear_faults(member).await.unwrap();
    stack.settle().await.unwrap();
    assert_nothing_leaks(&scene).await;
}

/// A needle in each kind of place is found.
#[tokio::test(flavor = "multi_thread")]
async fn a_leak_in_each_kind_of_place_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("leaking");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = harness::python::environment(&here.join("standin/requirements.txt")).unwrap();
    let script = format!(
        "#!/bin/sh\nexec {} {}\n",
        python.display(),
        here.join("tests/cloudformation/fake.py").display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let things = directory.path().to_string_lossy().into_owned();
    let mut options = SceneOptions::default().with("THINGS", &things);
    options.binary = Some(program);
    let scene = scene(options).await;

    // The fake prints properties, and makes the name the id in its answer.
    let needle = "planted-needle-0123456789";
    let leaking = json!({"Name": needle, "Do": "Update:tell"});
    let mut stack = scene.stack();
    stack.create(&template(&leaking)).await.unwrap();
    let leaking = json!({"Name": needle, "Do": "Update:tell", "More": "x"});
    stack.update(&template(&leaking)).await.unwrap();
    stack.settle().await.unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = scene.world.hub().dynamodb().put_item();
    item.table_name("crossaccount-ledger")
        .item("Key", text("key"))
        .item("Answer", text(needle))
        .send()
        .await
        .unwrap();
    let record = scene.world.s3().put_object();
    record
        .bucket(scene.world.audit_bucket())
        .key("record")
        .body(needle.as_bytes().to_vec().into())
        .send()
        .await
        .unwrap();

    let needles = [Needle::new("the needle", needle).unwrap()];
    let found = search(&needles, &texts(&scene).await).unwrap().join("\n");
    for place in [
        "in output",
        "in answer ",
        "in ledger ",
        "in audit ",
        "in told ",
    ] {
        assert!(found.contains(place), "{place}: {found}");
    }
}
