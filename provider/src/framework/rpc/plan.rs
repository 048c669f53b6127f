//! Plans of one resource instance.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossaccount_proto::tfplugin6::plan_resource_change::{Request, Response};

use super::{capabilities, deferred};
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, identity as wire, values};
use crate::framework::{Plan, PlanAction, PlanRequest, Private, Provider, identity, plan};
use crate::schema::{Diagnostic, Diagnostics};

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "PlanResourceChange";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        let attributes = resource.schema.attributes();
        let object =
            |message: &Option<_>, what| values::decode_object(message.as_ref(), &resource.ty, what);
        let prior = object(&self.prior_state, "prior state")?;
        let proposed = object(&self.proposed_new_state, "proposed state")?;
        let config = object(&self.config, "configuration")?;
        let private = Private::from_bytes(&self.prior_private);

        let (action, planned, requires_replace) = match (&prior, &proposed) {
            (_, None) => (PlanAction::Delete, None, BTreeSet::new()),
            (prior, Some(proposed)) => {
                let config = config.clone().unwrap_or_default();
                let planned = plan::generic(attributes, &config, prior.as_ref(), proposed.clone());
                let (action, replacements) = match prior {
                    None => (PlanAction::Create, BTreeSet::new()),
                    Some(prior) => (
                        PlanAction::Update,
                        plan::replacements(attributes, prior, &planned),
                    ),
                };
                (action, Some(planned), replacements)
            }
        };
        let identity = server.identities.get(self.type_name.as_str());
        let earlier = match identity {
            Some(identity) => wire::decode(self.prior_identity.as_ref(), identity)?,
            None => None,
        };
        // What is write-only is in the configuration and nowhere else.
        let proposed = proposed.map(|it| plan::without_write_only(attributes, it));
        let request = PlanRequest {
            provider: server.configured()?,
            action,
            config: config.unwrap_or_default(),
            prior,
            proposed: proposed.unwrap_or_default(),
            private: private.clone(),
            capabilities: capabilities(self.client_capabilities),
            cancelled: server.cancellation(),
        };
        let mut plan = Plan {
            planned,
            requires_replace,
            private,
            ..Plan::default()
        };
        resource.item.plan(&request, &mut plan).await;

        check(&self.type_name, attributes, &request, &mut plan);
        if plan.diagnostics.has_errors() {
            return Ok(<Self as Call<P>>::refused(self, plan.diagnostics));
        }
        // Terraform refuses a path that leads nowhere in both objects.
        let leads_somewhere = |path: &&crate::value::Path| {
            [&request.prior, &plan.planned].iter().any(|object| {
                object
                    .as_ref()
                    .is_some_and(|object| object.at(path).is_some())
            })
        };
        let requires_replace = plan
            .requires_replace
            .iter()
            .filter(leads_somewhere)
            .map(diagnostics::to_path)
            .collect();
        let planned_identity = identity.and_then(|identity| {
            let (prior, planned) = (request.prior.as_ref(), plan.planned.as_ref());
            let planned = identity::planned(identity, earlier, prior, planned)?;
            Some(wire::encode(planned, identity))
        });
        Ok(Response {
            planned_identity: planned_identity.transpose()?,
            planned_state: Some(values::encode_object(plan.planned, &resource.ty, "plan")?),
            requires_replace,
            planned_private: plan.private.to_bytes(),
            diagnostics: diagnostics::to_proto(plan.diagnostics),
            deferred: plan.deferred.map(deferred),
            ..Default::default()
        })
    }

    /// The plan of an error answer is not looked at; no change is the safest one.
    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        Response {
            planned_state: self.prior_state,
            planned_private: self.prior_private,
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}

/// Adds an error for everything that Terraform would refuse without saying what to do.
fn check<C>(
    type_name: &str,
    attributes: &[crate::schema::Attribute],
    request: &PlanRequest<C>,
    plan: &mut Plan,
) {
    match (&plan.planned, request.action) {
        (None, PlanAction::Delete) => {}
        (Some(planned), PlanAction::Create | PlanAction::Update) => {
            let prior = request.prior.as_ref();
            let faults = plan::faults(attributes, &request.config, prior, planned);
            plan.diagnostics.append(faults);
        }
        (Some(_), PlanAction::Delete) => plan.diagnostics.push(Diagnostic::bug(format!(
            "The plan of the deletion of a {type_name} holds an object."
        ))),
        (None, PlanAction::Create | PlanAction::Update) => plan.diagnostics.push(Diagnostic::bug(
            format!("The plan of a {type_name} that is configured holds no object."),
        )),
    }
    if plan.deferred.is_some() && !request.capabilities.deferral_allowed {
        plan.diagnostics.error(
            "Plan not possible yet",
            format!(
                "{type_name} cannot be planned before values that it depends on are known, and \
                 this run cannot defer it. Apply what it depends on first, for example with -target."
            ),
        );
    }
}
