//! Validated texts that go into policies: ARN patterns, external ids, organisation ids.
//!
//! A policy document is a place where a stray wildcard widens access in silence. These types let a
//! wildcard stand only where the one who wrote it can have meant it.

use std::str::FromStr;

use crate::ids::{AccountId, InvalidId, Partition, check_external_id, text_id};

/// Splits `arn:partition:iam::account:resource` of a pattern and checks partition and account, which
/// may each be the wildcard `*`.
fn split<'a>(kind: &'static str, text: &'a str) -> Result<(&'a str, &'a str, &'a str), InvalidId> {
    let invalid = |reason: &str| InvalidId::new(kind, text, reason);
    if text.chars().count() > 2048 {
        return Err(invalid("it has more than 2048 characters"));
    }
    if !text.chars().all(|character| character.is_ascii_graphic()) {
        return Err(invalid("only printable ASCII without spaces is allowed"));
    }
    if text.contains("${") {
        return Err(invalid("policy variables are not allowed here"));
    }
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (prefix, partition, service, region, account) = (next(), next(), next(), next(), next());
    let resource = next();
    if prefix != "arn" || service != "iam" || !region.is_empty() {
        return Err(invalid(
            "it must have the form arn:aws:iam::ACCOUNT:TYPE/NAME",
        ));
    }
    if partition != "*" && partition.parse::<Partition>().is_err() {
        return Err(invalid("its partition must be one of AWS, or *"));
    }
    Ok((partition, account, resource))
}

/// A pattern of managed-policy ARNs: `arn:aws:iam::*:policy/boundaries/*`.
///
/// `*` and `?` may stand in the policy's path and name; partition and account may be `*` as a whole,
/// so that one pattern fits every member account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyPattern(String);
text_id!(PolicyPattern);

impl FromStr for PolicyPattern {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const KIND: &str = "policy ARN pattern";
        let (_, account, resource) = split(KIND, text)?;
        if !matches!(account, "*" | "aws") && account.parse::<AccountId>().is_err() {
            let reason = "its account must be 12 digits, aws, or *";
            return Err(InvalidId::new(KIND, text, reason));
        }
        match resource.strip_prefix("policy/") {
            Some(name) if !name.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(InvalidId::new(
                KIND,
                text,
                "it does not name a policy (arn:aws:iam::ACCOUNT:policy/NAME)",
            )),
        }
    }
}

/// A pattern of the roles and users of the hub account that may assume the member role:
/// `arn:aws:iam::111111111111:role/ci/*`.
///
/// It is compared with `aws:PrincipalArn`, which for a role session is the ARN of the role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrincipalPattern {
    text: String,
    account_id: AccountId,
}

impl PrincipalPattern {
    /// The pattern as it stands in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account of the principals.
    pub fn account_id(&self) -> &AccountId {
        &self.account_id
    }
}

impl std::fmt::Display for PrincipalPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for PrincipalPattern {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const KIND: &str = "principal ARN pattern";
        if text.starts_with("arn:") && text.contains(":assumed-role/") {
            let reason =
                "it is the ARN of a session; name the role (arn:aws:iam::ACCOUNT:role/NAME)";
            return Err(InvalidId::new(KIND, text, reason));
        }
        let (_, account, resource) = split(KIND, text)?;
        let account_id = account.parse().map_err(|_: InvalidId| {
            InvalidId::new(
                KIND,
                text,
                "its account must be the 12 digits of the hub account",
            )
        })?;
        let name = resource
            .strip_prefix("role/")
            .or_else(|| resource.strip_prefix("user/"));
        if name.is_none_or(str::is_empty) {
            let reason = "it does not name a role or a user (arn:aws:iam::ACCOUNT:role/NAME)";
            return Err(InvalidId::new(KIND, text, reason));
        }
        Ok(Self {
            text: text.to_owned(),
            account_id,
        })
    }
}

/// The external id of a trust policy, by the rule of [`check_external_id`].
///
/// It is an agreed name and not a secret: every reader of the trust policy sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalId(String);
text_id!(ExternalId);

impl FromStr for ExternalId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match check_external_id(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(reason) => Err(InvalidId::new("external id", text, reason)),
        }
    }
}

/// The id of an AWS organisation: `o-` and 10 to 32 lower-case letters or digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationId(String);
text_id!(OrganizationId);

impl FromStr for OrganizationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let valid = text.strip_prefix("o-").is_some_and(|rest| {
            (10..=32).contains(&rest.len())
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        if valid {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidId::new(
            "organization id",
            text,
            "it has the form o- and 10 to 32 lower-case letters or digits",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{OrganizationId, PolicyPattern, PrincipalPattern};

    #[rstest::rstest]
    #[case("arn:aws:iam::222222222222:policy/Boundary", true)]
    #[case("arn:aws:iam::aws:policy/job-function/*", true)]
    #[case("arn:*:iam::*:policy/boundaries/team-?", true)]
    #[case("*", false)]
    #[case("arn:aws:iam::*:*", false)]
    #[case("arn:aws:iam::2222*:policy/x", false)]
    #[case("arn:aws:iam::*:role/x", false)]
    #[case("arn:aws:iam::*:policy/", false)]
    #[case("arn:aws:s3:::policy/x", false)]
    #[case("arn:aws:iam::*:policy/${aws:username}", false)]
    #[case("arn:aws:iam::*:policy/a b", false)]
    fn a_policy_pattern_names_policies_only(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<PolicyPattern>().is_ok(), valid, "{text}");
    }

    #[rstest::rstest]
    #[case("arn:aws:iam::111111111111:role/ci", true)]
    #[case(
        "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Admin_*",
        true
    )]
    #[case("arn:aws:iam::111111111111:user/breakglass", true)]
    #[case("arn:aws:iam::*:role/ci", false)]
    #[case("arn:aws:iam::111111111111:root", false)]
    #[case("arn:aws:iam::111111111111:*", false)]
    #[case("arn:aws:sts::111111111111:assumed-role/ci/session", false)]
    #[case("111111111111", false)]
    fn a_principal_pattern_names_roles_or_users_of_one_account(
        #[case] text: &str,
        #[case] valid: bool,
    ) {
        assert_eq!(text.parse::<PrincipalPattern>().is_ok(), valid, "{text}");
    }

    #[test]
    fn the_arn_of_a_session_is_explained() {
        let text = "arn:aws:sts::111111111111:assumed-role/ci/session";
        let error = text.parse::<PrincipalPattern>().unwrap_err().to_string();
        assert!(error.contains("name the role"), "{error}");
    }

    #[rstest::rstest]
    #[case("o-a1b2c3d4e5", true)]
    #[case("o-short", false)]
    #[case("o-A1B2C3D4E5", false)]
    #[case("a1b2c3d4e5", false)]
    fn organization_ids_follow_the_rules_of_aws(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<OrganizationId>().is_ok(), valid, "{text}");
    }
}
