//! What a plan of a user shows, refuses and warns about. A plan never writes: all it may call is the read session.

use std::collections::BTreeSet;

use crossaccount_core::ids::{AccountId, Partition, PolicyArn, RoleArn, UserArn, UserName};
use crossaccount_core::session::Target;
use crossaccount_core::user::{
    DeletionPolicy, Facets, Ownership, Quota, QuotaProblem, UserSpec, existing_user_warning,
};

use super::convert::merged_tags;
use super::{IamUserModel, diagnostic};
use crate::crossaccount::ProviderState;
use crate::crossaccount::errors::unchecked;
use crate::framework::{Configured, Plan, PlanAction, PlanRequest};
use crate::schema::{Diagnostic, Diagnostics, Field};
use crate::value::{Path, Value};

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
            let refused = found.has_errors();
            plan.diagnostics.append(found);
            // Nothing is asked of an account that may not be touched.
            if !refused && !request.cancelled.is_cancelled() {
                let found = live_checks(provider, prior.as_ref(), planned).await;
                plan.diagnostics.append(found);
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

/// What contradicts itself in a configuration, whatever AWS says.
pub(super) fn contradictions(config: &IamUserModel) -> Diagnostics {
    let mut found = Diagnostics::new();
    let Ok(account_id) = known_account(config) else {
        return found;
    };
    if let Some(arn) = known_as::<RoleArn>(&config.role_arn)
        && *arn.account_id() != account_id
    {
        found.error_at(
            Path::attribute("role_arn"),
            "Role of another account",
            format!(
                "The role {arn} belongs to account {}, and the user to account {account_id}.",
                arn.account_id()
            ),
        );
    }
    for (name, arn) in policy_arns(config) {
        if let Some(owner) = arn.account_id()
            && *owner != account_id
        {
            found.error_at(
                Path::attribute(name),
                "Policy of another account",
                format!(
                    "The policy {arn} belongs to account {owner}, and the user to account {account_id}. IAM attaches only \
                     policies of the user's own account and those that AWS manages."
                ),
            );
        }
    }
    found
}

/// ARNs of a partition that the hub credentials cannot reach.
fn wrong_partition(partition: Partition, planned: &IamUserModel) -> Diagnostics {
    let role = known_as::<RoleArn>(&planned.role_arn)
        .map(|arn| ("role_arn", arn.partition(), arn.to_string()));
    let policies = policy_arns(planned)
        .into_iter()
        .map(|(name, arn)| (name, arn.partition(), arn.to_string()));
    policies
        .chain(role)
        .filter(|(_, found, _)| *found != partition)
        .map(|(name, found, arn)| {
            Diagnostic::error(
                "ARN of another partition",
                format!(
                    "{arn} is in the partition {found}, and the provider's Region in {partition}."
                ),
            )
            .at(Path::attribute(name))
        })
        .collect()
}

fn policy_arns(model: &IamUserModel) -> Vec<(&'static str, PolicyArn)> {
    let boundary = known_as::<PolicyArn>(&model.permissions_boundary);
    let managed = model.managed_policy_arns.known().into_iter().flatten();
    let managed = managed.filter_map(|text| text.parse::<PolicyArn>().ok());
    boundary
        .map(|arn| ("permissions_boundary", arn))
        .into_iter()
        .chain(managed.map(|arn| ("managed_policy_arns", arn)))
        .collect()
}

fn known_as<T: std::str::FromStr>(field: &Field<String>) -> Option<T> {
    field.known()?.parse().ok()
}

fn known_account(model: &IamUserModel) -> Result<AccountId, ()> {
    known_as(&model.account_id).ok_or(())
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

/// What only the account itself can tell.
async fn live_checks(
    provider: &ProviderState,
    prior: Option<&IamUserModel>,
    planned: &IamUserModel,
) -> Diagnostics {
    let mut found = Diagnostics::new();
    if planned.role_arn.is_unknown() || planned.name.is_unknown() {
        return found;
    }
    let (Ok(target), Ok(spec)) = (planned.target(), planned.spec(provider)) else {
        return found;
    };
    let replaces = prior.is_some_and(|prior| prior.account_id != planned.account_id);
    // A replacement is planned a second time as a creation.
    let prior = if replaces {
        if let Some(prior) = prior {
            plan_deletion(provider, prior, &mut found);
        }
        return found;
    } else {
        prior
    };
    let takes_name = prior.is_none_or(|prior| prior.name != planned.name);
    if takes_name && !provider.plan_name(&target.account_id, &spec.name) {
        found.error_at(
            Path::attribute("name"),
            "Two users of one name",
            format!(
                "Account {} would get two users named {}, or two whose names differ by case alone. IAM does not tell such \
                 names apart.",
                target.account_id, spec.name
            ),
        );
        return found;
    }
    let quotas = async {
        if prior.is_none_or(|prior| sets_changed(prior, planned)) {
            quota_problems(provider, &target, &spec, planned, prior.is_none()).await
        } else {
            Diagnostics::new()
        }
    };
    let others = async {
        match prior {
            None => existing_user(provider, &target, &spec, planned).await,
            Some(prior) => {
                let mut found = newly_managed(provider, &target, prior, planned, &spec).await;
                if takes_name {
                    found.append(taken_name(provider, &target, &spec.name).await);
                }
                found
            }
        }
    };
    let (quotas, others) = tokio::join!(quotas, others);
    // One account that cannot be reached is told once for a user, however many questions fail.
    if others.is_empty() {
        found.append(quotas);
    } else {
        found.append(merged(quotas, others));
    }
    found
}

/// Both lists without a second warning about the same failure.
fn merged(first: Diagnostics, second: Diagnostics) -> Diagnostics {
    let mut all: Vec<Diagnostic> = Vec::new();
    for diagnostic in first.into_iter().chain(second) {
        if !all.iter().any(|seen| seen.detail == diagnostic.detail) {
            all.push(diagnostic);
        }
    }
    all.into_iter().collect()
}

fn sets_changed(prior: &IamUserModel, planned: &IamUserModel) -> bool {
    prior.managed_policy_arns != planned.managed_policy_arns
        || prior.inline_policies != planned.inline_policies
        || prior.groups != planned.groups
        || prior.tags != planned.tags
        || prior.deletion_policy != planned.deletion_policy
}

async fn quota_problems(
    provider: &ProviderState,
    target: &Target,
    spec: &UserSpec,
    planned: &IamUserModel,
    creates: bool,
) -> Diagnostics {
    let quotas = match provider.users.quotas(target).await {
        Ok(quotas) => quotas,
        Err(error) => return unchecked("Account", &error).into(),
    };
    let new_users = if creates {
        provider.planned_users(&target.account_id)
    } else {
        0
    };
    quotas
        .check(spec, planned.deletion_policy(), new_users)
        .into_iter()
        .map(|QuotaProblem { quota, message }| {
            let name = match quota {
                Quota::Users => "account_id",
                Quota::Groups => "groups",
                Quota::ManagedPolicies => "managed_policy_arns",
                Quota::InlinePolicySize => "inline_policies",
                Quota::Tags => "tags",
            };
            let detail = format!(
                "Account {}, user {}: {message}.",
                target.account_id, spec.name
            );
            Diagnostic::error("Quota exceeded", detail).at(Path::attribute(name))
        })
        .collect()
}

/// A user that is to be created, and exists.
async fn existing_user(
    provider: &ProviderState,
    target: &Target,
    spec: &UserSpec,
    planned: &IamUserModel,
) -> Diagnostics {
    // Mostly there is no such user, and one call tells. Asking for its sets as well would cost more calls, and a member
    // role that is limited to a path denies them for a user that does not exist.
    let nothing = BTreeSet::new();
    match provider
        .users
        .find(target, &spec.name, Facets::NONE, &nothing)
        .await
    {
        Ok(None) => return Diagnostics::new(),
        Ok(Some(_)) => {}
        Err(error) => return unchecked("Account", &error).into(),
    }
    let expected = planned.inline_policy_names();
    let user = match provider
        .users
        .find(target, &spec.name, spec.facets(), &expected)
        .await
    {
        Ok(None) => return Diagnostics::new(),
        Ok(Some(user)) => user,
        Err(error) => return unchecked("Account", &error).into(),
    };
    let owner = provider.users.owner();
    let place = Path::attribute("name");
    let adopts = planned
        .adoption_policy
        .known()
        .is_some_and(|policy| policy == "adopt");
    let account_id = &target.account_id;
    match user.ownership(owner) {
        Ownership::Other(other) => Diagnostic::error(
            "User exists and belongs to somebody else",
            format!(
                "Account {account_id}: user {} is managed by {other:?}. Remove it there first, or choose another name.",
                user.name
            ),
        )
        .at(place)
        .into(),
        Ownership::Nobody if !adopts => Diagnostic::error(
            "User exists",
            format!(
                "Account {account_id}: a user named {} exists and was not made by this deployment. Import it (id \
                 {account_id}/{}), or set adoption_policy = \"adopt\" to take it over.",
                user.name, user.name
            ),
        )
        .at(place)
        .into(),
        Ownership::Ours | Ownership::Nobody => Diagnostic::warning(
            "User exists",
            format!("Account {account_id}: {}", existing_user_warning(&user, spec, owner)),
        )
        .at(place)
        .into(),
    }
}

/// A user is to be renamed to a name that another user has now.
async fn taken_name(provider: &ProviderState, target: &Target, name: &UserName) -> Diagnostics {
    match provider.users.find(target, name, Facets::NONE, &BTreeSet::new()).await {
        Ok(None) => Diagnostics::new(),
        // Another resource may free the name in the same run, so this is no error yet.
        Ok(Some(user)) => Diagnostic::warning(
            "Name is taken",
            format!(
                "Account {}: a user named {} exists (unique id {}). The rename fails unless that user is renamed or \
                 deleted before.",
                target.account_id, user.name, user.unique_id
            ),
        )
        .at(Path::attribute("name"))
        .into(),
        Err(error) => unchecked("Name", &error).into(),
    }
}

/// Sets that begin to be managed: the state does not show yet what the user has, so the plan could not show what goes.
async fn newly_managed(
    provider: &ProviderState,
    target: &Target,
    prior: &IamUserModel,
    planned: &IamUserModel,
    spec: &UserSpec,
) -> Diagnostics {
    let wanted = spec.facets();
    let facets = Facets {
        managed_policies: wanted.managed_policies && prior.managed_policy_arns.is_null(),
        inline_policies: wanted.inline_policies && prior.inline_policies.is_null(),
        groups: wanted.groups && prior.groups.is_null(),
    };
    let Ok(recorded) = prior.recorded() else {
        return Diagnostics::new();
    };
    if facets == Facets::NONE {
        return Diagnostics::new();
    }
    let expected = planned.inline_policy_names();
    let user = match provider
        .users
        .find(target, &recorded.name, facets, &expected)
        .await
    {
        Ok(Some(user)) => user,
        Ok(None) => return Diagnostics::new(),
        Err(error) => return unchecked("User", &error).into(),
    };
    let not_in = |names: Vec<String>, wanted: Vec<String>| {
        names
            .into_iter()
            .filter(|name| !wanted.contains(name))
            .collect::<Vec<_>>()
    };
    let texts = |items: Vec<&dyn ToString>| items.iter().map(|item| item.to_string()).collect();
    let mut found = Diagnostics::new();
    let mut warn = |attribute: &str, surplus: Vec<String>| {
        if !surplus.is_empty() {
            found.push(
                Diagnostic::warning(
                    "Existing entries will be removed",
                    format!(
                        "Account {}, user {}: {attribute} is managed from now on. These entries exist and are not in the \
                         configuration; they will be removed: {}.",
                        target.account_id,
                        recorded.name,
                        surplus.join(", ")
                    ),
                )
                .at(Path::attribute(attribute)),
            );
        }
    };
    let managed = user.managed_policy_arns.unwrap_or_default();
    warn(
        "managed_policy_arns",
        not_in(
            managed.iter().map(ToString::to_string).collect(),
            spec.managed_policy_arns
                .iter()
                .flatten()
                .map(ToString::to_string)
                .collect(),
        ),
    );
    let inline = user.inline_policies.unwrap_or_default();
    warn(
        "inline_policies",
        not_in(
            inline.keys().map(ToString::to_string).collect(),
            spec.inline_policies
                .iter()
                .flatten()
                .map(|(name, _)| name.to_string())
                .collect(),
        ),
    );
    let groups = user.groups.unwrap_or_default();
    warn(
        "groups",
        not_in(
            texts(groups.iter().map(|group| group as &dyn ToString).collect()),
            spec.groups
                .iter()
                .flatten()
                .map(ToString::to_string)
                .collect(),
        ),
    );
    found
}

#[cfg(test)]
mod tests {
    use crossaccount_core::ids::Partition;

    use super::{IamUserModel, contradictions, wrong_partition};
    use crate::schema::{Diagnostics, Field};

    fn model() -> IamUserModel {
        IamUserModel {
            account_id: Field::Known("222222222222".to_owned()),
            ..IamUserModel::default()
        }
    }

    fn text(text: &str) -> Field<String> {
        Field::Known(text.to_owned())
    }

    fn places(found: &Diagnostics) -> Vec<String> {
        found
            .iter()
            .map(|found| found.attribute.as_ref().unwrap().to_string())
            .collect()
    }

    #[test]
    fn arns_of_another_account_are_refused_on_their_attribute() {
        let config = IamUserModel {
            role_arn: text("arn:aws:iam::333333333333:role/Admin"),
            permissions_boundary: text("arn:aws:iam::333333333333:policy/Boundary"),
            managed_policy_arns: Field::Known(
                ["arn:aws:iam::333333333333:policy/P".to_owned()].into(),
            ),
            ..model()
        };
        assert_eq!(
            places(&contradictions(&config)),
            ["role_arn", "permissions_boundary", "managed_policy_arns"]
        );
    }

    #[test]
    fn policies_of_aws_belong_to_every_account() {
        let config = IamUserModel {
            managed_policy_arns: Field::Known(
                ["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()].into(),
            ),
            ..model()
        };
        assert!(contradictions(&config).is_empty());
    }

    #[test]
    fn an_unknown_account_contradicts_nothing() {
        let config = IamUserModel {
            account_id: Field::Unknown,
            role_arn: text("arn:aws:iam::333333333333:role/Admin"),
            ..IamUserModel::default()
        };
        assert!(contradictions(&config).is_empty());
    }

    #[test]
    fn arns_of_another_partition_are_refused_on_their_attribute() {
        let config = IamUserModel {
            permissions_boundary: text("arn:aws-cn:iam::222222222222:policy/Boundary"),
            role_arn: text("arn:aws:iam::222222222222:role/Admin"),
            ..model()
        };
        assert_eq!(
            places(&wrong_partition(Partition::Aws, &config)),
            ["permissions_boundary"]
        );
        assert_eq!(
            places(&wrong_partition(Partition::China, &config)),
            ["role_arn"]
        );
    }
}
