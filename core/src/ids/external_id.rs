//! The one rule for external ids, whichever side they are read on.
//!
//! The session holds an external id as a secret that is never shown; the trust policy of a member
//! role shows it to each of its readers. The two types differ for that reason, the rule must not.

/// Checks a text against the rule of STS (`AssumeRole`): 2 to 1224 characters of
/// `[A-Za-z0-9_+=,.@:/-]`.
///
/// The error is the reason alone. It never repeats the text, which may be a secret.
pub fn check_external_id(text: &str) -> Result<(), &'static str> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "_+=,.@:/-".contains(character);
    if !(2..=1224).contains(&text.chars().count()) {
        Err("it must have 2 to 1224 characters")
    } else if !text.chars().all(allowed) {
        Err("use letters, digits and _+=,.@:/-")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::check_external_id;
    use crate::secret::Secret;
    use crate::{permissions, session};

    #[rstest::rstest]
    #[case("ab", None)]
    #[case("crossaccount:prod/7f3a-42", None)]
    #[case("Zm9v_+=,.@:/-", None)]
    #[case(&"x".repeat(1224), None)]
    #[case("", Some("it must have 2 to 1224 characters"))]
    #[case("a", Some("it must have 2 to 1224 characters"))]
    #[case(&"x".repeat(1225), Some("it must have 2 to 1224 characters"))]
    #[case("with space", Some("use letters, digits and _+=,.@:/-"))]
    #[case("star*", Some("use letters, digits and _+=,.@:/-"))]
    #[case("línea", Some("use letters, digits and _+=,.@:/-"))]
    fn sessions_and_trust_policies_take_the_same_external_ids(
        #[case] text: &str,
        #[case] reason: Option<&'static str>,
    ) {
        assert_eq!(check_external_id(text).err(), reason);
        let of_session = session::ExternalId::new(Secret::new(text.to_owned())).err();
        assert_eq!(
            of_session.map(|error| error.to_string()),
            reason.map(|reason| format!("the external id is not valid: {reason}"))
        );
        let of_policy = text.parse::<permissions::ExternalId>().err();
        assert_eq!(of_policy.as_ref().map(|error| error.reason()), reason);
    }
}
