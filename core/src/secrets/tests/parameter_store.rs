//! Parameter Store in memory: as much of it as the store uses, refusals included.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::testing::{Answer, Seen, Server, all_is_well};

/// One parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) value: String,
    pub(super) description: String,
    pub(super) version: i64,
    pub(super) tags: BTreeMap<String, String>,
}

impl Parameter {
    pub(super) fn owned_by(owner: Option<&str>, description: &str) -> Self {
        let tag = owner.map(|owner| ("crossaccount:managed-by".to_owned(), owner.to_owned()));
        Self {
            value: "theirs".to_owned(),
            description: description.to_owned(),
            version: 1,
            tags: tag.into_iter().collect(),
        }
    }
}

/// What happens to a request instead of the usual.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It is answered with this and not carried out.
    Refuse(Answer),
    /// It is carried out and the answer is a failure of the service.
    LoseAnswer,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// The faults of the next requests of an action.
    pub(super) faults: BTreeMap<&'static str, VecDeque<Fault>>,
    /// The answer of `kms:DescribeKey`.
    pub(super) key: Option<Answer>,
}

/// The server and what it holds.
pub(super) struct ParameterStore {
    pub(super) server: Server,
    state: Arc<Mutex<State>>,
}

impl ParameterStore {
    pub(super) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start(move |seen| answer(&mut shared.lock().unwrap(), seen)).await;
        Self { server, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn insert(&self, name: &str, parameter: Parameter) {
        self.state().parameters.insert(name.to_owned(), parameter);
    }

    pub(super) fn parameter(&self, name: &str) -> Option<Parameter> {
        self.state().parameters.get(name).cloned()
    }

    /// The stored JSON.
    pub(super) fn stored(&self, name: &str) -> Value {
        serde_json::from_str(&self.parameter(name).unwrap().value).unwrap()
    }

    pub(super) fn fault(&self, action: &'static str, fault: Fault) {
        self.state()
            .faults
            .entry(action)
            .or_default()
            .push_back(fault);
    }

    /// The actions of SSM and KMS so far, in their order.
    pub(super) fn actions(&self) -> Vec<String> {
        let seen = self.server.seen();
        let json = seen
            .iter()
            .filter(|seen| seen.headers.contains_key("x-amz-target"));
        json.map(|seen| seen.action().to_owned()).collect()
    }
}

fn answer(state: &mut State, seen: &Seen) -> Answer {
    let action = seen.action();
    if !seen.headers.contains_key("x-amz-target") {
        return all_is_well(seen);
    }
    match state.faults.get_mut(action).and_then(VecDeque::pop_front) {
        Some(Fault::Refuse(answer)) => answer,
        Some(Fault::LoseAnswer) => {
            carry_out(state, action, &seen.json());
            Answer::json_error(500, "InternalServerError")
        }
        None => carry_out(state, action, &seen.json()),
    }
}

fn carry_out(state: &mut State, action: &str, input: &Value) -> Answer {
    match action {
        "PutParameter" => put(state, input),
        "AddTagsToResource" => match state.parameters.get_mut(text(input, "ResourceId")) {
            Some(parameter) => {
                parameter.tags.extend(tags(input));
                Answer::ok("{}")
            }
            None => Answer::json_error(400, "InvalidResourceId"),
        },
        "ListTagsForResource" => match state.parameters.get(text(input, "ResourceId")) {
            Some(parameter) => {
                let tags = parameter.tags.iter();
                let tags: Vec<_> = tags
                    .map(|(key, value)| json!({ "Key": key, "Value": value }))
                    .collect();
                Answer::ok(json!({ "TagList": tags }).to_string())
            }
            None => Answer::json_error(400, "InvalidResourceId"),
        },
        "DeleteParameter" => match state.parameters.remove(text(input, "Name")) {
            Some(_) => Answer::ok("{}"),
            None => Answer::json_error(400, "ParameterNotFound"),
        },
        "GetParameter" => match state.parameters.get(text(input, "Name")) {
            Some(parameter) if input["WithDecryption"] == true => Answer::ok(
                json!({ "Parameter": { "Name": input["Name"], "Value": parameter.value } })
                    .to_string(),
            ),
            Some(_) => panic!("a ciphertext is of no use to anybody"),
            None => Answer::json_error(400, "ParameterNotFound"),
        },
        "DescribeParameters" => describe(state, input),
        "DescribeKey" => state.key.clone().unwrap(),
        other => panic!("{other} is not expected"),
    }
}

fn put(state: &mut State, input: &Value) -> Answer {
    let name = text(input, "Name");
    let overwrite = input["Overwrite"] == true;
    if overwrite && input.get("Tags").is_some() {
        return Answer::json_error(400, "ValidationException");
    }
    if !overwrite && state.parameters.contains_key(name) {
        return Answer::json_error(400, "ParameterAlreadyExists");
    }
    let parameter = state.parameters.entry(name.to_owned()).or_default();
    parameter.value = text(input, "Value").to_owned();
    parameter.description = text(input, "Description").to_owned();
    parameter.version += 1;
    parameter.tags.extend(tags(input));
    Answer::ok(json!({ "Version": parameter.version, "Tier": "Standard" }).to_string())
}

/// Pages of two, and an empty page before the last: AWS does that.
fn describe(state: &State, input: &Value) -> Answer {
    let filters = input["ParameterFilters"].as_array().unwrap();
    let matches = |name: &str, parameter: &Parameter| {
        filters.iter().all(|filter| {
            let value = filter["Values"][0].as_str().unwrap();
            match (filter["Key"].as_str().unwrap(), &filter["Option"]) {
                ("Name", option) if option == "Equals" => name == value,
                ("Path", option) if option == "Recursive" => name.starts_with(&format!("{value}/")),
                (tag, option) if option == "Equals" => {
                    let tag = tag.strip_prefix("tag:").unwrap();
                    parameter.tags.get(tag).is_some_and(|found| found == value)
                }
                other => panic!("{other:?}"),
            }
        })
    };
    let found: Vec<_> = state
        .parameters
        .iter()
        .filter(|(name, parameter)| matches(name, parameter))
        .map(|(name, parameter)| json!({ "Name": name, "Description": parameter.description }))
        .collect();
    let from: usize = input["NextToken"]
        .as_str()
        .map_or(0, |token| token.parse().unwrap());
    let page: Vec<_> = found.iter().skip(from).take(2).collect();
    let mut output = json!({ "Parameters": page });
    if !page.is_empty() {
        output["NextToken"] = json!((from + page.len()).to_string());
    }
    Answer::ok(output.to_string())
}

fn tags(input: &Value) -> BTreeMap<String, String> {
    let tags = input["Tags"].as_array().cloned().unwrap_or_default();
    tags.iter()
        .map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()))
        .collect()
}

fn text<'a>(input: &'a Value, field: &str) -> &'a str {
    input[field].as_str().unwrap()
}
