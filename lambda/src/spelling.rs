//! Errors of the core, in the words of properties and variables.
//!
//! The core names arguments as Terraform spells them. Whoever reads the answer of a function knows the names of properties,
//! and whoever runs it those of variables.

use crossaccount_core::Error;

/// A text of the core, and what to say instead.
pub type Word = (&'static str, &'static str);

/// What the core says, and what every function calls it. The first that fits wins, so longer texts stand first.
const WORDS: &[Word] = &[
    ("adoption_policy = \"adopt\"", "AdoptionPolicy: adopt"),
    (
        "`timeouts` gives it more time.",
        "A longer timeout of the function gives it more time.",
    ),
    ("allowed_account_ids", "CROSSACCOUNT_ALLOWED_ACCOUNT_IDS"),
    (
        "forbidden_account_ids",
        "CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS",
    ),
    ("secrets.kms_key_id", "CROSSACCOUNT_SECRETS_KMS_KEY_ID"),
    ("secrets.prefix", "CROSSACCOUNT_SECRETS_PREFIX"),
    ("console_access", "ConsoleAccess"),
    ("access_key", "AccessKey"),
];

/// The whole text of an error: what failed, where, the answer of AWS, and what to do now. `own` are the words of one
/// function; they come before those of all.
pub fn in_words(error: &Error, own: &[Word]) -> String {
    spell(error.to_string(), own)
}

/// A warning or a reason of the core, as [`in_words`].
pub fn spell(mut text: String, own: &[Word]) -> String {
    if let Some((start, end)) = import_advice(&text) {
        text.replace_range(start..end, "S");
    }
    for (core, ours) in own.iter().chain(WORDS) {
        text = text.replace(core, ours);
    }
    text
}

/// `Import it (id …), or s` before `et adoption_policy`: nothing can be imported here.
fn import_advice(text: &str) -> Option<(usize, usize)> {
    const BEGINNING: &str = "Import it (id ";
    const END: &str = "), or s";
    let start = text.find(BEGINNING)?;
    let end = start + text.get(start..)?.find(END)? + END.len();
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use crossaccount_core::{Error, ErrorKind};

    use super::in_words;

    #[rstest::rstest]
    #[case(
        "The user was not made by this deployment. Import it (id 222222222222/alice), or set adoption_policy = \"adopt\" to take it over.",
        "The user was not made by this deployment. Set AdoptionPolicy: adopt to take it over."
    )]
    #[case(
        "Run it again: it goes on where it stopped. `timeouts` gives it more time.",
        "Run it again: it goes on where it stopped. A longer timeout of the function gives it more time."
    )]
    #[case(
        "Mend access_key and console_access.",
        "Mend the key and ConsoleAccess."
    )]
    fn advice_names_properties_and_variables(#[case] core: &str, #[case] ours: &str) {
        let error = Error::new(ErrorKind::AlreadyExists, "create user alice").with_advice(core);
        let text = in_words(&error, &[("access_key", "the key")]);
        assert!(text.ends_with(ours), "{text}");
    }
}
