//! What a plan of a user shows, refuses and warns about. A plan never writes: all it may call is the read session.
//!
//! `rules` refuses what contradicts itself, `live` asks the account, and `credentials` shows what happens to keys and
//! password.

mod credentials;
mod live;
mod rules;

use crossaccount_core::ids::{AccountId, Partition, UserArn};
use crossaccount_core::user::DeletionPolicy;

use super::convert::merged_tags;
use super::seen::{Planned, Seen};
use super::{IamUserModel, diagnostic};
use crate::crossaccount::ProviderState;
use crate::framework::{Configured, Plan, PlanAction, PlanRequest};
use crate::schema::Diagnostics;
use crate::value::{Path, Value};

pub(super) use rules::contradictions;
use rules::{known_account, wrong_partition};

/// Fills in what is known before apply, and checks what can be checked.
pub(super) async fn plan(request: &PlanRequest<ProviderState>, plan: &mut Plan) {
    let prior = request
        .prior
        .as_ref()
        .map(IamUserModel::try_from)
        .transpose();
    let planned = plan
        .planned
        .as_ref()
        .map(IamUserModel::try_from)
        .transpose();
    let (prior, planned) = match (prior, planned) {
        (Ok(prior), Ok(planned)) => (prior, planned),
        (Err(error), _) | (_, Err(error)) => {
            return plan.diagnostics.push(error.into_diagnostic());
        }
    };
    Planned::keep(None, &mut plan.private);
    match (request.action, &planned) {
        (PlanAction::Delete, _) | (_, None) => {
            if let (Some(provider), Some(prior)) = (request.provider.ready(), &prior) {
                plan_deletion(provider, prior, &mut plan.diagnostics);
            }
        }
        (PlanAction::Create | PlanAction::Update, Some(planned)) => {
            fill_in(&request.provider, prior.as_ref(), planned, plan);
            let Some(provider) = request.provider.ready() else {
                return;
            };
            let mut found = wrong_partition(provider.partition, planned);
            if let Ok(account_id) = known_account(planned) {
                found.append(refused_account(provider, &account_id));
            }
            found.append(credentials::refused(provider, planned));
            let refused = found.has_errors();
            plan.diagnostics.append(found);
            // Nothing is asked of an account that may not be touched.
            if !refused && !request.cancelled.is_cancelled() {
                let seen = Seen::read(&request.private);
                let look = live::look(provider, seen, prior.as_ref(), planned).await;
                plan.diagnostics.append(look.diagnostics);
                credentials::show(&look.outlook, prior.as_ref(), planned, plan);
            }
        }
    }
}

/// Computed attributes that follow from the configuration are known in the plan: a reviewer, and policies that refer to
/// them, see the real value.
fn fill_in(
    provider: &Configured<ProviderState>,
    prior: Option<&IamUserModel>,
    planned: &IamUserModel,
    plan: &mut Plan,
) {
    let text = |value: Option<String>| value.map_or(Value::UNKNOWN, Value::from);
    let id = planned.account_id.known().zip(planned.name.known());
    plan.set(
        "id",
        text(id.map(|(account_id, name)| format!("{account_id}/{name}"))),
    );
    plan.set("arn", text(planned_arn(provider, prior, planned)));
    let Some(provider) = provider.ready() else {
        // The default tags and the owner are among what is not known yet.
        plan.set_unknown("tags_all");
        plan.set_unknown("managed_by");
        return;
    };
    plan.set("managed_by", provider.users.owner().as_str());
    if planned.tags.is_unknown() {
        plan.set_unknown("tags_all");
    } else {
        let merged = merged_tags(&provider.default_tags, planned.tags.known());
        let merged = merged
            .into_iter()
            .map(|(key, value)| (key, Value::from(value)));
        plan.set("tags_all", Value::map(merged));
    }
}

fn planned_arn(
    provider: &Configured<ProviderState>,
    prior: Option<&IamUserModel>,
    planned: &IamUserModel,
) -> Option<String> {
    let recorded = prior.and_then(|prior| prior.arn.known()?.parse::<PartitionOfArn>().ok());
    let partition = match (provider.ready(), recorded) {
        (Some(provider), _) => provider.partition,
        (None, Some(recorded)) => recorded.0,
        (None, None) => return None,
    };
    let account_id = planned.account_id.known()?.parse().ok()?;
    let path = planned.path.known()?.parse().ok()?;
    let name = planned.name.known()?.parse().ok()?;
    Some(UserArn::new(partition, account_id, path, name).to_string())
}

/// The partition that an ARN in the state tells.
struct PartitionOfArn(Partition);

impl std::str::FromStr for PartitionOfArn {
    type Err = ();

    fn from_str(arn: &str) -> Result<Self, ()> {
        let partition = arn.split(':').nth(1).ok_or(())?;
        partition.parse().map(Self).map_err(|_| ())
    }
}

fn refused_account(provider: &ProviderState, account_id: &AccountId) -> Diagnostics {
    match provider.accounts.check(account_id) {
        Ok(()) => Diagnostics::new(),
        Err(error) => diagnostic(&error).at(Path::attribute("account_id")).into(),
    }
}

fn plan_deletion(provider: &ProviderState, prior: &IamUserModel, found: &mut Diagnostics) {
    let (Ok(account_id), Some(unique_id)) = (known_account(prior), prior.unique_id.known()) else {
        return;
    };
    if prior.deletion_policy() == DeletionPolicy::Retain {
        return;
    }
    if let Err(error) = provider.users.plan_deletion(&account_id, unique_id) {
        found.push(diagnostic(&error));
    }
}
