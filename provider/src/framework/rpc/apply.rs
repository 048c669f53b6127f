//! Creation, change and deletion of one resource instance.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::apply_resource_change::{Request, Response};

use super::for_state;
use crate::framework::identity::existing;
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, identity as wire, values};
use crate::framework::{
    CreateRequest, DeleteRequest, Outcome, Private, Provider, UpdateRequest, plan,
};
use crate::schema::{Diagnostic, Diagnostics};

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "ApplyResourceChange";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        let object =
            |message: &Option<_>, what| values::decode_object(message.as_ref(), &resource.ty, what);
        let prior = object(&self.prior_state, "prior state")?;
        let planned = object(&self.planned_state, "planned state")?;
        let config = object(&self.config, "configuration")?.unwrap_or_default();
        let private = Private::from_bytes(&self.planned_private);
        let provider = server.ready()?;
        let cancelled = server.cancellation();

        let identity = server.identities.get(self.type_name.as_str());
        // The identity of a plan belongs to an object only when that existed before.
        let earlier = match identity {
            Some(identity) if prior.is_some() => {
                wire::decode(self.planned_identity.as_ref(), identity)?
            }
            _ => None,
        };

        let (work, private_before) = (private.clone(), self.planned_private);
        let (outcome, expected) = match (prior.clone(), planned) {
            (None, Some(planned)) => {
                let request = CreateRequest {
                    provider,
                    config,
                    planned: planned.clone(),
                    private: work,
                    cancelled,
                };
                (
                    created(&self.type_name, resource.item.create(request).await),
                    Some(planned),
                )
            }
            (Some(prior), Some(planned)) => {
                let request = UpdateRequest {
                    provider,
                    config,
                    prior,
                    planned: planned.clone(),
                    private: work,
                    cancelled,
                };
                (
                    updated(&self.type_name, resource.item.update(request).await),
                    Some(planned),
                )
            }
            (Some(prior), None) => {
                let request = DeleteRequest {
                    provider,
                    prior,
                    private: work,
                    cancelled,
                };
                (
                    deleted(&self.type_name, resource.item.delete(request).await),
                    None,
                )
            }
            (None, None) => (Outcome::gone(), None),
        };

        let mut found = outcome.diagnostics;
        let state = match outcome.state {
            Some(state) => {
                let state = for_state(&resource.schema, state, "result", &mut found);
                // A value that means the same as the planned one must be returned as planned.
                Some(match &expected {
                    Some(planned) => {
                        plan::keep_equal_values(resource.schema.attributes(), planned, state)
                    }
                    None => state,
                })
            }
            None if found.has_errors() => prior.clone(),
            None => None,
        };
        let new_identity = match (identity, &state) {
            (Some(identity), Some(state)) => {
                let now = existing(identity, earlier.as_ref(), state, &mut found);
                // What does not fit here does not fit into the state either, which reports it.
                now.and_then(|now| wire::encode(now, identity).ok())
            }
            _ => None,
        };
        let new_state = match values::encode_object(state, &resource.ty, "result") {
            Ok(new_state) => Some(new_state),
            // The object may have changed and cannot be described: what was known before stays.
            Err(fault) => {
                found.append(fault);
                self.prior_state
            }
        };
        Ok(Response {
            new_state,
            new_identity,
            private: outcome
                .private
                .map_or(private_before, |private| private.to_bytes()),
            diagnostics: diagnostics::to_proto(found),
            ..Default::default()
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        Response {
            new_state: self.prior_state,
            private: self.planned_private,
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}

fn created(type_name: &str, mut outcome: Outcome) -> Outcome {
    if outcome.state.is_none() && !outcome.diagnostics.has_errors() {
        outcome.diagnostics.push(Diagnostic::bug(format!(
            "The creation of a {type_name} succeeded without saying what exists now. The object \
             may exist although the state does not hold it."
        )));
    }
    outcome
}

fn updated(type_name: &str, mut outcome: Outcome) -> Outcome {
    if outcome.state.is_none() && !outcome.diagnostics.has_errors() {
        outcome.diagnostics.push(Diagnostic::bug(format!(
            "The change of a {type_name} succeeded without saying what exists now."
        )));
    }
    outcome
}

fn deleted(type_name: &str, mut outcome: Outcome) -> Outcome {
    if outcome.state.is_some() && !outcome.diagnostics.has_errors() {
        outcome.diagnostics.push(Diagnostic::bug(format!(
            "The deletion of a {type_name} succeeded and says that the object still exists."
        )));
    }
    outcome
}
