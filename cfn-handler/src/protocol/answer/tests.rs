use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Reply, body};
use crate::protocol::request::{Request, RequestType};

const STACK: &str = "arn:aws:cloudformation:eu-central-1:111111111111:stack/people/7d6c2c90-0a1b-11f0-8000-0a1b2c3d4e5f";

fn request() -> Request {
    Request {
        request_type: RequestType::Create,
        stack_id: STACK.to_owned(),
        request_id: "0b1c2d3e-1111-2222-3333-444455556666".to_owned(),
        logical_resource_id: "Alice".to_owned(),
        physical_resource_id: None,
        properties: Map::new(),
        old_properties: Map::new(),
        issued_at: None,
    }
}

fn reply(result: Result<(), String>) -> Reply {
    Reply {
        result,
        physical_resource_id: "crossaccount:v1:222222222222:alice".to_owned(),
        data: BTreeMap::from([
            ("Arn", "arn:aws:iam::222222222222:user/alice".to_owned()),
            ("Status", String::new()),
        ]),
    }
}

fn parsed(body: &str) -> Value {
    assert!(body.len() <= 4096, "{} bytes", body.len());
    serde_json::from_str(body).unwrap()
}

#[test]
fn a_success_has_exactly_these_bytes() {
    assert_eq!(
        body(&request(), &reply(Ok(()))),
        concat!(
            r#"{"Data":{"Arn":"arn:aws:iam::222222222222:user/alice","Status":""},"LogicalResourceId":"Alice","#,
            r#""PhysicalResourceId":"crossaccount:v1:222222222222:alice","#,
            r#""RequestId":"0b1c2d3e-1111-2222-3333-444455556666","#,
            r#""StackId":"arn:aws:cloudformation:eu-central-1:111111111111:stack/people/"#,
            r#"7d6c2c90-0a1b-11f0-8000-0a1b2c3d4e5f","Status":"SUCCESS"}"#
        )
    );
}

#[test]
fn a_failure_has_exactly_these_bytes() {
    let reply = reply(Err("the user \"alice\" exists\nand is not ours".to_owned()));
    assert_eq!(
        body(&request(), &reply),
        concat!(
            r#"{"Data":{"Arn":"arn:aws:iam::222222222222:user/alice","Status":""},"LogicalResourceId":"Alice","#,
            r#""PhysicalResourceId":"crossaccount:v1:222222222222:alice","#,
            r#""Reason":"the user \"alice\" exists\nand is not ours","#,
            r#""RequestId":"0b1c2d3e-1111-2222-3333-444455556666","#,
            r#""StackId":"arn:aws:cloudformation:eu-central-1:111111111111:stack/people/"#,
            r#"7d6c2c90-0a1b-11f0-8000-0a1b2c3d4e5f","Status":"FAILED"}"#
        )
    );
}

#[rstest::rstest]
#[case("", "The reason is not known.")]
#[case(" \n", "The reason is not known.")]
#[case("\0", "The reason is not known.")]
#[case("tab\tand\u{1b}[31m", "tab and [31m")]
fn a_failure_always_says_why_in_a_printable_text(#[case] reason: &str, #[case] shown: &str) {
    let body = body(&request(), &reply(Err(reason.to_owned())));
    assert_eq!(parsed(&body)["Reason"], shown);
}

#[test]
fn a_reason_that_is_too_long_keeps_its_beginning_and_says_where_the_rest_is() {
    let reason = format!("the first sentence. {}", "ä".repeat(5000));
    let body = body(&request(), &reply(Err(reason)));
    // Not more than one character less than there is room for.
    assert!((4095..=4096).contains(&body.len()), "{}", body.len());
    let answer = parsed(&body);
    let reason = answer["Reason"].as_str().unwrap();
    assert!(reason.starts_with("the first sentence. ää"), "{reason}");
    assert!(
        reason.ends_with(
            "ää... (shortened; the log of the function has all of it, under the request id \
             0b1c2d3e-1111-2222-3333-444455556666)"
        ),
        "{reason}"
    );
    assert_eq!(
        answer["Data"]["Arn"],
        "arn:aws:iam::222222222222:user/alice"
    );
}

#[test]
fn data_give_way_to_the_reason_when_both_are_long() {
    let mut reply = reply(Err("a reason ".repeat(500)));
    reply.data.insert("Long", "x".repeat(3500));
    let answer = parsed(&body(&request(), &reply));
    assert_eq!(answer.get("Data"), None);
    assert!(answer["Reason"].as_str().unwrap().len() > 3000);
    assert_eq!(answer["Status"], "FAILED");
}

#[test]
fn a_success_with_too_much_data_is_still_a_success_and_says_what_is_missing() {
    let mut reply = reply(Ok(()));
    reply.data.insert("Long", "x".repeat(4096));
    assert_eq!(
        parsed(&body(&request(), &reply)),
        json!({
            "Status": "SUCCESS",
            "Reason": "The attributes were left out: they are too long for CloudFormation.",
            "PhysicalResourceId": "crossaccount:v1:222222222222:alice",
            "StackId": STACK,
            "RequestId": "0b1c2d3e-1111-2222-3333-444455556666",
            "LogicalResourceId": "Alice",
        })
    );
}

#[rstest::rstest]
#[case("", None, "Alice")]
#[case("", Some("incoming"), "incoming")]
#[case("line\nbreak", Some("incoming"), "incoming")]
#[case("", Some("line\nbreak"), "Alice")]
fn an_id_that_cloudformation_does_not_take_makes_a_failure_with_one_that_it_takes(
    #[case] id: &str,
    #[case] incoming: Option<&str>,
    #[case] answered: &str,
) {
    let mut request = request();
    request.physical_resource_id = incoming.map(str::to_owned);
    let mut reply = reply(Ok(()));
    reply.physical_resource_id = id.to_owned();
    let answer = parsed(&body(&request, &reply));
    assert_eq!(answer["PhysicalResourceId"], answered);
    assert_eq!(answer["Status"], "FAILED");
    assert_eq!(
        answer["Reason"],
        "Internal error: the resource has a physical id that CloudFormation does not take."
    );

    reply.result = Err("the true reason".to_owned());
    assert_eq!(parsed(&body(&request, &reply))["Reason"], "the true reason");
}

#[test]
fn a_physical_id_may_have_1024_bytes_and_not_one_more() {
    let mut reply = reply(Ok(()));
    reply.physical_resource_id = "x".repeat(1024);
    assert_eq!(parsed(&body(&request(), &reply))["Status"], "SUCCESS");
    reply.physical_resource_id.push('x');
    assert_eq!(parsed(&body(&request(), &reply))["Status"], "FAILED");
}

/// Texts of any characters, and long ones of those that grow in JSON.
fn any_text(longest: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(any::<char>(), 0..longest).prop_map(String::from_iter),
        ("[\"\\\\\n\0\u{1}äx𝄞]", 0..longest).prop_map(|(one, times)| one.repeat(times)),
    ]
}

/// An id as the decoding of an event lets it through.
fn any_id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9:/äß€-]{1,170}"
}

proptest! {
    #[test]
    fn every_answer_is_json_of_at_most_4096_bytes_with_its_ids(
        stack_id in any_id(),
        request_id in any_id(),
        logical_resource_id in any_id(),
        incoming in proptest::option::of(any_text(1200)),
        id in any_text(1200),
        failure in proptest::option::of(any_text(6000)),
        data in proptest::collection::btree_map(proptest::sample::select(&["Arn", "Status", "UserName"][..]), any_text(3000), 0..3),
    ) {
        let request = Request {
            stack_id: stack_id.clone(),
            request_id: request_id.clone(),
            logical_resource_id: logical_resource_id.clone(),
            physical_resource_id: incoming.clone(),
            ..request()
        };
        let failed = failure.is_some();
        let reply = Reply { result: failure.map_or(Ok(()), Err), physical_resource_id: id.clone(), data };
        let body = body(&request, &reply);
        prop_assert!(body.len() <= 4096, "{} bytes", body.len());
        let answer: Value = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(&answer["StackId"], &stack_id);
        prop_assert_eq!(&answer["RequestId"], &request_id);
        prop_assert_eq!(&answer["LogicalResourceId"], &logical_resource_id);
        let answered = answer["PhysicalResourceId"].as_str().unwrap();
        prop_assert!((1..=1024).contains(&answered.len()));
        if answered != id {
            prop_assert!(Some(answered) == incoming.as_deref() || answered == logical_resource_id);
            prop_assert_eq!(&answer["Status"], "FAILED");
        }
        if failed {
            prop_assert_eq!(&answer["Status"], "FAILED");
        }
        if answer["Status"] == "FAILED" {
            prop_assert!(!answer["Reason"].as_str().unwrap().trim().is_empty());
        }
        if let Some(data) = answer.get("Data") {
            prop_assert!(data.as_object().unwrap().values().all(Value::is_string));
        }
    }
}
