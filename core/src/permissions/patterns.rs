//! Validated texts that go into policies: ARN patterns, external ids, organisation ids.
//!
//! A policy document is a place where a stray wildcard widens access in silence. These types let a
//! wildcard stand only where the one who wrote it can have meant it.

use std::str::FromStr;

use crate::ids::{
    AccountId, GroupName, InvalidId, Partition, PolicyArn, check_external_id, text_id,
};

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

impl PolicyPattern {
    /// Whether a policy fits.
    ///
    /// Case counts. Part for part: a wildcard never reaches over a colon into the next part of the ARN, and `*` in
    /// place of the account stands for the 12 digits of any account, not for `aws`. So who allows
    /// `arn:aws:iam::*:policy/*` has not allowed `AdministratorAccess`.
    pub fn matches(&self, arn: &PolicyArn) -> bool {
        const KIND: &str = "policy ARN pattern";
        let Ok((partition, account, resource)) = split(KIND, &self.0) else {
            return false;
        };
        let account_fits = match arn.account_id() {
            Some(found) => account == "*" || account == found.as_str(),
            None => account == "aws",
        };
        let found = arn.as_str().splitn(6, ':').nth(5).unwrap_or_default();
        let partition_fits = partition == "*" || partition == arn.partition().as_str();
        partition_fits && account_fits && fits(resource, found)
    }
}

/// A pattern of group names: `team-*`. `*` and `?` may stand anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupPattern(String);
text_id!(GroupPattern);

impl GroupPattern {
    /// Whether a group fits. Case counts, although IAM has no two groups whose names differ by case alone.
    pub fn matches(&self, group: &GroupName) -> bool {
        fits(&self.0, group.as_str())
    }
}

impl FromStr for GroupPattern {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason: &str| InvalidId::new("group name pattern", text, reason);
        // What is left must be a name: `x` stands for the wildcards.
        match text.replace(['*', '?'], "x").parse::<GroupName>() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(invalid(error.reason())),
        }
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters, none too, and `?` for one.
///
/// Takes time in proportion to the product of the lengths at most: only the last `*` is ever tried again.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(seen) {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at + 1, seen));
                at += 1;
            }
            (Some(wanted), _) if *wanted == b'?' || wanted == byte => {
                at += 1;
                seen += 1;
            }
            (_, Some((after, taken))) => {
                star = Some((after, taken + 1));
                at = after;
                seen = taken + 1;
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
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
    use super::{GroupPattern, OrganizationId, PolicyPattern, PrincipalPattern};
    use crate::ids::PolicyArn;

    #[rstest::rstest]
    #[case::itself(
        "arn:aws:iam::222222222222:policy/P",
        "arn:aws:iam::222222222222:policy/P",
        true
    )]
    #[case::any_account("arn:aws:iam::*:policy/P", "arn:aws:iam::222222222222:policy/P", true)]
    #[case::any_partition("arn:*:iam::*:policy/P", "arn:aws-cn:iam::222222222222:policy/P", true)]
    #[case::any_name(
        "arn:aws:iam::*:policy/team-*",
        "arn:aws:iam::222222222222:policy/team-a",
        true
    )]
    #[case::no_characters(
        "arn:aws:iam::*:policy/team*",
        "arn:aws:iam::222222222222:policy/team",
        true
    )]
    #[case::one_character(
        "arn:aws:iam::*:policy/team-?",
        "arn:aws:iam::222222222222:policy/team-a",
        true
    )]
    #[case::paths_too(
        "arn:aws:iam::*:policy/*/P",
        "arn:aws:iam::222222222222:policy/a/b/P",
        true
    )]
    #[case::of_aws(
        "arn:aws:iam::aws:policy/Read*",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        true
    )]
    #[case::tried_again(
        "arn:aws:iam::*:policy/*ab*c",
        "arn:aws:iam::222222222222:policy/aab-xab-c",
        true
    )]
    #[case::two_characters(
        "arn:aws:iam::*:policy/team-?",
        "arn:aws:iam::222222222222:policy/team-ab",
        false
    )]
    #[case::longer(
        "arn:aws:iam::*:policy/P",
        "arn:aws:iam::222222222222:policy/P2",
        false
    )]
    #[case::shorter(
        "arn:aws:iam::*:policy/P2",
        "arn:aws:iam::222222222222:policy/P",
        false
    )]
    #[case::another_path(
        "arn:aws:iam::*:policy/P",
        "arn:aws:iam::222222222222:policy/evil/P",
        false
    )]
    #[case::case("arn:aws:iam::*:policy/P", "arn:aws:iam::222222222222:policy/p", false)]
    #[case::another_account(
        "arn:aws:iam::222222222222:policy/P",
        "arn:aws:iam::333333333333:policy/P",
        false
    )]
    #[case::another_partition(
        "arn:aws:iam::*:policy/P",
        "arn:aws-cn:iam::222222222222:policy/P",
        false
    )]
    #[case::any_account_is_not_aws(
        "arn:aws:iam::*:policy/*",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        false
    )]
    #[case::aws_is_no_account(
        "arn:aws:iam::aws:policy/*",
        "arn:aws:iam::222222222222:policy/P",
        false
    )]
    #[case::a_colon_in_the_path(
        "arn:*:iam::*:policy/P",
        "arn:aws:iam::222222222222:policy/x:iam::y:policy/P",
        false
    )]
    fn a_policy_fits_a_pattern_part_for_part(
        #[case] pattern: PolicyPattern,
        #[case] arn: PolicyArn,
        #[case] fits: bool,
    ) {
        assert_eq!(pattern.matches(&arn), fits);
    }

    #[rstest::rstest]
    #[case("admins", "admins", true)]
    #[case("team-*", "team-a", true)]
    #[case("*", "anything", true)]
    #[case("admins", "Admins", false)]
    #[case("team-?", "team-", false)]
    fn a_group_fits_a_pattern_with_its_case(
        #[case] pattern: GroupPattern,
        #[case] group: &str,
        #[case] fits: bool,
    ) {
        assert_eq!(pattern.matches(&group.parse().unwrap()), fits);
    }

    #[rstest::rstest]
    #[case("team-*", true)]
    #[case("", false)]
    #[case("a b", false)]
    #[case("arn:aws:iam::222222222222:group/a", false)]
    fn a_group_pattern_is_a_name_with_wildcards(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<GroupPattern>().is_ok(), valid);
    }

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
