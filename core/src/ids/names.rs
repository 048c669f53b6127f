//! Names of IAM objects, and IAM paths.

use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::{InvalidId, text_id};

fn is_name_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

fn check_name(kind: &'static str, text: &str, longest: usize) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::new(kind, text, "it is empty"));
    }
    let length = text.chars().count();
    if length > longest {
        let reason = format!("it has {length} characters, and at most {longest} are allowed");
        return Err(InvalidId::new(kind, text, reason));
    }
    match text.chars().find(|character| !is_name_char(*character)) {
        None => Ok(()),
        Some(bad) => Err(InvalidId::new(
            kind,
            text,
            format!("{bad:?} is not allowed; use letters, digits and _+=,.@-"),
        )),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $longest:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);
        text_id!($name);
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check_name($kind, text, $longest)?;
                Ok(Self(text.to_owned()))
            }
        }
    };
}

name! {
    /// The name of an IAM user: 1 to 64 characters.
    ///
    /// IAM keeps the case but two users of an account may not differ by case alone:
    /// see [`UserName::case_folded`].
    UserName, "user name", 64
}
name! {
    /// The name of an IAM group: 1 to 128 characters.
    GroupName, "group name", 128
}
name! {
    /// The name of an inline or managed policy: 1 to 128 characters.
    PolicyName, "policy name", 128
}

impl UserName {
    /// The name as IAM compares it when it looks for a name that is taken.
    pub fn case_folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// An IAM path: `/`, or text of printable ASCII between two slashes, 512 characters at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(String);
text_id!(Path);

impl Default for Path {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl FromStr for Path {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let reason = if !text.starts_with('/') || !text.ends_with('/') {
            "it must begin and end with a slash"
        } else if text.len() > 512 {
            "it has more than 512 characters"
        } else if !text
            .chars()
            .all(|character| ('\u{21}'..='\u{7e}').contains(&character))
        {
            "only printable ASCII without spaces is allowed"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(InvalidId::new("path", text, reason))
    }
}

/// The name of an IAM role, with the path in front of it when it has one: `ops/CrossAccountUserAdmin`.
#[derive(Debug, Clone)]
pub struct RoleName {
    path: Path,
    name: String,
}

impl RoleName {
    /// The path of the role, `/` when it has none.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name without the path.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl PartialEq for RoleName {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.name == other.name
    }
}

impl Eq for RoleName {}

impl Hash for RoleName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.path.hash(state);
        self.name.hash(state);
    }
}

impl std::fmt::Display for RoleName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}{}",
            self.path.as_str().trim_start_matches('/'),
            self.name
        )
    }
}

impl FromStr for RoleName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // A colon is legal in a path, so an ARN would be taken for a path and a name.
        if text.starts_with("arn:") {
            return Err(InvalidId::new(
                "role name",
                text,
                "it is an ARN; give the name alone",
            ));
        }
        let (path, name) = match text.rfind('/') {
            None => (Path::default(), text),
            Some(end) => {
                let (path, name) = text.split_at(end + 1);
                let path = if path.starts_with('/') {
                    path.to_owned()
                } else {
                    format!("/{path}")
                };
                let path = path.parse::<Path>().map_err(|error| {
                    InvalidId::new("role name", text, format!("its path: {}", error.reason()))
                })?;
                (path, name)
            }
        };
        check_name("role name", name, 64)?;
        Ok(Self {
            path,
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, RoleName, UserName};

    #[rstest::rstest]
    #[case("alice", true)]
    #[case("svc+ci=build,x.y@example-corp_1", true)]
    #[case(&"a".repeat(64), true)]
    #[case(&"a".repeat(65), false)]
    #[case("", false)]
    #[case("alice smith", false)]
    #[case("al/ice", false)]
    #[case("äalice", false)]
    fn user_names_follow_the_rules_of_iam(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<UserName>().is_ok(), valid);
    }

    #[test]
    fn a_name_that_is_too_long_says_how_long_it_is() {
        let error = "a".repeat(65).parse::<UserName>().unwrap_err();
        assert!(error.to_string().contains("65 characters"), "{error}");
    }

    #[rstest::rstest]
    #[case("/", true)]
    #[case("/engineering/", true)]
    #[case("/a/b/c/", true)]
    #[case("engineering/", false)]
    #[case("/engineering", false)]
    #[case("/with space/", false)]
    #[case("", false)]
    fn paths_begin_and_end_with_a_slash(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<Path>().is_ok(), valid);
    }

    #[rstest::rstest]
    #[case("Admin", "/", "Admin", "Admin")]
    #[case("ops/Admin", "/ops/", "Admin", "ops/Admin")]
    #[case("/ops/team/Admin", "/ops/team/", "Admin", "ops/team/Admin")]
    fn a_role_name_may_hold_a_path(
        #[case] text: &str,
        #[case] path: &str,
        #[case] name: &str,
        #[case] shown: &str,
    ) {
        let role: RoleName = text.parse().unwrap();
        assert_eq!((role.path().as_str(), role.name()), (path, name));
        assert_eq!(role.to_string(), shown);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("ops/")]
    #[case("arn:aws:iam::222222222222:role/x")]
    fn a_role_name_is_not_an_arn_nor_a_bare_path(#[case] text: &str) {
        assert!(text.parse::<RoleName>().is_err());
    }
}
