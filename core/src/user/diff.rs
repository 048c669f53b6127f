//! The one place that decides what changes.

use std::collections::{BTreeMap, BTreeSet};

use super::ownership::{MANAGED_BY_TAG, QUARANTINE_POLICY, QUARANTINED_TAG, is_reserved_tag};
use super::{ObservedUser, Owner, Step, UserSpec};
use crate::ids::PolicyName;

/// The steps that lead from what IAM has to what is wanted, in the order in which they are safe.
///
/// Pure: no clock, no network, no randomness. `diff` of a user with itself is empty, and applying
/// the steps to any user leads to the wanted one (see `model`, which proves both).
///
/// The order: the rename first, because it can fail on a name that is taken and nothing else should
/// have changed then; a boundary that is set comes before any new permission; what is removed goes
/// before what is added, because quotas count both; a boundary that is removed goes last.
///
/// A set of the spec that is `Some` must have been observed: asking for a difference to something
/// unknown would remove nothing and is a fault of the caller, so unobserved sets count as empty.
pub fn diff(spec: &UserSpec, owner: &Owner, observed: Option<&ObservedUser>) -> Vec<Step> {
    let wanted_tags = wanted_tags(spec, owner);
    let Some(observed) = observed else {
        return creation(spec, wanted_tags);
    };
    let mut steps = Vec::new();
    let new_name = (observed.name != spec.name).then(|| spec.name.clone());
    let new_path = (observed.path != spec.path).then(|| spec.path.clone());
    if new_name.is_some() || new_path.is_some() {
        steps.push(Step::UpdateUser { new_name, new_path });
    }
    let boundary_changes = observed.permissions_boundary != spec.permissions_boundary;
    if boundary_changes && let Some(arn) = &spec.permissions_boundary {
        steps.push(Step::PutPermissionsBoundary(arn.clone()));
    }
    steps.extend(tag_steps(&wanted_tags, observed));
    steps.extend(set_steps(spec, observed));
    if boundary_changes && spec.permissions_boundary.is_none() {
        steps.push(Step::DeletePermissionsBoundary);
    }
    if observed.is_quarantined() {
        steps.extend(lift_quarantine());
    }
    steps
}

/// Access comes back last, when everything else is as wanted. The tag goes after the policy, so that
/// a run that dies in between still knows that there is a policy to remove.
fn lift_quarantine() -> impl Iterator<Item = Step> {
    let policy = QUARANTINE_POLICY
        .parse::<PolicyName>()
        .ok()
        .map(Step::DeleteInlinePolicy);
    let tag = Step::UntagUser(BTreeSet::from([QUARANTINED_TAG.to_owned()]));
    policy.into_iter().chain(std::iter::once(tag))
}

fn wanted_tags(spec: &UserSpec, owner: &Owner) -> BTreeMap<String, String> {
    let mut tags: BTreeMap<String, String> = spec
        .tags
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect();
    tags.insert(MANAGED_BY_TAG.to_owned(), owner.to_string());
    tags
}

fn creation(spec: &UserSpec, tags: BTreeMap<String, String>) -> Vec<Step> {
    let create = Step::CreateUser {
        path: spec.path.clone(),
        permissions_boundary: spec.permissions_boundary.clone(),
        tags,
    };
    let groups = spec.groups.iter().flatten().cloned().map(Step::AddToGroup);
    let managed = spec
        .managed_policy_arns
        .iter()
        .flatten()
        .cloned()
        .map(Step::AttachPolicy);
    let inline = spec
        .inline_policies
        .iter()
        .flatten()
        .map(|(name, document)| Step::PutInlinePolicy(name.clone(), document.clone()));
    std::iter::once(create)
        .chain(groups)
        .chain(managed)
        .chain(inline)
        .collect()
}

fn tag_steps(wanted: &BTreeMap<String, String>, observed: &ObservedUser) -> Vec<Step> {
    // A reserved tag that this version does not know may belong to a newer one: it stays.
    let surplus: BTreeSet<String> = observed
        .tags
        .keys()
        .filter(|key| !wanted.contains_key(*key) && !is_reserved_tag(key))
        .cloned()
        .collect();
    let changed: BTreeMap<String, String> = wanted
        .iter()
        .filter(|(key, value)| observed.tags.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let untag = (!surplus.is_empty()).then_some(Step::UntagUser(surplus));
    let tag = (!changed.is_empty()).then_some(Step::TagUser(changed));
    untag.into_iter().chain(tag).collect()
}

fn set_steps(spec: &UserSpec, observed: &ObservedUser) -> Vec<Step> {
    let (mut removals, mut additions) = (Vec::new(), Vec::new());
    if let Some(wanted) = &spec.inline_policies {
        let existing = observed.inline_policies.as_ref();
        for name in existing.into_iter().flatten().map(|(name, _)| name) {
            let locks = observed.is_quarantined() && name.as_str() == QUARANTINE_POLICY;
            if !wanted.contains_key(name) && !locks {
                removals.push(Step::DeleteInlinePolicy(name.clone()));
            }
        }
        for (name, document) in wanted {
            if existing.and_then(|policies| policies.get(name)) != Some(document) {
                additions.push(Step::PutInlinePolicy(name.clone(), document.clone()));
            }
        }
    }
    if let Some(wanted) = &spec.managed_policy_arns {
        let existing = observed.managed_policy_arns.clone().unwrap_or_default();
        removals.extend(existing.difference(wanted).cloned().map(Step::DetachPolicy));
        additions.extend(
            wanted
                .difference(&existing)
                .cloned()
                .map(Step::AttachPolicy),
        );
    }
    if let Some(wanted) = &spec.groups {
        let existing = observed.groups.clone().unwrap_or_default();
        removals.extend(
            existing
                .difference(wanted)
                .cloned()
                .map(Step::RemoveFromGroup),
        );
        additions.extend(wanted.difference(&existing).cloned().map(Step::AddToGroup));
    }
    removals.extend(additions);
    removals
}
