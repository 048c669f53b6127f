//! What became of one user: the row of an answer, a report or a table on a terminal. Never a secret: it names the
//! parameters that hold them.

use crossaccount_core::{Error, ErrorKind, aws};
use serde::{Serialize, Serializer};

use crate::wanted::Unfit;

/// What became of a user, under names that reports and queries depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum RowStatus {
    /// It was created.
    Created,
    /// It existed and is as wanted.
    Exists,
    /// It was changed, or a half-made one was completed.
    Updated,
    /// Its access key was replaced.
    Rotated,
    /// It was deleted, or quarantined.
    Deleted,
    /// It is not as wanted.
    Failed,
    /// There was no time for it, or somebody else works on it: the next run looks at it.
    Postponed,
    /// A dry run: it would be created.
    WouldCreate,
    /// A dry run: it would be changed.
    WouldUpdate,
    /// A dry run: it would be removed.
    WouldDelete,
}

impl RowStatus {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Exists => "Exists",
            Self::Updated => "Updated",
            Self::Rotated => "Rotated",
            Self::Deleted => "Deleted",
            Self::Failed => "Failed",
            Self::Postponed => "Postponed",
            Self::WouldCreate => "WouldCreate",
            Self::WouldUpdate => "WouldUpdate",
            Self::WouldDelete => "WouldDelete",
        }
    }

    /// Whether the user is as wanted now.
    pub fn is_good(self) -> bool {
        !matches!(self, Self::Failed | Self::Postponed)
    }
}

/// Why a user is not as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The kind, for programs.
    pub kind: ReasonKind,
    /// What failed, where, what AWS said, and what to do now.
    pub message: String,
    /// The error code of AWS.
    pub aws_code: Option<String>,
    /// The request id of AWS.
    pub request_id: Option<String>,
    #[serde(skip)]
    passing: bool,
}

/// The kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonKind {
    /// What was written about the user is not valid.
    InvalidProperties,
    /// The rules of the function refuse it.
    NotAllowed,
    /// The user exists and belongs to somebody else, or to nobody.
    NotOurs,
    /// As many users as may be removed at once were removed.
    RemovalsRefused,
    /// The registry itself could not be read or written.
    Registry,
    /// Everything else, as the core tells it apart.
    Of(ErrorKind),
}

impl Serialize for ReasonKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Of(kind) => serializer.collect_str(&format_args!("{kind:?}")),
            own => serializer.collect_str(&format_args!("{own:?}")),
        }
    }
}

impl Reason {
    /// A reason of our own.
    pub fn new(kind: ReasonKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            aws_code: None,
            request_id: None,
            passing: kind.is_passing(),
        }
    }

    /// A failure of the registry's table, whatever it is: nothing could be done about a row, nor written into it, so the
    /// row must not count as worked off.
    pub fn of_registry(error: &Error) -> Self {
        Self {
            kind: ReasonKind::Registry,
            passing: true,
            ..Self::from(error)
        }
    }

    /// Whether the same thing may succeed a moment later, without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        self.passing
    }
}

impl ReasonKind {
    /// A record that cannot be written, and hub credentials that are refused, stop everything: they are waited for too.
    fn is_passing(self) -> bool {
        match self {
            Self::Of(kind) => {
                kind.retryable() || matches!(kind, ErrorKind::Audit | ErrorKind::HubCredentials)
            }
            Self::Registry => true,
            Self::InvalidProperties | Self::NotAllowed | Self::NotOurs | Self::RemovalsRefused => {
                false
            }
        }
    }
}

/// Whether what is missing is the user itself, which somebody has just deleted, or has just made. A policy, a group or a
/// boundary that is missing stays so until somebody makes it.
fn is_user_missing(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound && (error.aws().is_none() || aws::is_user_missing(error))
}

/// What the core says, and what whoever reads a row can do about it.
const WORDS: &[crossaccount_lambda::spelling::Word] = &[
    (
        "set force_destroy = true and apply before the user is destroyed",
        "set CROSSACCOUNT_FORCE_DESTROY to true",
    ),
    (
        "Plan again: the user will be created anew.",
        "The next run creates it anew.",
    ),
    (", then apply again", ", and the next run goes on"),
];

impl From<&Error> for Reason {
    fn from(error: &Error) -> Self {
        let answer = error.aws();
        Self {
            kind: ReasonKind::Of(error.kind()),
            message: crossaccount_lambda::spelling::in_words(error, WORDS),
            aws_code: error.aws_code().map(str::to_owned),
            request_id: answer.and_then(|answer| answer.request_id.clone()),
            passing: ReasonKind::Of(error.kind()).is_passing() || is_user_missing(error),
        }
    }
}

impl From<Unfit> for Reason {
    fn from(unfit: Unfit) -> Self {
        let kind = match &unfit {
            Unfit::Invalid(_) | Unfit::NotHere { .. } => ReasonKind::InvalidProperties,
            Unfit::NotAllowed(_) => ReasonKind::NotAllowed,
        };
        Self::new(kind, unfit.to_string())
    }
}

/// A warning of the core in our words.
pub fn warning(text: String) -> String {
    crossaccount_lambda::spelling::spell(text, WORDS)
}

/// What became of one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The account, as it was written.
    pub account_id: String,
    /// The name, as it was written.
    pub user_name: String,
    /// What became of it.
    pub status: RowStatus,
    /// The ARN of the user.
    pub user_arn: Option<String>,
    /// The parameter that holds the console password.
    pub password_parameter: Option<String>,
    /// The parameter that holds the access key.
    pub access_key_parameter: Option<String>,
    /// The access key that is current.
    pub access_key_id: Option<String>,
    /// When the current access key was made.
    pub access_key_date: Option<String>,
    /// A dry run: what would be done.
    pub steps: Vec<String>,
    /// What to know, though nothing failed.
    pub warnings: Vec<String>,
    /// Why it is not as wanted.
    pub reason: Option<Reason>,
}

impl Row {
    /// A row that says nothing yet but whom it is about.
    pub fn of(
        account_id: impl Into<String>,
        user_name: impl Into<String>,
        status: RowStatus,
    ) -> Self {
        Self {
            account_id: account_id.into(),
            user_name: user_name.into(),
            status,
            user_arn: None,
            password_parameter: None,
            access_key_parameter: None,
            access_key_id: None,
            access_key_date: None,
            steps: Vec::new(),
            warnings: Vec::new(),
            reason: None,
        }
    }

    /// The row with a reason.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }
}

/// Lambda takes an answer of 6 MB; the accounts that could not be looked at stand beside the rows.
const LONGEST_ANSWER: usize = 4_000_000;

/// The first rows that an answer has room for, and how many are left out.
pub fn with_room(rows: Vec<&Row>) -> (Vec<&Row>, usize) {
    first_within(rows, LONGEST_ANSWER)
}

fn first_within(mut rows: Vec<&Row>, bytes: usize) -> (Vec<&Row>, usize) {
    let mut room = bytes;
    let fits = |row: &&&Row| {
        let length = serde_json::to_string(row).map_or(usize::MAX, |text| text.len() + 1);
        let left = room.checked_sub(length);
        room = left.unwrap_or_default();
        left.is_some()
    };
    let shown = rows.iter().take_while(fits).count();
    let omitted = rows.len() - shown;
    rows.truncate(shown);
    (rows, omitted)
}

/// How many rows there are of each status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(std::collections::BTreeMap<RowStatus, usize>);

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, status: RowStatus) {
        *self.0.entry(status).or_default() += 1;
    }

    /// How many there are of a status.
    pub fn of(&self, status: RowStatus) -> usize {
        self.0.get(&status).copied().unwrap_or_default()
    }

    /// How the whole went.
    pub fn outcome(&self) -> Outcome {
        let good = self
            .0
            .iter()
            .any(|(status, count)| status.is_good() && *count > 0);
        let bad = self
            .0
            .iter()
            .any(|(status, count)| !status.is_good() && *count > 0);
        match (good, bad) {
            (_, false) => Outcome::Succeeded,
            (true, true) => Outcome::PartlyFailed,
            (false, true) => Outcome::Failed,
        }
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|(status, count)| (status.as_str(), count)),
        )
    }
}

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// Every user is as wanted.
    Succeeded,
    /// Some are not.
    PartlyFailed,
    /// None is.
    Failed,
}

#[cfg(test)]
mod tests;
