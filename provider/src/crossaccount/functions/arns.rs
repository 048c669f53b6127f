//! `role_arn` and `policy_arn`: ARNs from account and name.
//!
//! They are more than text with holes: what cannot be an ARN of IAM is an error in the plan, and not
//! in the middle of an apply.

use crossaccount_core::ids::{
    AccountId, InvalidId, Partition, Path, PolicyArn, PolicyName, RoleArn, RoleName,
};

use crate::framework::{Function, FunctionError, Parameter, Signature};
use crate::value::{Type, Value};

/// `role_arn(account_id, role_name, partition...)`.
pub(super) struct RoleArnFunction;

impl Function for RoleArnFunction {
    fn name(&self) -> &'static str {
        "role_arn"
    }

    fn signature(&self) -> Signature {
        Signature {
            parameters: vec![
                Parameter::new("account_id", Type::String, "Account of the role: 12 digits."),
                Parameter::new(
                    "role_name",
                    Type::String,
                    "Name of the role, with its path when it has one: `ops/CrossAccountUserAdmin`.",
                ),
            ],
            variadic: Some(partition_parameter()),
            returns: Type::String,
            summary: "The ARN of a role from account and name.".to_owned(),
            description: "Gives the ARN of an IAM role, such as the member role of an account. The role need not exist. \
                          A third argument names the partition; without it, it is `aws`."
                .to_owned(),
            example: include_str!("../../../../examples/terraform/functions/role_arn/main.tf").to_owned(),
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let account_id: AccountId = parse(arguments, 0)?;
        let role: RoleName = parse(arguments, 1)?;
        let partition = partition(arguments)?;
        Ok(RoleArn::new(partition, account_id, role).to_string().into())
    }
}

/// `policy_arn(account_id, policy_name, partition...)`.
pub(super) struct PolicyArnFunction;

impl Function for PolicyArnFunction {
    fn name(&self) -> &'static str {
        "policy_arn"
    }

    fn signature(&self) -> Signature {
        Signature {
            parameters: vec![
                Parameter::new(
                    "account_id",
                    Type::String,
                    "Account of the policy: 12 digits, or `aws` for a policy that AWS manages.",
                ),
                Parameter::new(
                    "policy_name",
                    Type::String,
                    "Name of the policy, with its path when it has one: `job-function/ViewOnlyAccess`.",
                ),
            ],
            variadic: Some(partition_parameter()),
            returns: Type::String,
            summary: "The ARN of a managed policy from account and name.".to_owned(),
            description: "Gives the ARN of a managed policy, an account's own or one of AWS. The policy need not exist. \
                          A third argument names the partition; without it, it is `aws`."
                .to_owned(),
            example: include_str!("../../../../examples/terraform/functions/policy_arn/main.tf").to_owned(),
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let owner = match text(arguments, 0) {
            "aws" => None,
            digits => Some(digits.parse::<AccountId>().map_err(|error| {
                FunctionError::in_argument(
                    0,
                    format!("{error} (or \"aws\" for a policy that AWS manages)"),
                )
            })?),
        };
        let (path, name) = path_and_name(text(arguments, 1))
            .map_err(|problem| FunctionError::in_argument(1, problem))?;
        let partition = partition(arguments)?;
        Ok(PolicyArn::new(partition, owner, &path, &name)
            .as_str()
            .into())
    }
}

fn partition_parameter() -> Parameter {
    Parameter::new(
        "partition",
        Type::String,
        "Partition, at most one: `aws` (default), `aws-cn`, `aws-us-gov`, ….",
    )
}

/// An argument that the server has checked to be a known string.
fn text(arguments: &[Value], position: usize) -> &str {
    arguments
        .get(position)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn parse<T>(arguments: &[Value], position: usize) -> Result<T, FunctionError>
where
    T: std::str::FromStr<Err = InvalidId>,
{
    text(arguments, position)
        .parse()
        .map_err(|error: InvalidId| FunctionError::in_argument(position, error.to_string()))
}

/// The partition behind the two other arguments.
fn partition(arguments: &[Value]) -> Result<Partition, FunctionError> {
    match arguments.len() {
        0..=2 => Ok(Partition::Aws),
        3 => parse(arguments, 2),
        _ => Err(FunctionError::in_argument(
            3,
            "there is at most one partition",
        )),
    }
}

/// Splits `path/name`; a slash at the beginning is allowed.
fn path_and_name(text: &str) -> Result<(Path, PolicyName), String> {
    // A colon is legal in a path, so an ARN would be taken for a path and a name.
    if text.starts_with("arn:") {
        return Err(format!(
            "policy name {text:?} is not valid: it is an ARN; give the name alone"
        ));
    }
    let (path, name) = match text.rfind('/') {
        None => (Path::default(), text),
        Some(end) => {
            let (path, name) = text.split_at(end + 1);
            let slash = if path.starts_with('/') { "" } else { "/" };
            (
                format!("{slash}{path}")
                    .parse()
                    .map_err(|error: InvalidId| error.to_string())?,
                name,
            )
        }
    };
    Ok((
        path,
        name.parse().map_err(|error: InvalidId| error.to_string())?,
    ))
}

#[cfg(test)]
mod tests {
    use super::{PolicyArnFunction, RoleArnFunction};
    use crate::framework::{Function, FunctionError};
    use crate::value::Value;

    fn call(function: &dyn Function, arguments: &[&str]) -> Result<Value, FunctionError> {
        let arguments: Vec<_> = arguments.iter().map(|text| Value::from(*text)).collect();
        function.call(&arguments)
    }

    #[rstest::rstest]
    #[case(&["222222222222", "Admin"], "arn:aws:iam::222222222222:role/Admin")]
    #[case(&["012345678901", "ops/team/Admin"], "arn:aws:iam::012345678901:role/ops/team/Admin")]
    #[case(&["222222222222", "/ops/Admin"], "arn:aws:iam::222222222222:role/ops/Admin")]
    #[case(&["222222222222", "Admin", "aws-cn"], "arn:aws-cn:iam::222222222222:role/Admin")]
    fn a_role_arn_is_made_of_account_and_name(#[case] arguments: &[&str], #[case] arn: &str) {
        assert_eq!(call(&RoleArnFunction, arguments), Ok(arn.into()));
    }

    #[rstest::rstest]
    #[case(&["222222222222", "Boundary"], "arn:aws:iam::222222222222:policy/Boundary")]
    #[case(&["222222222222", "teams/core/Boundary"], "arn:aws:iam::222222222222:policy/teams/core/Boundary")]
    #[case(&["222222222222", "/teams/Boundary"], "arn:aws:iam::222222222222:policy/teams/Boundary")]
    #[case(&["aws", "ReadOnlyAccess"], "arn:aws:iam::aws:policy/ReadOnlyAccess")]
    #[case(&["aws", "job-function/ViewOnlyAccess", "aws-us-gov"], "arn:aws-us-gov:iam::aws:policy/job-function/ViewOnlyAccess")]
    fn a_policy_arn_is_made_of_owner_and_name(#[case] arguments: &[&str], #[case] arn: &str) {
        assert_eq!(call(&PolicyArnFunction, arguments), Ok(arn.into()));
    }

    #[rstest::rstest]
    #[case::account(&["2222", "Admin"], 0, "leading zero")]
    #[case::aws_has_no_roles(&["aws", "Admin"], 0, "12 digits")]
    #[case::name(&["222222222222", "a b"], 1, "' ' is not allowed")]
    #[case::long(&["222222222222", &"a".repeat(65)], 1, "at most 64")]
    #[case::arn(&["222222222222", "arn:aws:iam::222222222222:role/Admin"], 1, "it is an ARN")]
    #[case::partition(&["222222222222", "Admin", "aws-mars"], 2, "no partition of this name")]
    #[case::partitions(&["222222222222", "Admin", "aws", "aws-cn"], 3, "at most one partition")]
    fn what_no_role_can_have_is_refused_on_its_argument(
        #[case] arguments: &[&str],
        #[case] argument: usize,
        #[case] reason: &str,
    ) {
        let error = call(&RoleArnFunction, arguments).unwrap_err();
        assert_eq!(error.argument, Some(argument), "{error}");
        assert!(error.text.contains(reason), "{error}");
    }

    #[rstest::rstest]
    #[case::account(&["AWS", "ReadOnlyAccess"], 0, "or \"aws\"")]
    #[case::name(&["aws", "Read Only"], 1, "' ' is not allowed")]
    #[case::wildcard(&["aws", "*"], 1, "'*' is not allowed")]
    #[case::empty(&["aws", ""], 1, "it is empty")]
    #[case::only_a_path(&["aws", "job-function/"], 1, "it is empty")]
    #[case::long(&["aws", &"a".repeat(129)], 1, "at most 128")]
    #[case::arn(&["aws", "arn:aws:iam::aws:policy/ReadOnlyAccess"], 1, "it is an ARN")]
    #[case::partition(&["aws", "ReadOnlyAccess", ""], 2, "no partition of this name")]
    #[case::partitions(&["aws", "ReadOnlyAccess", "aws", "aws"], 3, "at most one partition")]
    fn what_no_policy_can_have_is_refused_on_its_argument(
        #[case] arguments: &[&str],
        #[case] argument: usize,
        #[case] reason: &str,
    ) {
        let error = call(&PolicyArnFunction, arguments).unwrap_err();
        assert_eq!(error.argument, Some(argument), "{error}");
        assert!(error.text.contains(reason), "{error}");
    }
}
