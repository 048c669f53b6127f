//! Who may assume the member role.

use serde_json::{Map, Value, json};

use super::{ExternalId, OrganizationId, POLICY_VERSION, PrincipalPattern};
use crate::error::{Error, ErrorKind};
use crate::ids::{AccountId, Partition};

/// Something that the hub may give to a session beside its name. Each needs a permission of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SessionProperty {
    /// Session tags (`sts:TagSession`).
    Tags,
    /// A source identity (`sts:SetSourceIdentity`).
    SourceIdentity,
}

/// What a trust policy is made of.
#[derive(Debug, Clone)]
pub struct MemberRoleTrust {
    /// The partition of the hub account, which is that of the member account.
    pub partition: Partition,
    /// The hub account.
    pub hub_account_id: AccountId,
    /// The hub's roles and users that may assume the role. Empty means everyone in the hub account
    /// whom the hub's own policies permit it.
    pub principals: Vec<PrincipalPattern>,
    /// The external id that the hub must present.
    pub external_id: ExternalId,
    /// The organisation that the hub must belong to, if it belongs to one.
    pub organization_id: Option<OrganizationId>,
    /// What the hub may give to a session.
    pub session_properties: Vec<SessionProperty>,
}

/// The trust policy of a member role.
///
/// The principal is the hub account itself, narrowed by `aws:PrincipalArn`. Naming a role as the
/// principal would fail while the role does not exist yet, and would silently stop working when the
/// role is deleted and made again, because IAM replaces the name by the unique id of the role.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when a principal belongs to another account than the hub: its
/// condition could never be met.
pub fn member_role_trust_policy(trust: &MemberRoleTrust) -> Result<Value, Error> {
    let hub = &trust.hub_account_id;
    for principal in &trust.principals {
        if principal.account_id() != hub {
            let message = format!("principal {principal} is not in the hub account {hub}");
            return Err(Error::new(ErrorKind::InvalidInput, message)
                .with_advice("Name roles or users of the hub account."));
        }
    }
    let principal = json!({ "AWS": format!("arn:{}:iam::{hub}:root", trust.partition) });

    let mut condition = Map::new();
    if !trust.principals.is_empty() {
        let arns: Vec<_> = trust
            .principals
            .iter()
            .map(PrincipalPattern::as_str)
            .collect();
        condition.insert("ArnLike".to_owned(), json!({ "aws:PrincipalArn": arns }));
    }
    let mut equal = Map::new();
    if let Some(organization_id) = &trust.organization_id {
        equal.insert("aws:PrincipalOrgID".to_owned(), json!(organization_id));
    }

    // The external id is part of AssumeRole alone; the two companions are checked without it, and
    // without AssumeRole they permit nothing.
    let mut companion_condition = condition.clone();
    if !equal.is_empty() {
        companion_condition.insert("StringEquals".to_owned(), Value::Object(equal.clone()));
    }
    equal.insert("sts:ExternalId".to_owned(), json!(trust.external_id));
    condition.insert("StringEquals".to_owned(), Value::Object(equal));

    let mut statements = vec![json!({
        "Sid": "HubAssumesMemberRole",
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["sts:AssumeRole"],
        "Condition": condition,
    })];
    let companions: Vec<_> = [
        (SessionProperty::Tags, "sts:TagSession"),
        (SessionProperty::SourceIdentity, "sts:SetSourceIdentity"),
    ]
    .into_iter()
    .filter(|(property, _)| trust.session_properties.contains(property))
    .map(|(_, action)| action)
    .collect();
    if !companions.is_empty() {
        let mut statement = json!({
            "Sid": "HubDescribesItsSessions",
            "Effect": "Allow",
            "Principal": principal,
            "Action": companions,
        });
        if !companion_condition.is_empty()
            && let Some(statement) = statement.as_object_mut()
        {
            statement.insert("Condition".to_owned(), Value::Object(companion_condition));
        }
        statements.push(statement);
    }
    Ok(json!({ "Version": POLICY_VERSION, "Statement": statements }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{MemberRoleTrust, SessionProperty, member_role_trust_policy};
    use crate::error::ErrorKind;
    use crate::ids::Partition;

    fn trust() -> MemberRoleTrust {
        MemberRoleTrust {
            partition: Partition::Aws,
            hub_account_id: "111111111111".parse().unwrap(),
            principals: vec!["arn:aws:iam::111111111111:role/ci".parse().unwrap()],
            external_id: "agreed-name".parse().unwrap(),
            organization_id: None,
            session_properties: Vec::new(),
        }
    }

    #[test]
    fn the_hub_account_is_the_principal_and_the_named_role_is_a_condition() {
        assert_eq!(
            member_role_trust_policy(&trust()).unwrap(),
            json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Sid": "HubAssumesMemberRole",
                    "Effect": "Allow",
                    "Principal": { "AWS": "arn:aws:iam::111111111111:root" },
                    "Action": ["sts:AssumeRole"],
                    "Condition": {
                        "ArnLike": { "aws:PrincipalArn": ["arn:aws:iam::111111111111:role/ci"] },
                        "StringEquals": { "sts:ExternalId": "agreed-name" },
                    },
                }],
            })
        );
    }

    #[test]
    fn an_organization_is_demanded_beside_the_external_id() {
        let trust = MemberRoleTrust {
            organization_id: Some("o-a1b2c3d4e5".parse().unwrap()),
            ..trust()
        };
        let policy = member_role_trust_policy(&trust).unwrap();
        assert_eq!(
            policy["Statement"][0]["Condition"]["StringEquals"],
            json!({ "sts:ExternalId": "agreed-name", "aws:PrincipalOrgID": "o-a1b2c3d4e5" })
        );
    }

    #[test]
    fn tags_and_source_identity_are_permitted_when_asked_for_and_to_the_same_principals() {
        let trust = MemberRoleTrust {
            session_properties: vec![SessionProperty::SourceIdentity, SessionProperty::Tags],
            ..trust()
        };
        let policy = member_role_trust_policy(&trust).unwrap();
        assert_eq!(
            policy["Statement"][1],
            json!({
                "Sid": "HubDescribesItsSessions",
                "Effect": "Allow",
                "Principal": { "AWS": "arn:aws:iam::111111111111:root" },
                "Action": ["sts:TagSession", "sts:SetSourceIdentity"],
                "Condition": {
                    "ArnLike": { "aws:PrincipalArn": ["arn:aws:iam::111111111111:role/ci"] },
                },
            })
        );
    }

    #[test]
    fn without_named_principals_the_external_id_is_still_demanded() {
        let trust = MemberRoleTrust {
            principals: Vec::new(),
            session_properties: vec![SessionProperty::Tags],
            ..trust()
        };
        let policy = member_role_trust_policy(&trust).unwrap();
        assert_eq!(
            policy["Statement"][0]["Condition"],
            json!({ "StringEquals": { "sts:ExternalId": "agreed-name" } })
        );
        assert!(policy["Statement"][1].get("Condition").is_none());
    }

    #[test]
    fn a_principal_outside_the_hub_is_refused() {
        let trust = MemberRoleTrust {
            principals: vec!["arn:aws:iam::222222222222:role/ci".parse().unwrap()],
            ..trust()
        };
        let error = member_role_trust_policy(&trust).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error
                .to_string()
                .contains("arn:aws:iam::222222222222:role/ci")
        );
    }

    #[test]
    fn the_partition_of_the_hub_is_in_the_principal() {
        let trust = MemberRoleTrust {
            partition: Partition::China,
            principals: Vec::new(),
            ..trust()
        };
        let policy = member_role_trust_policy(&trust).unwrap();
        assert_eq!(
            policy["Statement"][0]["Principal"]["AWS"],
            "arn:aws-cn:iam::111111111111:root"
        );
    }
}
