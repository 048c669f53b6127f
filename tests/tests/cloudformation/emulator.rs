//! The emulators do what Lambda and CloudFormation do, and see what is done wrong.

use std::time::Duration;

use harness::cloudformation::{Reception, Replaced, RequestKind, Sibling, Signal, Status};
use harness::lambda::{DeadlineHeader, Outcome};
use serde_json::{Value, json};

use super::fake::{Things, template};

#[tokio::test]
async fn a_stack_is_created_updated_and_deleted() {
    let mut things = Things::new().await;
    assert_eq!(things.create("a", "").await, Status::CreateComplete);
    assert_eq!(things.stack.reference("Thing").unwrap(), "a");
    assert_eq!(things.stack.get_att("Thing", "Name").unwrap(), "a");
    let missing = things.stack.get_att("Thing", "Arn").unwrap_err();
    assert!(missing.to_string().contains("doesn't contain Arn"));
    assert_eq!(things.update("a", "").await, Status::UpdateComplete);
    assert_eq!(things.stack.sent().len(), 1, "nothing had changed");
    assert_eq!(things.update("a", "x").await, Status::UpdateComplete);
    assert_eq!(things.update("b", "x").await, Status::UpdateComplete);
    assert_eq!(things.names(), ["b"]);
    assert_eq!(things.stack.delete().await.unwrap(), Status::DeleteComplete);
    assert_eq!(
        things.requests(),
        [
            "Create a",
            "Update a a a",
            "Update a b a",
            "Delete a a",
            "Delete b b"
        ]
    );
    assert_eq!(things.names(), Vec::<String>::new());
    things.stack.settle().await.unwrap();
    things.stack.endpoint().check_confirmed_once().unwrap();
    let output = things.stack.function().output().unwrap();
    assert!(output.contains(r#""Flag": "true""#), "{output}");
    assert_eq!(things.stack.function().environments(), 1, "it stays warm");
    assert!(things.stack.function().peak_memory() > 1_000_000);
}

#[tokio::test]
async fn a_failed_creation_is_deleted_with_the_id_of_its_answer() {
    let mut things = Things::new().await;
    assert_eq!(
        things.create("a", "Create:fail").await,
        Status::RollbackComplete
    );
    assert_eq!(things.requests(), ["Create a", "Delete nothing a"]);
    assert_eq!(things.stack.events()[0].reason, "Create was to fail");
    things.stack.endpoint().check_confirmed_once().unwrap();
}

#[tokio::test]
async fn a_deletion_that_fails_leaves_what_it_did_not_delete() {
    let mut things = Things::new().await;
    let both = "Create:fail Delete:fail";
    assert_eq!(things.create("a", both).await, Status::RollbackFailed);
    assert_eq!(things.stack.delete().await.unwrap(), Status::DeleteFailed);
    assert_eq!(things.stack.resources().len(), 1);
    let retained = things.stack.delete_retaining(&["Thing"]).await.unwrap();
    assert_eq!(retained, Status::DeleteComplete);
    assert_eq!(things.stack.sent().len(), 3);
}

#[tokio::test]
async fn a_clean_up_tries_three_times_and_leaves_an_orphan() {
    let mut things = Things::new().await;
    things.create("a", "Delete:fail").await;
    assert_eq!(things.update("b", "").await, Status::UpdateComplete);
    assert_eq!(
        things.requests(),
        [
            "Create a",
            "Update a b a",
            "Delete a a",
            "Delete a a",
            "Delete a a"
        ]
    );
    assert_eq!(things.stack.orphans()[0].physical_resource_id, "a");
    assert_eq!(things.names(), ["a", "b"]);
}

#[tokio::test]
async fn a_failed_update_is_rolled_back_with_the_properties_swapped() {
    let mut things = Things::new().await;
    things.create("a", "").await;
    assert_eq!(
        things.update("b", "Update:fail").await,
        Status::UpdateRollbackComplete
    );
    assert_eq!(
        things.requests(),
        ["Create a", "Update a b a", "Update a a b"]
    );
    assert_eq!(things.stack.reference("Thing").unwrap(), "a");
}

#[rstest::rstest]
#[case(Replaced::UpdatedBack, &["Create a", "Update a b a", "Update b a b", "Delete b b"])]
#[case(Replaced::Forgotten, &["Create a", "Update a b a", "Delete b b"])]
#[tokio::test]
async fn a_replacement_is_rolled_back_and_the_new_thing_deleted(
    #[case] replaced: Replaced,
    #[case] requests: &[&str],
) {
    let change = |options: &mut harness::cloudformation::StackOptions| options.replaced = replaced;
    let mut things = Things::with(change, Duration::from_mins(1), DeadlineHeader::True).await;
    things.create("a", "").await;
    let failing = template("b", "").failing(Sibling::AfterAll);
    let status = things.stack.update(&failing).await.unwrap();
    assert_eq!(status, Status::UpdateRollbackComplete);
    assert_eq!(things.requests(), requests);
    assert_eq!(things.names(), ["a"]);
    assert_eq!(things.stack.reference("Thing").unwrap(), "a");
}

#[tokio::test]
async fn a_roll_back_that_fails_can_be_continued() {
    let mut things = Things::new().await;
    things.create("a", "Update:fail").await;
    assert_eq!(
        things.update("a", "Update:fail x").await,
        Status::UpdateRollbackFailed
    );
    let again = things.stack.continue_update_rollback(&[]).await.unwrap();
    assert_eq!(again, Status::UpdateRollbackFailed);
    let skipped = things
        .stack
        .continue_update_rollback(&["Thing"])
        .await
        .unwrap();
    assert_eq!(skipped, Status::UpdateRollbackComplete);
    assert_eq!(things.stack.sent().len(), 4);
}

#[tokio::test]
async fn a_creation_that_is_cancelled_is_deleted_with_an_invented_id() {
    let mut things = Things::new().await;
    let (reached, release, sibling) = (Signal::new(), Signal::new(), Signal::new());
    let held = Reception::Held {
        reached: reached.clone(),
        release: release.clone(),
    };
    things
        .stack
        .receive_with("Thing", RequestKind::Create, [held]);
    let failing = template("a", "").failing(Sibling::When(sibling.clone()));
    let cancel = async {
        reached.wait().await;
        sibling.give();
    };
    let (status, ()) = tokio::join!(things.stack.create(&failing), cancel);
    assert_eq!(status.unwrap(), Status::RollbackComplete);
    release.give();
    things.stack.settle().await.unwrap();
    let sent = things.stack.sent();
    let id = sent[1].event["PhysicalResourceId"].as_str().unwrap();
    assert!(id.starts_with("people-Thing-"), "{id}");
    assert_eq!(
        things.stack.events()[0].reason,
        "Resource creation cancelled"
    );
    assert_eq!(things.stack.function().environments(), 2, "they overlapped");
    assert_eq!(things.names(), ["a"], "the fake knows nothing of such ids");
    things.stack.endpoint().check_confirmed_once().unwrap();
}

#[tokio::test]
async fn events_are_delivered_three_times_at_most() {
    let mut things = Things::new().await;
    assert_eq!(
        things.create("a", "Create:crash-once").await,
        Status::CreateComplete
    );
    let deliveries = things.stack.settle().await.unwrap();
    assert_eq!(deliveries.len(), 2);
    assert_eq!(deliveries[0].outcome, Outcome::Exited { code: Some(3) });
    assert_eq!(deliveries[0].request_id, deliveries[1].request_id);
    assert_eq!(
        things.update("a", "Update:error").await,
        Status::UpdateRollbackComplete
    );
    let deliveries = things.stack.settle().await.unwrap();
    assert_eq!(deliveries.len(), 4, "three, and the roll-back");
    let told = json!({"errorType": "RuntimeError", "errorMessage": "no answer"});
    assert_eq!(deliveries[2].outcome, Outcome::Failed(told));
    let error = things.stack.endpoint().check().unwrap_err();
    assert!(error.to_string().contains("was never answered"), "{error}");
}

#[tokio::test]
async fn a_function_is_killed_at_its_deadline() {
    let timeout = Duration::from_millis(700);
    let mut things = Things::with(|_| {}, timeout, DeadlineHeader::Fixed(600_000)).await;
    assert_eq!(
        things.create("a", "Create:hang").await,
        Status::RollbackComplete
    );
    let deliveries = things.stack.settle().await.unwrap();
    let timeouts = deliveries
        .iter()
        .filter(|it| it.outcome == Outcome::TimedOut);
    assert_eq!(timeouts.count(), 3);
    let reason = &things.stack.events()[0].reason;
    assert!(reason.contains("did not receive a response"), "{reason}");
    let output = things.stack.function().output().unwrap();
    assert!(output.contains("deadline 600000\n"), "{output}");
}

#[tokio::test]
async fn a_process_can_be_killed_at_its_work() {
    let mut things = Things::new().await;
    let (reached, release) = (Signal::new(), Signal::new());
    let held = Reception::Held {
        reached: reached.clone(),
        release: release.clone(),
    };
    things
        .stack
        .receive_with("Thing", RequestKind::Create, [held]);
    let function = things.stack.function().clone();
    let kill = async {
        reached.wait().await;
        assert_eq!(function.kill_busy(), 1);
        release.give();
    };
    let (status, ()) = tokio::join!(things.create("a", ""), kill);
    assert_eq!(status, Status::CreateComplete);
    let deliveries = things.stack.settle().await.unwrap();
    assert_eq!(deliveries[0].outcome, Outcome::Exited { code: None });
    assert_eq!(deliveries.len(), 2);
}

#[tokio::test]
async fn answers_are_refused_and_lost_on_demand() {
    let mut things = Things::new().await;
    let script = [
        Reception::Refuse,
        Reception::ServerError,
        Reception::LoseRequest,
        Reception::LoseReply,
        Reception::Slow(Duration::from_millis(1)),
    ];
    things
        .stack
        .receive_with("Thing", RequestKind::Create, script);
    assert_eq!(things.create("a", "").await, Status::CreateComplete);
    things.stack.settle().await.unwrap();
    let puts = things
        .stack
        .endpoint()
        .puts(&things.stack.sent()[0].request_id);
    let stored: Vec<_> = puts.iter().map(|put| (put.stored, put.confirmed)).collect();
    let refused = (false, false);
    assert_eq!(
        stored,
        [refused, refused, refused, (true, false), (true, true)]
    );
    things.stack.endpoint().check_confirmed_once().unwrap();
    let sent = things.stack.sent()[0].clone();
    things.stack.deliver_again(&sent).await.unwrap();
    things.stack.endpoint().check().unwrap();
    assert!(
        things.stack.endpoint().check_confirmed_once().is_err(),
        "the fake answers again"
    );
}

#[rstest::rstest]
#[case("Create:type", "Content-Type \"application/json\"")]
#[case("Create:url", "no response URL as it was given")]
#[case("Create:twice", "has different answers")]
#[case("Delete:other-id", "has another id")]
#[tokio::test]
async fn a_broken_rule_is_seen(#[case] what: &str, #[case] message: &str) {
    let mut things = Things::new().await;
    things.create("a", what).await;
    if things.stack.status() == Status::CreateComplete {
        things.stack.delete().await.unwrap();
    }
    things.stack.settle().await.unwrap();
    let error = things.stack.endpoint().check().unwrap_err();
    assert!(error.to_string().contains(message), "{error}");
}

#[tokio::test]
async fn requests_tell_when_they_were_issued() {
    let mut things = Things::new().await;
    things.create("a", "").await;
    things.update("a", "x").await;
    things.stack.set_seconds_between_requests(0);
    things.stack.delete().await.unwrap();
    let dates: Vec<_> = things
        .stack
        .sent()
        .iter()
        .map(|sent| {
            let url = sent.event["ResponseURL"].as_str().unwrap();
            let (_, rest) = url.split_once("X-Amz-Date=").unwrap();
            rest.split('&').next().unwrap().to_owned()
        })
        .collect();
    assert!(dates[0] < dates[1], "{dates:?}");
    assert_eq!(dates[1], dates[2]);
}

#[tokio::test]
async fn the_process_has_the_environment_of_lambda_and_inherits_nothing() {
    let things = Things::new().await;
    let function = things.stack.function();
    let invocation = function.invoke(&json!("environment")).await.unwrap();
    let Outcome::Returned(Value::Object(environment)) = invocation.outcome else {
        panic!("{invocation:?}");
    };
    let mut names: Vec<_> = environment.keys().map(String::as_str).collect();
    // Python sets this one for itself.
    names.retain(|name| *name != "LC_CTYPE");
    assert_eq!(
        names,
        [
            "AWS_DEFAULT_REGION",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "AWS_LAMBDA_FUNCTION_NAME",
            "AWS_LAMBDA_FUNCTION_VERSION",
            "AWS_LAMBDA_INITIALIZATION_TYPE",
            "AWS_LAMBDA_LOG_GROUP_NAME",
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_REGION",
            "LAMBDA_RUNTIME_DIR",
            "LAMBDA_TASK_ROOT",
            "LANG",
            "PATH",
            "THINGS",
            "TZ",
            "_HANDLER",
        ]
    );
}

#[tokio::test]
async fn a_failed_delivery_by_hand_is_not_repeated() {
    let things = Things::new().await;
    let invocation = things.stack.function().invoke(&json!({})).await.unwrap();
    assert!(
        matches!(invocation.outcome, Outcome::Failed(_)),
        "{invocation:?}"
    );
    assert_eq!(things.stack.function().invocations().len(), 1);
}
