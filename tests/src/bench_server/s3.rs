//! S3: create-only objects for audit records, and whether a bucket exists. Only keys are kept.

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Method, Response};
use serde_json::Value;

use super::log::Call;
use super::serve::{new_call, unknown_operation};
use super::state::State;
use super::wire::{self, Refusal, element};

const CHECKSUM: &str = "x-amz-checksum-crc32";

pub(super) fn answer(
    state: &mut State,
    key: &str,
    head: &Parts,
    body: &[u8],
) -> (Response<Full<Bytes>>, Call) {
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, object) = path.split_once('/').unwrap_or((path, ""));
    let operation = match (&head.method, object) {
        (&Method::HEAD, "") => "HeadBucket",
        (&Method::PUT, object) if !object.is_empty() => "PutObject",
        (method, _) => method.as_str(),
    };
    let mut call = new_call(format!("s3:{operation}"));
    let outcome = match state.caller(key) {
        None => Err(Refusal::new(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        )),
        Some(caller) => {
            caller.account_id.clone_into(&mut call.account_id);
            about(body, &mut call);
            let create_only = head.headers.contains_key("if-none-match");
            carry_out(state, operation, bucket, object, create_only)
        }
    };
    let id = wire::request_id();
    let response = match outcome {
        Ok(headers) => {
            let mut all = vec![("x-amz-request-id", id.as_str())];
            all.extend(headers);
            // S3 repeats the checksum that it has verified.
            let checksum = head
                .headers
                .get(CHECKSUM)
                .and_then(|value| value.to_str().ok());
            all.extend(checksum.map(|checksum| (CHECKSUM, checksum)));
            wire::answer(200, &all, String::new())
        }
        Err(refusal) => {
            call.error_code = Some(refusal.code.to_owned());
            let body = format!(
                "<Error>{}{}<RequestId>{id}</RequestId></Error>",
                element("Code", refusal.code),
                element("Message", &refusal.message)
            );
            let body = if head.method == Method::HEAD {
                String::new()
            } else {
                body
            };
            let headers = [
                ("content-type", "application/xml"),
                ("x-amz-request-id", &id),
            ];
            wire::answer(refusal.status, &headers, body)
        }
    };
    (response, call)
}

/// An audit record is about the user that it names.
fn about(body: &[u8], call: &mut Call) {
    let record: Value = serde_json::from_slice(body).unwrap_or_default();
    if let (Some(account_id), Some(user_name)) =
        (record["account_id"].as_str(), record["user_name"].as_str())
    {
        account_id.clone_into(&mut call.account_id);
        user_name.clone_into(&mut call.user_name);
    }
}

type Headers = Vec<(&'static str, &'static str)>;

fn carry_out(
    state: &mut State,
    operation: &str,
    bucket: &str,
    object: &str,
    create_only: bool,
) -> Result<Headers, Refusal> {
    let objects = state
        .buckets
        .get_mut(bucket)
        .ok_or_else(|| Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"))?;
    match operation {
        "HeadBucket" => Ok(vec![("x-amz-bucket-region", "us-east-1")]),
        "PutObject" if !objects.insert(object.to_owned()) && create_only => Err(Refusal::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )),
        "PutObject" => Ok(vec![("etag", "\"00000000000000000000000000000000\"")]),
        other => Err(unknown_operation(other)),
    }
}
