//! Records against a server that answers like S3.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::{
    Action, Audit, AuditSettings, Conclusion, Face, RunContext, Status, Step, StepResult, Subject,
    verify_chain,
};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::session::{Attempts, ExternalId};
use crate::testing::{Answer, Server, all_is_well, clock, sessions};

/// Answers STS well, and S3 with the given answers in order, and well when they are used up.
async fn server(answers: impl IntoIterator<Item = Answer>) -> Server {
    let answers = Mutex::new(answers.into_iter().collect::<VecDeque<_>>());
    Server::start(move |seen| match seen.action() {
        "PUT" | "HEAD" => {
            let next = answers.lock().unwrap().pop_front();
            next.unwrap_or_else(|| Answer::ok(""))
        }
        _ => all_is_well(seen),
    })
    .await
}

fn bucket() -> AuditSettings {
    AuditSettings {
        bucket: "audit-bucket".parse().unwrap(),
        prefix: "iam/audit/".parse().unwrap(),
        kms_key_id: Some("alias/audit".parse().unwrap()),
    }
}

fn audit_with(server: &Server, settings: Option<AuditSettings>, attempts: i64) -> Audit {
    let mut session_settings = server.settings();
    session_settings.attempts = Attempts::try_from(attempts).unwrap();
    session_settings.external_id =
        Some(ExternalId::new(Secret::new("plantedsecret".to_owned())).unwrap());
    let run = RunContext {
        run_id: uuid::Uuid::from_u128(7).into(),
        face: Face::Terraform,
    };
    Audit::new(
        settings,
        Arc::new(sessions(session_settings)),
        run,
        Arc::new(clock()),
    )
}

fn audit(server: &Server) -> Audit {
    audit_with(server, Some(bucket()), 1)
}

fn alice() -> Subject {
    Subject {
        account_id: "222222222222".parse().unwrap(),
        user_name: "alice".parse().unwrap(),
        arn: None,
        unique_id: None,
    }
}

async fn begin(audit: &Audit) -> Result<super::Recording, Error> {
    let planned = vec!["create user alice".to_owned()];
    audit.begin(alice(), Action::CreateUser, planned).await
}

fn unchanged() -> Conclusion<'static> {
    Conclusion {
        status: Status::Unchanged,
        subject: None,
        steps: Vec::new(),
        secret_names: Vec::new(),
        error: None,
    }
}

/// What is in the bucket, by key.
fn objects(server: &Server) -> BTreeMap<String, Vec<u8>> {
    let puts = server.requests("PUT").into_iter();
    puts.map(|seen| (seen.path, seen.body)).collect()
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[tokio::test]
async fn an_operation_leaves_a_record_before_and_one_after() {
    let server = server([]).await;
    let audit = audit(&server);
    let recording = begin(&audit).await.unwrap();
    let id = recording.operation_id();
    let created = Subject {
        arn: Some("arn:aws:iam::222222222222:user/alice".parse().unwrap()),
        unique_id: Some("AIDA1".to_owned()),
        ..alice()
    };
    let conclusion = Conclusion {
        status: Status::Created,
        subject: Some(created),
        steps: vec![Step {
            name: "create user alice".to_owned(),
            result: StepResult::Done,
            aws_request_ids: vec!["r-2".to_owned()],
            error_code: None,
        }],
        secret_names: vec!["/crossaccount/222222222222/alice/console-password".to_owned()],
        error: None,
    };
    recording.finish(conclusion).await.unwrap();

    let directory = "/audit-bucket/iam/audit/dt%3D2026-01-02/account_id%3D222222222222";
    let puts = server.requests("PUT");
    let keys: Vec<_> = puts
        .iter()
        .map(|seen| seen.path.replace('=', "%3D"))
        .collect();
    assert_eq!(
        keys,
        [
            format!("{directory}/20260102T030405.678Z-{id}.started.json"),
            format!("{directory}/20260102T030405.678Z-{id}.finished.json"),
        ]
    );
    for put in &puts {
        assert_eq!(put.headers["if-none-match"], "*");
        assert_eq!(put.headers["x-amz-server-side-encryption"], "aws:kms");
        assert_eq!(
            put.headers["x-amz-server-side-encryption-aws-kms-key-id"],
            "alias/audit"
        );
        assert_eq!(put.headers["content-type"], "application/json");
    }
    let started = parse(&puts[0].body);
    assert_eq!(
        started,
        json!({
            "schema_version": 1,
            "phase": "started",
            "operation_id": id.to_string(),
            "run_id": "00000000-0000-0000-0000-000000000007",
            "sequence": 0,
            "previous_sha256": null,
            "unwritten": [],
            "face": "terraform",
            "crossaccount_version": env!("CARGO_PKG_VERSION"),
            "caller_arn": "arn:aws:iam::111111111111:user/hub",
            "account_id": "222222222222",
            "user_name": "alice",
            "user_arn": null,
            "user_unique_id": null,
            "action": "create_user",
            "status": null,
            "steps": [{
                "name": "create user alice",
                "result": "planned",
                "aws_request_ids": [],
                "error_code": null,
            }],
            "secret_names": [],
            "error_code": null,
            "error_message": null,
            "started_at": "2026-01-02T03:04:05.678Z",
            "finished_at": null,
        })
    );
    let finished = parse(&puts[1].body);
    for (field, value) in [
        ("phase", json!("finished")),
        ("status", json!("Created")),
        ("sequence", json!(1)),
        ("user_arn", json!("arn:aws:iam::222222222222:user/alice")),
        ("user_unique_id", json!("AIDA1")),
        (
            "secret_names",
            json!(["/crossaccount/222222222222/alice/console-password"]),
        ),
        ("finished_at", json!("2026-01-02T03:04:05.678Z")),
    ] {
        assert_eq!(finished[field], value, "{field}");
    }
    assert_eq!(finished["steps"][0]["aws_request_ids"], json!(["r-2"]));
    let bodies: Vec<_> = objects(&server).into_values().collect();
    let report = verify_chain(&bodies).unwrap();
    assert_eq!((report.records, report.unfinished_operations.len()), (2, 0));
}

#[tokio::test]
async fn a_failure_is_recorded_with_its_code_and_message() {
    let server = server([]).await;
    let audit = audit(&server);
    let recording = begin(&audit).await.unwrap();
    let error = Error::new(
        ErrorKind::Replaced,
        "user alice is another one than recorded",
    );
    let conclusion = Conclusion {
        status: Status::Failed,
        error: Some(&error),
        ..unchanged()
    };
    recording.finish(conclusion).await.unwrap();
    let finished = parse(&server.requests("PUT")[1].body);
    assert_eq!(finished["status"], "Failed");
    assert_eq!(finished["error_code"], "Replaced");
    assert_eq!(
        finished["error_message"],
        "user alice is another one than recorded"
    );
}

#[rstest::rstest]
#[case(
    Answer::s3_error(403, "AccessDenied"),
    "AccessDenied",
    "s3:PutObject on audit-bucket/iam/audit"
)]
#[case(
    Answer::s3_error(404, "NoSuchBucket"),
    "NoSuchBucket",
    "Create the bucket"
)]
#[case(
    Answer::s3_error(400, "KMS.DisabledException"),
    "KMS.DisabledException",
    "KMS key"
)]
#[case(
    Answer::s3_error(403, "ExpiredToken"),
    "ExpiredToken",
    "Renew the hub credentials"
)]
#[case(Answer::s3_error(503, "SlowDown"), "SlowDown", "Run again")]
#[case(
    Answer::s3_error(301, "PermanentRedirect"),
    "PermanentRedirect",
    "another Region"
)]
#[tokio::test]
async fn an_operation_that_cannot_be_recorded_does_not_begin(
    #[case] answer: Answer,
    #[case] code: &str,
    #[case] hint: &str,
) {
    let server = server([answer]).await;
    let error = begin(&audit(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Audit);
    let text = error.to_string();
    for part in [
        "account 222222222222",
        "nothing was changed",
        "audit-bucket",
        "iam/audit",
        code,
        hint,
    ] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_counts_as_written() {
    let server = server([
        Answer::s3_error(500, "InternalError"),
        Answer::s3_error(412, "PreconditionFailed"),
    ])
    .await;
    let recording = begin(&audit_with(&server, Some(bucket()), 2))
        .await
        .unwrap();
    recording.finish(unchanged()).await.unwrap();
    let bodies: Vec<_> = server
        .requests("PUT")
        .into_iter()
        .map(|seen| seen.body)
        .collect();
    assert_eq!(bodies.len(), 3);
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(verify_chain(&bodies[1..]).unwrap().unwritten, [0; 0]);
}

#[tokio::test]
async fn a_record_that_was_not_written_is_named_by_the_next_one() {
    let denied = || Answer::s3_error(403, "AccessDenied");
    let server = server([denied(), denied()]).await;
    let audit = audit(&server);
    begin(&audit).await.unwrap_err();
    begin(&audit).await.unwrap_err();
    let recording = begin(&audit).await.unwrap();
    recording.finish(unchanged()).await.unwrap();
    let bodies: Vec<_> = server
        .requests("PUT")
        .into_iter()
        .map(|seen| seen.body)
        .collect();
    let named = parse(&bodies[2])["unwritten"].clone();
    let sequences: Vec<_> = named
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["sequence"])
        .collect();
    assert_eq!(sequences, [&json!(0), &json!(1)]);
    let report = verify_chain(&bodies[2..]).unwrap();
    assert_eq!(report.unwritten, [0, 1]);
    assert!(report.unfinished_operations.is_empty());
}

#[tokio::test]
async fn records_of_many_operations_are_written_at_the_same_time() {
    const MANY: usize = 20;
    let all_here = Arc::new(Barrier::new(MANY));
    let server = Server::start_async(move |seen| {
        let all_here = Arc::clone(&all_here);
        async move {
            if seen.action() == "PUT" {
                // No put is answered before all have arrived.
                all_here.wait().await;
            }
            all_is_well(&seen)
        }
    })
    .await;
    let audit = audit(&server);
    let work = join_all((0..MANY).map(|_| async {
        let recording = begin(&audit).await.unwrap();
        recording.finish(unchanged()).await.unwrap();
    }));
    tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .unwrap();
    let mut bodies: Vec<_> = objects(&server).into_values().collect();
    assert_eq!(verify_chain(&bodies).unwrap().records, 2 * MANY);
    bodies.reverse();
    assert_eq!(
        verify_chain(&bodies).unwrap().records,
        2 * MANY,
        "in any order"
    );
}

#[tokio::test]
async fn without_a_bucket_nothing_is_written() {
    let server = server([]).await;
    let audit = audit_with(&server, None, 1);
    audit.check_bucket().await.unwrap();
    let recording = begin(&audit).await.unwrap();
    recording.finish(unchanged()).await.unwrap();
    assert!(server.seen().is_empty());
}

#[rstest::rstest]
#[case(200, None)]
#[case(403, None)]
#[case(404, Some("Create the bucket"))]
#[tokio::test]
async fn a_missing_bucket_is_found_without_writing(
    #[case] status: u16,
    #[case] hint: Option<&str>,
) {
    let answer = Answer {
        status,
        body: String::new(),
    };
    let server = server([answer]).await;
    let result = audit(&server).check_bucket().await;
    match hint {
        None => result.unwrap(),
        Some(hint) => {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Audit);
            assert!(error.to_string().contains(hint), "{error}");
            assert!(error.to_string().contains("audit-bucket"), "{error}");
        }
    }
    assert!(server.requests("PUT").is_empty());
}

#[tokio::test]
async fn no_record_holds_the_external_id() {
    let server = server([]).await;
    let recording = begin(&audit(&server)).await.unwrap();
    recording.finish(unchanged()).await.unwrap();
    for seen in server.seen() {
        assert!(!String::from_utf8_lossy(&seen.body).contains("plantedsecret"));
    }
}
