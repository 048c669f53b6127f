//! Making passwords: random characters from the operating system's generator for keys.
//!
//! A password is drawn as a whole, each character on its own and each equally likely, and thrown away
//! until it suits. So every suitable password is equally likely.
//!
//! The alphabet has 70 characters: letters, digits and `@ # % ^ _ + - =`. The other symbols that IAM
//! counts are left out, because they mean something to shells (`$ & ! * ( ) [ ] { } | '`). That is
//! 6.1 bits for each character: a password of 24 characters has 146 bits, one of 8 has 47, what the
//! rules below take away included.

use zeroize::Zeroizing;

use super::policy::{CharacterClass, PasswordLength};
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::secret::Secret;

const ALPHABET: &[u8; 70] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@#%^_+-=";

/// A shorter user name turns up in random text by chance.
const SHORTEST_NAME: usize = 4;

/// Makes a password that suits every policy which allows its length: all four classes occur, it begins
/// and ends with a letter or digit (so that a double click selects it and no program takes it for an
/// option or a formula), and it does not contain the user name, unless that has less than four
/// characters.
///
/// # Errors
/// [`ErrorKind::Internal`] when the operating system gives no random bytes.
pub fn generate(length: PasswordLength, user_name: &UserName) -> Result<Secret, Error> {
    loop {
        let password = draw(length, |bytes| {
            getrandom::fill(bytes).map_err(|error| {
                let message = "the operating system gives no random bytes";
                Error::new(ErrorKind::Internal, message).with_source(error)
            })
        })?;
        if suits(&password, user_name) {
            return Ok(Secret::new(String::clone(&password)));
        }
    }
}

/// Characters drawn independently and uniformly. A byte that would favour some is drawn again.
fn draw(
    length: PasswordLength,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), Error>,
) -> Result<Zeroizing<String>, Error> {
    let length = usize::from(length.get());
    let mut password = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 64]);
    while password.len() < length {
        fill(bytes.as_mut())?;
        let characters = bytes.iter().filter_map(|byte| character(*byte));
        let wanted = length - password.len();
        password.extend(characters.take(wanted));
    }
    Ok(password)
}

/// The character that a random byte stands for: each of the 70 for exactly three bytes.
fn character(byte: u8) -> Option<char> {
    let fair = ALPHABET.len() * 3;
    let byte = usize::from(byte);
    if byte >= fair {
        return None;
    }
    ALPHABET
        .get(byte % ALPHABET.len())
        .map(|byte| char::from(*byte))
}

fn suits(password: &str, user_name: &UserName) -> bool {
    let plain = |character: Option<char>| {
        character.is_some_and(|character| character.is_ascii_alphanumeric())
    };
    let folded = Zeroizing::new(password.to_ascii_lowercase());
    let name = user_name.case_folded();
    plain(password.chars().next())
        && plain(password.chars().next_back())
        && CharacterClass::in_text(password).len() == CharacterClass::ALL.len()
        && (name.len() < SHORTEST_NAME || !folded.contains(&name))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

    use super::{ALPHABET, character, draw, generate, suits};
    use crate::password::policy::CharacterClass;
    use crate::password::{PasswordPolicy, effective_length};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_password_suits_every_policy(
            length in 8u8..=128,
            name in "[a-zA-Z0-9_+=,.@-]{1,64}",
        ) {
            let policy = PasswordPolicy::default();
            let length = effective_length(Some(length), &policy).unwrap();
            let user_name = name.parse().unwrap();
            let password = generate(length, &user_name).unwrap();
            let text = password.expose();
            prop_assert_eq!(text.len(), usize::from(length.get()));
            prop_assert_eq!(CharacterClass::in_text(text), BTreeSet::from(CharacterClass::ALL));
            prop_assert!(policy.check(&password).is_ok());
            prop_assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)));
            prop_assert!(text.starts_with(|first: char| first.is_ascii_alphanumeric()));
            prop_assert!(text.ends_with(|last: char| last.is_ascii_alphanumeric()));
            prop_assert!(name.len() < 4 || !text.to_lowercase().contains(&name.to_lowercase()));
        }
    }

    #[test]
    fn every_character_stands_for_as_many_bytes_as_any_other() {
        let mut bytes = BTreeMap::new();
        for byte in 0..=u8::MAX {
            if let Some(character) = character(byte) {
                *bytes.entry(character).or_insert(0) += 1;
            }
        }
        assert_eq!(bytes.len(), 70);
        assert!(bytes.values().all(|count| *count == 3));
    }

    #[test]
    fn bytes_that_would_favour_some_characters_are_drawn_again() {
        let length = effective_length(Some(8), &PasswordPolicy::default()).unwrap();
        let mut calls = 0;
        let password = draw(length, |bytes| {
            calls += 1;
            bytes.fill(if calls == 1 { 255 } else { 0 });
            Ok(())
        });
        assert_eq!(password.unwrap().as_str(), "AAAAAAAA");
        assert_eq!(calls, 2);
    }

    #[rstest::rstest]
    #[case("Ab1-Ab1-Ab1", "bob", true)]
    #[case("aliceA1-b", "alice", false)]
    #[case("xALICE1-b", "Alice", false)]
    #[case("Ab1-bob", "bob", true)]
    #[case("-b1-Ab1", "alice", false)]
    #[case("Ab1-Ab-", "alice", false)]
    #[case("ab1-ab1", "alice", false)]
    #[case("AB1-AB1", "alice", false)]
    #[case("Ab--Abx", "alice", false)]
    #[case("Ab1xAb1", "alice", false)]
    fn a_password_without_a_class_or_with_the_user_name_is_thrown_away(
        #[case] password: &str,
        #[case] name: &str,
        #[case] good: bool,
    ) {
        assert_eq!(suits(password, &name.parse().unwrap()), good);
    }

    #[test]
    fn no_two_passwords_are_the_same() {
        let length = effective_length(None, &PasswordPolicy::default()).unwrap();
        let name = "alice".parse().unwrap();
        let made: BTreeSet<String> = (0..100)
            .map(|_| generate(length, &name).unwrap().expose().to_owned())
            .collect();
        assert_eq!(made.len(), 100);
    }
}
