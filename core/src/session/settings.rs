//! Everything that decides how sessions are opened, as types that hold only valid values.
//!
//! Nothing here calls AWS. The limits are those of the STS API reference (`AssumeRole`).

use std::collections::BTreeMap;
use std::str::FromStr;

use super::accounts::AccountFilter;
use super::endpoints::Endpoints;
use crate::error::{Error, ErrorKind};
use crate::ids::{
    InvalidId, Region, RoleName, RunId, TagKey, TagValue, check_external_id,
    keys_that_differ_by_case, text_id,
};
use crate::secret::Secret;

/// How sessions with member accounts are opened. Every combination of values is valid.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// The Region of STS and of the hub's own services.
    pub region: Region,
    /// The member role, unless a target names another one.
    pub role: RoleName,
    /// The external id that the trust policy of the member role asks for.
    pub external_id: Option<ExternalId>,
    /// The session name: it stands in `CloudTrail` of the member account.
    pub session_name: SessionName,
    /// How long the credentials of a session live before they are renewed.
    pub duration: SessionDuration,
    /// Session tags.
    pub tags: SessionTags,
    /// The source identity, which survives role chaining.
    pub source_identity: Option<SourceIdentity>,
    /// How many IAM calls run at the same time in one account.
    pub max_concurrency: MaxConcurrency,
    /// Endpoints other than those of AWS.
    pub endpoints: Endpoints,
    /// The accounts that may be touched.
    pub accounts: AccountFilter,
    /// How often one call is tried.
    pub attempts: Attempts,
}

impl SessionSettings {
    /// Settings with every optional value at its default.
    pub fn new(region: Region, role: RoleName, session_name: SessionName) -> Self {
        Self {
            region,
            role,
            external_id: None,
            session_name,
            duration: SessionDuration::default(),
            tags: SessionTags::default(),
            source_identity: None,
            max_concurrency: MaxConcurrency::default(),
            endpoints: Endpoints::default(),
            accounts: AccountFilter::Any,
            attempts: Attempts::default(),
        }
    }
}

fn check_sts_name(kind: &'static str, text: &str) -> Result<(), InvalidId> {
    let length = text.chars().count();
    if !(2..=64).contains(&length) {
        let reason = format!("it has {length} characters, and 2 to 64 are allowed");
        return Err(InvalidId::new(kind, text, reason));
    }
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
    match text.chars().find(|character| !allowed(*character)) {
        None => Ok(()),
        Some(bad) => Err(InvalidId::new(
            kind,
            text,
            format!("{bad:?} is not allowed; use letters, digits and _+=,.@-"),
        )),
    }
}

/// The name of a session: 2 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionName(String);
text_id!(SessionName);

impl SessionName {
    /// The default: it carries the run id, so that `CloudTrail` leads to the audit records.
    pub fn for_run(run_id: RunId) -> Self {
        Self(format!("crossaccount-{run_id}"))
    }
}

impl FromStr for SessionName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        check_sts_name("session name", text)?;
        Ok(Self(text.to_owned()))
    }
}

/// The source identity of a session: 2 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceIdentity(String);
text_id!(SourceIdentity);

impl FromStr for SourceIdentity {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        check_sts_name("source identity", text)?;
        Ok(Self(text.to_owned()))
    }
}

/// An external id: 2 to 1224 characters. It is a shared secret, so it is never shown.
#[derive(Debug, Clone)]
pub struct ExternalId(Secret);

impl ExternalId {
    /// Checks the text ([`check_external_id`]). The error does not repeat it.
    pub fn new(secret: Secret) -> Result<Self, Error> {
        match check_external_id(secret.expose()) {
            Ok(()) => Ok(Self(secret)),
            Err(reason) => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("the external id is not valid: {reason}"),
            )),
        }
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Implements a number that must lie in a range.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $least:literal, $most:literal, $default:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            /// The number.
            pub fn get(self) -> u32 {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = Error;

            fn try_from(number: i64) -> Result<Self, Error> {
                match u32::try_from(number) {
                    Ok(valid @ $least..=$most) => Ok(Self(valid)),
                    _ => Err(Error::new(
                        ErrorKind::InvalidInput,
                        format!(
                            concat!($kind, " {} is not between ", $least, " and ", $most),
                            number
                        ),
                    )),
                }
            }
        }
    };
}

bounded! {
    /// The life of session credentials in seconds: 900 to 43200, 3600 by default. AWS gives at most
    /// 3600 when a role assumes a role.
    SessionDuration, "session duration", 900, 43200, 3600
}
bounded! {
    /// How many IAM calls run at the same time in one account: 1 to 100, 8 by default.
    MaxConcurrency, "concurrency", 1, 100, 8
}
bounded! {
    /// How often one call is tried at most, the first time included: 1 to 20, 5 by default.
    Attempts, "number of attempts", 1, 20, 5
}

/// Tags of a session, at most 50, whose keys differ by more than case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionTags(BTreeMap<TagKey, TagValue>);

impl SessionTags {
    /// Checks number and keys.
    pub fn new(tags: BTreeMap<TagKey, TagValue>) -> Result<Self, Error> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidInput, message));
        if tags.len() > 50 {
            return invalid(format!("a session has at most 50 tags, not {}", tags.len()));
        }
        if let Some((first, second)) = keys_that_differ_by_case(tags.keys().map(TagKey::as_str)) {
            return invalid(format!(
                "session tags {first:?} and {second:?} differ by case alone"
            ));
        }
        Ok(Self(tags))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TagKey, &TagValue)> {
        self.0.iter()
    }
}

/// The session policies: they cap what a session may do, whatever the member role allows.
#[derive(Debug, Clone)]
pub struct SessionPolicies {
    pub(crate) read: String,
    pub(crate) write: String,
    pub(crate) read_secrets: String,
}

impl SessionPolicies {
    /// Takes three policy documents: for reading, for writing, and for reading secrets.
    pub fn new(read: String, write: String, read_secrets: String) -> Result<Self, Error> {
        for (name, document) in [
            ("read", &read),
            ("write", &write),
            ("secrets", &read_secrets),
        ] {
            let length = document.chars().count();
            if length > 2048 {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!(
                        "the {name} session policy has {length} characters, and AWS allows 2048"
                    ),
                ));
            }
            if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(document) {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("the {name} session policy is not JSON: {error}"),
                ));
            }
        }
        Ok(Self {
            read,
            write,
            read_secrets,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        Attempts, ExternalId, MaxConcurrency, SessionDuration, SessionName, SessionPolicies,
        SessionTags, SourceIdentity,
    };
    use crate::ids::RunId;
    use crate::permissions::{read_session_policy, secrets_session_policy, write_session_policy};
    use crate::secret::Secret;
    use crate::secrets::SecretLocation;

    #[rstest::rstest]
    #[case("ab", true)]
    #[case("svc+ci=build,x.y@example-corp_1", true)]
    #[case(&"a".repeat(64), true)]
    #[case("a", false)]
    #[case(&"a".repeat(65), false)]
    #[case("with space", false)]
    #[case("aws:me", false)]
    fn session_names_and_source_identities_follow_sts(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<SessionName>().is_ok(), valid, "{text}");
        assert_eq!(text.parse::<SourceIdentity>().is_ok(), valid, "{text}");
    }

    #[test]
    fn the_default_session_name_carries_the_run_and_is_valid() {
        let run = RunId::random();
        let name = SessionName::for_run(run);
        assert!(name.as_str().contains(&run.to_string()));
        assert_eq!(name.as_str().parse::<SessionName>().unwrap(), name);
    }

    #[rstest::rstest]
    #[case("ab", true)]
    #[case("Zm9v:a/b", true)]
    #[case("a", false)]
    #[case("secret value", false)]
    #[case(&"a".repeat(1225), false)]
    fn external_ids_follow_sts_and_are_not_repeated(#[case] text: &str, #[case] valid: bool) {
        let result = ExternalId::new(Secret::new(text.to_owned()));
        assert_eq!(result.is_ok(), valid);
        if let Err(error) = result {
            assert!(!error.to_string().contains("secret value"), "{error}");
        }
    }

    #[rstest::rstest]
    #[case(899, false)]
    #[case(900, true)]
    #[case(43200, true)]
    #[case(43201, false)]
    #[case(-1, false)]
    fn a_session_lasts_a_quarter_of_an_hour_to_half_a_day(
        #[case] seconds: i64,
        #[case] valid: bool,
    ) {
        assert_eq!(SessionDuration::try_from(seconds).is_ok(), valid);
    }

    #[test]
    fn numbers_out_of_range_are_named_with_the_range() {
        let error = MaxConcurrency::try_from(0).unwrap_err();
        assert_eq!(error.to_string(), "concurrency 0 is not between 1 and 100");
        assert!(Attempts::try_from(i64::MAX).is_err());
    }

    #[test]
    fn session_tags_must_differ_by_more_than_case() {
        let tags = |keys: &[&str]| {
            let tags = keys
                .iter()
                .map(|key| (key.parse().unwrap(), "v".parse().unwrap()));
            SessionTags::new(tags.collect::<BTreeMap<_, _>>())
        };
        assert!(tags(&["Team", "Stage"]).is_ok());
        assert!(tags(&["Team", "team"]).is_err());
        let many: Vec<_> = (0..51).map(|number| format!("k{number}")).collect();
        assert!(tags(&many.iter().map(String::as_str).collect::<Vec<_>>()).is_err());
    }

    #[test]
    fn session_policies_are_json_that_fits() {
        let new =
            |write: &str| SessionPolicies::new("{}".to_owned(), write.to_owned(), "{}".to_owned());
        assert!(new(r#"{"Version":"2012-10-17"}"#).is_ok());
        assert!(new("{").is_err());
        assert!(new(&format!("\"{}\"", "a".repeat(2047))).is_err());
    }

    #[test]
    fn the_policies_that_we_ship_are_accepted() {
        for location in SecretLocation::ALL {
            SessionPolicies::new(
                read_session_policy(location),
                write_session_policy(location),
                secrets_session_policy(),
            )
            .unwrap();
        }
    }
}
