//! `member_role_policy`: the least that a member role needs for the features chosen.

use crossaccount_core::ids::{AccountId, Partition};
use crossaccount_core::permissions::{
    Feature, MemberRolePolicy, PolicyPattern, PolicyTarget, member_role_policy,
};

use super::options::{Known, Options, reference};
use super::{check_owner, check_partition, core_error, document_text};
use crate::framework::{Function, FunctionError, Parameter, Signature};
use crate::value::{Type, Value};

const OPTIONS: &[Known] = &[
    Known {
        name: "account_id",
        kind: "String, Required",
        description: "The member account that the role belongs to.",
    },
    Known {
        name: "features",
        kind: "List of String",
        description: "What the role is for, of `users`, `tags`, `permissions_boundary`, `managed_policies`, \
                      `inline_policies`, `groups`, `force_destroy`, `quarantine`, `data_sources`, `console_access`, \
                      `access_keys`, `member_secrets` and `inventory` (the registry reads all users of an account in one \
                      call). Without it: everything that the provider can do with the secrets in the hub account, that is \
                      all but `member_secrets` and `inventory`.",
    },
    Known {
        name: "user_path_prefix",
        kind: "String",
        description: "Only users whose path begins with this can be changed. Default: `/`, all users.",
    },
    Known {
        name: "group_path_prefix",
        kind: "String",
        description: "Only groups whose path begins with this can get or lose members. Default: `/`, all groups.",
    },
    Known {
        name: "permissions_boundary",
        kind: "String",
        description: "ARN of the permissions boundary that users must have before they can be given anything; it can \
                      then not be removed. `*` and `?` may stand in path and name. Without it: no boundary is needed.",
    },
    Known {
        name: "allowed_policy_arns",
        kind: "List of String",
        description: "ARNs of the managed policies that can be attached and detached; `*` and `?` may stand in path and \
                      name. Without it: all.",
    },
    Known {
        name: "parameter_prefix",
        kind: "String",
        description: "The `secrets.prefix` of the provider configuration, for `member_secrets`. Default: `/crossaccount`.",
    },
    Known {
        name: "partition",
        kind: "String",
        description: "The partition of the account. Default: `aws`.",
    },
];

/// `member_role_policy(options)`.
pub(super) struct MemberRolePolicyFunction;

impl Function for MemberRolePolicyFunction {
    fn name(&self) -> &'static str {
        "member_role_policy"
    }

    fn signature(&self) -> Signature {
        Signature {
            parameters: vec![Parameter::new(
                "options",
                Type::Dynamic,
                "An object with the options above.",
            )],
            variadic: None,
            returns: Type::String,
            summary: "The permissions policy of a member role as JSON.".to_owned(),
            description: format!(
                "Gives the least that a member role must be permitted for the features chosen, without a wildcard among \
                 the actions. It follows the version of the provider: an upgrade that needs another permission shows up \
                 in the plan of the role.\n\nThe argument is an object. An option that does not exist is an error; `null` \
                 counts as left out.\n\n{}",
                reference(OPTIONS)
            ),
            example: include_str!(
                "../../../../examples/terraform/functions/member_role_policy/main.tf"
            )
            .to_owned(),
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let options = Options::read(arguments.first(), OPTIONS)?;
        let policy = policy(&options)?;
        member_role_policy(&policy)
            .map(document_text)
            .map_err(|error| core_error(&error))
    }
}

fn policy(options: &Options<'_>) -> Result<MemberRolePolicy, FunctionError> {
    const BOUNDARY: &str = "permissions_boundary";
    const ALLOWED: &str = "allowed_policy_arns";
    let partition = options.optional("partition")?.unwrap_or(Partition::Aws);
    let account_id: AccountId = options.required("account_id")?;
    let required_boundary: Option<PolicyPattern> = options.optional(BOUNDARY)?;
    if let Some(boundary) = &required_boundary {
        check_partition(BOUNDARY, boundary.as_str(), partition)?;
        check_owner(BOUNDARY, boundary.as_str(), &account_id)?;
    }
    let allowed_policies: Option<Vec<PolicyPattern>> = options.list(
        ALLOWED,
        "to allow all managed policies, or choose features without managed_policies to allow none",
    )?;
    let allowed_policies = allowed_policies.unwrap_or_default();
    for allowed in &allowed_policies {
        check_partition(ALLOWED, allowed.as_str(), partition)?;
        check_owner(ALLOWED, allowed.as_str(), &account_id)?;
    }
    let features = options.list("features", "for everything that the provider can do")?;
    Ok(MemberRolePolicy {
        target: PolicyTarget::Account {
            partition,
            account_id,
        },
        user_path_prefix: options.optional("user_path_prefix")?.unwrap_or_default(),
        group_path_prefix: options.optional("group_path_prefix")?.unwrap_or_default(),
        required_boundary,
        allowed_policies,
        parameter_prefix: options.optional("parameter_prefix")?.unwrap_or_default(),
        features: features.unwrap_or_else(Feature::default_choice),
    })
}

#[cfg(test)]
mod tests {
    use crossaccount_core::permissions::Feature;
    use serde_json::{Value as Json, json};

    use super::{MemberRolePolicyFunction, OPTIONS};
    use crate::framework::Function;
    use crate::value::{Object, Value};

    fn texts(texts: &[&str]) -> Value {
        Value::list(texts.iter().map(|text| Value::from(*text)))
    }

    fn least() -> Object {
        Object::new().with("account_id", "222222222222")
    }

    fn everything() -> Object {
        least()
            .with("partition", "aws-cn")
            .with(
                "features",
                texts(&["groups", "managed_policies", "member_secrets"]),
            )
            .with("parameter_prefix", "/iam")
            .with("user_path_prefix", "/people/")
            .with("group_path_prefix", "/teams/")
            .with(
                "permissions_boundary",
                "arn:aws-cn:iam::222222222222:policy/Boundary",
            )
            .with(
                "allowed_policy_arns",
                texts(&[
                    "arn:aws-cn:iam::aws:policy/ReadOnlyAccess",
                    "arn:*:iam::*:policy/x/*",
                ]),
            )
    }

    fn text(options: Object) -> String {
        let result = MemberRolePolicyFunction.call(&[options.into()]).unwrap();
        result.as_str().unwrap().to_owned()
    }

    fn actions(options: Object) -> Vec<String> {
        let document: Json = serde_json::from_str(&text(options)).unwrap();
        let statements = document["Statement"].as_array().unwrap().iter();
        statements
            .flat_map(|statement| statement["Action"].as_array().unwrap().clone())
            .map(|action| action.as_str().unwrap().to_owned())
            .collect()
    }

    #[track_caller]
    fn refused(options: Object) -> String {
        let error = MemberRolePolicyFunction
            .call(&[options.into()])
            .unwrap_err();
        assert_eq!(error.argument, Some(0));
        error.text
    }

    #[test]
    fn a_role_that_only_looks_can_only_look() {
        let expected = concat!(
            r#"{"Statement":[{"Action":["iam:ListUsers"],"Effect":"Allow","Resource":["*"],"Sid":"ReadAccount"},"#,
            r#"{"Action":["iam:GetUser"],"Effect":"Allow","Resource":["arn:aws:iam::222222222222:user/*"],"#,
            r#""Sid":"FindUsers"},{"Action":["iam:ListUserPolicies","iam:GetUserPolicy","#,
            r#""iam:ListAttachedUserPolicies","iam:ListGroupsForUser"],"Effect":"Allow","#,
            r#""Resource":["arn:aws:iam::222222222222:user/*"],"Sid":"ReadUsers"}],"Version":"2012-10-17"}"#,
        );
        assert_eq!(
            text(least().with("features", texts(&["data_sources"]))),
            expected
        );
    }

    #[test]
    fn every_option_has_its_place_in_the_policy() {
        let given: Vec<_> = everything()
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect();
        let mut known: Vec<_> = OPTIONS.iter().map(|known| known.name).collect();
        known.sort_unstable();
        assert_eq!(given, known);
        let document: Json = serde_json::from_str(&text(everything())).unwrap();
        let allowed = json!([
            "arn:aws-cn:iam::aws:policy/ReadOnlyAccess",
            "arn:*:iam::*:policy/x/*"
        ]);
        let parameters = "arn:aws-cn:ssm:*:222222222222:parameter/iam/222222222222/*";
        assert_eq!(
            document,
            json!({
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "ReadAccount",
                        "Effect": "Allow",
                        "Action": ["ssm:DescribeParameters"],
                        "Resource": ["*"],
                    },
                    {
                        "Sid": "ReadUsers",
                        "Effect": "Allow",
                        "Action": ["iam:ListAttachedUserPolicies", "iam:ListGroupsForUser"],
                        "Resource": ["arn:aws-cn:iam::222222222222:user/people/*"],
                    },
                    {
                        "Sid": "AttachPolicies",
                        "Effect": "Allow",
                        "Action": ["iam:AttachUserPolicy"],
                        "Resource": ["arn:aws-cn:iam::222222222222:user/people/*"],
                        "Condition": {
                            "ArnLike": { "iam:PolicyARN": allowed },
                            "StringLike": {
                                "iam:PermissionsBoundary": "arn:aws-cn:iam::222222222222:policy/Boundary"
                            },
                        },
                    },
                    {
                        "Sid": "DetachPolicies",
                        "Effect": "Allow",
                        "Action": ["iam:DetachUserPolicy"],
                        "Resource": ["arn:aws-cn:iam::222222222222:user/people/*"],
                        "Condition": { "ArnLike": { "iam:PolicyARN": allowed } },
                    },
                    {
                        "Sid": "NeverRemoveBoundaries",
                        "Effect": "Deny",
                        "Action": ["iam:DeleteUserPermissionsBoundary"],
                        "Resource": ["arn:aws-cn:iam::222222222222:user/*"],
                    },
                    {
                        "Sid": "ChangeGroupMembership",
                        "Effect": "Allow",
                        "Action": ["iam:AddUserToGroup", "iam:RemoveUserFromGroup"],
                        "Resource": ["arn:aws-cn:iam::222222222222:group/teams/*"],
                    },
                    {
                        "Sid": "KeepSecrets",
                        "Effect": "Allow",
                        "Action": [
                            "ssm:ListTagsForResource",
                            "ssm:PutParameter",
                            "ssm:AddTagsToResource",
                            "ssm:DeleteParameter",
                            "ssm:GetParameter",
                        ],
                        "Resource": [parameters],
                    },
                    {
                        "Sid": "FindKeys",
                        "Effect": "Allow",
                        "Action": ["kms:DescribeKey"],
                        "Resource": ["arn:aws-cn:kms:*:222222222222:key/*"],
                    },
                    {
                        "Sid": "EncryptSecrets",
                        "Effect": "Allow",
                        "Action": ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"],
                        "Resource": ["arn:aws-cn:kms:*:222222222222:key/*"],
                        "Condition": {
                            "StringLike": {
                                "kms:ViaService": "ssm.*",
                                "kms:EncryptionContext:PARAMETER_ARN": parameters,
                            },
                        },
                    },
                ],
            })
        );
    }

    #[test]
    fn without_features_the_role_can_do_all_that_the_provider_does() {
        let all = actions(least());
        let named: Vec<_> = Feature::default_choice()
            .into_iter()
            .map(Feature::as_str)
            .collect();
        assert_eq!(all, actions(least().with("features", texts(&named))));
        for action in [
            "iam:CreateUser",
            "iam:DeleteAccessKey",
            "iam:AddUserToGroup",
            "iam:ListUsers",
        ] {
            assert!(all.iter().any(|found| found == action), "{action}");
        }
    }

    #[test]
    fn the_documentation_names_every_feature() {
        let features = OPTIONS
            .iter()
            .find(|known| known.name == "features")
            .unwrap();
        for feature in Feature::ALL {
            assert!(
                features.description.contains(&format!("`{feature}`")),
                "{feature}"
            );
        }
    }

    #[rstest::rstest]
    #[case::feature("features", texts(&["users", "admin"]), "features[1]: feature \"admin\" is not valid: it must be one of users,")]
    #[case::no_feature("features", texts(&[]), "features: it is empty; leave it out for everything")]
    #[case::no_policy("allowed_policy_arns", texts(&[]), "allowed_policy_arns: it is empty; leave it out to allow all")]
    #[case::path("user_path_prefix", "people".into(), "user_path_prefix: path \"people\" is not valid")]
    #[case::wildcard("user_path_prefix", "/pe*/".into(), "user path prefix \"/pe*/\" holds a character with a meaning")]
    #[case::boundary("permissions_boundary", "Boundary".into(), "permissions_boundary: policy ARN pattern")]
    #[case::other_account(
        "permissions_boundary", "arn:aws:iam::333333333333:policy/Boundary".into(),
        "permissions_boundary: arn:aws:iam::333333333333:policy/Boundary is in account 333333333333, and the role in account 222222222222"
    )]
    #[case::other_partition(
        "allowed_policy_arns", texts(&["arn:aws-cn:iam::aws:policy/ReadOnlyAccess"]),
        "allowed_policy_arns: arn:aws-cn:iam::aws:policy/ReadOnlyAccess is in the partition aws-cn, and the role in aws"
    )]
    #[case::misspelt("path_prefix", "/people/".into(), "there is no option \"path_prefix\" (did you mean user_path_prefix or group_path_prefix?)")]
    #[case::no_account("account_id", Value::Null, "account_id: it is required")]
    fn a_wrong_option_is_refused_by_name(
        #[case] name: &str,
        #[case] value: Value,
        #[case] problem: &str,
    ) {
        let text = refused(least().with(name, value));
        assert!(text.starts_with(problem), "{text}");
    }
}
