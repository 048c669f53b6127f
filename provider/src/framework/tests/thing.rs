//! A provider for tests, and its first resource, which has attributes of every kind, and data source.
//! The name of a thing chooses how its operations fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio::sync::Notify;

use super::action::Turn;
use super::ephemeral::{Lease, Plain};
use super::functions::{Broken, Join};
use super::list::{Places, Things};
use super::place::Place;
use crate::framework::docs::{Documentation, Example};
use crate::framework::{
    Action, ConfigureRequest, Configured, CreateRequest, DataSource, DeferReason, DeleteRequest,
    EphemeralResource, Function, ImportRequest, Imported, ListResource, MoveSource, Moved, Outcome,
    Plan, PlanAction, PlanRequest, Private, Provider, ReadDataRequest, ReadRequest, Resource,
    UpdateRequest, ValidateRequest,
};
use crate::schema::{Attribute, Diagnostic, Diagnostics, Schema, timeouts, validators};
use crate::value::{Object, Path, Type, Value};

#[derive(Debug)]
pub(super) struct State {
    pub(super) region: String,
}

/// What tests look at from outside.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// Notified when an operation that waits has begun.
    pub(super) begun: Notify,
    /// Lets an operation that waits go on.
    pub(super) go_on: Notify,
    /// Operations that came to their end.
    pub(super) finished: Mutex<Vec<String>>,
    /// Notified together with a new entry of `finished`.
    pub(super) ended: Notify,
}

#[derive(Debug, Clone, Default)]
pub(super) struct TestProvider {
    pub(super) observed: Arc<Observed>,
}

pub(super) fn provider_schema() -> Schema {
    Schema::new([
        Attribute::string("region")
            .optional()
            .validate(validators::length_between(1, 10))
            .describe("Where."),
        Attribute::integer("limit")
            .default(8)
            .describe("How many at once."),
    ])
    .describe("A provider for tests.")
}

#[tonic::async_trait]
impl Provider for TestProvider {
    type State = State;

    fn name(&self) -> &'static str {
        "test"
    }

    fn schema(&self) -> Schema {
        provider_schema()
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut found = Diagnostics::new();
        if config.get("region").as_str() == Some("nowhere") {
            found.error_at(
                Path::attribute("region"),
                "No such region",
                "there is no nowhere",
            );
        }
        found
    }

    async fn configure(
        &self,
        request: ConfigureRequest<'_>,
    ) -> Result<Configured<State>, Diagnostics> {
        assert_eq!(
            request.config.get("limit"),
            &Value::from(8),
            "defaults are filled in"
        );
        match request.config.get("region") {
            Value::Unknown(_) => Ok(Configured::Unknown("region".to_owned())),
            Value::String(region) if region == "forbidden" => {
                request.warnings.warning("Old region", "use another");
                Err(Diagnostic::error("Forbidden region", "use another").into())
            }
            region => {
                let region = region.as_str().unwrap_or_default().to_owned();
                Ok(Configured::Ready(Arc::new(State { region })))
            }
        }
    }

    fn resources(&self) -> Vec<Box<dyn Resource<State>>> {
        let observed = Arc::clone(&self.observed);
        vec![
            Box::new(Thing { observed }),
            Box::new(Place::FIXED),
            Box::new(Place::RENAMED),
        ]
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<State>>> {
        vec![Box::new(Lookup)]
    }

    fn ephemeral_resources(&self) -> Vec<Box<dyn EphemeralResource<State>>> {
        let observed = Arc::clone(&self.observed);
        vec![Box::new(Lease { observed }), Box::new(Plain)]
    }

    fn list_resources(&self) -> Vec<Box<dyn ListResource<State>>> {
        let observed = Arc::clone(&self.observed);
        vec![Box::new(Places { observed }), Box::new(Things)]
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        vec![Box::new(Join), Box::new(Broken)]
    }

    fn actions(&self) -> Vec<Box<dyn Action<State>>> {
        let observed = Arc::clone(&self.observed);
        vec![Box::new(Turn { observed })]
    }
}

#[derive(Debug, Default)]
pub(super) struct Thing {
    observed: Arc<Observed>,
}

fn without_spaces(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace(' ', "")
}

#[expect(clippy::too_many_lines, reason = "one attribute of every kind")]
pub(super) fn thing_schema() -> Schema {
    let access = [
        Attribute::string("level")
            .required()
            .requires_replace()
            .describe("How much."),
        Attribute::string("mode")
            .default("ro")
            .describe("Read or write."),
        Attribute::string("token")
            .computed()
            .use_state_for_unknown()
            .describe("A token."),
        Attribute::string("pin")
            .optional()
            .sensitive()
            .write_only()
            .describe("A secret."),
    ];
    let rules = [
        Attribute::integer("port")
            .required()
            .validate(validators::integer_between(1..=65535))
            .describe("The port."),
        Attribute::string("protocol")
            .default("tcp")
            .describe("The protocol."),
        Attribute::string("rule_id").computed().describe("The id."),
    ];
    let steps = [
        Attribute::string("action").required().describe("What."),
        Attribute::string("step_id")
            .computed()
            .use_state_for_unknown()
            .describe("The id."),
    ];
    let peers = [
        Attribute::string("cidr")
            .required()
            .requires_replace()
            .describe("The network."),
        Attribute::string("peer_id").computed().describe("The id."),
    ];
    let minute = Duration::from_mins(1);
    Schema::new([
        Attribute::string("name")
            .required()
            .validate(validators::length_between(1, 12))
            .describe("The name."),
        Attribute::string("zone")
            .optional()
            .requires_replace()
            .describe("The zone."),
        Attribute::integer("size").default(3).describe("The size."),
        Attribute::string("secret")
            .optional()
            .sensitive()
            .write_only()
            .describe("A secret."),
        Attribute::map("tags", Type::String)
            .optional()
            .validate(validators::keys(validators::length_between(1, 3)))
            .validate(validators::each(validators::one_of(&["a", "b"])))
            .describe("Tags."),
        Attribute::set("owners", Type::String)
            .optional()
            .validate(validators::size_between(1..=2))
            .describe("Owners."),
        Attribute::string("document")
            .optional()
            .equal_when(|left, right| without_spaces(left) == without_spaces(right))
            .describe("Text in which spaces mean nothing."),
        Attribute::single_nested("access", access)
            .optional()
            .describe("Access."),
        Attribute::set_nested("rules", rules)
            .optional()
            .describe("Rules."),
        Attribute::list_nested("steps", steps)
            .optional()
            .describe("Steps."),
        Attribute::map_nested("peers", peers)
            .optional()
            .describe("Peers."),
        timeouts::attribute(&[(timeouts::TimedOperation::Create, minute)]),
        Attribute::string("id")
            .computed()
            .use_state_for_unknown()
            .describe("The id."),
        Attribute::of("revision", Type::Number)
            .computed()
            .describe("Counts changes."),
        Attribute::string("label")
            .optional()
            .computed()
            .describe("A label."),
        Attribute::list_nested(
            "report",
            [Attribute::string("line").computed().describe("A line.")],
        )
        .computed()
        .describe("What happened."),
    ])
    .version(2)
    .describe("A thing.")
}

impl Thing {
    /// What exists after a create or update: everything known.
    fn apply(planned: &Object, revision: i64) -> Object {
        let mut state = planned.clone().with_unknown_as_null();
        state.set("id", "thing/1");
        state.set("revision", revision);
        if planned.get("label").is_unknown() {
            state.set("label", "made");
        }
        state.set(
            "report",
            Value::list([Value::object([("line", "done".into())])]),
        );
        for (collection, computed) in [
            ("access", "token"),
            ("rules", "rule_id"),
            ("steps", "step_id"),
            ("peers", "peer_id"),
        ] {
            let fill = |object: Value| match object {
                Value::Object(object) => Value::Object(object.with(computed, "made")),
                other => other,
            };
            let value = match state.remove(collection) {
                Value::List(elements) => Value::list(elements.into_iter().map(fill)),
                Value::Set(elements) => Value::set(elements.into_iter().map(fill)),
                Value::Map(entries) => {
                    Value::map(entries.into_iter().map(|(key, value)| (key, fill(value))))
                }
                other => fill(other),
            };
            state.set(collection, value);
        }
        state
    }

    async fn operate(&self, name: &str, state: Object, echo: String) -> Outcome {
        match name {
            "panic" => panic!("thing fell over"),
            "fail" => Outcome::failed(Diagnostic::error("Failed", "it failed")),
            "partial" => Outcome::exists(state).with(Diagnostic::error("Half", "half done")),
            "nothing" => Outcome::gone(),
            "unknown" => Outcome::exists(state.with("label", Value::UNKNOWN)),
            "leak" => Outcome::exists(state.with("secret", echo)),
            "misfit" => Outcome::exists(state.with("size", "three")),
            "respace" => {
                let document = without_spaces(state.get("document"));
                Outcome::exists(state.with("document", document))
            }
            "private" => {
                let mut private = Private::new();
                private.set("secret_length", echo.len());
                Outcome::exists(state).with_private(private)
            }
            "wait" => {
                self.observed.begun.notify_one();
                self.observed.go_on.notified().await;
                self.observed
                    .finished
                    .lock()
                    .unwrap()
                    .push("wait".to_owned());
                self.observed.ended.notify_one();
                Outcome::exists(state)
            }
            _ => Outcome::exists(state),
        }
    }
}

#[tonic::async_trait]
impl Resource<State> for Thing {
    fn type_name(&self) -> &'static str {
        "test_thing"
    }

    fn schema(&self) -> Schema {
        thing_schema()
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            subcategory: "Things".to_owned(),
            examples: vec![Example {
                title: "A thing".to_owned(),
                configuration: "resource \"test_thing\" \"this\" {\n  name = \"x\"\n}\n".to_owned(),
            }],
            import: "By name.".to_owned(),
            import_example: "terraform import test_thing.this thing/x\n".to_owned(),
            identity_example: String::new(),
            notes: "Mind the things.".to_owned(),
        }
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        let mut found = Diagnostics::new();
        if request.config.get("name").as_str() == Some("odd") {
            found.warning("Odd name", "think again");
        }
        found
    }

    async fn plan(&self, request: &PlanRequest<State>, plan: &mut Plan) {
        let object = request.prior.as_ref().unwrap_or(&request.config);
        let name = if request.action == PlanAction::Delete {
            object
        } else {
            &request.config
        };
        match name.get("name").as_str().unwrap_or_default() {
            "keep" if request.action == PlanAction::Delete => {
                plan.diagnostics.error("Deletion refused", "it must stay");
            }
            "undelete" if request.action == PlanAction::Delete => {
                plan.planned = request.prior.clone();
            }
            "computes" => plan.set("label", "computed in the plan"),
            "invents" => plan.set("zone", "invented"),
            "vanishes" => plan.planned = None,
            "moves" => {
                plan.replace_because_of(Path::attribute("label"));
                plan.replace_because_of(Path::attribute("steps").with_index(7));
            }
            "defers" => plan.deferred = Some(DeferReason::AbsentPrerequisite),
            "panic" => panic!("plan fell over"),
            "peeks" => {
                let (config, proposed) = (&request.config, &request.proposed);
                let kinds = [config, proposed].map(|it| it.get("secret").kind());
                plan.set("label", kinds.join(" then "));
            }
            "private" => plan.private.set("planned", true),
            "region" => {
                let region = request.provider.ready().map(|state| state.region.clone());
                plan.set("label", region.map_or(Value::UNKNOWN, Value::String));
            }
            _ => {}
        }
    }

    async fn create(&self, request: CreateRequest<State>) -> Outcome {
        let name = request.planned.get("name").as_str().unwrap_or_default();
        let secret = request
            .config
            .get("secret")
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if name == "stop" {
            let at_once = request.cancelled.is_cancelled();
            self.observed.begun.notify_one();
            request.cancelled.cancelled().await;
            let summary = if at_once {
                "Stopped at once"
            } else {
                "Stopped"
            };
            return Outcome::exists(Self::apply(&request.planned, 1))
                .with(Diagnostic::error(summary, "stopped between two steps"));
        }
        self.operate(name, Self::apply(&request.planned, 1), secret)
            .await
    }

    async fn read(&self, request: ReadRequest<State>) -> Outcome {
        let name = request
            .state
            .get("name")
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut state = request.state;
        if name == "drift" {
            state.set("size", 99);
        }
        self.operate(&name, state, "secret".to_owned()).await
    }

    async fn update(&self, request: UpdateRequest<State>) -> Outcome {
        let revision = request.prior.get("revision").as_i64().unwrap_or_default() + 1;
        let name = request.planned.get("name").as_str().unwrap_or_default();
        let secret = request
            .config
            .get("secret")
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.operate(name, Self::apply(&request.planned, revision), secret)
            .await
    }

    async fn delete(&self, request: DeleteRequest<State>) -> Outcome {
        match request.prior.get("name").as_str().unwrap_or_default() {
            "panic" => panic!("thing fell over"),
            "fail" => Outcome::failed(Diagnostic::error("Failed", "it failed")),
            "partial" => {
                let left = request.prior.with("label", "half");
                Outcome::exists(left).with(Diagnostic::error("Half", "half done"))
            }
            "undead" => Outcome::exists(request.prior),
            _ => Outcome::gone(),
        }
    }

    async fn import(&self, request: ImportRequest<State>) -> Result<Imported, Diagnostics> {
        match request.id.split_once('/') {
            Some(("thing", name)) => {
                let mut private = Private::new();
                private.set("imported", true);
                let state = Object::new().with("name", name).with("secret", "leaked");
                Ok(Imported {
                    state,
                    private,
                    diagnostics: Diagnostics::new(),
                })
            }
            _ => Err(Diagnostic::error("Bad id", "use thing/<name>").into()),
        }
    }

    fn upgrade(
        &self,
        version: i64,
        mut state: Map<String, Json>,
    ) -> Result<Map<String, Json>, Diagnostics> {
        match version {
            // Version 0 called the name "title".
            0 => {
                let title = state.remove("title").unwrap_or_default();
                state.insert("name".to_owned(), title);
            }
            // Version 1 kept the size as text.
            1 => {
                let size = state.get("size").and_then(Json::as_str).unwrap_or("0");
                let size: i64 = size.parse().map_err(|_| {
                    Diagnostic::error("Bad size", "the size in the state is no number")
                })?;
                state.insert("size".to_owned(), size.into());
            }
            other => panic!("no version {other}"),
        }
        Ok(state)
    }

    fn move_state(&self, source: &MoveSource) -> Option<Result<Moved, Diagnostics>> {
        (source.type_name == "old_thing" && source.schema_version == 1).then(|| {
            match source.state.get("title").and_then(Json::as_str) {
                Some(title) => Ok(Moved {
                    state: Object::new().with("name", title).with("secret", "leaked"),
                    ..Moved::default()
                }),
                None => Err(Diagnostic::error("No title", "the old thing has no title").into()),
            }
        })
    }
}

struct Lookup;

pub(super) fn lookup_schema() -> Schema {
    Schema::new([
        Attribute::string("name")
            .required()
            .validate(validators::length_between(1, 12))
            .describe("The name."),
        Attribute::integer("depth").default(1).describe("How deep."),
        Attribute::string("found")
            .computed()
            .describe("What was found."),
    ])
    .describe("Looks a thing up.")
}

#[tonic::async_trait]
impl DataSource<State> for Lookup {
    fn type_name(&self) -> &'static str {
        "test_lookup"
    }

    fn schema(&self) -> Schema {
        lookup_schema()
    }

    async fn read(&self, request: ReadDataRequest<State>) -> Outcome {
        let config = request.config;
        match config.get("name").as_str().unwrap_or_default() {
            "missing" => Outcome::failed(Diagnostic::error("Not found", "there is none")),
            "nothing" => Outcome::gone(),
            "unknown" => Outcome::exists(config.with("found", Value::UNKNOWN)),
            "panic" => panic!("lookup fell over"),
            name => {
                let found = format!("{name} in {}", request.provider.region);
                Outcome::exists(config.with("found", found))
            }
        }
    }
}
