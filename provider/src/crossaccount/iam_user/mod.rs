//! The resource `crossaccount_iam_user`.
//!
//! `schema` and `credentials` hold the attributes beside the typed model, `convert` and `shown` translate between the
//! model and the core's types, `plan` decides what a plan shows, `seen` is what a refresh hands over to plans, and this
//! file carries out.

mod convert;
mod credentials;
mod import;
mod plan;
mod schema;
mod seen;
mod shown;

use std::time::Duration;

use crossaccount_core::audit::Status;
use crossaccount_core::ids::UserName;
use crossaccount_core::session::Target;
use crossaccount_core::user::{
    Adoption, Expected, Limits, ObservedUser, Outcome as UserOutcome, Removal, Scope,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::ProviderState;
use super::errors::{diagnostic, step_diagnostic};
use crate::framework::{
    CreateRequest, DeleteRequest, Documentation, IdentityImportRequest, ImportRequest, Imported,
    MoveSource, Moved, Outcome, Plan, PlanRequest, Private, ReadRequest, Resource, UpdateRequest,
    ValidateRequest,
};
use crate::schema::timeouts::{self, TimedOperation};
use crate::schema::{Diagnostic, Diagnostics, Identity, ModelError, Schema};
use crate::value::{Object, Path};

use convert::{Previous, state_of};
use seen::{Planned, Seen};
use shown::Credentials;

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

    fn identity(&self) -> Option<Identity> {
        Some(schema::whole_identity())
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
        let spec = planned.spec_with_password(provider, &request.config);
        let (target, spec) = match (planned.target(), spec) {
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
        answer(provider, &outcome, &planned, None, request.private)
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
            Ok(Some((model, seen))) => {
                Seen::keep(seen.as_ref(), &mut private);
                Outcome::exists(model).with_private(private)
            }
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
        let prior = match IamUserModel::try_from(&request.prior) {
            Ok(prior) => prior,
            Err(error) => return Outcome::failed(error.into_diagnostic()),
        };
        let spec = planned.spec_with_password(provider, &request.config);
        let (target, recorded, spec) = match (planned.target(), prior.recorded(), spec) {
            (Ok(target), Ok(recorded), Ok(spec)) => (target, recorded, spec),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                return Outcome::failed(error);
            }
        };
        let scope = match Planned::read(&request.private) {
            Some(planned) => planned.scope(),
            None => scope_of(&planned, provider.clock.now()),
        };
        let outcome = provider
            .users
            .update(target, recorded, spec, scope, limits)
            .await;
        answer(provider, &outcome, &planned, Some(&prior), request.private)
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

    async fn import_by_identity(
        &self,
        request: IdentityImportRequest<ProviderState>,
    ) -> Result<Imported, Diagnostics> {
        import::import_by_identity(&request.identity)
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

/// The user as an import would show it, or nothing when there is none.
pub(super) async fn read_as_imported(
    provider: &ProviderState,
    target: &Target,
    name: &UserName,
    cancelled: &CancellationToken,
) -> Result<Option<IamUserModel>, Diagnostics> {
    let located = IamUserModel {
        role_arn: target.role_arn.as_ref().map(ToString::to_string).into(),
        ..convert::located(target.account_id.as_str(), name)
    };
    let limits = Limits::within(DEFAULT_TIMEOUT, cancelled.clone());
    let found = read(provider, &located, true, &limits).await?;
    Ok(found.map(|(model, _)| model))
}

/// Reads the user of a state, and what a plan has to know of its credentials. After an import all sets are read, and the
/// name is all that is known.
async fn read(
    provider: &ProviderState,
    state: &IamUserModel,
    imported: bool,
    limits: &Limits,
) -> Result<Option<(IamUserModel, Option<Seen>)>, Diagnostics> {
    let target = state.target()?;
    let name = state.user_name()?;
    let facets = state.facets(imported);
    let expected = state.expected();
    let at = provider.clock.now();
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
                .find(&target, &name, facets, &Expected::default())
                .await
        }
    };
    let user = found.map_err(|error| diagnostic(&error))?;
    let previous = if imported {
        Previous::Import(state)
    } else {
        Previous::State(state)
    };
    Ok(user.map(|user| {
        let credentials = Credentials::of(provider, &user, state, at);
        let model = state_of(&user, previous, &provider.default_tags, &credentials);
        (model, Seen::of(&user, at))
    }))
}

/// The answer to a create or update: the state that is true now, with or without an error.
fn answer(
    provider: &ProviderState,
    outcome: &UserOutcome,
    planned: &IamUserModel,
    prior: Option<&IamUserModel>,
    private: Private,
) -> Outcome {
    let mut diagnostics = outcome_diagnostics(outcome);
    let Some(user) = &outcome.user else {
        return Outcome::failed(diagnostics);
    };
    let at = provider.clock.now();
    if outcome.result.is_ok() {
        let decided = Planned::read(&private);
        let credentials = Credentials::of(provider, user, planned, at);
        diagnostics.append(unkept(&credentials, prior, decided.as_ref()));
    }
    let state = if diagnostics.has_errors() {
        let model = shown::as_before(planned, prior);
        state_after(provider, user, &model, at)
    } else {
        let mut state = state_after(provider, user, planned, at);
        shown::as_planned(&mut state, planned);
        state
    };
    let mut private = private;
    Seen::keep(Seen::of(user, at).as_ref(), &mut private);
    Outcome::exists(state)
        .with_private(private)
        .with(diagnostics)
}

fn state_after(
    provider: &ProviderState,
    user: &ObservedUser,
    model: &IamUserModel,
    at: Timestamp,
) -> IamUserModel {
    let credentials = Credentials::of(provider, user, model, at);
    state_of(
        user,
        Previous::Plan(model),
        &provider.default_tags,
        &credentials,
    )
}

/// What is due and was not done: for a new user a warning, because no plan could tell; against the plan an error.
fn unkept(
    credentials: &Credentials,
    prior: Option<&IamUserModel>,
    decided: Option<&Planned>,
) -> Diagnostics {
    let place = || Path::attribute("access_key");
    let Some(prior) = prior else {
        let blocked = credentials.blocked.iter();
        return blocked
            .map(|reason| {
                Diagnostic::warning("Change of access keys is blocked", sentence(reason))
                    .at(place())
            })
            .collect();
    };
    let decided = decided.filter(|decided| decided.access_keys);
    let prevented =
        decided.and_then(|decided| shown::prevented(prior, credentials, &decided.blocked));
    match prevented {
        None => Diagnostics::new(),
        Some(reason) => Diagnostic::error(
            "Planned change of access keys was not made",
            format!(
                "Something got in the way after the plan: {} Nothing of the access keys was changed; the rest of the \
                 change was made.",
                sentence(&reason)
            ),
        )
        .at(place())
        .into(),
    }
}

fn sentence(reason: &str) -> String {
    format!("{}.", reason.trim_end_matches('.'))
}

/// What an apply may do whose plan could not decide: what that plan left open.
fn scope_of(planned: &IamUserModel, at: Timestamp) -> Scope {
    let console = planned.console_access.known();
    Scope {
        at,
        access_keys: planned.access_keys.is_unknown(),
        console_access: console.is_none_or(|console| console.last_password_change.is_unknown()),
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
