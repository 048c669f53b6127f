//! A resource with an identity, for the tests of identities and lists.

use serde_json::{Map, Value as Json};

use super::thing::State;
use crate::framework::{
    CreateRequest, DeleteRequest, Documentation, IdentityImportRequest, ImportRequest, Imported,
    MoveSource, Moved, Outcome, Private, ReadRequest, Resource, UpdateRequest,
};
use crate::schema::{Attribute, Diagnostic, Diagnostics, Identity, Schema, validators};
use crate::value::{Object, Value};

/// A place in an account. Its name chooses how that fails.
#[derive(Debug)]
pub(super) struct Place {
    type_name: &'static str,
    renamed: bool,
}

impl Place {
    /// Its identity never changes.
    pub(super) const FIXED: Self = Self {
        type_name: "test_place",
        renamed: false,
    };
    /// Its name, a part of its identity, can be changed in place.
    pub(super) const RENAMED: Self = Self {
        type_name: "test_badge",
        renamed: true,
    };
}

pub(super) fn schema() -> Schema {
    Schema::new([
        Attribute::string("account").required().describe("Where."),
        Attribute::string("name").required().describe("Who."),
        Attribute::string("zone").optional().describe("Which part."),
        Attribute::string("note").optional().describe("A note."),
        Attribute::string("pin")
            .optional()
            .write_only()
            .describe("A secret."),
        Attribute::string("id").computed().describe("The id."),
    ])
    .describe("A place.")
}

pub(super) fn identity() -> Identity {
    Identity::new([
        Attribute::string("account")
            .required()
            .validate(validators::length_between(1, 5))
            .describe("The account."),
        Attribute::string("name").required().describe("The name."),
        Attribute::string("zone").optional().describe("The zone."),
    ])
    .version(1)
}

#[tonic::async_trait]
impl Resource<State> for Place {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn identity(&self) -> Option<Identity> {
        Some(if self.renamed {
            identity().changeable()
        } else {
            identity()
        })
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            import: "By name.".to_owned(),
            import_example: "terraform import test_place.this 1/x\n".to_owned(),
            identity_example: "import {\n  to = test_place.this\n}\n".to_owned(),
            ..Documentation::default()
        }
    }

    async fn create(&self, request: CreateRequest<State>) -> Outcome {
        let created = request.planned.with("id", "made");
        match created.get("name").as_str() {
            Some("fail") => Outcome::failed(Diagnostic::error("Failed", "it failed")),
            Some("partial") => {
                Outcome::exists(created).with(Diagnostic::error("Half", "half done"))
            }
            Some("half") => Outcome::exists(created.with("account", Value::Null)),
            Some("half partial") => Outcome::exists(created.with("account", Value::Null))
                .with(Diagnostic::error("Half", "half done")),
            _ => Outcome::exists(created),
        }
    }

    async fn read(&self, request: ReadRequest<State>) -> Outcome {
        let state = request.state.with("id", "made");
        match state.get("name").as_str() {
            Some("fail") => Outcome::failed(Diagnostic::error("Failed", "it failed")),
            Some("gone") => Outcome::gone(),
            Some("drifts") => Outcome::exists(state.with("name", "drifted")),
            Some("half") => Outcome::exists(state.with("account", Value::Null)),
            Some("zoned") => Outcome::exists(state.with("zone", "z")),
            _ => Outcome::exists(state),
        }
    }

    async fn update(&self, request: UpdateRequest<State>) -> Outcome {
        let updated = request.planned.with("id", "made");
        match updated.get("note").as_str() {
            Some("fail") => Outcome::failed(Diagnostic::error("Failed", "it failed")),
            _ => Outcome::exists(updated),
        }
    }

    async fn delete(&self, request: DeleteRequest<State>) -> Outcome {
        match request.prior.get("name").as_str() {
            Some("fail") => Outcome::failed(Diagnostic::error("Failed", "it failed")),
            _ => Outcome::gone(),
        }
    }

    async fn import(&self, request: ImportRequest<State>) -> Result<Imported, Diagnostics> {
        let (account, name) = request.id.split_once('/').unwrap_or_default();
        let state = Object::new().with("account", account).with("name", name);
        Ok(Imported {
            // "late" finds its account out when it is read.
            state: if name == "late" {
                state.with("account", Value::Null)
            } else {
                state
            },
            ..Imported::default()
        })
    }

    async fn import_by_identity(
        &self,
        request: IdentityImportRequest<State>,
    ) -> Result<Imported, Diagnostics> {
        if self.renamed {
            // Keeps the identity in the private data and finds everything out when it is read.
            let mut private = Private::new();
            let name = request.identity.get("name").as_str().unwrap_or_default();
            private.set("asked", name);
            return Ok(Imported {
                private,
                ..Imported::default()
            });
        }
        let mut state = request.identity.with("pin", "leaked");
        if state.get("name").as_str() == Some("other") {
            state.set("name", "another");
        }
        Ok(Imported {
            state,
            ..Imported::default()
        })
    }

    fn upgrade_identity(
        &self,
        version: i64,
        mut identity: Map<String, Json>,
    ) -> Result<Map<String, Json>, Diagnostics> {
        assert_eq!(version, 0);
        let owner = identity.remove("owner").unwrap_or_default();
        if owner.is_null() {
            return Err(Diagnostic::error("No owner", "the identity has no owner").into());
        }
        identity.insert("account".to_owned(), owner);
        Ok(identity)
    }

    fn move_state(&self, source: &MoveSource) -> Option<Result<Moved, Diagnostics>> {
        let name = source.state.get("title").and_then(Json::as_str)?;
        let state = Object::new().with("account", "1").with("name", name);
        Some(Ok(Moved {
            state: if name == "half" { Object::new() } else { state },
            ..Moved::default()
        }))
    }
}
