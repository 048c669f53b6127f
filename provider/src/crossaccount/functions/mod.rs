//! The provider functions: ARNs and the policies of a member role, computed without any call.
//!
//! They work without a provider block, so the baseline of a new account can use them before anything
//! of crossaccount exists. What belongs into the policies is decided in the core; this module reads
//! arguments and writes text.

mod arns;
mod member_role_policy;
mod member_role_trust_policy;
mod options;

use crossaccount_core::ids::{AccountId, Partition};

use crate::framework::{Function, FunctionError};
use crate::value::Value;

/// All functions.
pub(super) fn all() -> Vec<Box<dyn Function>> {
    vec![
        Box::new(arns::RoleArnFunction),
        Box::new(arns::PolicyArnFunction),
        Box::new(member_role_trust_policy::MemberRoleTrustPolicy),
        Box::new(member_role_policy::MemberRolePolicyFunction),
    ]
}

/// A policy document as text, with keys in the order of Terraform's own `jsonencode`. The order does not depend on the
/// features that `serde_json` is built with, so every build of the provider gives the same text.
fn document_text(mut document: serde_json::Value) -> Value {
    document.sort_all_objects();
    Value::from(document.to_string())
}

/// An error of the core as the text of a function error, to which Terraform adds the full stop.
fn core_error(error: &crossaccount_core::Error) -> FunctionError {
    FunctionError::in_argument(0, error.to_string().trim_end_matches('.'))
}

/// Refuses an ARN pattern of one partition that can never match in another: AWS would accept the policy, and it would
/// permit nothing.
fn check_partition(option: &str, pattern: &str, partition: Partition) -> Result<(), FunctionError> {
    match part(pattern, 1) {
        "*" => Ok(()),
        found if found == partition.as_str() => Ok(()),
        found => Err(options::wrong(
            option,
            format_args!("{pattern} is in the partition {found}, and the role in {partition}"),
        )),
    }
}

/// Refuses a pattern of policies that no user of the account can have, for the same reason.
fn check_owner(option: &str, pattern: &str, account_id: &AccountId) -> Result<(), FunctionError> {
    match part(pattern, 4) {
        "*" | "aws" => Ok(()),
        found if found == account_id.as_str() => Ok(()),
        found => Err(options::wrong(
            option,
            format_args!("{pattern} is in account {found}, and the role in account {account_id}"),
        )),
    }
}

/// One part of `arn:partition:iam::account:resource`.
fn part(pattern: &str, position: usize) -> &str {
    pattern.split(':').nth(position).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{all, document_text};
    use crate::value::Value;

    #[test]
    fn every_function_is_documented_with_an_example_that_calls_it() {
        let mut names = Vec::new();
        for function in all() {
            let signature = function.signature();
            let name = function.name();
            assert!(signature.summary.ends_with('.'), "{name}");
            assert!(!signature.description.is_empty(), "{name}");
            assert!(
                signature
                    .example
                    .contains(&format!("provider::crossaccount::{name}(")),
                "{name}"
            );
            for parameter in signature.parameters.iter().chain(&signature.variadic) {
                assert!(
                    !parameter.description.is_empty(),
                    "{name} {}",
                    parameter.name
                );
                assert!(
                    !parameter.allow_null && !parameter.allow_unknown,
                    "{name} {}",
                    parameter.name
                );
            }
            names.push(name);
        }
        assert_eq!(
            names,
            [
                "role_arn",
                "policy_arn",
                "member_role_trust_policy",
                "member_role_policy"
            ]
        );
    }

    #[test]
    fn documents_have_their_keys_in_order_at_every_depth() {
        let document =
            json!({ "Version": "1", "Statement": [{ "Sid": "S", "Action": ["b", "a"] }] });
        assert_eq!(
            document_text(document),
            Value::from(r#"{"Statement":[{"Action":["b","a"],"Sid":"S"}],"Version":"1"}"#)
        );
    }
}
