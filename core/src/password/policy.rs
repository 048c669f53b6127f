//! The password policy of an account, and the length that follows from it.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::session::Session;

/// The length of a password unless somebody asks for another one.
pub const DEFAULT_LENGTH: u8 = 24;
/// The longest password that IAM takes (`CreateLoginProfile` in the IAM API reference).
const LONGEST: u8 = 128;
/// The shortest minimum that a password policy can have (`UpdateAccountPasswordPolicy`).
const SHORTEST: u8 = 6;

/// A kind of character that a policy can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum CharacterClass {
    Upper,
    Lower,
    Digit,
    Symbol,
}

impl CharacterClass {
    pub(super) const ALL: [Self; 4] = [Self::Upper, Self::Lower, Self::Digit, Self::Symbol];

    /// The class of a character, as IAM counts them. The symbols are those of `PasswordPolicy` in the
    /// IAM API reference.
    pub(super) fn of(character: char) -> Option<Self> {
        match character {
            'A'..='Z' => Some(Self::Upper),
            'a'..='z' => Some(Self::Lower),
            '0'..='9' => Some(Self::Digit),
            _ if "!@#$%^&*()_+-=[]{}|'".contains(character) => Some(Self::Symbol),
            _ => None,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Upper => "an upper-case letter",
            Self::Lower => "a lower-case letter",
            Self::Digit => "a digit",
            Self::Symbol => "one of ! @ # $ % ^ & * ( ) _ + - = [ ] { } | '",
        }
    }

    /// The classes that occur in a text.
    pub(super) fn in_text(text: &str) -> BTreeSet<Self> {
        text.chars().filter_map(Self::of).collect()
    }
}

/// What an account asks of console passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    minimum: i32,
    required: BTreeSet<CharacterClass>,
    /// How many of the four classes must occur, whichever they are.
    classes: usize,
}

impl Default for PasswordPolicy {
    /// AWS's own policy, which holds where an account has set none: 8 characters of three classes
    /// ("Set an account password policy for IAM users", IAM user guide).
    fn default() -> Self {
        Self {
            minimum: 8,
            required: BTreeSet::new(),
            classes: 3,
        }
    }
}

impl PasswordPolicy {
    /// Reads the policy of the session's account: one call.
    pub async fn fetch(session: &Session) -> Result<Self, Error> {
        let answer = session
            .call("iam:GetAccountPasswordPolicy", |iam| {
                iam.get_account_password_policy().send()
            })
            .await;
        match answer {
            Ok(answer) => {
                Ok(answer
                    .password_policy
                    .as_ref()
                    .map_or_else(Self::default, |policy| {
                        let required = [
                            (CharacterClass::Upper, policy.require_uppercase_characters()),
                            (CharacterClass::Lower, policy.require_lowercase_characters()),
                            (CharacterClass::Digit, policy.require_numbers()),
                            (CharacterClass::Symbol, policy.require_symbols()),
                        ];
                        let required = required.into_iter().filter(|(_, required)| *required);
                        Self {
                            minimum: policy.minimum_password_length().unwrap_or(SHORTEST.into()),
                            required: required.map(|(class, _)| class).collect(),
                            classes: 0,
                        }
                    }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.while_doing("read the account's password policy")),
        }
    }

    /// Whether IAM will take a password that somebody else has made. A password of [`super::generate`]
    /// holds every class and needs no check.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] that says what is missing and never what is there.
    pub fn check(&self, password: &Secret) -> Result<(), Error> {
        let password = password.expose();
        let length = password.chars().count();
        let mut missing = Vec::new();
        if i64::try_from(length).is_ok_and(|length| length < self.minimum.into()) {
            missing.push(format!("{} characters", self.minimum));
        }
        if length > LONGEST.into() {
            missing.push(format!("at most {LONGEST} characters"));
        }
        if !password
            .chars()
            .all(|character| ('\u{20}'..='\u{ff}').contains(&character))
        {
            missing.push("no character beyond Latin-1 and no control character".to_owned());
        }
        let present = CharacterClass::in_text(password);
        missing.extend(
            self.required
                .difference(&present)
                .map(|class| class.describe().to_owned()),
        );
        if present.len() < self.classes {
            missing.push(format!(
                "{} of the four kinds upper-case, lower-case, digit and symbol",
                self.classes
            ));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        let message = format!("the account's password policy asks for {missing}");
        Err(Error::new(ErrorKind::InvalidInput, message)
            .with_advice("Give another password, or let crossaccount make one."))
    }
}

/// The length of a password to be made: 6 to 128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PasswordLength(u8);

impl PasswordLength {
    /// The number of characters.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// The length that a password gets: the requested one, else [`DEFAULT_LENGTH`] or the minimum of the
/// policy, whichever is more.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when the requested length is below the minimum or above what IAM takes,
/// or when the minimum itself is above it.
pub fn effective_length(
    requested: Option<u8>,
    policy: &PasswordPolicy,
) -> Result<PasswordLength, Error> {
    let invalid = |message: String, advice: &str| {
        Err(Error::new(ErrorKind::InvalidInput, message).with_advice(advice))
    };
    // A minimum below the least that IAM allows is none.
    let minimum = match u8::try_from(policy.minimum.max(SHORTEST.into())) {
        Ok(minimum) if minimum <= LONGEST => minimum,
        _ => {
            return invalid(
                format!(
                    "the account's password policy asks for {} characters, and IAM takes at most \
                     {LONGEST}",
                    policy.minimum
                ),
                "Lower the minimum length in the account's password policy.",
            );
        }
    };
    match requested {
        None => Ok(PasswordLength(DEFAULT_LENGTH.max(minimum))),
        Some(length) if length > LONGEST => invalid(
            format!("a password of {length} characters is too long: IAM takes at most {LONGEST}"),
            "Ask for a shorter one.",
        ),
        Some(length) if length < minimum => invalid(
            format!(
                "a password of {length} characters is too short: the account's password policy asks \
                 for at least {minimum}"
            ),
            "Ask for a longer one, or leave the length out.",
        ),
        Some(length) => Ok(PasswordLength(length)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{CharacterClass, PasswordPolicy, effective_length};
    use crate::error::ErrorKind;
    use crate::secret::Secret;
    use crate::session::Access;
    use crate::testing::{Answer, Server, all_is_well, sessions};

    fn minimum(minimum: i32) -> PasswordPolicy {
        PasswordPolicy {
            minimum,
            ..PasswordPolicy::default()
        }
    }

    #[rstest::rstest]
    #[case(None, 8, 24)]
    #[case(None, 24, 24)]
    #[case(None, 40, 40)]
    #[case(None, 128, 128)]
    #[case(Some(8), 8, 8)]
    #[case(Some(128), 14, 128)]
    #[case(Some(6), 0, 6)]
    fn the_length_is_the_requested_one_or_the_default_raised_to_the_minimum(
        #[case] requested: Option<u8>,
        #[case] at_least: i32,
        #[case] length: u8,
    ) {
        let effective = effective_length(requested, &minimum(at_least)).unwrap();
        assert_eq!(effective.get(), length);
    }

    #[rstest::rstest]
    #[case(Some(13), 14, &["13", "14"])]
    #[case(Some(5), 0, &["5", "6"])]
    #[case(Some(129), 14, &["129", "128"])]
    #[case(None, 129, &["129", "128"])]
    #[case(Some(24), 4000, &["4000", "128"])]
    fn a_length_that_cannot_be_is_an_error_with_the_numbers(
        #[case] requested: Option<u8>,
        #[case] at_least: i32,
        #[case] numbers: &[&str],
    ) {
        let error = effective_length(requested, &minimum(at_least)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for number in numbers {
            assert!(error.message().contains(number), "{error}");
        }
    }

    async fn fetched(answer: impl Fn() -> Answer + Send + Sync + 'static) -> PasswordPolicy {
        let server = Server::start(move |seen| match seen.action() {
            "GetAccountPasswordPolicy" => answer(),
            _ => all_is_well(seen),
        })
        .await;
        let target = "222222222222".parse::<crate::ids::AccountId>().unwrap();
        let sessions = sessions(server.settings());
        let session = sessions.open(&target.into(), Access::Read).await.unwrap();
        PasswordPolicy::fetch(&session).await.unwrap()
    }

    #[tokio::test]
    async fn an_account_without_a_policy_has_that_of_aws() {
        let policy = fetched(|| Answer::error(404, "NoSuchEntity")).await;
        assert_eq!(policy, PasswordPolicy::default());
    }

    #[tokio::test]
    async fn the_policy_of_an_account_is_read() {
        let policy = fetched(|| {
            Answer::ok(
                "<GetAccountPasswordPolicyResponse><GetAccountPasswordPolicyResult><PasswordPolicy>\
                 <MinimumPasswordLength>14</MinimumPasswordLength>\
                 <RequireSymbols>true</RequireSymbols><RequireNumbers>false</RequireNumbers>\
                 <RequireUppercaseCharacters>true</RequireUppercaseCharacters>\
                 <RequireLowercaseCharacters>false</RequireLowercaseCharacters>\
                 </PasswordPolicy></GetAccountPasswordPolicyResult></GetAccountPasswordPolicyResponse>",
            )
        })
        .await;
        let expected = PasswordPolicy {
            minimum: 14,
            required: BTreeSet::from([CharacterClass::Upper, CharacterClass::Symbol]),
            classes: 0,
        };
        assert_eq!(policy, expected);
    }

    #[rstest::rstest]
    #[case("Abcdefg1", None)]
    #[case("abc-efg1", None)]
    #[case("Abcdef1", Some("8 characters"))]
    #[case("abcdefg1", Some("3 of the four kinds"))]
    #[case("Abcdefg1\u{20ac}", Some("Latin-1"))]
    #[case(&format!("A1{}", "b".repeat(127)), Some("at most 128"))]
    fn a_password_of_somebody_else_is_held_to_the_policy(
        #[case] password: &str,
        #[case] missing: Option<&str>,
    ) {
        let checked = PasswordPolicy::default().check(&Secret::new(password.to_owned()));
        match (checked, missing) {
            (Ok(()), None) => {}
            (Err(error), Some(missing)) => {
                assert!(error.message().contains(missing), "{error}");
                assert!(!error.to_string().contains(password), "{error}");
            }
            (checked, _) => panic!("{checked:?}"),
        }
    }

    #[test]
    fn every_class_that_is_missing_is_named() {
        let policy = PasswordPolicy {
            required: BTreeSet::from(CharacterClass::ALL),
            ..PasswordPolicy::default()
        };
        let error = policy.check(&Secret::new("\u{e9}".repeat(8))).unwrap_err();
        for class in CharacterClass::ALL {
            assert!(error.message().contains(class.describe()), "{error}");
        }
    }
}
