//! The strict way: properties of a Create or an Update.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crossaccount_core::ids::{AccountId, PolicyArn, PolicyName, TagKey, TagValue, UserName};
use crossaccount_core::session::Target;
use crossaccount_core::user::{
    Adoption, ConsoleAccess, DeletionPolicy, KeyIntervals, KeyPolicy, KeyStatus, LONGEST_TRIGGER,
    PasswordSource, PolicyDocument, QUARANTINE_POLICY, Quota, Quotas, TriggerHash, UserSpec,
    is_reserved_tag,
};
use serde_json::{Map, Value};

use super::shape::{Fields, clipped};
use super::table::PROPERTIES;
use super::{Problems, UserProperties};

/// Reads the properties of a Create or an Update: what Terraform accepts, in the spelling of a template.
///
/// Scalars may be texts, as `CloudFormation` makes them, and are read strictly: `"true"` and `"14"`, but not `"True"` or
/// `"14.0"`. Pure.
///
/// # Errors
/// Everything that is wrong, at once. Quotas are counted when there is nothing else.
pub fn read(properties: &Map<String, Value>) -> Result<UserProperties, Problems> {
    let mut problems = Problems::default();
    let fields = Fields::take(properties, PROPERTIES, String::new(), &mut problems);
    let account_id = account_id(&fields, &mut problems);
    let name: Option<UserName> = fields.id("UserName", &mut problems);
    let adoption = match fields.text("AdoptionPolicy") {
        Some("adopt") => Adoption::Adopt,
        _ => Adoption::Fail,
    };
    let deletion_policy = match fields.text("DeletionPolicy") {
        Some("retain") => DeletionPolicy::Retain,
        Some("quarantine") => DeletionPolicy::Quarantine,
        _ => DeletionPolicy::Delete,
    };
    let role_arn = fields.id("RoleArn", &mut problems);
    let path = fields.id("Path", &mut problems);
    let permissions_boundary: Option<PolicyArn> = fields.id("PermissionsBoundary", &mut problems);
    let managed: Option<Vec<(String, PolicyArn)>> = fields.ids("ManagedPolicyArns", &mut problems);
    if let Some(account_id) = &account_id {
        let boundary = permissions_boundary.iter();
        let boundary = boundary.map(|arn| ("PermissionsBoundary", arn.check_usable_in(account_id)));
        let policies = managed.iter().flatten();
        let policies = policies.map(|(path, arn)| (path.as_str(), arn.check_usable_in(account_id)));
        let role = role_arn.iter();
        let role = role.map(|arn: &crossaccount_core::ids::RoleArn| {
            ("RoleArn", arn.check_usable_in(account_id))
        });
        for (path, result) in role.chain(boundary).chain(policies) {
            if let Err(sentence) = result {
                problems.add(path, sentence.trim_end_matches('.'));
            }
        }
    }
    let inline_policies = inline_policies(&fields, &mut problems);
    let groups = fields.set("Groups", &mut problems);
    let tags = tags(&fields, &mut problems);
    let console_access = console_access(&fields, adoption, &mut problems);
    let access_key = access_key(&fields, &mut problems);
    let (Some(account_id), Some(name), true) = (account_id, name, problems.is_empty()) else {
        return Err(problems);
    };
    let properties = UserProperties {
        target: Target {
            account_id,
            role_arn,
        },
        spec: UserSpec {
            name,
            path: path.unwrap_or_default(),
            permissions_boundary,
            managed_policy_arns: managed
                .map(|policies| policies.into_iter().map(|(_, arn)| arn).collect()),
            inline_policies,
            groups,
            tags,
            access_key,
            console_access,
        },
        adoption,
        deletion_policy,
        force_destroy: fields.flag("ForceDestroy").unwrap_or_default(),
    };
    check_quotas(properties)
}

/// The account, and why it is so often not what was written.
fn account_id(fields: &Fields, problems: &mut Problems) -> Option<AccountId> {
    let text = fields.text("AccountId")?;
    if let Ok(account_id) = text.parse() {
        return Some(account_id);
    }
    if text.parse::<f64>().is_err() {
        return fields.id("AccountId", problems);
    }
    let message = format!(
        "{text:?} is not valid: an account id has exactly 12 digits. YAML makes a number of an account id without quotes, \
         and zeros at its beginning are lost; put all 12 digits between quotes, such as \"012345678901\"",
        text = clipped(text)
    );
    problems.add("AccountId", message);
    None
}

fn inline_policies(
    fields: &Fields,
    problems: &mut Problems,
) -> Option<BTreeMap<PolicyName, PolicyDocument>> {
    let mut policies = BTreeMap::new();
    for policy in fields.objects("Policies")? {
        let name: Option<PolicyName> = policy.id("PolicyName", problems);
        let document = policy.text("PolicyDocument").and_then(|text| {
            let document = text.parse::<PolicyDocument>();
            let wrong = |error| problems.add(policy.path_of("PolicyDocument"), format!("{error}"));
            document.map_err(wrong).ok()
        });
        let Some(name) = name else { continue };
        let path = policy.path_of("PolicyName");
        if name.as_str() == QUARANTINE_POLICY {
            let message = format!(
                "{QUARANTINE_POLICY:?} is kept for the policy that locks a quarantined user; use another name"
            );
            problems.add(path, message);
            continue;
        }
        match (policies.entry(name), document) {
            (Entry::Occupied(taken), _) => {
                let name = taken.key().as_str();
                problems.add(path, format!("there are two policies named {name:?}"));
            }
            (Entry::Vacant(free), Some(document)) => {
                free.insert(document);
            }
            (Entry::Vacant(_), None) => {}
        }
    }
    Some(policies)
}

fn tags(fields: &Fields, problems: &mut Problems) -> BTreeMap<TagKey, TagValue> {
    let mut tags = BTreeMap::new();
    let Some(elements) = fields.objects("Tags") else {
        return tags;
    };
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for tag in elements {
        let key: Option<TagKey> = tag.id("Key", problems);
        let value: Option<TagValue> = tag.id("Value", problems);
        let (Some(key), Some(text)) = (key, tag.text("Key")) else {
            continue;
        };
        if is_reserved_tag(text) {
            let message = format!(
                "{text:?}: the prefix crossaccount: is kept for the tags of crossaccount itself"
            );
            problems.add(tag.path_of("Key"), message);
        }
        match seen.insert(text.to_lowercase(), text) {
            Some(first) if first == text => {
                problems.add(
                    tag.path_of("Key"),
                    format!("there are two tags with the key {text:?}"),
                );
            }
            Some(first) => {
                let message =
                    format!("IAM takes the tag keys {first:?} and {text:?} for the same key");
                problems.add(tag.path_of("Key"), message);
            }
            None => {}
        }
        if let Some(value) = value {
            tags.insert(key, value);
        }
    }
    tags
}

/// A text whose change asks for something.
fn trigger(fields: &Fields, name: &str, problems: &mut Problems) -> Option<String> {
    let text = fields.text(name)?;
    let length = text.chars().count();
    if !(1..=LONGEST_TRIGGER).contains(&length) {
        let message = format!("it has {length} characters, and 1 to {LONGEST_TRIGGER} are allowed");
        problems.add(fields.path_of(name), message);
    }
    Some(text.to_owned())
}

fn console_access(
    fields: &Fields,
    adoption: Adoption,
    problems: &mut Problems,
) -> Option<ConsoleAccess> {
    let console = fields.object("ConsoleAccess")?;
    let length = console.number("PasswordLength");
    Some(ConsoleAccess {
        source: PasswordSource::Generated {
            length: length.and_then(|length| length.try_into().ok()),
        },
        password_reset_required: console.flag("PasswordResetRequired").unwrap_or(true),
        reset_trigger: trigger(console, "PasswordResetTrigger", problems),
        adopt: adoption == Adoption::Adopt,
    })
}

fn access_key(fields: &Fields, problems: &mut Problems) -> Option<KeyPolicy> {
    let key = fields.object("AccessKey")?;
    let trigger = trigger(key, "RotationTrigger", problems);
    if problems.any_below("AccessKey") {
        // An interval that could not be read contradicts nothing.
        return None;
    }
    let defaults = KeyIntervals::default();
    let days = |name: &str| key.number(name);
    let intervals = KeyIntervals {
        rotate_after_days: days("RotateAfterDays").unwrap_or(defaults.rotate_after_days),
        disable_after_days: days("DisableAfterDays"),
        delete_after_days: days("DeleteAfterDays").unwrap_or(defaults.delete_after_days),
        keep_if_used_within_days: days("KeepIfUsedWithinDays")
            .unwrap_or(defaults.keep_if_used_within_days),
    };
    let status = key
        .text("Status")
        .map_or(KeyStatus::Active, KeyStatus::of_iam);
    match KeyPolicy::new(intervals, status, trigger.as_deref().map(TriggerHash::of)) {
        Ok(policy) => Some(policy),
        Err(problem) => {
            let name = |field: &str| match field {
                "rotate_after_days" => "RotateAfterDays",
                "disable_after_days" => "DisableAfterDays",
                _ => "DeleteAfterDays",
            };
            // The core speaks of its own fields, and so does its text.
            let message = problem
                .message
                .replace("rotate_after_days", "RotateAfterDays");
            problems.add(key.path_of(name(problem.field)), message);
            None
        }
    }
}

fn check_quotas(properties: UserProperties) -> Result<UserProperties, Problems> {
    let mut problems = Problems::default();
    let quotas = Quotas::of_every_account();
    for problem in quotas.check(&properties.spec, properties.deletion_policy, 0) {
        let path = match problem.quota {
            Quota::Users => "AccountId",
            Quota::Groups => "Groups",
            Quota::ManagedPolicies => "ManagedPolicyArns",
            Quota::InlinePolicySize => "Policies",
            Quota::Tags => "Tags",
        };
        problems.add(path, problem.message);
    }
    if problems.is_empty() {
        return Ok(properties);
    }
    Err(problems)
}
