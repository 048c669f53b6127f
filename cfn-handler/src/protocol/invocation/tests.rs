use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{End, Outcome, Unanswered, run};
use crate::protocol::answer::Reply;
use crate::protocol::delivery::Delivery;
use crate::protocol::request::{NotAnswerable, Request};
use crate::protocol::resource::{Earlier, Handled, Resource};
use crate::protocol::testing::{Bucket, Does, TARGET};
use crossaccount_lambda::deadline::Deadline;
use crossaccount_lambda::process::Process;

/// What a method of the resource does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acts {
    Well,
    Fails,
    Panics,
    PanicsInATaskOfItsOwn,
    Hangs,
    Spins,
}

/// A resource that does as it is told, and notes who was asked for what.
struct Fake {
    earlier: (Acts, Earlier),
    handle: Acts,
    /// What `handle` finds remembered by another delivery.
    remembered: Option<Earlier>,
    answering: Acts,
    delivered: Acts,
    broken: Acts,
    bucket: Bucket,
    calls: Mutex<Vec<String>>,
    hangs: Notify,
    stop: AtomicBool,
}

impl Fake {
    fn new(bucket: Bucket) -> Self {
        Self {
            earlier: (Acts::Well, Earlier::Nothing),
            handle: Acts::Well,
            remembered: None,
            answering: Acts::Well,
            delivered: Acts::Well,
            broken: Acts::Well,
            bucket,
            calls: Mutex::default(),
            hangs: Notify::new(),
            stop: AtomicBool::new(false),
        }
    }

    fn note(&self, call: &str) {
        let sent = self.bucket.received().len();
        self.calls
            .lock()
            .unwrap()
            .push(format!("{call}, {sent} sent"));
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a task of the resource is what is tested"
    )]
    async fn act(&self, acts: Acts) {
        match acts {
            Acts::Well | Acts::Fails => {}
            Acts::Panics => panic!("hunter2"),
            Acts::PanicsInATaskOfItsOwn => tokio::spawn(async { panic!("hunter2") }).await.unwrap(),
            Acts::Hangs => {
                self.hangs.notify_one();
                pending::<()>().await;
            }
            Acts::Spins => {
                while !self.stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            }
        }
    }
}

fn reply(result: Result<(), String>) -> Reply {
    Reply {
        result,
        physical_resource_id: "the-id".to_owned(),
        data: BTreeMap::from([("Arn", "arn:aws:iam::222222222222:user/alice".to_owned())]),
    }
}

impl Resource for Fake {
    async fn earlier(&self, _: &Request) -> Earlier {
        self.note("earlier");
        self.act(self.earlier.0).await;
        self.earlier.1.clone()
    }

    async fn handle(&self, request: Request, until: Instant) -> Handled {
        assert!(until > Instant::now());
        self.note(&format!("handle {}", request.properties["UserName"]));
        self.act(self.handle).await;
        if let Some(earlier) = &self.remembered {
            return Handled::Remembered(earlier.clone());
        }
        let result = match self.handle {
            Acts::Fails => Err("the user exists".to_owned()),
            _ => Ok(()),
        };
        reply(result).into()
    }

    async fn answering(&self, _: &Request, body: &str) {
        let body: Value = serde_json::from_str(body).unwrap();
        self.note(&format!("answering {}", body["Status"]));
        self.act(self.answering).await;
    }

    async fn delivered(&self, _: &Request) {
        self.note("delivered");
        self.act(self.delivered).await;
    }

    fn broken(&self, request: &Request, reason: String) -> Reply {
        assert_ne!(self.broken, Acts::Panics, "hunter2");
        Reply {
            physical_resource_id: format!("broken-{}", request.logical_resource_id),
            ..reply(Err(reason))
        }
    }
}

fn event(url: &str) -> Value {
    json!({
        "RequestType": "Update",
        "ResponseURL": url,
        "StackId": "arn:aws:cloudformation:eu-central-1:111111111111:stack/people/7d6c2c90",
        "RequestId": "0b1c2d3e",
        "LogicalResourceId": "Alice",
        "PhysicalResourceId": "incoming",
        "ResourceProperties": {"UserName": "alice"},
        "OldResourceProperties": {},
    })
}

/// A function's longest time: nothing here comes near its end.
fn fifteen_minutes() -> Deadline {
    Deadline::read(900_000, 0, Instant::now())
}

/// A second: 0.45 for the work, 0.855 for the last attempt to deliver.
fn one_second() -> Deadline {
    Deadline::read(1_000, 0, Instant::now())
}

async fn run_with(fake: &Arc<Fake>, deadline: Deadline) -> Outcome {
    let event = event(&fake.bucket.url_text());
    run(fake, &event.to_string(), deadline, &Delivery::quick()).await
}

/// Runs, and lets the clock jump by so much when a method of the resource hangs.
async fn run_and_skip(fake: &Arc<Fake>, deadline: Deadline, skip: Duration) -> Outcome {
    let clock = async {
        fake.hangs.notified().await;
        tokio::time::pause();
        tokio::time::advance(skip).await;
        tokio::time::resume();
    };
    tokio::join!(run_with(fake, deadline), clock).0
}

fn answered() -> Outcome {
    Outcome {
        answer: Ok(End::Answered),
        process: Process::Goes,
    }
}

/// The only answer that was sent.
fn sent(fake: &Fake) -> Value {
    let bodies = fake.bucket.bodies();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(!bodies[0].contains("hunter2"), "{bodies:?}");
    serde_json::from_str(&bodies[0]).unwrap()
}

async fn fake() -> Fake {
    Fake::new(Bucket::that(&[Does::Answers(200, "")]).await)
}

#[tokio::test]
async fn an_answer_is_remembered_before_it_is_sent_and_marked_after() {
    let fake = Arc::new(fake().await);
    assert_eq!(run_with(&fake, fifteen_minutes()).await, answered());
    assert_eq!(
        fake.calls(),
        [
            "earlier, 0 sent",
            "handle \"alice\", 0 sent",
            "answering \"SUCCESS\", 0 sent",
            "delivered, 1 sent"
        ]
    );
    assert_eq!(
        sent(&fake),
        json!({
            "Status": "SUCCESS",
            "StackId": "arn:aws:cloudformation:eu-central-1:111111111111:stack/people/7d6c2c90",
            "RequestId": "0b1c2d3e",
            "LogicalResourceId": "Alice",
            "PhysicalResourceId": "the-id",
            "Data": {"Arn": "arn:aws:iam::222222222222:user/alice"},
        })
    );
}

#[tokio::test]
async fn a_failure_is_an_answer_like_any_other() {
    let fake = Arc::new(Fake {
        handle: Acts::Fails,
        ..fake().await
    });
    assert_eq!(run_with(&fake, fifteen_minutes()).await, answered());
    let answer = sent(&fake);
    assert_eq!(
        (&answer["Status"], &answer["Reason"]),
        (&json!("FAILED"), &json!("the user exists"))
    );
    assert_eq!(answer["PhysicalResourceId"], "the-id");
}

#[rstest::rstest]
#[case(Acts::Panics)]
#[case(Acts::PanicsInATaskOfItsOwn)]
#[tokio::test]
async fn a_panic_is_answered_without_what_it_says(#[case] handle: Acts) {
    let fake = Arc::new(Fake {
        handle,
        ..fake().await
    });
    assert_eq!(run_with(&fake, fifteen_minutes()).await, answered());
    let answer = sent(&fake);
    assert_eq!(answer["Status"], "FAILED");
    assert_eq!(answer["PhysicalResourceId"], "broken-Alice");
    assert_eq!(
        answer["Reason"],
        "Internal error, a bug in the function: its log has the place, under the request id 0b1c2d3e. What was done \
         before the error stays."
    );
    assert_eq!(fake.calls().last().unwrap(), "delivered, 1 sent");
}

#[tokio::test]
async fn a_second_panic_changes_nothing() {
    let fake = Arc::new(Fake {
        handle: Acts::Panics,
        broken: Acts::Panics,
        ..fake().await
    });
    assert_eq!(run_with(&fake, fifteen_minutes()).await, answered());
    let answer = sent(&fake);
    assert_eq!(answer["Status"], "FAILED");
    assert_eq!(answer["PhysicalResourceId"], "incoming");
    assert!(
        answer["Reason"]
            .as_str()
            .unwrap()
            .starts_with("Internal error, a bug in the function")
    );
}

#[rstest::rstest]
#[case::true_deadline(1_795_248_900_000, 880)]
#[case::constant_of_an_emulator(600_000, 41)]
#[case::none(0, 41)]
#[tokio::test]
async fn work_that_hangs_is_answered_before_the_deadline_and_ends_the_process(
    #[case] deadline_ms: u64,
    #[case] patience: u64,
) {
    let fake = Arc::new(Fake {
        handle: Acts::Hangs,
        ..fake().await
    });
    let start = Instant::now();
    let deadline = Deadline::read(deadline_ms, 1_795_248_000_000, start);
    let outcome = run_and_skip(&fake, deadline, Duration::from_secs(patience + 1)).await;
    assert_eq!(
        outcome,
        Outcome {
            answer: Ok(End::Answered),
            process: Process::MustEnd
        }
    );
    let answer = sent(&fake);
    assert_eq!(answer["Status"], "FAILED");
    assert_eq!(answer["PhysicalResourceId"], "broken-Alice");
    let reason = answer["Reason"].as_str().unwrap();
    assert!(
        reason.starts_with("The time of the function was over before the work was done"),
        "{reason}"
    );
    assert!(reason.contains("under the request id 0b1c2d3e"), "{reason}");
    assert_eq!(
        fake.calls()[2..],
        ["answering \"FAILED\", 0 sent", "delivered, 1 sent"]
    );
}

#[tokio::test]
async fn work_is_not_given_up_before_its_time() {
    let fake = Arc::new(Fake {
        handle: Acts::Hangs,
        ..fake().await
    });
    let (start, deadline) = (Instant::now(), fifteen_minutes());
    let run = run_with(&fake, deadline);
    let clock = async {
        fake.hangs.notified().await;
        tokio::time::pause();
        tokio::time::advance(deadline.work() - start).await;
        tokio::time::resume();
        // One more turn of everything that is ready.
        tokio::task::yield_now().await;
    };
    tokio::select! {
        biased;
        outcome = run => panic!("{outcome:?}"),
        () = clock => assert!(fake.bucket.received().is_empty()),
    }
}

/// Not even work that never lets go of its thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_blocks_its_thread_is_given_up_too() {
    let fake = Arc::new(Fake {
        handle: Acts::Spins,
        ..fake().await
    });
    let outcome = run_with(&fake, Deadline::read(4_000, 0, Instant::now())).await;
    fake.stop.store(true, Ordering::Relaxed);
    assert_eq!(
        outcome,
        Outcome {
            answer: Ok(End::Answered),
            process: Process::MustEnd
        }
    );
    assert_eq!(sent(&fake)["Status"], "FAILED");
}

#[tokio::test]
async fn a_request_that_was_answered_does_nothing() {
    let fake = Arc::new(Fake {
        earlier: (Acts::Well, Earlier::Delivered),
        ..fake().await
    });
    let outcome = run_with(&fake, fifteen_minutes()).await;
    assert_eq!(
        outcome,
        Outcome {
            answer: Ok(End::AnsweredBefore),
            process: Process::Goes
        }
    );
    assert_eq!(fake.calls(), ["earlier, 0 sent"]);
    assert!(fake.bucket.received().is_empty());
}

#[tokio::test]
async fn an_answer_that_may_be_lost_is_sent_again_byte_for_byte() {
    let body = "{\"Status\": \"SUCCESS\",   \"as\":\"it was\"}";
    let earlier = (Acts::Well, Earlier::Answered(body.to_owned()));
    let fake = Arc::new(Fake {
        earlier,
        ..fake().await
    });
    assert_eq!(run_with(&fake, fifteen_minutes()).await, answered());
    assert_eq!(fake.calls(), ["earlier, 0 sent", "delivered, 1 sent"]);
    assert_eq!(fake.bucket.bodies(), [body]);
}

#[tokio::test]
async fn what_another_delivery_remembered_meanwhile_is_sent_and_not_remembered_anew() {
    let body = "{\"Status\":\"SUCCESS\"}";
    let fake = Arc::new(Fake {
        remembered: Some(Earlier::Answered(body.to_owned())),
        ..fake().await
    });
    assert_eq!(run_with(&fake, fifteen_minutes()).await, answered());
    let calls = [
        "earlier, 0 sent",
        "handle \"alice\", 0 sent",
        "delivered, 1 sent",
    ];
    assert_eq!(fake.calls(), calls);
    assert_eq!(fake.bucket.bodies(), [body]);
}

#[tokio::test]
async fn what_another_delivery_brought_to_its_end_meanwhile_is_not_sent_again() {
    let fake = Arc::new(Fake {
        remembered: Some(Earlier::Delivered),
        ..fake().await
    });
    let outcome = run_with(&fake, fifteen_minutes()).await;
    assert_eq!(outcome.answer, Ok(End::AnsweredBefore));
    assert!(fake.bucket.received().is_empty());
}

#[rstest::rstest]
#[case(
    Does::Answers(403, "<Code>AccessDenied</Code>"),
    "HTTP status 403 AccessDenied"
)]
#[case(Does::Answers(500, ""), "HTTP status 500")]
#[case(Does::Hangs, "a timeout")]
#[tokio::test]
async fn an_answer_that_does_not_arrive_is_an_error_for_lambda(
    #[case] does: Does,
    #[case] why: &str,
) {
    let fake = Arc::new(Fake::new(Bucket::that(&[does]).await));
    let outcome = run_with(&fake, one_second()).await;
    assert_eq!(outcome.process, Process::Goes);
    let Err(error @ Unanswered::NotDelivered(_)) = outcome.answer else {
        panic!("{outcome:?}");
    };
    assert!(error.to_string().contains(why), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("SIGNATURE") && !shown.contains("X-Amz"),
        "{shown}"
    );
    // It was remembered, so that the next delivery sends it; and nobody believes that it arrived.
    assert_eq!(
        fake.calls().last().unwrap(),
        "answering \"SUCCESS\", 0 sent"
    );
}

#[tokio::test]
async fn an_endpoint_that_nobody_listens_on_is_an_error_for_lambda() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let fake = Arc::new(fake().await);
    let event = event(&format!("http://{free}{TARGET}")).to_string();
    let outcome = run(&fake, &event, one_second(), &Delivery::quick()).await;
    assert!(
        matches!(outcome.answer, Err(Unanswered::NotDelivered(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn work_that_hangs_and_an_answer_that_does_not_arrive_end_the_process_too() {
    let bucket = Bucket::that(&[Does::Answers(403, "")]).await;
    let fake = Arc::new(Fake {
        handle: Acts::Hangs,
        ..Fake::new(bucket)
    });
    let outcome = run_and_skip(&fake, fifteen_minutes(), Duration::from_secs(881)).await;
    assert!(
        matches!(outcome.answer, Err(Unanswered::NotDelivered(_))),
        "{outcome:?}"
    );
    assert_eq!(outcome.process, Process::MustEnd);
}

/// Which method of the ledger misbehaves.
#[derive(Debug, Clone, Copy)]
enum Method {
    Earlier,
    Answering,
    Delivered,
}

#[rstest::rstest]
#[tokio::test]
async fn a_ledger_that_hangs_or_panics_does_not_cost_the_answer(
    #[values(Acts::Hangs, Acts::Panics)] acts: Acts,
    #[values(Method::Earlier, Method::Answering, Method::Delivered)] method: Method,
) {
    let mut fake = fake().await;
    match method {
        Method::Earlier => fake.earlier.0 = acts,
        Method::Answering => fake.answering = acts,
        Method::Delivered => fake.delivered = acts,
    }
    let fake = Arc::new(fake);
    // It is waited for: longer for what was, short while an answer waits, and to the end when nothing waits any more.
    let patience = match method {
        Method::Earlier => Duration::from_secs(20),
        Method::Answering => Duration::from_secs(3),
        Method::Delivered => Duration::from_mins(15),
    };
    let outcome = match acts {
        Acts::Hangs => run_and_skip(&fake, fifteen_minutes(), patience).await,
        _ => run_with(&fake, fifteen_minutes()).await,
    };
    assert_eq!(outcome, answered());
    assert_eq!(sent(&fake)["Status"], "SUCCESS");
    assert_eq!(fake.calls().len(), 4, "{:?}", fake.calls());
}

#[rstest::rstest]
#[case("RequestType", json!("Import"), "the RequestType is \"Import\"")]
#[case("ResourceProperties", json!(["hunter2"]), "the ResourceProperties are missing")]
#[case("PhysicalResourceId", json!(null), "the request has no PhysicalResourceId")]
#[tokio::test]
async fn an_odd_event_is_answered_and_not_carried_out(
    #[case] field: &str,
    #[case] value: Value,
    #[case] reason: &str,
) {
    let fake = Arc::new(fake().await);
    let mut event = event(&fake.bucket.url_text());
    event[field] = value;
    let outcome = run(
        &fake,
        &event.to_string(),
        fifteen_minutes(),
        &Delivery::quick(),
    )
    .await;
    assert_eq!(outcome, answered());
    assert_eq!(
        fake.calls(),
        [
            "earlier, 0 sent",
            "answering \"FAILED\", 0 sent",
            "delivered, 1 sent"
        ]
    );
    let answer = sent(&fake);
    assert_eq!(answer["Status"], "FAILED");
    assert!(
        answer["Reason"].as_str().unwrap().starts_with(reason),
        "{answer}"
    );
}

#[tokio::test]
async fn an_event_that_says_nobody_to_answer_is_an_error_for_lambda() {
    let fake = Arc::new(fake().await);
    let outcome = run(
        &fake,
        r#"{"hello": "world"}"#,
        fifteen_minutes(),
        &Delivery::quick(),
    )
    .await;
    assert_eq!(
        outcome,
        Outcome {
            answer: Err(Unanswered::NotAnswerable(NotAnswerable::NoUrl)),
            process: Process::Goes
        }
    );
    assert!(fake.calls().is_empty());
}
