//! The contract of a managed resource.
//!
//! A configuration may hold write-only secrets, so no request that brings one has `Debug`.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Capabilities, Configured, DeferReason, Documentation, Private};
use crate::schema::{Diagnostic, Diagnostics, Identity, Schema};
use crate::value::{Object, Path, Value};

/// A kind of object that Terraform creates, changes and deletes through the provider. `C` is the
/// state of the configured provider.
///
/// Calls run to their end although Terraform went away; they look at the cancellation token
/// between two steps. Different objects are worked on at the same time.
#[tonic::async_trait]
pub trait Resource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The full name, such as `crossaccount_iam_user`.
    fn type_name(&self) -> &'static str;

    /// The attributes and the version of the state. Called once.
    fn schema(&self) -> Schema;

    /// What the reference says besides the schema.
    fn documentation(&self) -> Documentation {
        Documentation::default()
    }

    /// What tells an object from all others. Called once. Then every answer about an object holds
    /// its identity, made of its attributes, and it can be imported by it.
    fn identity(&self) -> Option<Identity> {
        None
    }

    /// Checks that need more than one attribute; the validators of the schema have run. Unknown
    /// values must be taken as possibly valid.
    fn validate(&self, _request: &ValidateRequest) -> Diagnostics {
        Diagnostics::new()
    }

    /// Adjusts the generic plan: defaults are filled in, write-only values removed, and, when
    /// anything changes, computed attributes without configuration are unknown.
    ///
    /// The laws of a plan: configured values stay (or keep an equal prior value), only computed
    /// attributes without configuration may be set or made unknown, and the same input gives the
    /// same plan. For a deletion `plan.planned` is none and stays so; errors refuse it.
    async fn plan(&self, _request: &PlanRequest<C>, _plan: &mut Plan) {}

    /// Creates the object. Unknown values of the plan must be known in the answer.
    async fn create(&self, request: CreateRequest<C>) -> Outcome;

    /// Reads the object as it is now.
    async fn read(&self, request: ReadRequest<C>) -> Outcome;

    /// Changes the object in place. Unknown values of the plan must be known in the answer.
    async fn update(&self, request: UpdateRequest<C>) -> Outcome;

    /// Deletes the object: [`Outcome::gone`] on success, also when it was gone before.
    async fn delete(&self, request: DeleteRequest<C>) -> Outcome;

    /// Takes an id of the user apart and gives at least the attributes that `read` needs; Terraform
    /// calls `read` right after. The default refuses.
    async fn import(&self, request: ImportRequest<C>) -> Result<Imported, Diagnostics> {
        Err(Diagnostic::error(
            "Import is not supported",
            format!(
                "{} cannot be imported (id {:?}).",
                self.type_name(),
                request.id
            ),
        )
        .into())
    }

    /// As `import`, by the identity. Every required attribute of it is there and known. The default
    /// gives the attributes of the identity to `read`.
    async fn import_by_identity(
        &self,
        request: IdentityImportRequest<C>,
    ) -> Result<Imported, Diagnostics> {
        Ok(Imported {
            state: request.identity,
            ..Imported::default()
        })
    }

    /// Brings state of one version to the next: from `version` to `version + 1`. Called for each
    /// version up to that of the schema. The default refuses.
    fn upgrade(
        &self,
        version: i64,
        _state: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Diagnostics> {
        Err(Diagnostic::bug(format!(
            "{} has no upgrade of state version {version}.",
            self.type_name()
        ))
        .into())
    }

    /// Brings a stored identity of one version to the next, as [`Resource::upgrade`] does with
    /// state. The default refuses.
    fn upgrade_identity(
        &self,
        version: i64,
        _identity: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Diagnostics> {
        Err(Diagnostic::bug(format!(
            "{} has no upgrade of identity version {version}.",
            self.type_name()
        ))
        .into())
    }

    /// Takes over state of another resource type (`moved` block). None: this source is not
    /// supported.
    fn move_state(&self, _source: &MoveSource) -> Option<Result<Moved, Diagnostics>> {
        None
    }
}

/// Configuration to check. It may hold unknown values anywhere.
#[derive(Clone)]
pub struct ValidateRequest {
    /// The configuration.
    pub config: Object,
    /// What the client can handle.
    pub capabilities: Capabilities,
}

/// What a plan is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanAction {
    /// There is no object yet.
    Create,
    /// There is one; the plan may turn out to change nothing.
    Update,
    /// The object is to be deleted.
    Delete,
}

/// The input of a plan.
pub struct PlanRequest<C> {
    /// The provider, which need not be configured yet.
    pub provider: Configured<C>,
    /// Create, update or delete.
    pub action: PlanAction,
    /// The configuration; empty for a deletion.
    pub config: Object,
    /// The last state; none for a creation.
    pub prior: Option<Object>,
    /// What Terraform made of configuration and prior state; empty for a deletion.
    pub proposed: Object,
    /// Private data of the prior state.
    pub private: Private,
    /// What the client can handle.
    pub capabilities: Capabilities,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// A plan in the making.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What the object will be; none when it will be deleted.
    pub planned: Option<Object>,
    /// Attributes whose change needs a new object.
    pub requires_replace: BTreeSet<Path>,
    /// Private data for the apply, beginning with that of the prior state.
    pub private: Private,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
    /// Not now; only where the client allows it, else an error.
    pub deferred: Option<DeferReason>,
}

impl Plan {
    /// The planned value of an attribute; null for a deletion.
    pub fn get(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.planned
            .as_ref()
            .map_or(NULL, |planned| planned.get(name))
    }

    /// Sets a planned value; nothing happens for a deletion.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(planned) = &mut self.planned {
            planned.set(name, value);
        }
    }

    /// Says that a value is known only after apply; nothing happens for a deletion.
    pub fn set_unknown(&mut self, name: &str) {
        self.set(name, Value::UNKNOWN);
    }

    /// Says that the change of an attribute needs a new object.
    pub fn replace_because_of(&mut self, path: Path) {
        self.requires_replace.insert(path);
    }
}

/// The input of a creation. Everything but computed values is known.
pub struct CreateRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The configuration: the only place where write-only values are.
    pub config: Object,
    /// The plan.
    pub planned: Object,
    /// Private data of the plan.
    pub private: Private,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// The input of a refresh.
#[derive(Debug)]
pub struct ReadRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The last state. After an import it holds only what the import gave.
    pub state: Object,
    /// Private data of the state.
    pub private: Private,
    /// What the client can handle.
    pub capabilities: Capabilities,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// The input of a change in place. Everything but computed values is known.
pub struct UpdateRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The configuration: the only place where write-only values are.
    pub config: Object,
    /// The last state.
    pub prior: Object,
    /// The plan.
    pub planned: Object,
    /// Private data of the plan.
    pub private: Private,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// The input of a deletion.
#[derive(Debug)]
pub struct DeleteRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The last state.
    pub prior: Object,
    /// Private data of the plan.
    pub private: Private,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// The result of an operation: what exists afterwards and what went wrong, both at once.
///
/// After a partial success the state holds what exists, beside the error; it is never lost.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What exists. None after an error means "as before".
    pub state: Option<Object>,
    /// Private data to keep; none keeps what the request brought.
    pub private: Option<Private>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl Outcome {
    /// The object exists like this.
    pub fn exists(state: impl Into<Object>) -> Self {
        Self {
            state: Some(state.into()),
            ..Self::default()
        }
    }

    /// The object does not exist.
    pub fn gone() -> Self {
        Self::default()
    }

    /// Nothing changed: the state stays as it was before the call.
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            diagnostics: diagnostics.into(),
            ..Self::default()
        }
    }

    /// The outcome with private data to keep.
    #[must_use]
    pub fn with_private(mut self, private: Private) -> Self {
        self.private = Some(private);
        self
    }

    /// The outcome with more errors or warnings.
    #[must_use]
    pub fn with(mut self, diagnostics: impl Into<Diagnostics>) -> Self {
        self.diagnostics.append(diagnostics.into());
        self
    }
}

/// The input of an import.
#[derive(Debug)]
pub struct ImportRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The id that the user wrote.
    pub id: String,
    /// What the client can handle.
    pub capabilities: Capabilities,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// The input of an import by identity.
#[derive(Debug)]
pub struct IdentityImportRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The identity that the user wrote.
    pub identity: Object,
    /// What the client can handle.
    pub capabilities: Capabilities,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// What an import found.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// The state, which may be partial.
    pub state: Object,
    /// Private data to keep.
    pub private: Private,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// State of another resource type that a `moved` block hands over.
#[derive(Debug, Clone)]
pub struct MoveSource {
    /// The full address of the provider, such as `registry.terraform.io/hashicorp/aws`.
    pub provider_address: String,
    /// The resource type.
    pub type_name: String,
    /// The version of its state.
    pub schema_version: i64,
    /// The state as that provider wrote it.
    pub state: serde_json::Value,
}

/// State that was taken over.
#[derive(Debug, Clone, Default)]
pub struct Moved {
    /// The state; wholly known.
    pub state: Object,
    /// Private data to keep.
    pub private: Private,
    /// Warnings.
    pub diagnostics: Diagnostics,
}
