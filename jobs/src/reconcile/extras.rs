//! Users of the registry that are in no row: whom to remove, and when not to. Pure.

use crate::config::RemovalRules;

/// What a run has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Rows of the table.
    pub(super) rows: usize,
    /// Users that the registry owns, in all accounts that could be looked at.
    pub(super) owned: usize,
    /// Those of them that are in no row.
    pub(super) extras: usize,
}

/// Why nobody is removed: a sentence that says what to do.
///
/// A table that was emptied, restored or half deleted looks like one from which users were taken on purpose. So a run
/// removes few users or none.
pub(super) fn refusal(extent: Extent, rules: RemovalRules) -> Option<String> {
    let Extent {
        rows,
        owned,
        extras,
    } = extent;
    if extras == 0 {
        return None;
    }
    let per_hour = usize::try_from(rules.per_hour).unwrap_or(usize::MAX);
    // One user is never many, however few there are.
    let share = (owned.saturating_mul(usize::try_from(rules.percent).unwrap_or(100)) / 100).max(1);
    let because = if rows == 0 {
        "the table has no row at all".to_owned()
    } else if extras > per_hour {
        format!("CROSSACCOUNT_MAX_REMOVALS allows {per_hour} within one hour")
    } else if extras > share {
        format!(
            "CROSSACCOUNT_MAX_REMOVAL_PERCENT allows {} % of the {owned} users of the registry in one run, which are {share}",
            rules.percent
        )
    } else {
        return None;
    };
    Some(format!(
        "Users of the registry that are in no row of the table: {extras}. None of them is removed: {because}. When their rows \
         were lost, bring them back. When the users have to go, delete them in smaller numbers, or raise the limit until \
         they are gone."
    ))
}

#[cfg(test)]
mod tests {
    use crossaccount_core::user::DeletionPolicy;
    use proptest::prelude::*;

    use super::{Extent, refusal};
    use crate::config::RemovalRules;

    fn rules(per_hour: u32, percent: u32) -> RemovalRules {
        RemovalRules {
            policy: DeletionPolicy::Delete,
            force_destroy: false,
            per_hour,
            percent,
        }
    }

    #[rstest::rstest]
    #[case::nothing_to_remove(0, 0, 0, None)]
    #[case::a_few(95, 100, 5, None)]
    #[case::one_of_two(1, 2, 1, None)]
    #[case::two_of_three(
        1,
        3,
        2,
        Some("20 % of the 3 users of the registry in one run, which are 1")
    )]
    #[case::an_empty_table(0, 1, 1, Some("no row at all"))]
    #[case::half_of_the_table(10, 20, 10, Some("20 % of the 20 users"))]
    #[case::exactly_the_share(80, 100, 10, None)]
    #[case::more_than_an_hour_allows(989, 1000, 11, Some("allows 10 within one hour"))]
    fn few_are_removed_or_none(
        #[case] rows: usize,
        #[case] owned: usize,
        #[case] extras: usize,
        #[case] because: Option<&str>,
    ) {
        let extent = Extent {
            rows,
            owned,
            extras,
        };
        let refused = refusal(extent, rules(10, 20));
        assert_eq!(refused.is_some(), because.is_some(), "{refused:?}");
        if let (Some(text), Some(because)) = (refused, because) {
            assert!(text.contains(because), "{text}");
            assert!(text.contains("None of them is removed"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_run_removes_more_than_its_limits(
            rows in 0_usize..500,
            owned in 0_usize..500,
            extras in 0_usize..500,
            per_hour in 0_u32..50,
            percent in 1_u32..=100,
        ) {
            let extent = Extent { rows, owned, extras: extras.min(owned) };
            if refusal(extent, rules(per_hour, percent)).is_none() {
                let removed = extent.extras;
                prop_assert!(removed == 0 || rows > 0);
                prop_assert!(removed <= per_hour as usize);
                prop_assert!(removed <= 1 || removed * 100 <= owned * percent as usize);
            }
        }
    }
}
