//! Whose stacks may use the function.

use std::collections::BTreeSet;

use crossaccount_core::ids::{AccountId, Partition};
use crossaccount_lambda::guardrails::Refusal;

use crate::config::table;

/// The accounts whose stacks may use the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackAccounts {
    /// The partition that the function runs in.
    pub partition: Partition,
    /// The accounts; empty means the hub account alone.
    pub allowed: BTreeSet<AccountId>,
}

impl StackAccounts {
    /// Whether a stack may use this function. `hub` is the account of the function.
    ///
    /// # Errors
    /// When the id is no ARN of a stack, or its account or partition is not allowed.
    pub fn check(&self, stack_id: &str, hub: &AccountId) -> Result<(), Refusal> {
        let mut refusal = Refusal::default();
        let parts: Vec<&str> = stack_id.splitn(6, ':').collect();
        let &["arn", partition, "cloudformation", _, account, resource] = parts.as_slice() else {
            refusal.add("StackId: it is no ARN of a stack.");
            return refusal.into_result();
        };
        if partition != self.partition.as_str() || !resource.starts_with("stack/") {
            refusal.add(format!(
                "StackId: it is no ARN of a stack in the partition {}.",
                self.partition
            ));
        }
        let is_allowed = if self.allowed.is_empty() {
            account == hub.as_str()
        } else {
            self.allowed
                .iter()
                .any(|allowed| allowed.as_str() == account)
        };
        if !is_allowed {
            let hub = BTreeSet::from([hub.clone()]);
            let allowed = if self.allowed.is_empty() {
                &hub
            } else {
                &self.allowed
            };
            refusal.not_among(
                "the account of the stack",
                account,
                allowed,
                table::ALLOWED_STACK_ACCOUNT_IDS,
            );
        }
        refusal.into_result()
    }
}

#[cfg(test)]
mod tests {
    use crossaccount_core::ids::{AccountId, Partition};

    use super::StackAccounts;

    #[rstest::rstest]
    #[case::of_the_hub("arn:aws:cloudformation:eu-central-1:111111111111:stack/people/7d6c2c90", &[], true)]
    #[case::of_another_account("arn:aws:cloudformation:eu-central-1:444444444444:stack/people/7d6c2c90", &[], false)]
    #[case::of_an_allowed_account("arn:aws:cloudformation:eu-central-1:444444444444:stack/people/7d6c2c90", &["444444444444"], true)]
    #[case::of_the_hub_that_is_not_listed("arn:aws:cloudformation:eu-central-1:111111111111:stack/people/7d6c2c90", &["444444444444"], false)]
    #[case::of_another_partition("arn:aws-cn:cloudformation:cn-north-1:111111111111:stack/people/7d6c2c90", &[], false)]
    #[case::of_another_service("arn:aws:iam:eu-central-1:111111111111:stack/people/7d6c2c90", &[], false)]
    #[case::no_stack("arn:aws:cloudformation:eu-central-1:111111111111:stackset/people", &[], false)]
    #[case::a_stack_further_inside("arn:aws:cloudformation:eu-central-1:444444444444:111111111111:stack/people/7d6c2c90", &[], false)]
    #[case::no_arn("people", &[], false)]
    #[case::nothing("", &[], false)]
    fn only_stacks_of_allowed_accounts_are_served(
        #[case] stack_id: &str,
        #[case] allowed: &[&str],
        #[case] passes: bool,
    ) {
        let accounts = StackAccounts {
            partition: Partition::Aws,
            allowed: allowed.iter().map(|id| id.parse().unwrap()).collect(),
        };
        let hub: AccountId = "111111111111".parse().unwrap();
        assert_eq!(accounts.check(stack_id, &hub).is_ok(), passes);
    }
}
