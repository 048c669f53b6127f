//! What the member role may do: the least that the chosen features need.

use serde_json::{Map, Value, json};

use super::{Feature, POLICY_VERSION, PolicyPattern, RequiredAction, Scope, required_actions};
use crate::error::{Error, ErrorKind};
use crate::ids::{AccountId, Partition, Path};
use crate::secrets::ParameterPrefix;
use crate::user::MANAGED_BY_TAG;

/// The number of characters, white space aside, that a customer managed policy may have.
pub const POLICY_SIZE_LIMIT: usize = 6144;

/// Where the policy is going to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyTarget {
    /// In one member account.
    Account {
        /// The partition of the account.
        partition: Partition,
        /// The member account.
        account_id: AccountId,
    },
    /// In a `CloudFormation` template, inside `Fn::Sub`: partition and account are the pseudo
    /// parameters `${AWS::Partition}` and `${AWS::AccountId}`.
    CloudFormation,
}

impl PolicyTarget {
    /// The ARN of a resource in any Region.
    fn regional_arn(&self, service: &str, resource: &str) -> String {
        match self {
            Self::Account {
                partition,
                account_id,
            } => format!("arn:{partition}:{service}:*:{account_id}:{resource}"),
            Self::CloudFormation => {
                format!("arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:{resource}")
            }
        }
    }

    /// The parameters of the account's own users.
    fn parameters(&self, prefix: &ParameterPrefix) -> String {
        let account_id = match self {
            Self::Account { account_id, .. } => account_id.as_str(),
            Self::CloudFormation => "${AWS::AccountId}",
        };
        self.regional_arn("ssm", &format!("parameter{prefix}/{account_id}/*"))
    }

    fn arn(&self, resource: &str) -> String {
        match self {
            Self::Account {
                partition,
                account_id,
            } => format!("arn:{partition}:iam::{account_id}:{resource}"),
            Self::CloudFormation => {
                format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{resource}")
            }
        }
    }
}

/// What a member role's policy is made of.
#[derive(Debug, Clone)]
pub struct MemberRolePolicy {
    /// Where the policy is going to stand.
    pub target: PolicyTarget,
    /// Only users whose path begins with this can be changed, and only what they hold can be read.
    /// `/` means all users.
    pub user_path_prefix: Path,
    /// Only groups whose path begins with this can get or lose members. `/` means all groups.
    pub group_path_prefix: Path,
    /// The boundary that every user must have before it can be given anything. `None`: none needed.
    pub required_boundary: Option<PolicyPattern>,
    /// The managed policies that can be attached and detached. Empty: all.
    pub allowed_policies: Vec<PolicyPattern>,
    /// What the names of parameters begin with, when secrets are kept in the member account.
    pub parameter_prefix: ParameterPrefix,
    /// What the role is for.
    pub features: Vec<Feature>,
}

/// The permissions policy of a member role: exactly the actions of the features, none of them with a
/// wildcard, on users and groups below the path prefixes. Only looking a user up is not limited to
/// the prefix: see [`Scope::FindUser`].
///
/// The same input always gives the same document. A statement whose features are all off is absent.
/// With a required boundary, creating users and giving them anything works only together with that
/// boundary, and removing a boundary is denied even if another policy of the role allows it.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when no feature is chosen, when a path holds a wildcard or a policy
/// variable (it would widen the policy), or when the document does not fit into a managed policy.
pub fn member_role_policy(policy: &MemberRolePolicy) -> Result<Value, Error> {
    for (name, path) in [
        ("user path prefix", &policy.user_path_prefix),
        ("group path prefix", &policy.group_path_prefix),
    ] {
        if path.as_str().contains(['*', '?', '$']) {
            let path = path.as_str();
            let message = format!("{name} {path:?} holds a character with a meaning in policies");
            return Err(Error::new(ErrorKind::InvalidInput, message)
                .with_advice("Use a path without *, ? and $."));
        }
    }
    let rows = required_actions(&policy.features);
    if rows.is_empty() {
        let message = "a member role's policy needs at least one feature";
        return Err(
            Error::new(ErrorKind::InvalidInput, message).with_advice(format!(
                "Choose from {}.",
                Feature::ALL.map(Feature::as_str).join(", ")
            )),
        );
    }
    let statements: Vec<_> = Scope::ALL
        .into_iter()
        .filter_map(|scope| match (scope, &policy.required_boundary) {
            (Scope::RemoveBoundary, Some(_)) => Some(never_remove_boundaries(&policy.target)),
            _ => allow(policy, scope, &rows),
        })
        .collect();
    let document = json!({ "Version": POLICY_VERSION, "Statement": statements });
    let size = document
        .to_string()
        .chars()
        .filter(|character| !character.is_whitespace())
        .count();
    if size > POLICY_SIZE_LIMIT {
        let message = format!(
            "the member role's policy has {size} characters, and {POLICY_SIZE_LIMIT} are allowed"
        );
        return Err(Error::new(ErrorKind::InvalidInput, message)
            .with_advice("Allow managed policies by fewer, wider patterns."));
    }
    Ok(document)
}

/// A denial, and for users of every path, because other policies of the role may be wider than ours.
fn never_remove_boundaries(target: &PolicyTarget) -> Value {
    json!({
        "Sid": "NeverRemoveBoundaries",
        "Effect": "Deny",
        "Action": ["iam:DeleteUserPermissionsBoundary"],
        "Resource": [target.arn("user/*")],
    })
}

/// The statement of one scope, if any action falls into it.
fn allow(policy: &MemberRolePolicy, scope: Scope, rows: &[RequiredAction]) -> Option<Value> {
    let actions: Vec<_> = rows
        .iter()
        .filter(|row| row.scope == scope)
        .map(|row| row.action)
        .collect();
    if actions.is_empty() {
        return None;
    }
    let mut statement = Map::new();
    statement.insert("Sid".to_owned(), json!(scope.statement_id()));
    statement.insert("Effect".to_owned(), json!("Allow"));
    statement.insert("Action".to_owned(), json!(actions));
    statement.insert("Resource".to_owned(), json!([resource(policy, scope)]));
    let condition = condition(policy, scope);
    if !condition.is_empty() {
        statement.insert("Condition".to_owned(), Value::Object(condition));
    }
    Some(Value::Object(statement))
}

fn resource(policy: &MemberRolePolicy, scope: Scope) -> String {
    let target = &policy.target;
    match scope {
        Scope::Account => "*".to_owned(),
        Scope::FindUser => target.arn("user/*"),
        Scope::ReadUser
        | Scope::ChangeUser
        | Scope::GrantToUser
        | Scope::IssueCredentials
        | Scope::AttachPolicy
        | Scope::DetachPolicy
        | Scope::RemoveBoundary => target.arn(&format!("user{}*", policy.user_path_prefix)),
        Scope::Group => target.arn(&format!("group{}*", policy.group_path_prefix)),
        Scope::VirtualMfaDevice => target.arn("mfa/*"),
        Scope::Parameter => target.parameters(&policy.parameter_prefix),
        Scope::Key | Scope::KeyThroughParameterStore => target.regional_arn("kms", "key/*"),
    }
}

fn condition(policy: &MemberRolePolicy, scope: Scope) -> Map<String, Value> {
    let mut condition = Map::new();
    if scope.needs_allowed_policy() && !policy.allowed_policies.is_empty() {
        let arns = &policy.allowed_policies;
        condition.insert("ArnLike".to_owned(), json!({ "iam:PolicyARN": arns }));
    }
    if scope.needs_boundary()
        && let Some(boundary) = &policy.required_boundary
    {
        // The IAM user guide lists this key under the string operators, unlike iam:PolicyARN.
        condition.insert(
            "StringLike".to_owned(),
            json!({ "iam:PermissionsBoundary": boundary }),
        );
    }
    match scope {
        // AWS documents iam:ResourceTag/key for users ("Controlling access to and for IAM users and
        // roles using tags"). "Null": "false" means that the tag is there.
        Scope::IssueCredentials => {
            let tag = format!("iam:ResourceTag/{MANAGED_BY_TAG}");
            condition.insert("Null".to_owned(), json!({ tag: "false" }));
        }
        // "How Parameter Store uses AWS KMS" (KMS developer guide): the encryption context holds the
        // ARN of the parameter.
        Scope::KeyThroughParameterStore => {
            condition.insert(
                "StringLike".to_owned(),
                json!({
                    "kms:ViaService": "ssm.*",
                    "kms:EncryptionContext:PARAMETER_ARN":
                        policy.target.parameters(&policy.parameter_prefix),
                }),
            );
        }
        Scope::Account
        | Scope::FindUser
        | Scope::ReadUser
        | Scope::ChangeUser
        | Scope::GrantToUser
        | Scope::AttachPolicy
        | Scope::DetachPolicy
        | Scope::RemoveBoundary
        | Scope::Group
        | Scope::VirtualMfaDevice
        | Scope::Parameter
        | Scope::Key => {}
    }
    condition
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{MemberRolePolicy, POLICY_SIZE_LIMIT, PolicyTarget, member_role_policy};
    use crate::error::ErrorKind;
    use crate::ids::Partition;
    use crate::permissions::{Feature, PolicyPattern, required_actions};

    fn everything() -> MemberRolePolicy {
        MemberRolePolicy {
            target: PolicyTarget::Account {
                partition: Partition::Aws,
                account_id: "222222222222".parse().unwrap(),
            },
            user_path_prefix: "/engineering/".parse().unwrap(),
            group_path_prefix: "/teams/".parse().unwrap(),
            required_boundary: None,
            allowed_policies: Vec::new(),
            parameter_prefix: "/iam/users".parse().unwrap(),
            features: Feature::ALL.to_vec(),
        }
    }

    fn limited() -> MemberRolePolicy {
        MemberRolePolicy {
            required_boundary: Some("arn:aws:iam::222222222222:policy/Boundary".parse().unwrap()),
            allowed_policies: vec![
                "arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap(),
                "arn:aws:iam::*:policy/teams/*".parse().unwrap(),
            ],
            ..everything()
        }
    }

    fn statements(policy: &MemberRolePolicy) -> Vec<Value> {
        let document = member_role_policy(policy).unwrap();
        assert_eq!(document["Version"], "2012-10-17");
        document["Statement"].as_array().unwrap().clone()
    }

    fn statement(policy: &MemberRolePolicy, id: &str) -> Value {
        let all = statements(policy);
        let found = all.iter().find(|statement| statement["Sid"] == id);
        found.unwrap_or_else(|| panic!("no statement {id}")).clone()
    }

    fn allowed_actions(policy: &MemberRolePolicy) -> Vec<String> {
        statements(policy)
            .iter()
            .filter(|statement| statement["Effect"] == "Allow")
            .flat_map(|statement| statement["Action"].as_array().unwrap().clone())
            .map(|action| action.as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn all_features_together_allow_every_action_of_the_table_once() {
        let allowed = allowed_actions(&everything());
        let unique: BTreeSet<_> = allowed.iter().map(String::as_str).collect();
        let required: BTreeSet<_> = required_actions(&Feature::ALL)
            .iter()
            .map(|row| row.action)
            .collect();
        assert_eq!(unique, required);
        assert_eq!(allowed.len(), unique.len());
    }

    #[test]
    fn each_feature_alone_allows_its_own_actions_and_no_other() {
        for feature in Feature::ALL {
            let policy = MemberRolePolicy {
                features: vec![feature],
                ..everything()
            };
            let allowed: BTreeSet<_> = allowed_actions(&policy).into_iter().collect();
            let required: BTreeSet<_> = required_actions(&[feature])
                .iter()
                .map(|row| row.action.to_owned())
                .collect();
            assert_eq!(allowed, required, "{feature}");
        }
    }

    #[test]
    fn no_action_is_a_wildcard_and_only_account_wide_reads_have_an_open_resource() {
        for policy in [everything(), limited()] {
            for action in allowed_actions(&policy) {
                assert!(!action.contains('*'), "{action}");
            }
            for statement in statements(&policy) {
                let open = statement["Resource"] == json!(["*"]);
                assert_eq!(open, statement["Sid"] == "ReadAccount", "{statement}");
            }
        }
    }

    #[test]
    fn users_groups_and_devices_have_resources_of_their_own() {
        let policy = everything();
        let resource = |id| statement(&policy, id)["Resource"].clone();
        let users = json!(["arn:aws:iam::222222222222:user/engineering/*"]);
        assert_eq!(
            resource("FindUsers"),
            json!(["arn:aws:iam::222222222222:user/*"])
        );
        assert_eq!(resource("ReadUsers"), users);
        assert_eq!(resource("ChangeUsers"), users);
        assert_eq!(resource("GrantToUsers"), users);
        assert_eq!(resource("AttachPolicies"), users);
        assert_eq!(resource("DetachPolicies"), users);
        assert_eq!(resource("RemoveBoundaries"), users);
        assert_eq!(
            resource("ChangeGroupMembership"),
            json!(["arn:aws:iam::222222222222:group/teams/*"])
        );
        assert_eq!(
            resource("DeleteVirtualMfaDevices"),
            json!(["arn:aws:iam::222222222222:mfa/*"])
        );
    }

    #[test]
    fn without_limits_only_credentials_and_encryption_have_conditions_and_nothing_is_denied() {
        for statement in statements(&everything()) {
            let limited =
                statement["Sid"] == "IssueCredentials" || statement["Sid"] == "EncryptSecrets";
            assert_eq!(statement.get("Condition").is_some(), limited, "{statement}");
            assert_eq!(statement["Effect"], "Allow");
        }
    }

    #[test]
    fn credentials_are_made_only_for_users_below_the_prefix_that_have_an_owner() {
        for policy in [everything(), limited()] {
            assert_eq!(
                statement(&policy, "IssueCredentials"),
                json!({
                    "Sid": "IssueCredentials",
                    "Effect": "Allow",
                    "Action": [
                        "iam:CreateLoginProfile",
                        "iam:UpdateLoginProfile",
                        "iam:CreateAccessKey",
                    ],
                    "Resource": ["arn:aws:iam::222222222222:user/engineering/*"],
                    "Condition": {
                        "Null": { "iam:ResourceTag/crossaccount:managed-by": "false" },
                    },
                })
            );
        }
    }

    #[test]
    fn secrets_in_the_member_account_are_those_below_the_prefix_and_the_key_is_used_through_ssm() {
        let parameters = "arn:aws:ssm:*:222222222222:parameter/iam/users/222222222222/*";
        let policy = everything();
        assert_eq!(
            statement(&policy, "KeepSecrets"),
            json!({
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
            })
        );
        assert_eq!(
            statement(&policy, "EncryptSecrets"),
            json!({
                "Sid": "EncryptSecrets",
                "Effect": "Allow",
                "Action": ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"],
                "Resource": ["arn:aws:kms:*:222222222222:key/*"],
                "Condition": {
                    "StringLike": {
                        "kms:ViaService": "ssm.*",
                        "kms:EncryptionContext:PARAMETER_ARN": parameters,
                    },
                },
            })
        );
        assert_eq!(
            statement(&policy, "FindKeys")["Action"],
            json!(["kms:DescribeKey"])
        );
    }

    #[test]
    fn a_required_boundary_stands_before_every_grant() {
        let boundary = json!({
            "iam:PermissionsBoundary": "arn:aws:iam::222222222222:policy/Boundary"
        });
        let grants = statement(&limited(), "GrantToUsers");
        assert_eq!(
            grants["Action"],
            json!([
                "iam:CreateUser",
                "iam:PutUserPermissionsBoundary",
                "iam:PutUserPolicy"
            ])
        );
        assert_eq!(grants["Condition"], json!({ "StringLike": boundary }));
        let attach = statement(&limited(), "AttachPolicies");
        assert_eq!(attach["Condition"]["StringLike"], boundary);
    }

    #[test]
    fn a_required_boundary_can_never_be_removed() {
        assert_eq!(
            statement(&limited(), "NeverRemoveBoundaries"),
            json!({
                "Sid": "NeverRemoveBoundaries",
                "Effect": "Deny",
                "Action": ["iam:DeleteUserPermissionsBoundary"],
                "Resource": ["arn:aws:iam::222222222222:user/*"],
            })
        );
        let allowed = allowed_actions(&limited());
        assert!(!allowed.contains(&"iam:DeleteUserPermissionsBoundary".to_owned()));
    }

    #[test]
    fn only_allowed_policies_can_be_attached_and_detached() {
        let allowed = json!({ "iam:PolicyARN": [
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "arn:aws:iam::*:policy/teams/*",
        ]});
        for id in ["AttachPolicies", "DetachPolicies"] {
            assert_eq!(statement(&limited(), id)["Condition"]["ArnLike"], allowed);
        }
    }

    #[test]
    fn a_role_for_data_sources_can_only_look() {
        let policy = MemberRolePolicy {
            features: vec![Feature::DataSources],
            ..everything()
        };
        let ids: Vec<_> = statements(&policy)
            .iter()
            .map(|statement| statement["Sid"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids, ["ReadAccount", "FindUsers", "ReadUsers"]);
    }

    #[test]
    fn a_template_gets_pseudo_parameters_for_partition_and_account() {
        let policy = MemberRolePolicy {
            target: PolicyTarget::CloudFormation,
            ..everything()
        };
        assert_eq!(
            statement(&policy, "ReadUsers")["Resource"],
            json!(["arn:${AWS::Partition}:iam::${AWS::AccountId}:user/engineering/*"])
        );
        assert_eq!(
            statement(&policy, "KeepSecrets")["Resource"],
            json!([concat!(
                "arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:parameter/iam/users/",
                "${AWS::AccountId}/*"
            )])
        );
    }

    #[test]
    fn the_same_input_gives_the_same_text() {
        let mut shuffled = limited();
        shuffled.features.reverse();
        shuffled.features.push(Feature::Users);
        assert_eq!(
            member_role_policy(&limited()).unwrap().to_string(),
            member_role_policy(&shuffled).unwrap().to_string()
        );
    }

    #[test]
    fn all_features_with_limits_leave_room_for_forty_allowed_policies() {
        let document = member_role_policy(&limited()).unwrap().to_string();
        let room = POLICY_SIZE_LIMIT - document.len();
        assert!(room > 40 * 60, "{room}");
    }

    #[test]
    fn a_policy_that_would_not_fit_is_refused_with_its_size() {
        let pattern = |number| -> PolicyPattern {
            format!("arn:aws:iam::222222222222:policy/some/long/path/policy-{number}")
                .parse()
                .unwrap()
        };
        let policy = MemberRolePolicy {
            allowed_policies: (0..50).map(pattern).collect(),
            ..limited()
        };
        let error = member_role_policy(&policy).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("6144 are allowed"), "{error}");
    }

    #[rstest::rstest]
    #[case("/*/")]
    #[case("/team?/")]
    #[case("/${aws:username}/")]
    fn a_path_that_would_widen_the_policy_is_refused(#[case] path: &str) {
        for policy in [
            MemberRolePolicy {
                user_path_prefix: path.parse().unwrap(),
                ..everything()
            },
            MemberRolePolicy {
                group_path_prefix: path.parse().unwrap(),
                ..everything()
            },
        ] {
            let error = member_role_policy(&policy).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_role_without_any_feature_is_refused() {
        let policy = MemberRolePolicy {
            features: Vec::new(),
            ..everything()
        };
        let error = member_role_policy(&policy).unwrap_err();
        assert!(error.to_string().contains("force_destroy"), "{error}");
    }
}
