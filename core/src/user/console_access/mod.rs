//! The console access of a user: a login profile whose password we make, or are given.
//!
//! Pure decisions. IAM never shows a password, so the tag [`CONSOLE_ACCESS_TAG`] on the user says two
//! things: that the login profile is ours, and what its password was made for. A generated password is
//! stored **before** IAM gets it: a profile of ours can only have a password that is in the store.

mod decide;
mod wanted;

pub use decide::{ConsoleDecision, ConsoleStep, decide};
pub use wanted::{
    ConsoleAccess, GivenPassword, LONGEST_PASSWORD, PasswordSource, SHORTEST_PASSWORD,
};

use jiff::Timestamp;

/// The tag that says that the login profile is ours, and what its password was made for:
/// `managed <16 hexadecimal digits>`.
pub const CONSOLE_ACCESS_TAG: &str = "crossaccount:console-access";

/// The value of [`CONSOLE_ACCESS_TAG`] while a password is made and set. It is the mark of nothing: a run that dies in
/// between leaves a stored password that may not be the one of the login profile, and the next run sets a new one.
pub(in crate::user) const UNFINISHED_MARK: &str = "managed 0000000000000000";

/// A login profile, as `GetLoginProfile` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginProfile {
    /// When it was created.
    pub create_date: Option<Timestamp>,
    /// Whether the user has to choose a new password at the next sign-in.
    pub password_reset_required: bool,
}

/// What the metadata of the secret store says about the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredPassword {
    /// Nobody looked, or the store could not be asked.
    Unknown,
    /// There is no parameter.
    Absent,
    /// There is a parameter of ours.
    Ours,
    /// There is a parameter of somebody else: the owner by its tag, if it has one.
    Foreign(Option<String>),
}

/// The console access that a user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedConsole {
    /// The login profile, if there is one.
    pub profile: Option<LoginProfile>,
    /// The password in the store.
    pub stored: StoredPassword,
}
