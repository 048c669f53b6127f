//! ARNs of IAM objects.

use std::str::FromStr;

use super::{AccountId, InvalidId, Partition, Path, PolicyName, RoleName, UserName};

/// Splits `arn:partition:iam::account:resource` and checks everything before the resource.
fn split<'a>(
    kind: &'static str,
    text: &'a str,
) -> Result<(Partition, Option<AccountId>, &'a str), InvalidId> {
    let invalid = |reason: String| InvalidId::new(kind, text, reason);
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (prefix, partition, service, region, account) = (next(), next(), next(), next(), next());
    let resource = next();
    if prefix != "arn" || service != "iam" || !region.is_empty() || resource.is_empty() {
        return Err(invalid(
            "an IAM ARN has the form arn:aws:iam::ACCOUNT:TYPE/NAME".to_owned(),
        ));
    }
    let partition = partition
        .parse::<Partition>()
        .map_err(|error| invalid(error.to_string()))?;
    let account = match account {
        "" | "aws" => None,
        digits => Some(
            digits
                .parse()
                .map_err(|error: InvalidId| invalid(error.to_string()))?,
        ),
    };
    Ok((partition, account, resource))
}

/// Splits `type/path/name` into path and name.
fn path_and_name(resource: &str) -> Option<(Path, &str)> {
    let (_, rest) = resource.split_once('/')?;
    let (path, name) = match rest.rfind('/') {
        None => (Path::default(), rest),
        Some(end) => {
            let (path, name) = rest.split_at(end + 1);
            (format!("/{path}").parse().ok()?, name)
        }
    };
    (!name.is_empty()).then_some((path, name))
}

/// The ARN of a managed policy, AWS's own (`arn:aws:iam::aws:policy/…`) or an account's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyArn {
    text: String,
    partition: Partition,
    account_id: Option<AccountId>,
}

impl PolicyArn {
    /// The ARN of a managed policy by its owner, path and name. No owner means AWS itself.
    pub fn new(
        partition: Partition,
        account_id: Option<AccountId>,
        path: &Path,
        name: &PolicyName,
    ) -> Self {
        let owner = account_id.as_ref().map_or("aws", AccountId::as_str);
        Self {
            text: format!("arn:{partition}:iam::{owner}:policy{path}{name}"),
            partition,
            account_id,
        }
    }

    /// The ARN as AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition of the ARN.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account that owns the policy; `None` for policies that AWS manages.
    pub fn account_id(&self) -> Option<&AccountId> {
        self.account_id.as_ref()
    }

    /// Refuses a policy that users of this account cannot have: one of another account. The error is a sentence.
    pub fn check_usable_in(&self, account_id: &AccountId) -> Result<(), String> {
        match &self.account_id {
            Some(owner) if owner != account_id => Err(format!(
                "The policy {self} belongs to account {owner}, and the user to account {account_id}. IAM attaches only \
                 policies of the user's own account and those that AWS manages."
            )),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for PolicyArn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl serde::Serialize for PolicyArn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl FromStr for PolicyArn {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const KIND: &str = "policy ARN";
        let (partition, account_id, resource) = split(KIND, text)?;
        if !resource.starts_with("policy/") || path_and_name(resource).is_none() {
            let reason = "it does not name a policy (arn:aws:iam::ACCOUNT:policy/NAME)";
            return Err(InvalidId::new(KIND, text, reason));
        }
        if account_id.is_none() && text.split(':').nth(4) != Some("aws") {
            return Err(InvalidId::new(KIND, text, "it names no account"));
        }
        if text.chars().count() > 2048 {
            return Err(InvalidId::new(
                KIND,
                text,
                "it has more than 2048 characters",
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            partition,
            account_id,
        })
    }
}

/// The ARN of an IAM role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleArn {
    partition: Partition,
    account_id: AccountId,
    role: RoleName,
}

impl RoleArn {
    /// The ARN of the role `role` in an account.
    pub fn new(partition: Partition, account_id: AccountId, role: RoleName) -> Self {
        Self {
            partition,
            account_id,
            role,
        }
    }

    /// The partition of the ARN.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account that owns the role.
    pub fn account_id(&self) -> &AccountId {
        &self.account_id
    }

    /// The role's name and path.
    pub fn role(&self) -> &RoleName {
        &self.role
    }

    /// Refuses the role of another account for a user of this one. The error is a sentence.
    pub fn check_usable_in(&self, account_id: &AccountId) -> Result<(), String> {
        if self.account_id == *account_id {
            return Ok(());
        }
        Err(format!(
            "The role {self} belongs to account {}, and the user to account {account_id}.",
            self.account_id
        ))
    }
}

impl std::fmt::Display for RoleArn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            partition,
            account_id,
            role,
        } = self;
        write!(formatter, "arn:{partition}:iam::{account_id}:role/{role}")
    }
}

impl FromStr for RoleArn {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const KIND: &str = "role ARN";
        let (partition, account_id, resource) = split(KIND, text)?;
        let role = resource
            .strip_prefix("role/")
            .and_then(|role| role.parse().ok());
        match (account_id, role) {
            (Some(account_id), Some(role)) => Ok(Self {
                partition,
                account_id,
                role,
            }),
            _ => Err(InvalidId::new(
                KIND,
                text,
                "it does not name a role (arn:aws:iam::ACCOUNT:role/NAME)",
            )),
        }
    }
}

/// The ARN of an IAM user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserArn {
    partition: Partition,
    account_id: AccountId,
    path: Path,
    name: UserName,
}

impl UserArn {
    /// The ARN that a user has by its account, path and name.
    pub fn new(partition: Partition, account_id: AccountId, path: Path, name: UserName) -> Self {
        Self {
            partition,
            account_id,
            path,
            name,
        }
    }

    /// The ARN after a rename or a move in the same account.
    #[must_use]
    pub fn relocated(&self, path: &Path, name: &UserName) -> Self {
        Self {
            path: path.clone(),
            name: name.clone(),
            ..self.clone()
        }
    }

    /// The account of the user.
    pub fn account_id(&self) -> &AccountId {
        &self.account_id
    }

    /// The user's name.
    pub fn name(&self) -> &UserName {
        &self.name
    }

    /// The user's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Display for UserArn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            partition,
            account_id,
            path,
            name,
        } = self;
        write!(
            formatter,
            "arn:{partition}:iam::{account_id}:user{path}{name}"
        )
    }
}

impl FromStr for UserArn {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const KIND: &str = "user ARN";
        let (partition, account_id, resource) = split(KIND, text)?;
        let user = resource
            .starts_with("user/")
            .then(|| path_and_name(resource))
            .flatten();
        let (Some(account_id), Some((path, name))) = (account_id, user) else {
            let reason = "it does not name a user (arn:aws:iam::ACCOUNT:user/NAME)";
            return Err(InvalidId::new(KIND, text, reason));
        };
        let name = name
            .parse()
            .map_err(|error: InvalidId| InvalidId::new(KIND, text, error.to_string()))?;
        Ok(Self {
            partition,
            account_id,
            path,
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{PolicyArn, RoleArn, UserArn};
    use crate::ids::Partition;

    #[rstest::rstest]
    #[case("arn:aws:iam::aws:policy/ReadOnlyAccess", true)]
    #[case("arn:aws:iam::222222222222:policy/path/Boundary", true)]
    #[case("arn:aws-cn:iam::aws:policy/job-function/ViewOnlyAccess", true)]
    #[case("arn:aws:iam::222222222222:role/Boundary", false)]
    #[case("arn:aws:iam:us-east-1:222222222222:policy/x", false)]
    #[case("arn:nowhere:iam::222222222222:policy/x", false)]
    #[case("arn:aws:iam::22222:policy/x", false)]
    #[case("arn:aws:iam:::policy/x", false)]
    #[case("ReadOnlyAccess", false)]
    #[case("arn:aws:iam::222222222222:policy/", false)]
    fn only_iam_policies_have_a_policy_arn(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<PolicyArn>().is_ok(), valid, "{text}");
    }

    #[test]
    fn a_policy_of_aws_belongs_to_no_account() {
        let arn: PolicyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap();
        assert_eq!(arn.account_id(), None);
    }

    #[rstest::rstest]
    #[case(Some("222222222222"), "/", "arn:aws:iam::222222222222:policy/Boundary")]
    #[case(
        Some("222222222222"),
        "/a/b/",
        "arn:aws:iam::222222222222:policy/a/b/Boundary"
    )]
    #[case(
        None,
        "/job-function/",
        "arn:aws:iam::aws:policy/job-function/Boundary"
    )]
    fn a_policy_arn_made_of_parts_is_the_one_that_is_read(
        #[case] account_id: Option<&str>,
        #[case] path: &str,
        #[case] text: &str,
    ) {
        let account_id = account_id.map(|digits| digits.parse().unwrap());
        let (path, name) = (path.parse().unwrap(), "Boundary".parse().unwrap());
        let made = PolicyArn::new(Partition::Aws, account_id, &path, &name);
        assert_eq!(made.as_str(), text);
        assert_eq!(made, text.parse().unwrap());
    }

    #[rstest::rstest]
    #[case("arn:aws:iam::222222222222:user/alice", "/", "alice")]
    #[case("arn:aws-us-gov:iam::222222222222:user/a/b/alice", "/a/b/", "alice")]
    fn a_user_arn_reads_and_writes_the_same(
        #[case] text: &str,
        #[case] path: &str,
        #[case] name: &str,
    ) {
        let arn: UserArn = text.parse().unwrap();
        assert_eq!((arn.path().as_str(), arn.name().as_str()), (path, name));
        assert_eq!(arn.to_string(), text);
    }

    #[rstest::rstest]
    #[case("arn:aws:iam::222222222222:role/Admin")]
    #[case("arn:aws:iam::222222222222:role/ops/Admin")]
    fn a_role_arn_reads_and_writes_the_same(#[case] text: &str) {
        assert_eq!(text.parse::<RoleArn>().unwrap().to_string(), text);
    }

    #[rstest::rstest]
    #[case("arn:aws:iam::222222222222:group/x")]
    #[case("222222222222/alice")]
    fn another_kind_of_object_is_not_a_user(#[case] text: &str) {
        assert!(text.parse::<UserArn>().is_err());
    }
}
