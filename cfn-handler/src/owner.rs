//! Who owns a user: the stack and the logical id that declared it.

use crossaccount_core::ids::InvalidId;
use crossaccount_core::user::Owner;
use sha2::{Digest, Sha256};

/// IAM takes tag values of so many characters.
const LONGEST: usize = 256;
/// How many hexadecimal digits stand for what did not fit.
const DIGEST: usize = 16;

/// The value of the ownership tag: `STACK-ARN/LOGICAL-ID`. A logical id that does not fit ends in the beginning of its
/// SHA-256, so that two of them never look the same.
///
/// # Errors
/// When the stack id holds characters that no ARN of a stack holds, or is so long that it leaves no room.
pub fn owner_of(stack_id: &str, logical_resource_id: &str) -> Result<Owner, InvalidId> {
    let whole = format!("{stack_id}/{logical_resource_id}");
    if whole.chars().count() <= LONGEST {
        return whole.parse();
    }
    let digest = format!("{:x}", Sha256::digest(logical_resource_id.as_bytes()));
    let digest: String = digest.chars().take(DIGEST).collect();
    // A stack id that leaves no room makes a text that is no tag value, and is refused as such.
    let room = LONGEST.saturating_sub(stack_id.chars().count() + 2 + DIGEST);
    let beginning: String = logical_resource_id.chars().take(room).collect();
    format!("{stack_id}/{beginning}-{digest}").parse()
}

#[cfg(test)]
mod tests {
    use super::owner_of;

    const STACK: &str = "arn:aws:cloudformation:eu-central-1:111111111111:stack/people/7d6c2c90-0a1b-11f0-8000-0a1b2c3d4e5f";

    #[test]
    fn the_owner_is_the_stack_and_the_logical_id() {
        let owner = owner_of(STACK, "Alice").unwrap();
        assert_eq!(owner.as_str(), format!("{STACK}/Alice"));
    }

    #[test]
    fn long_logical_ids_fit_and_stay_apart() {
        let long = "A".repeat(254);
        let one = owner_of(STACK, &format!("{long}1")).unwrap();
        let two = owner_of(STACK, &format!("{long}2")).unwrap();
        assert_ne!(one, two);
        assert_eq!(one.as_str().chars().count(), 256);
        assert!(one.as_str().starts_with(&format!("{STACK}/AAAA")));
    }

    #[test]
    fn a_stack_id_that_no_tag_can_hold_is_refused() {
        assert!(owner_of("arn:<stack>", "Alice").is_err());
        assert!(owner_of(&"s".repeat(300), "Alice").is_err());
    }
}
