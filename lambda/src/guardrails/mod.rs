//! What whoever writes about a user may ask for: a function is a deputy, and these are its rules.
//!
//! Whoever may create a stack, write a row of the registry or invoke a job chooses account, name and policies of a user, and
//! the function has the rights to make it. So what may be chosen is said by whoever runs the function, in its environment
//! ([`crate::settings`]), and never by what it is asked for.
//! Everything here is pure: nothing is asked of AWS, and a refused request changes nothing.

mod refusal;
#[cfg(test)]
mod tests;

use crossaccount_core::ids::{
    AccountId, GroupName, Partition, Path, PolicyArn, PolicyName, RoleName,
};
use crossaccount_core::permissions::{GroupPattern, PolicyPattern};
use crossaccount_core::session::{AccountFilter, Target};
use crossaccount_core::user::{Adoption, ObservedUser, UserSpec};

use crate::properties::UserProperties;
use crate::settings::table;
pub use refusal::Refusal;

/// The rules of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a rule of its own, and set by a variable of its own"
)]
pub struct Guardrails {
    /// The partition that the function runs in; no ARN may be of another.
    pub partition: Partition,
    /// The accounts in which users are managed.
    pub accounts: AccountFilter,
    /// What the path of every user begins with.
    pub path_prefix: Path,
    /// The boundaries of which every user must have one; `None` makes boundaries optional.
    pub boundaries: Option<Vec<PolicyPattern>>,
    /// The managed policies that may be attached.
    pub policies: Vec<PolicyPattern>,
    /// The groups that users may be put into.
    pub groups: Vec<GroupPattern>,
    /// Whether users may have inline policies.
    pub inline_policies: bool,
    /// The roles that `RoleArn` may name.
    pub roles: Vec<RoleName>,
    /// Whether a user that exists may be taken over.
    pub adoption: bool,
    /// Whether a deletion may remove what was not created here.
    pub force_destroy: bool,
    /// Whether the function keeps secrets, so that it can make credentials.
    pub secrets: bool,
}

impl Guardrails {
    /// Refuses what nobody may ask for: all rules that do not need the user itself.
    ///
    /// # Errors
    /// All rules that are broken.
    pub fn check(&self, properties: &UserProperties) -> Result<(), Refusal> {
        let UserProperties {
            target,
            spec,
            adoption,
            deletion_policy: _,
            force_destroy,
        } = properties;
        let mut refusal = Refusal::default();
        self.target(target, &mut refusal);
        self.path("Path", &spec.path, &mut refusal);
        self.boundary(&target.account_id, spec, &mut refusal);
        for arn in spec.managed_policy_arns.iter().flatten() {
            self.policy("ManagedPolicyArns", arn, &mut refusal);
            if let Err(sentence) = arn.check_usable_in(&target.account_id) {
                refusal.add(sentence);
            }
        }
        self.groups("Groups", spec.groups.iter().flatten(), &mut refusal);
        let inline = spec.inline_policies.iter().flatten();
        self.inline_policies("Policies", inline.map(|(name, _)| name), &mut refusal);
        if *adoption == Adoption::Adopt && !self.adoption {
            refusal.switched_off("AdoptionPolicy: adopt", table::ALLOW_ADOPTION);
        }
        if *force_destroy && !self.force_destroy {
            refusal.switched_off("ForceDestroy: true", table::ALLOW_FORCE_DESTROY);
        }
        let credentials = [
            ("ConsoleAccess", spec.console_access.is_some()),
            ("AccessKey", spec.access_key.is_some()),
        ];
        for (name, _) in credentials
            .into_iter()
            .filter(|(_, wanted)| *wanted && !self.secrets)
        {
            refusal.add(format!(
                "{name}: the function has no place to keep a secret ({} is not set).",
                table::SECRETS_KMS_KEY_ID
            ));
        }
        refusal.into_result()
    }

    /// Account and role alone: for a Delete.
    ///
    /// # Errors
    /// All rules that are broken.
    pub fn check_target(&self, target: &Target) -> Result<(), Refusal> {
        let mut refusal = Refusal::default();
        self.target(target, &mut refusal);
        refusal.into_result()
    }

    /// Whether a user that exists may be adopted: its path, and what it would keep because `wanted` does not manage it.
    /// Otherwise whoever asks could take over an administrator and make a key for it.
    ///
    /// Needs the user with `Facets::ALL`: what was not read is refused.
    ///
    /// # Errors
    /// All rules that are broken.
    pub fn check_existing(&self, user: &ObservedUser, wanted: &UserSpec) -> Result<(), Refusal> {
        let mut refusal = Refusal::default();
        if !self.adoption {
            refusal.switched_off("taking over a user that exists", table::ALLOW_ADOPTION);
        }
        self.path("the path of the user that exists", &user.path, &mut refusal);
        let unread = |what: &str| format!("The {what} of the user that exists were not read.");
        if wanted.managed_policy_arns.is_none() {
            match &user.managed_policy_arns {
                Some(policies) => {
                    for arn in policies {
                        self.policy("a policy of the user that exists", arn, &mut refusal);
                    }
                }
                None => refusal.add(unread("policies")),
            }
        }
        if wanted.groups.is_none() {
            match &user.groups {
                Some(groups) => {
                    self.groups("a group of the user that exists", groups, &mut refusal);
                }
                None => refusal.add(unread("groups")),
            }
        }
        if wanted.inline_policies.is_none() {
            match &user.inline_policies {
                Some(policies) => {
                    let place = "an inline policy of the user that exists";
                    self.inline_policies(place, policies.keys(), &mut refusal);
                }
                None => refusal.add(unread("inline policies")),
            }
        }
        refusal.into_result()
    }

    fn target(&self, target: &Target, refusal: &mut Refusal) {
        let Target {
            account_id,
            role_arn,
        } = target;
        match &self.accounts {
            AccountFilter::Any => {}
            AccountFilter::Only(allowed) => {
                if !allowed.contains(account_id) {
                    refusal.not_among("AccountId", account_id, allowed, table::ALLOWED_ACCOUNT_IDS);
                }
            }
            AccountFilter::AllBut(forbidden) => {
                if forbidden.contains(account_id) {
                    refusal.add(format!(
                        "AccountId \"{account_id}\" is forbidden ({}).",
                        table::FORBIDDEN_ACCOUNT_IDS
                    ));
                }
            }
        }
        let Some(arn) = role_arn else { return };
        if let Err(sentence) = arn.check_usable_in(account_id) {
            refusal.add(sentence);
        }
        self.same_partition("RoleArn", arn.partition(), arn, refusal);
        if !self.roles.contains(arn.role()) {
            refusal.not_among(
                "the role of RoleArn",
                arn.role(),
                &self.roles,
                table::ALLOWED_ROLE_NAMES,
            );
        }
    }

    fn path(&self, place: &str, path: &Path, refusal: &mut Refusal) {
        if !path.as_str().starts_with(self.path_prefix.as_str()) {
            refusal.add(format!(
                "{place} \"{path}\" does not begin with \"{}\" ({}).",
                self.path_prefix,
                table::USER_PATH_PREFIX
            ));
        } else if let Err(reason) = plain_path(path) {
            refusal.add(format!("{place} \"{path}\": {reason}."));
        }
    }

    fn boundary(&self, account_id: &AccountId, spec: &UserSpec, refusal: &mut Refusal) {
        const PLACE: &str = "PermissionsBoundary";
        match (&spec.permissions_boundary, &self.boundaries) {
            (None, None) => {}
            (None, Some(patterns)) => {
                refusal.missing(PLACE, patterns, table::PERMISSIONS_BOUNDARIES);
            }
            (Some(arn), patterns) => {
                if let Err(sentence) = arn.check_usable_in(account_id) {
                    refusal.add(sentence);
                }
                self.same_partition(PLACE, arn.partition(), arn, refusal);
                if let Some(patterns) = patterns
                    && !patterns.iter().any(|pattern| pattern.matches(arn))
                {
                    refusal.not_among(PLACE, arn, patterns, table::PERMISSIONS_BOUNDARIES);
                }
            }
        }
    }

    fn policy(&self, place: &str, arn: &PolicyArn, refusal: &mut Refusal) {
        self.same_partition(place, arn.partition(), arn, refusal);
        if !self.policies.iter().any(|pattern| pattern.matches(arn)) {
            refusal.not_among(place, arn, &self.policies, table::ALLOWED_POLICY_ARNS);
        }
    }

    fn groups<'a>(
        &self,
        place: &str,
        groups: impl IntoIterator<Item = &'a GroupName>,
        refusal: &mut Refusal,
    ) {
        for group in groups {
            if !self.groups.iter().any(|pattern| pattern.matches(group)) {
                refusal.not_among(place, group, &self.groups, table::ALLOWED_GROUPS);
            }
        }
    }

    fn inline_policies<'a>(
        &self,
        place: &str,
        names: impl IntoIterator<Item = &'a PolicyName>,
        refusal: &mut Refusal,
    ) {
        if self.inline_policies {
            return;
        }
        for name in names {
            let what = format!("{place} \"{name}\"");
            refusal.switched_off(&what, table::ALLOW_INLINE_POLICIES);
        }
    }

    fn same_partition(
        &self,
        place: &str,
        partition: Partition,
        arn: impl std::fmt::Display,
        refusal: &mut Refusal,
    ) {
        if partition != self.partition {
            refusal.add(format!(
                "{place} \"{arn}\" is in the partition {partition}, and the function in {} ({}).",
                self.partition,
                table::REGION
            ));
        }
    }
}

/// Refuses a path that people or policies could read in two ways. IAM takes every step as it is, also `..`, but not
/// everything that compares ARNs does.
pub fn plain_path(path: &Path) -> Result<(), &'static str> {
    let inner = path
        .as_str()
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    let steps = inner.into_iter().flat_map(|inner| inner.split('/'));
    let mut odd = steps.filter(|step| step.chars().all(|character| character == '.'));
    if odd.next().is_some() {
        return Err("no step of the path may be empty or consist of dots");
    }
    if path.as_str().contains(['*', '?', '$']) {
        return Err(
            "the path may hold no *, ? or $, which are wildcards and variables of policies",
        );
    }
    Ok(())
}
