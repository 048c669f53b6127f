//! The resource `crossaccount_iam_user`.
//!
//! `schema` holds the attributes beside the typed model, `convert` translates between the model and
//! the core's types, `plan` decides what a plan shows, and this file carries out.

mod convert;
mod credentials;
mod import;
mod plan;
mod schema;

use std::collections::BTreeSet;
use std::time::Duration;

use crossaccount_core::audit::Status;
use crossaccount_core::user::{Adoption, Limits, Outcome as UserOutcome, Removal};
use tokio_util::sync::CancellationToken;

use super::ProviderState;
use super::errors::{diagnostic, step_diagnostic};
use crate::framework::{
    CreateRequest, DeleteRequest, Documentation, ImportRequest, Imported, MoveSource, Moved,
    Outcome, Plan, PlanRequest, ReadRequest, Resource, UpdateRequest, ValidateRequest,
};
use crate::schema::timeouts::{self, TimedOperation};
use crate::schema::{Diagnostic, Diagnostics, ModelError, Schema};
use crate::value::Object;

pub(super) use convert::{Previous, state_of};
pub(super) use schema::IamUserModel;

/// Set in the private data by an import: the next read fills in everything, because no configuration has said yet
/// what is managed.
pub(super) const IMPORTED: &str = "imported";

/// The resource.
pub(super) struct IamUser;

#[tonic::async_trait]
impl Resource<ProviderState> for IamUser {
    fn type_name(&self) -> &'static str {
        "crossaccount_iam_user"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn documentation(&self) -> Documentation {
        schema::documentation()
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        match IamUserModel::try_from(&request.config) {
            Ok(config) => plan::contradictions(&config),
            Err(error) => error.into_diagnostic().into(),
        }
    }

    async fn plan(&self, request: &PlanRequest<ProviderState>, plan: &mut Plan) {
        plan::plan(request, plan).await;
    }

    async fn create(&self, request: CreateRequest<ProviderState>) -> Outcome {
        let provider = &request.provider;
        let prepared = prepare(&request.planned, TimedOperation::Create, &request.cancelled);
        let (planned, limits) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Outcome::failed(error.into_diagnostic()),
        };
        let (target, spec) = match (planned.target(), planned.spec(provider)) {
            (Ok(target), Ok(spec)) => (target, spec),
            (Err(error), _) | (_, Err(error)) => return Outcome::failed(error),
        };
        let adoption = match planned.adoption_policy.known().map(String::as_str) {
            Some("adopt") => Adoption::Adopt,
            _ => Adoption::Fail,
        };
        let outcome = provider.users.create(target, spec, adoption, limits).await;
        if outcome.result.is_err() && outcome.existed {
            // Terraform taints what a failed creation returns, and would delete it next time. A user that
            // existed before must never be deleted for that: it is not recorded until it is taken over
            // completely, and the next apply goes on with it.
            return Outcome::failed(outcome_diagnostics(&outcome));
        }
        answer(&outcome, &planned, provider)
    }

    async fn read(&self, request: ReadRequest<ProviderState>) -> Outcome {
        let prepared = prepare(&request.state, TimedOperation::Read, &request.cancelled);
        let (state, limits) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Outcome::failed(error.into_diagnostic()),
        };
        let imported = request.private.get(IMPORTED).is_some();
        let mut private = request.private.clone();
        private.remove(IMPORTED);
        match read(&request.provider, &state, imported, &limits).await {
            Ok(Some(model)) => Outcome::exists(model).with_private(private),
            Ok(None) => Outcome::gone(),
            Err(diagnostics) => Outcome::failed(diagnostics),
        }
    }

    async fn update(&self, request: UpdateRequest<ProviderState>) -> Outcome {
        let provider = &request.provider;
        let prepared = prepare(&request.planned, TimedOperation::Update, &request.cancelled);
        let (planned, limits) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Outcome::failed(error.into_diagnostic()),
        };
        let recorded =
            IamUserModel::try_from(&request.prior).map_err(|error| error.into_diagnostic().into());
        let recorded = recorded.and_then(|prior| prior.recorded());
        let (target, recorded, spec) = match (planned.target(), recorded, planned.spec(provider)) {
            (Ok(target), Ok(recorded), Ok(spec)) => (target, recorded, spec),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                return Outcome::failed(error);
            }
        };
        let outcome = provider.users.update(target, recorded, spec, limits).await;
        answer(&outcome, &planned, provider)
    }

    async fn delete(&self, request: DeleteRequest<ProviderState>) -> Outcome {
        let provider = &request.provider;
        let prepared = prepare(&request.prior, TimedOperation::Delete, &request.cancelled);
        let (prior, limits) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Outcome::failed(error.into_diagnostic()),
        };
        let (target, recorded, spec) =
            match (prior.target(), prior.recorded(), prior.spec(provider)) {
                (Ok(target), Ok(recorded), Ok(spec)) => (target, recorded, spec),
                (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                    return Outcome::failed(error);
                }
            };
        let removal = Removal {
            policy: prior.deletion_policy(),
            force_destroy: prior.force_destroy.known().copied().unwrap_or_default(),
            recorded: spec,
        };
        let outcome = provider
            .users
            .remove(target, recorded, removal, limits)
            .await;
        match &outcome.result {
            Ok(()) => Outcome::gone().with(outcome_diagnostics(&outcome)),
            Err(_) => Outcome::failed(outcome_diagnostics(&outcome)),
        }
    }

    async fn import(&self, request: ImportRequest<ProviderState>) -> Result<Imported, Diagnostics> {
        import::import(&request.id)
    }

    fn move_state(&self, source: &MoveSource) -> Option<Result<Moved, Diagnostics>> {
        import::move_state(source)
    }
}

/// The typed model and the limits of an operation.
fn prepare(
    object: &Object,
    operation: TimedOperation,
    cancelled: &CancellationToken,
) -> Result<(IamUserModel, Limits), ModelError> {
    let model = IamUserModel::try_from(object)?;
    let time = timeouts::read(object, operation, schema::default_timeout(operation))?;
    Ok((model, Limits::within(time, cancelled.clone())))
}

/// Reads the user of a state. After an import all sets are read, and the name is all that is known.
async fn read(
    provider: &ProviderState,
    state: &IamUserModel,
    imported: bool,
    limits: &Limits,
) -> Result<Option<IamUserModel>, Diagnostics> {
    let target = state.target()?;
    let name = state.user_name()?;
    let facets = state.facets(imported);
    let expected = state.inline_policy_names();
    let found = match state.recorded() {
        Ok(recorded) => {
            let created = state.created();
            provider
                .users
                .read(&target, &recorded, created, facets, &expected, limits)
                .await
        }
        Err(_) => {
            provider
                .users
                .find(&target, &name, facets, &BTreeSet::new())
                .await
        }
    };
    let user = found.map_err(|error| diagnostic(&error))?;
    let previous = if imported {
        Previous::Import(state)
    } else {
        Previous::State(state)
    };
    Ok(user.map(|user| state_of(&user, previous, &provider.default_tags)))
}

/// The answer to a create or update: the state that is true now, with or without an error.
fn answer(outcome: &UserOutcome, planned: &IamUserModel, provider: &ProviderState) -> Outcome {
    let state = outcome
        .user
        .as_ref()
        .map(|user| state_of(user, Previous::Plan(planned), &provider.default_tags));
    match state {
        Some(state) => Outcome::exists(state).with(outcome_diagnostics(outcome)),
        None => Outcome::failed(outcome_diagnostics(outcome)),
    }
}

fn outcome_diagnostics(outcome: &UserOutcome) -> Diagnostics {
    let mut diagnostics: Diagnostics = outcome
        .warnings
        .iter()
        .map(|warning| Diagnostic::warning("Not everything went as planned", warning.clone()))
        .collect();
    if outcome.existed && outcome.status == Status::Updated {
        diagnostics.warning(
            "Existing user was taken over",
            "The user existed and was brought to the configured state; it was not created.",
        );
    }
    if let Err(error) = &outcome.result {
        diagnostics.push(step_diagnostic(error, outcome.failed_step.as_ref()));
    }
    diagnostics
}

/// How long operations may take unless `timeouts` says otherwise. IAM itself asks to wait up to five minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(10);
