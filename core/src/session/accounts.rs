//! Which accounts may be touched at all. It is asked before the first call about an account.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind};
use crate::ids::AccountId;

/// The accounts that may be touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AccountFilter {
    /// Every account.
    #[default]
    Any,
    /// These accounts and no other.
    Only(BTreeSet<AccountId>),
    /// Every account but these.
    AllBut(BTreeSet<AccountId>),
}

impl AccountFilter {
    /// Builds the filter of the settings `allowed_account_ids` and `forbidden_account_ids`. An empty
    /// set counts as not given; both at once are an error.
    pub fn new(
        allowed: BTreeSet<AccountId>,
        forbidden: BTreeSet<AccountId>,
    ) -> Result<Self, Error> {
        match (allowed.is_empty(), forbidden.is_empty()) {
            (true, true) => Ok(Self::Any),
            (false, true) => Ok(Self::Only(allowed)),
            (true, false) => Ok(Self::AllBut(forbidden)),
            (false, false) => Err(Error::new(
                ErrorKind::InvalidInput,
                "allowed_account_ids and forbidden_account_ids are both set",
            )
            .with_advice("Keep one of the two lists.")),
        }
    }

    /// Refuses an account that may not be touched. Nothing is called.
    pub fn check(&self, account_id: &AccountId) -> Result<(), Error> {
        let (refused, message, advice) = match self {
            Self::Any => return Ok(()),
            Self::Only(allowed) => (
                !allowed.contains(account_id),
                "the account is not in allowed_account_ids",
                "Add the account to allowed_account_ids if it is meant to be managed from here.",
            ),
            Self::AllBut(forbidden) => (
                forbidden.contains(account_id),
                "the account is in forbidden_account_ids",
                "Remove the account from forbidden_account_ids if it is meant to be managed from here.",
            ),
        };
        if !refused {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Guardrail, message)
            .in_account(account_id)
            .with_advice(advice))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::AccountFilter;
    use crate::error::ErrorKind;
    use crate::ids::AccountId;

    fn set(ids: &[&str]) -> BTreeSet<AccountId> {
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    #[rstest::rstest]
    #[case(&[], &[], true)]
    #[case(&["222222222222"], &[], true)]
    #[case(&["333333333333"], &[], false)]
    #[case(&[], &["222222222222"], false)]
    #[case(&[], &["333333333333"], true)]
    fn only_accounts_that_pass_the_filter_are_touched(
        #[case] allowed: &[&str],
        #[case] forbidden: &[&str],
        #[case] passes: bool,
    ) {
        let filter = AccountFilter::new(set(allowed), set(forbidden)).unwrap();
        let result = filter.check(&"222222222222".parse().unwrap());
        assert_eq!(result.is_ok(), passes);
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Guardrail);
            assert!(error.to_string().contains("222222222222"), "{error}");
        }
    }

    #[test]
    fn both_lists_at_once_are_refused() {
        let error = AccountFilter::new(set(&["222222222222"]), set(&["333333333333"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
