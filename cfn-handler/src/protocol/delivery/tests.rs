use std::time::Duration;

use proptest::prelude::*;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::{Delivery, NotDelivered, PACE, Pace};
use crate::protocol::response_url::ResponseUrl;
use crate::protocol::testing::{Bucket, Does, TARGET};

pub(super) const QUICK: Pace = Pace {
    attempt: Duration::from_secs(10),
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(4),
};
const BODY: &str = r#"{"Status":"SUCCESS","Reason":"ä"}"#;
const DENIED: &str = "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message>\
    <SignatureProvided>SIGNATURE</SignatureProvided></Error>";

async fn put(bucket: &Bucket, pace: Pace, time: Duration) -> Result<(), NotDelivered> {
    let delivery = Delivery::with_pace(pace).unwrap();
    delivery
        .put(&bucket.url(), BODY, Instant::now() + time)
        .await
}

/// Long enough to never be what ends a test.
const LONG: Duration = Duration::from_mins(5);

#[tokio::test]
async fn an_answer_is_put_as_it_was_signed() {
    let bucket = Bucket::that(&[Does::Answers(200, "")]).await;
    put(&bucket, QUICK, LONG).await.unwrap();
    let received = bucket.received();
    assert_eq!(received.len(), 1);
    let one = &received[0];
    assert_eq!(one.method, "PUT");
    assert_eq!(one.target, TARGET);
    assert_eq!(one.headers.get("content-type").unwrap(), "");
    assert_eq!(one.headers.get("content-length").unwrap(), "34");
    assert_eq!(one.headers.get("transfer-encoding"), None);
    assert_eq!(one.body, BODY);
}

#[rstest::rstest]
#[case::internal_errors(&[Does::Answers(500, ""), Does::Answers(503, "<Code>SlowDown</Code>"), Does::Answers(200, "")], 3)]
#[case::throttling(&[Does::Answers(429, ""), Does::Answers(408, ""), Does::Answers(429, ""), Does::Answers(204, "")], 4)]
#[case::one_refusal(&[Does::Answers(403, DENIED), Does::Answers(200, "")], 2)]
#[tokio::test]
async fn an_answer_is_sent_again_until_it_arrives(#[case] does: &[Does], #[case] attempts: usize) {
    let bucket = Bucket::that(does).await;
    put(&bucket, QUICK, LONG).await.unwrap();
    assert_eq!(bucket.bodies(), vec![BODY; attempts]);
}

#[rstest::rstest]
#[case(Does::Answers(403, DENIED), "HTTP status 403 AccessDenied")]
#[case(
    Does::Answers(400, "<Code>not a code: SIGNATURE</Code>"),
    "HTTP status 400"
)]
#[case(Does::Answers(404, ""), "HTTP status 404")]
#[case(Does::Redirects(307), "HTTP status 307")]
#[case(Does::Redirects(301), "HTTP status 301")]
#[tokio::test]
async fn a_refusal_is_believed_the_second_time(#[case] does: Does, #[case] why: &str) {
    let bucket = Bucket::that(&[does]).await;
    let error = put(&bucket, QUICK, LONG).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the answer could not be delivered to 127.0.0.1 in 2 attempts, at last because of {why}; Lambda delivers \
             the request again unless its retries are switched off. The URL may have expired, or is not one of \
             CloudFormation"
        )
    );
    assert_eq!(bucket.received().len(), 2);
    let shown = format!("{error:?}");
    assert!(
        !shown.contains("SIGNATURE") && !shown.contains("X-Amz"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_server_that_fails_all_the_time_ends_it_when_the_time_is_over() {
    let bucket = Bucket::that(&[Does::Answers(500, "<Code>InternalError</Code>")]).await;
    let error = put(&bucket, QUICK, Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(error.attempts > 2, "{error}");
    // The time may have been over before the last one arrived.
    let attempts = usize::try_from(error.attempts).unwrap();
    assert!(
        (attempts - 1..=attempts).contains(&bucket.received().len()),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("at last because of HTTP status 500 InternalError;"),
        "{text}"
    );
    assert!(text.contains("S3 gateway endpoint"), "{text}");
}

#[tokio::test]
async fn an_attempt_that_hangs_is_given_up_for_the_next() {
    let pace = Pace {
        attempt: Duration::from_millis(100),
        ..QUICK
    };
    let bucket = Bucket::that(&[Does::Hangs, Does::Hangs, Does::Answers(200, "")]).await;
    put(&bucket, pace, LONG).await.unwrap();
    assert_eq!(bucket.received().len(), 3);
}

#[tokio::test]
async fn the_last_attempt_ends_with_the_time() {
    let bucket = Bucket::that(&[Does::Hangs]).await;
    let before = Instant::now();
    let error = put(&bucket, QUICK, Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(before.elapsed() < QUICK.attempt, "{:?}", before.elapsed());
    assert!(
        error
            .to_string()
            .contains("in 1 attempts, at last because of a timeout;"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_connection_is_an_error_without_the_url() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let url = ResponseUrl::read(&format!("http://{free}{TARGET}")).unwrap();
    let delivery = Delivery::with_pace(QUICK).unwrap();
    let until = Instant::now() + Duration::from_millis(100);
    let error = delivery.put(&url, BODY, until).await.unwrap_err();
    assert!(error.attempts > 1, "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("SIGNATURE") && !shown.contains("X-Amz") && !shown.contains("Alice"),
        "{shown}"
    );
}

#[test]
fn waits_grow_and_are_spread() {
    let half: Vec<_> = (1..=8)
        .map(|attempts| PACE.wait(attempts, 0.0).as_millis())
        .collect();
    assert_eq!(half, [100, 200, 400, 800, 1600, 2500, 2500, 2500]);
    let whole: Vec<_> = (1..=8)
        .map(|attempts| PACE.wait(attempts, 1.0).as_millis())
        .collect();
    assert_eq!(whole, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
}

proptest! {
    #[test]
    fn no_wait_is_longer_than_the_longest(attempts: u32, chance in 0.0..=1.0) {
        prop_assert!(PACE.wait(attempts, chance) <= PACE.longest_wait);
    }
}
