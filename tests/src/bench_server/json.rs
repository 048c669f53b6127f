//! The services that speak JSON: Parameter Store, KMS as far as a check of a key needs it, and `DynamoDB`.
//!
//! Values are kept in clear text and no key is needed to write or read them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::dynamodb;
use super::log::Call;
use super::serve::{new_call, unknown_key, unknown_operation};
use super::state::{Account, Caller, State};
use super::wire::{self, Refusal};

const MOST_PER_PAGE: usize = 50;

#[derive(Debug, Clone)]
pub(super) struct Parameter {
    value: String,
    kind: String,
    key_id: Option<String>,
    description: Option<String>,
    version: u64,
    modified: Timestamp,
    modified_by: String,
    tags: BTreeMap<String, String>,
}

pub(super) type Outcome = Result<Value, Refusal>;

/// `target` is the header `X-Amz-Target`.
pub(super) fn answer(
    state: &mut State,
    key: &str,
    target: &str,
    body: &[u8],
) -> (Response<Full<Bytes>>, Call) {
    let (service, operation) = match target.split_once('.') {
        Some(("AmazonSSM", operation)) => ("ssm", operation),
        Some(("TrentService", operation)) => ("kms", operation),
        Some(("DynamoDB_20120810", operation)) => ("dynamodb", operation),
        _ => ("unknown", target),
    };
    let mut call = new_call(format!("{service}:{operation}"));
    let outcome = match (state.caller(key).cloned(), serde_json::from_slice(body)) {
        (None, _) => Err(unknown_key()),
        (_, Err(_)) => Err(refused("SerializationException", "the body is not JSON")),
        (Some(caller), Ok(request)) => {
            caller.clone_into_call(&mut call);
            if service == "dynamodb" {
                dynamodb::about(&request, &mut call);
                return respond(dynamodb::answer(state, operation, &request), call);
            }
            about(&request, &mut call);
            let account = state.account(&caller.account_id);
            match service {
                "ssm" => parameters(account, &caller, operation, &request),
                "kms" if operation == "DescribeKey" => {
                    describe_key(account, &caller.account_id, text(&request, "KeyId"))
                }
                _ => Err(unknown_operation(operation)),
            }
        }
    };
    respond(outcome, call)
}

fn respond(outcome: Outcome, mut call: Call) -> (Response<Full<Bytes>>, Call) {
    let (status, body) = match outcome {
        Ok(value) => (200, value.to_string()),
        Err(refusal) => {
            let code = match refusal.code {
                "InvalidClientTokenId" => "UnrecognizedClientException",
                code => code,
            };
            call.error_code = Some(code.to_owned());
            let error = json!({"__type": code, "message": refusal.message});
            (400, error.to_string())
        }
    };
    let id = wire::request_id();
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amzn-requestid", &id),
    ];
    (wire::answer(status, &headers, body), call)
}

/// A secret is about the user in its name, `<prefix>/<account id>/<user>/<what>`, wherever it is kept. A list is about
/// none, unless it asks for one name.
fn about(request: &Value, call: &mut Call) {
    let filter = &request["ParameterFilters"][0];
    let asked = match text(filter, "Key") {
        "Name" => filter["Values"][0].as_str(),
        _ => None,
    };
    let name = [
        text(request, "Name"),
        text(request, "ResourceId"),
        asked.unwrap_or_default(),
    ]
    .concat();
    let mut parts = name.rsplit('/').skip(1);
    if let (Some(user), Some(account)) = (parts.next(), parts.next())
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
    {
        user.clone_into(&mut call.user_name);
        account.clone_into(&mut call.account_id);
    }
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

pub(super) fn refused(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

fn parameters(account: &mut Account, caller: &Caller, operation: &str, request: &Value) -> Outcome {
    let not_found = || refused("ParameterNotFound", "");
    let invalid_id = || {
        refused(
            "InvalidResourceId",
            "The resource ID is not valid. Verify that you entered the correct ID and try again.",
        )
    };
    let name = text(request, "Name");
    match operation {
        "PutParameter" => put(account, caller, request),
        "GetParameter" => {
            let found = account.parameters.get(name).ok_or_else(not_found)?;
            if found.kind == "SecureString" && request["WithDecryption"] != true {
                return Err(unknown_operation("GetParameter of a sealed secret"));
            }
            Ok(json!({"Parameter": {
                "Name": name,
                "ARN": parameter_arn(caller, name),
                "Type": found.kind,
                "Value": found.value,
                "Version": found.version,
                "LastModifiedDate": found.modified.as_second(),
                "DataType": "text",
            }}))
        }
        "DescribeParameters" => describe(account, caller, request),
        "DeleteParameter" => {
            let removed = account.parameters.remove(name);
            removed.map(|_| json!({})).ok_or_else(not_found)
        }
        "ListTagsForResource" => {
            let found = account.parameters.get(text(request, "ResourceId"));
            let tags = found.ok_or_else(invalid_id)?.tags.iter();
            let tags: Vec<_> = tags
                .map(|(key, value)| json!({"Key": key, "Value": value}))
                .collect();
            Ok(json!({"TagList": tags}))
        }
        "AddTagsToResource" => {
            let found = account.parameters.get_mut(text(request, "ResourceId"));
            found.ok_or_else(invalid_id)?.tags.extend(tags_of(request));
            Ok(json!({}))
        }
        other => Err(unknown_operation(other)),
    }
}

fn put(account: &mut Account, caller: &Caller, request: &Value) -> Outcome {
    let name = text(request, "Name");
    let overwrite = request["Overwrite"] == true;
    let tags = tags_of(request);
    if overwrite && !tags.is_empty() {
        return Err(refused(
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter with \
             tags, please remove overwrite flag. To update tags for an existing parameter, please use \
             AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    let before = account.parameters.get(name);
    if before.is_some() && !overwrite {
        return Err(refused(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the \
             request to true.",
        ));
    }
    let own = |name: &str| request[name].as_str().map(str::to_owned);
    let parameter = Parameter {
        value: text(request, "Value").to_owned(),
        kind: own("Type")
            .or_else(|| before.map(|before| before.kind.clone()))
            .unwrap_or_default(),
        key_id: own("KeyId"),
        description: own("Description")
            .or_else(|| before.and_then(|before| before.description.clone())),
        version: before.map_or(1, |before| before.version + 1),
        modified: Timestamp::now(),
        modified_by: caller.arn.clone(),
        tags: before.map_or(tags, |before| before.tags.clone()),
    };
    let answer = json!({"Version": parameter.version, "Tier": "Standard"});
    account.parameters.insert(name.to_owned(), parameter);
    Ok(answer)
}

fn tags_of(request: &Value) -> BTreeMap<String, String> {
    let tags = request["Tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()))
        .collect()
}

/// As in Parameter Store, tags are compared after a page is cut, so a page can be empty and not the last.
fn describe(account: &Account, caller: &Caller, request: &Value) -> Outcome {
    let filters = request["ParameterFilters"].as_array();
    let filters = filters.map_or(&[][..], Vec::as_slice);
    let (by_tag, others): (Vec<_>, Vec<_>) = filters
        .iter()
        .partition(|filter| text(filter, "Key").starts_with("tag:"));
    let mut found = Vec::new();
    for (name, parameter) in &account.parameters {
        let mut held = true;
        for filter in &others {
            held &= matches(name, parameter, filter)?;
        }
        if held {
            found.push((name, parameter));
        }
    }
    let limit = request["MaxResults"].as_u64();
    let limit = limit.map_or(MOST_PER_PAGE, |limit| usize::try_from(limit).unwrap_or(0));
    if !(1..=MOST_PER_PAGE).contains(&limit) {
        return Err(refused("ValidationException", "maxResults is out of range"));
    }
    let start: usize = text(request, "NextToken").parse().unwrap_or(0);
    let mut page = Vec::new();
    for (name, parameter) in found.iter().skip(start).take(limit) {
        let mut held = true;
        for filter in &by_tag {
            held &= matches(name, parameter, filter)?;
        }
        if held {
            page.push(metadata(caller, name, parameter));
        }
    }
    let mut answer = json!({"Parameters": page});
    if start + limit < found.len() {
        answer["NextToken"] = json!((start + limit).to_string());
    }
    Ok(answer)
}

fn matches(name: &str, parameter: &Parameter, filter: &Value) -> Result<bool, Refusal> {
    let values = filter["Values"].as_array();
    let mut values = values.into_iter().flatten().filter_map(Value::as_str);
    let key = text(filter, "Key");
    match (key, text(filter, "Option")) {
        ("Name", "" | "Equals") => Ok(values.any(|value| value == name)),
        ("Path", "Recursive") => Ok(values.any(|path| {
            let rest = name.strip_prefix(path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.starts_with('/'))
        })),
        (key, "" | "Equals") if key.starts_with("tag:") => {
            let own = parameter.tags.get(key.trim_start_matches("tag:"));
            let any = filter["Values"].as_array().is_none_or(Vec::is_empty);
            Ok(own.is_some_and(|own| any || values.any(|value| value == own)))
        }
        (key, option) => Err(refused(
            "InvalidFilterKey",
            format!("the benchmark server does not know the filter {key} {option}"),
        )),
    }
}

fn metadata(caller: &Caller, name: &str, parameter: &Parameter) -> Value {
    let mut shown = json!({
        "Name": name,
        "ARN": parameter_arn(caller, name),
        "Type": parameter.kind,
        "LastModifiedDate": parameter.modified.as_second(),
        "LastModifiedUser": parameter.modified_by,
        "Version": parameter.version,
        "Tier": "Standard",
        "Policies": [],
        "DataType": "text",
    });
    for (field, value) in [
        ("KeyId", &parameter.key_id),
        ("Description", &parameter.description),
    ] {
        if let Some(value) = value {
            shown[field] = json!(value);
        }
    }
    shown
}

fn parameter_arn(caller: &Caller, name: &str) -> String {
    let (account, plain) = (&caller.account_id, name.trim_start_matches('/'));
    format!("arn:aws:ssm:us-east-1:{account}:parameter/{plain}")
}

/// Every account has a key for each alias of the options, in every region.
fn describe_key(account: &Account, account_id: &str, name: &str) -> Outcome {
    let prefix = format!("arn:aws:kms:us-east-1:{account_id}:");
    let plain = name.strip_prefix(&prefix).unwrap_or(name);
    let wanted = plain.trim_start_matches("key/");
    let found = account
        .kms_keys
        .iter()
        .find(|key| key.alias == wanted || key.id == wanted);
    let Some(key) = found else {
        return Err(refused(
            "NotFoundException",
            format!("Alias {prefix}{wanted} is not found."),
        ));
    };
    Ok(json!({"KeyMetadata": {
        "AWSAccountId": account_id,
        "KeyId": key.id,
        "Arn": format!("{prefix}key/{}", key.id),
        "CreationDate": key.created.as_second(),
        "Enabled": true,
        "Description": "",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": if key.alias.starts_with("alias/aws/") { "AWS" } else { "CUSTOMER" },
        "KeySpec": "SYMMETRIC_DEFAULT",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "MultiRegion": false,
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
    }}))
}
