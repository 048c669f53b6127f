use serde_json::{Value, json};

use super::{Event, NotAnswerable, RequestType, decode};
use crate::protocol::response_url::InvalidResponseUrl;

const URL: &str = "https://bucket.s3.amazonaws.com/arn%3Aaws%7CAlice?X-Amz-Date=20261121T080000Z&X-Amz-Signature=SIGNATURE";

fn event() -> Value {
    json!({
        "RequestType": "Create",
        "ServiceToken": "arn:aws:lambda:eu-central-1:111111111111:function:crossaccount",
        "ResponseURL": URL,
        "StackId": "arn:aws:cloudformation:eu-central-1:111111111111:stack/people/7d6c2c90",
        "RequestId": "0b1c2d3e-1111-2222-3333-444455556666",
        "ResourceType": "Custom::CrossAccountIamUser",
        "LogicalResourceId": "Alice",
        "ResourceProperties": {
            "ServiceToken": "arn:aws:lambda:eu-central-1:111111111111:function:crossaccount",
            "ServiceTimeout": "900",
            "UserName": "alice",
            "ForceDestroy": "false",
            "AccessKey": {"RotateAfterDays": "14"},
        },
    })
}

fn update() -> Value {
    let mut event = event();
    event["RequestType"] = json!("Update");
    event["PhysicalResourceId"] = json!("crossaccount:v1:222222222222:alice");
    event["OldResourceProperties"] = json!({"ServiceToken": "arn:old", "UserName": "alicia"});
    event
}

fn decoded(event: &Value) -> Event {
    decode(&event.to_string()).unwrap()
}

#[test]
fn a_create_is_read_without_what_cloudformation_adds_to_the_properties() {
    let Event {
        request,
        response_url,
        problem,
    } = decoded(&event());
    assert_eq!(problem, None);
    assert_eq!(response_url.host(), "bucket.s3.amazonaws.com");
    assert_eq!(request.request_type, RequestType::Create);
    assert_eq!(
        request.stack_id,
        "arn:aws:cloudformation:eu-central-1:111111111111:stack/people/7d6c2c90"
    );
    assert_eq!(request.request_id, "0b1c2d3e-1111-2222-3333-444455556666");
    assert_eq!(request.logical_resource_id, "Alice");
    assert_eq!(request.physical_resource_id, None);
    assert_eq!(
        Value::Object(request.properties),
        json!({"UserName": "alice", "ForceDestroy": "false", "AccessKey": {"RotateAfterDays": "14"}})
    );
    assert!(request.old_properties.is_empty());
    assert_eq!(request.issued_at, Some(1_795_248_000));
}

#[test]
fn an_update_is_read_with_its_old_properties() {
    let Event {
        request, problem, ..
    } = decoded(&update());
    assert_eq!(problem, None);
    assert_eq!(request.request_type, RequestType::Update);
    assert_eq!(
        request.physical_resource_id.as_deref(),
        Some("crossaccount:v1:222222222222:alice")
    );
    assert_eq!(
        Value::Object(request.old_properties),
        json!({"UserName": "alicia"})
    );
}

#[rstest::rstest]
#[case::missing(None)]
#[case::null(Some(json!(null)))]
#[case::text(Some(json!("UserName=alice")))]
#[case::list(Some(json!(["alice"])))]
fn an_update_whose_old_properties_cannot_be_read_is_carried_out(#[case] old: Option<Value>) {
    let mut event = update();
    match old {
        Some(old) => event["OldResourceProperties"] = old,
        None => drop(
            event
                .as_object_mut()
                .unwrap()
                .remove("OldResourceProperties"),
        ),
    }
    let Event {
        request, problem, ..
    } = decoded(&event);
    assert_eq!(problem, None);
    assert!(request.old_properties.is_empty());
}

#[rstest::rstest]
#[case::unknown_type("RequestType", Some(json!("Import")), r#"the RequestType is "Import"; this version of the function knows Create, Update and Delete"#)]
#[case::lower_case("RequestType", Some(json!("create")), r#"the RequestType is "create"; this version of the function knows Create, Update and Delete"#)]
#[case::odd_type("RequestType", Some(json!(7)), r#"the RequestType is ""; this version of the function knows Create, Update and Delete"#)]
#[case::no_type(
    "RequestType",
    None,
    r#"the RequestType is ""; this version of the function knows Create, Update and Delete"#
)]
#[case::no_properties(
    "ResourceProperties",
    None,
    "the ResourceProperties are missing, or are not an object that can be read"
)]
#[case::null_properties("ResourceProperties", Some(json!(null)), "the ResourceProperties are missing, or are not an object that can be read")]
#[case::text_properties("ResourceProperties", Some(json!("hunter2")), "the ResourceProperties are missing, or are not an object that can be read")]
#[case::list_properties("ResourceProperties", Some(json!([1])), "the ResourceProperties are missing, or are not an object that can be read")]
#[case::no_id("PhysicalResourceId", None, "the request has no PhysicalResourceId")]
#[case::empty_id("PhysicalResourceId", Some(json!("")), "the request has no PhysicalResourceId")]
#[case::odd_id("PhysicalResourceId", Some(json!({"id": 1})), "the request has no PhysicalResourceId")]
fn an_odd_event_can_still_be_answered(
    #[case] field: &str,
    #[case] value: Option<Value>,
    #[case] problem: &str,
) {
    let mut event = update();
    match value {
        Some(value) => event[field] = value,
        None => drop(event.as_object_mut().unwrap().remove(field)),
    }
    assert_eq!(decoded(&event).problem.as_deref(), Some(problem));
}

/// A reader of whole events gives up on each of these.
#[rstest::rstest]
#[case::nested_too_deep(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)))]
#[case::half_a_surrogate(r#"{"Note": "\ud800"}"#.to_owned())]
fn properties_that_no_parser_reads_can_still_be_answered(#[case] properties: String) {
    let mut event = event();
    event["ResourceProperties"] = json!("HERE");
    let event = event.to_string().replace("\"HERE\"", &properties);
    assert!(serde_json::from_str::<Value>(&event).is_err());
    let problem = decode(&event).unwrap().problem;
    assert_eq!(
        problem.as_deref(),
        Some("the ResourceProperties are missing, or are not an object that can be read")
    );
}

#[test]
fn an_event_of_a_megabyte_is_read() {
    let mut event = event();
    let policies: Vec<Value> = (0..1000)
        .map(|n| json!({"PolicyName": n.to_string(), "Text": "x".repeat(1000)}))
        .collect();
    event["ResourceProperties"]["Policies"] = json!(policies);
    let Event {
        request, problem, ..
    } = decoded(&event);
    assert_eq!(problem, None);
    assert_eq!(
        request.properties["Policies"].as_array().unwrap().len(),
        1000
    );
}

#[test]
fn of_a_field_that_comes_twice_the_last_one_counts_as_everywhere_in_json() {
    let event = event()
        .to_string()
        .replacen('{', r#"{"LogicalResourceId":"Bob","#, 1);
    assert_eq!(decode(&event).unwrap().request.logical_resource_id, "Alice");
}

#[rstest::rstest]
#[case("")]
#[case("null")]
#[case("[]")]
#[case("\"text\"")]
#[case("{\"ResponseURL\": ")]
fn what_is_no_object_cannot_be_answered(#[case] event: &str) {
    assert_eq!(decode(event).unwrap_err(), NotAnswerable::NotAnObject);
}

#[rstest::rstest]
#[case("ResponseURL", None, NotAnswerable::NoUrl)]
#[case("ResponseURL", Some(json!(7)), NotAnswerable::NoUrl)]
#[case("ResponseURL", Some(json!("")), NotAnswerable::Url(InvalidResponseUrl::NotAUrl))]
#[case("ResponseURL", Some(json!("http://example.com/?X-Amz-Signature=SIGNATURE")), NotAnswerable::Url(InvalidResponseUrl::NotHttps))]
#[case("StackId", None, NotAnswerable::NoId("StackId"))]
#[case("StackId", Some(json!("")), NotAnswerable::NoId("StackId"))]
#[case("RequestId", Some(json!(12)), NotAnswerable::NoId("RequestId"))]
#[case("RequestId", Some(json!("a\"b")), NotAnswerable::NoId("RequestId"))]
#[case("LogicalResourceId", Some(json!("a\nb")), NotAnswerable::NoId("LogicalResourceId"))]
#[case("LogicalResourceId", Some(json!("x".repeat(513))), NotAnswerable::NoId("LogicalResourceId"))]
fn without_an_envelope_there_is_an_error_that_tells_nothing_of_the_event(
    #[case] field: &str,
    #[case] value: Option<Value>,
    #[case] error: NotAnswerable,
) {
    let mut event = event();
    match value {
        Some(value) => event[field] = value,
        None => drop(event.as_object_mut().unwrap().remove(field)),
    }
    let is = decode(&event.to_string()).unwrap_err();
    assert_eq!(is, error);
    let shown = format!("{is} {is:?}");
    assert!(
        !shown.contains("SIGNATURE") && !shown.contains("example.com"),
        "{shown}"
    );
}

#[test]
fn debug_of_an_event_does_not_show_the_url() {
    let shown = format!("{:?}", decoded(&event()));
    assert!(
        shown.contains("ResponseUrl(bucket.s3.amazonaws.com)"),
        "{shown}"
    );
    assert!(
        !shown.contains("SIGNATURE") && !shown.contains("X-Amz"),
        "{shown}"
    );
}
