//! What is wanted of the console access of a user.

use crate::secret::Secret;
use crate::user::access_keys::TriggerHash;

/// IAM, `CreateLoginProfile`: passwords have at most 128 characters.
pub const LONGEST_PASSWORD: u8 = 128;
/// The shortest length that an account's password policy can allow.
pub const SHORTEST_PASSWORD: u8 = 6;

/// The wanted console access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleAccess {
    /// Where the password comes from.
    pub source: PasswordSource,
    /// Whether the user has to choose a new password at the next sign-in. A wish at the moment when a
    /// password is set: what the user does later is no difference.
    pub password_reset_required: bool,
    /// Any text: a change of it makes a new password.
    pub reset_trigger: Option<String>,
    /// Whether a login profile that somebody else made may be taken over, with a new password.
    pub adopt: bool,
}

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// It is generated to the account's password policy and kept in the secret store.
    Generated {
        /// The number of characters; `None` leaves it to the default and the account's policy.
        length: Option<u8>,
    },
    /// The caller brings it and keeps it. It is never stored.
    Given(GivenPassword),
}

/// A password that the caller brings.
#[derive(Debug, Clone)]
pub struct GivenPassword {
    /// The password. `None` where only the version is at hand, as when a state is read.
    pub password: Option<Secret>,
    /// Tells passwords apart: a change of the version sets the password anew.
    pub version: i64,
}

/// Two given passwords are the same when their versions are: secrets are never compared.
impl PartialEq for GivenPassword {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

impl Eq for GivenPassword {}

impl ConsoleAccess {
    /// A generated password of the default length that has to be changed at the first sign-in.
    pub fn generated() -> Self {
        Self {
            source: PasswordSource::Generated { length: None },
            password_reset_required: true,
            reset_trigger: None,
            adopt: false,
        }
    }

    /// Whether the password is kept in the secret store.
    pub fn is_stored(&self) -> bool {
        matches!(self.source, PasswordSource::Generated { .. })
    }

    /// The value of the tag for a password that was made for this: the same for the same length,
    /// trigger and version, and for nothing else.
    pub fn mark(&self) -> String {
        let source = match &self.source {
            PasswordSource::Generated { length } => format!("generated {length:?}"),
            PasswordSource::Given(given) => format!("given {}", given.version),
        };
        let made_for = format!("{source}\n{:?}", self.reset_trigger);
        format!("managed {}", TriggerHash::of(&made_for).as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{ConsoleAccess, GivenPassword, PasswordSource};

    fn given(version: i64, password: &str) -> ConsoleAccess {
        ConsoleAccess {
            source: PasswordSource::Given(GivenPassword {
                password: Some(password.to_owned().into()),
                version,
            }),
            ..ConsoleAccess::generated()
        }
    }

    #[test]
    fn the_mark_changes_with_length_trigger_and_version_and_with_nothing_else() {
        let base = ConsoleAccess::generated();
        let longer = ConsoleAccess {
            source: PasswordSource::Generated { length: Some(30) },
            ..base.clone()
        };
        let triggered = ConsoleAccess {
            reset_trigger: Some("2026-12".to_owned()),
            ..base.clone()
        };
        let marks = [
            base.mark(),
            longer.mark(),
            triggered.mark(),
            given(1, "a").mark(),
        ];
        for (index, mark) in marks.iter().enumerate() {
            assert!(!marks[index + 1..].contains(mark), "{mark}");
        }
        let relaxed = ConsoleAccess {
            password_reset_required: false,
            adopt: true,
            ..base.clone()
        };
        assert_eq!(relaxed.mark(), base.mark());
    }

    #[test]
    fn neither_mark_nor_debug_output_tells_anything_about_a_given_password() {
        assert_eq!(given(1, "one").mark(), given(1, "two").mark());
        assert_ne!(given(1, "one").mark(), given(2, "one").mark());
        assert!(!format!("{:?}", given(1, "hunter2")).contains("hunter2"));
    }
}
