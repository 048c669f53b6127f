//! What the hub credentials may do in the secret store, when it is in the hub account.

use serde_json::{Map, Value, json};

use super::POLICY_VERSION;
use crate::ids::{AccountId, Partition, Region};
use crate::secrets::{KmsKeyId, ParameterPrefix};

/// What the policy of the secret store is made of.
#[derive(Debug, Clone)]
pub struct SecretStorePolicy {
    /// The partition of the hub account.
    pub partition: Partition,
    /// The hub account.
    pub account_id: AccountId,
    /// The Region of the provider configuration.
    pub region: Region,
    /// The prefix of the provider configuration.
    pub prefix: ParameterPrefix,
    /// The key of the provider configuration.
    pub kms_key_id: KmsKeyId,
}

/// The least that the hub credentials need for secrets in the hub account: the parameters below the
/// prefix, and the key by way of Parameter Store for these parameters alone.
///
/// `ssm:GetParameter` and `kms:Decrypt` stand in a statement of their own (`ReadSecrets`): moving a
/// secret after a user was renamed and the ephemeral resources need them, nothing else does.
/// `ssm:DescribeParameters` knows no narrower resource than the account.
///
/// The same input always gives the same document.
pub fn secret_store_policy(policy: &SecretStorePolicy) -> Value {
    let SecretStorePolicy {
        partition,
        account_id,
        region,
        prefix,
        kms_key_id,
    } = policy;
    let parameters = format!("arn:{partition}:ssm:{region}:{account_id}:parameter{prefix}/*");
    let (key, by_alias) = key(policy, kms_key_id.as_str());
    let on_key = |sid: &str, actions: &[&str], mut condition: Map<String, Value>| {
        if let Some(alias) = &by_alias {
            let aliases = json!({ "kms:ResourceAliases": alias });
            condition.insert("ForAnyValue:StringEquals".to_owned(), aliases);
        }
        let mut statement = Map::new();
        statement.insert("Sid".to_owned(), json!(sid));
        statement.insert("Effect".to_owned(), json!("Allow"));
        statement.insert("Action".to_owned(), json!(actions));
        statement.insert("Resource".to_owned(), json!([key]));
        if !condition.is_empty() {
            statement.insert("Condition".to_owned(), Value::Object(condition));
        }
        Value::Object(statement)
    };
    let through_parameter_store = || {
        let mut condition = Map::new();
        condition.insert(
            "StringLike".to_owned(),
            json!({
                "kms:ViaService": "ssm.*",
                "kms:EncryptionContext:PARAMETER_ARN": parameters,
            }),
        );
        condition
    };
    json!({
        "Version": POLICY_VERSION,
        "Statement": [
            {
                "Sid": "ListSecrets",
                "Effect": "Allow",
                "Action": ["ssm:DescribeParameters"],
                "Resource": ["*"],
            },
            {
                "Sid": "KeepSecrets",
                "Effect": "Allow",
                "Action": [
                    "ssm:ListTagsForResource",
                    "ssm:PutParameter",
                    "ssm:AddTagsToResource",
                    "ssm:DeleteParameter",
                ],
                "Resource": [parameters],
            },
            {
                "Sid": "ReadSecrets",
                "Effect": "Allow",
                "Action": ["ssm:GetParameter"],
                "Resource": [parameters],
            },
            on_key("FindKey", &["kms:DescribeKey"], Map::new()),
            on_key(
                "EncryptSecrets",
                &["kms:Encrypt", "kms:GenerateDataKey"],
                through_parameter_store(),
            ),
            on_key("DecryptSecrets", &["kms:Decrypt"], through_parameter_store()),
        ],
    })
}

/// The ARN of the key, and the alias when only that is known: a policy cannot name a key by it, but
/// can ask for it in a condition.
fn key(policy: &SecretStorePolicy, id: &str) -> (String, Option<String>) {
    let SecretStorePolicy {
        partition,
        account_id,
        region,
        ..
    } = policy;
    let any_key = |account: &str| format!("arn:{partition}:kms:{region}:{account}:key/*");
    if let Some(rest) = id.strip_prefix("arn:") {
        let mut parts = rest.splitn(5, ':');
        let account = parts.nth(3).unwrap_or_default();
        return match parts.next() {
            Some(alias) if alias.starts_with("alias/") => {
                (any_key(account), Some(alias.to_owned()))
            }
            _ => (id.to_owned(), None),
        };
    }
    if id.starts_with("alias/") {
        return (any_key(account_id.as_str()), Some(id.to_owned()));
    }
    (
        format!("arn:{partition}:kms:{region}:{account_id}:key/{id}"),
        None,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{SecretStorePolicy, secret_store_policy};
    use crate::ids::Partition;
    use crate::permissions::{Feature, required_actions};

    fn policy(kms_key_id: &str) -> Value {
        secret_store_policy(&SecretStorePolicy {
            partition: Partition::Aws,
            account_id: "111111111111".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            prefix: "/crossaccount".parse().unwrap(),
            kms_key_id: kms_key_id.parse().unwrap(),
        })
    }

    fn statement(policy: &Value, sid: &str) -> Value {
        let statements = policy["Statement"].as_array().unwrap();
        let found = statements.iter().find(|statement| statement["Sid"] == sid);
        found.unwrap().clone()
    }

    #[test]
    fn the_hub_needs_for_its_secrets_what_a_member_role_needs_for_them() {
        let document = policy("0d1b-2");
        let actions: BTreeSet<String> = document["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|statement| statement["Action"].as_array().unwrap().clone())
            .map(|action| action.as_str().unwrap().to_owned())
            .collect();
        let member: BTreeSet<String> = required_actions(&[Feature::MemberSecrets])
            .iter()
            .map(|row| row.action.to_owned())
            .collect();
        assert_eq!(actions, member);
    }

    #[test]
    fn parameters_end_at_the_prefix_and_the_key_works_for_them_alone() {
        let document = policy("0d1b-2");
        let parameters = "arn:aws:ssm:eu-central-1:111111111111:parameter/crossaccount/*";
        for sid in ["KeepSecrets", "ReadSecrets"] {
            assert_eq!(statement(&document, sid)["Resource"], json!([parameters]));
        }
        for sid in ["EncryptSecrets", "DecryptSecrets"] {
            assert_eq!(
                statement(&document, sid)["Condition"],
                json!({ "StringLike": {
                    "kms:ViaService": "ssm.*",
                    "kms:EncryptionContext:PARAMETER_ARN": parameters,
                }})
            );
        }
        assert!(statement(&document, "FindKey").get("Condition").is_none());
    }

    #[rstest::rstest]
    #[case("0d1b-2", "arn:aws:kms:eu-central-1:111111111111:key/0d1b-2", None)]
    #[case(
        "arn:aws:kms:eu-central-1:333333333333:key/0d1b-2",
        "arn:aws:kms:eu-central-1:333333333333:key/0d1b-2",
        None
    )]
    #[case(
        "alias/iam",
        "arn:aws:kms:eu-central-1:111111111111:key/*",
        Some("alias/iam")
    )]
    #[case(
        "arn:aws:kms:eu-central-1:333333333333:alias/iam",
        "arn:aws:kms:eu-central-1:333333333333:key/*",
        Some("alias/iam")
    )]
    fn the_key_is_named_by_its_arn_or_asked_for_by_its_alias(
        #[case] id: &str,
        #[case] arn: &str,
        #[case] alias: Option<&str>,
    ) {
        let document = policy(id);
        for sid in ["FindKey", "EncryptSecrets", "DecryptSecrets"] {
            let statement = statement(&document, sid);
            assert_eq!(statement["Resource"], json!([arn]));
            let condition = &statement["Condition"]["ForAnyValue:StringEquals"];
            assert_eq!(condition["kms:ResourceAliases"].as_str(), alias);
        }
    }
}
