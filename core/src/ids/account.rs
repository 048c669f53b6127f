//! AWS account ids.

use std::str::FromStr;

use super::{InvalidId, text_id};

/// A twelve-digit AWS account id. Leading zeros are significant, so it is a text and not a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);
text_id!(AccountId);

impl FromStr for AccountId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        let hint = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            "an account id has exactly 12 digits; was a leading zero lost? write it as a string"
        } else {
            "an account id has exactly 12 digits and nothing else"
        };
        Err(InvalidId::new("account id", text, hint))
    }
}

#[cfg(test)]
mod tests {
    use super::AccountId;

    #[rstest::rstest]
    #[case("222222222222", true)]
    #[case("012345678901", true)]
    #[case("12345678901", false)]
    #[case("1234567890123", false)]
    #[case("12345678901a", false)]
    #[case(" 222222222222", false)]
    #[case("", false)]
    fn only_twelve_digits_are_an_account_id(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<AccountId>().is_ok(), valid);
    }

    #[test]
    fn a_lost_leading_zero_is_explained() {
        let error = "12345678901".parse::<AccountId>().unwrap_err();
        assert!(error.to_string().contains("leading zero"));
    }
}
