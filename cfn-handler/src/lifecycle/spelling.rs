//! Errors of the core, in the words of a template.
//!
//! The core names arguments as Terraform spells them. Whoever reads the events of a stack knows the names of properties.

use crossaccount_core::Error;

/// What the core says, and what a template calls it. The first that fits wins, so longer texts stand first.
const WORDS: &[(&str, &str)] = &[
    (
        "force_destroy = true and apply before the user is destroyed",
        "ForceDestroy: true and update the stack before the user is deleted",
    ),
    ("adoption_policy = \"adopt\"", "AdoptionPolicy: adopt"),
    (
        "`timeouts` gives it more time.",
        "A longer timeout of the function gives it more time.",
    ),
    (
        "Plan again: the user will be created anew.",
        "Update the stack again: the user will be created anew.",
    ),
    (
        "This was not in the plan and is left to the next one",
        "It is left to the next update",
    ),
    (", then apply again", ", then update the stack again"),
    ("allowed_account_ids", "CROSSACCOUNT_ALLOWED_ACCOUNT_IDS"),
    (
        "forbidden_account_ids",
        "CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS",
    ),
    ("secrets.kms_key_id", "CROSSACCOUNT_SECRETS_KMS_KEY_ID"),
    ("secrets.prefix", "CROSSACCOUNT_SECRETS_PREFIX"),
    ("console_access", "ConsoleAccess"),
    ("access_key", "AccessKey"),
    ("this deployment", "this resource"),
];

/// The whole text of an error: what failed, where, the answer of AWS, and what to do now.
pub(super) fn in_template_words(error: &Error) -> String {
    let mut text = error.to_string();
    if let Some((start, end)) = import_advice(&text) {
        text.replace_range(start..end, "S");
    }
    for (core, template) in WORDS {
        text = text.replace(core, template);
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

    use super::in_template_words;

    #[rstest::rstest]
    #[case(
        "The user was not made by this deployment. Import it (id 222222222222/alice), or set adoption_policy = \"adopt\" to take it over.",
        "The user was not made by this resource. Set AdoptionPolicy: adopt to take it over."
    )]
    #[case(
        "Nothing was changed. Remove them, or set force_destroy = true and apply before the user is destroyed.",
        "Nothing was changed. Remove them, or set ForceDestroy: true and update the stack before the user is deleted."
    )]
    #[case(
        "Run it again: it goes on where it stopped. `timeouts` gives it more time.",
        "Run it again: it goes on where it stopped. A longer timeout of the function gives it more time."
    )]
    fn advice_names_what_stands_in_a_template(#[case] core: &str, #[case] template: &str) {
        let error = Error::new(ErrorKind::AlreadyExists, "create user alice").with_advice(core);
        let text = in_template_words(&error);
        assert!(text.ends_with(template), "{text}");
    }
}
