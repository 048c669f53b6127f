//! Quotas of an account, and what of a spec would exceed them.

use std::collections::{BTreeSet, HashMap};

use super::removal::QUARANTINE_SIZE;
use super::{DeletionPolicy, UserSpec};

/// Tags that one user may have; `GetAccountSummary` does not tell this one.
const TAGS_PER_USER: usize = 50;
/// How many of them crossaccount keeps for itself: owner, quarantine, three for access keys, and one for
/// console access.
const RESERVED_TAGS: usize = 6;

/// A quota that concerns a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Users in the account.
    Users,
    /// Groups that one user may be in.
    Groups,
    /// Managed policies that may be attached to one user.
    ManagedPolicies,
    /// Characters of all inline policies of one user, white space aside.
    InlinePolicySize,
    /// Tags of one user.
    Tags,
}

/// One quota that a spec would exceed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaProblem {
    /// Which quota.
    pub quota: Quota,
    /// What is asked for, what is allowed, and what to do: a fragment.
    pub message: String,
}

/// The live quotas of one account, from `GetAccountSummary`. A value that AWS does not give is not
/// checked: the call itself will answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotas {
    users: Option<usize>,
    users_quota: Option<usize>,
    groups_per_user: Option<usize>,
    managed_policies_per_user: Option<usize>,
    inline_policy_size: Option<usize>,
}

impl Quotas {
    /// Reads the summary map of `GetAccountSummary`, with its keys as AWS writes them.
    pub fn from_summary(summary: &HashMap<String, i32>) -> Self {
        let read = |key: &str| {
            summary
                .get(key)
                .and_then(|value| usize::try_from(*value).ok())
        };
        Self {
            users: read("Users"),
            users_quota: read("UsersQuota"),
            groups_per_user: read("GroupsPerUserQuota"),
            managed_policies_per_user: read("AttachedPoliciesPerUserQuota"),
            inline_policy_size: read("UserPolicySizeQuota"),
        }
    }

    /// The quotas that AWS raises for nobody, for a check before any call: "IAM and AWS STS quotas" in the IAM user
    /// guide. Managed policies are 10 for a user, and 20 at most on request.
    pub fn of_every_account() -> Self {
        Self {
            users: None,
            users_quota: None,
            groups_per_user: Some(10),
            managed_policies_per_user: Some(20),
            inline_policy_size: Some(2048),
        }
    }

    /// The quotas that a spec would exceed. `new_users` is how many users this run creates in the
    /// account, this one included; 0 for a user that exists.
    pub fn check(
        &self,
        spec: &UserSpec,
        deletion_policy: DeletionPolicy,
        new_users: usize,
    ) -> Vec<QuotaProblem> {
        let mut problems = Vec::new();
        if let (Some(users), Some(quota)) = (self.users, self.users_quota)
            && new_users > 0
            && users + new_users > quota
        {
            problems.push(QuotaProblem {
                quota: Quota::Users,
                message: format!(
                    "the account has {users} users, this run creates {new_users} more, and its quota is {quota}"
                ),
            });
        }
        let groups = spec.groups.as_ref().map_or(0, BTreeSet::len);
        problems.extend(over(Quota::Groups, "groups", groups, self.groups_per_user));
        let managed = spec.managed_policy_arns.as_ref().map_or(0, BTreeSet::len);
        problems.extend(over(
            Quota::ManagedPolicies,
            "attached managed policies",
            managed,
            self.managed_policies_per_user,
        ));
        problems.extend(self.check_inline(spec, deletion_policy));
        problems.extend(over(
            Quota::Tags,
            "tags, those of crossaccount itself included,",
            spec.tags.len() + RESERVED_TAGS,
            Some(TAGS_PER_USER),
        ));
        problems
    }

    fn check_inline(
        &self,
        spec: &UserSpec,
        deletion_policy: DeletionPolicy,
    ) -> Option<QuotaProblem> {
        let size: usize = spec
            .inline_policies
            .iter()
            .flatten()
            .map(|(_, doc)| doc.size())
            .sum();
        let quota = self.inline_policy_size?;
        if size > quota {
            return Some(QuotaProblem {
                quota: Quota::InlinePolicySize,
                message: format!(
                    "all inline policies together have {size} characters without white space, and the account \
                     allows {quota} per user; make a managed policy of some"
                ),
            });
        }
        let locks = deletion_policy == DeletionPolicy::Quarantine;
        (locks && size + QUARANTINE_SIZE > quota).then(|| QuotaProblem {
            quota: Quota::InlinePolicySize,
            message: format!(
                "all inline policies together have {size} characters of the {quota} that the account allows per user; \
                 the quarantine would need {QUARANTINE_SIZE} more to deny everything"
            ),
        })
    }
}

fn over(quota: Quota, what: &str, wanted: usize, allowed: Option<usize>) -> Option<QuotaProblem> {
    let allowed = allowed.filter(|allowed| wanted > *allowed)?;
    let message = format!("{wanted} {what} for one user, and the account allows {allowed}");
    Some(QuotaProblem { quota, message })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::{Quota, Quotas};
    use crate::user::{DeletionPolicy, PolicyDocument, UserSpec};

    fn quotas() -> Quotas {
        Quotas::from_summary(&HashMap::from([
            ("Users".to_owned(), 4999),
            ("UsersQuota".to_owned(), 5000),
            ("GroupsPerUserQuota".to_owned(), 2),
            ("AttachedPoliciesPerUserQuota".to_owned(), 1),
            ("UserPolicySizeQuota".to_owned(), 200),
        ]))
    }

    fn problems(spec: &UserSpec, policy: DeletionPolicy, new_users: usize) -> Vec<Quota> {
        quotas()
            .check(spec, policy, new_users)
            .into_iter()
            .map(|problem| problem.quota)
            .collect()
    }

    fn spec() -> UserSpec {
        UserSpec::named("alice".parse().unwrap())
    }

    fn with_inline(size: usize) -> UserSpec {
        let empty = r#"{"Statement":[],"Id":""}"#;
        let text = empty.replace("\"\"", &format!("\"{}\"", "x".repeat(size - empty.len())));
        let document: PolicyDocument = text.parse().unwrap();
        assert_eq!(document.size(), size);
        UserSpec {
            inline_policies: Some([("p".parse().unwrap(), document)].into()),
            ..spec()
        }
    }

    #[test]
    fn the_last_free_user_is_allowed_and_the_next_is_not() {
        assert_eq!(problems(&spec(), DeletionPolicy::Delete, 1), []);
        assert_eq!(problems(&spec(), DeletionPolicy::Delete, 2), [Quota::Users]);
        assert_eq!(problems(&spec(), DeletionPolicy::Delete, 0), []);
    }

    #[test]
    fn groups_policies_and_tags_are_counted() {
        let spec = UserSpec {
            groups: Some((0..3).map(|n| format!("g{n}").parse().unwrap()).collect()),
            managed_policy_arns: Some(
                (0..2)
                    .map(|n| format!("arn:aws:iam::aws:policy/P{n}").parse().unwrap())
                    .collect(),
            ),
            tags: (0..46)
                .map(|n| (format!("k{n}").parse().unwrap(), "v".parse().unwrap()))
                .collect::<BTreeMap<_, _>>(),
            ..spec()
        };
        assert_eq!(
            problems(&spec, DeletionPolicy::Delete, 0),
            [Quota::Groups, Quota::ManagedPolicies, Quota::Tags]
        );
    }

    #[test]
    fn inline_policies_are_counted_together() {
        assert_eq!(problems(&with_inline(200), DeletionPolicy::Delete, 0), []);
        assert_eq!(
            problems(&with_inline(201), DeletionPolicy::Delete, 0),
            [Quota::InlinePolicySize]
        );
    }

    #[test]
    fn a_quarantine_needs_room_for_its_own_policy() {
        assert_eq!(
            problems(&with_inline(150), DeletionPolicy::Quarantine, 0),
            [Quota::InlinePolicySize]
        );
        assert_eq!(
            problems(&with_inline(100), DeletionPolicy::Quarantine, 0),
            []
        );
    }

    #[test]
    fn a_quota_that_aws_does_not_tell_is_not_checked() {
        let spec = with_inline(5000);
        assert!(
            Quotas::default()
                .check(&spec, DeletionPolicy::Delete, 9)
                .is_empty()
        );
    }
}
