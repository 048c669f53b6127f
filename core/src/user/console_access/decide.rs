//! What has to happen so that a user has the wanted console access.

use std::collections::BTreeMap;

use super::{CONSOLE_ACCESS_TAG, ConsoleAccess, ObservedConsole, StoredPassword, UNFINISHED_MARK};

/// One change of the console access, one AWS write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleStep {
    /// Writes the tag: the login profile is ours from now on, or its password is what the tag says.
    Mark(String),
    /// Generates a password to the account's policy and puts it into the store.
    Store,
    /// Creates the login profile with the password of this operation.
    CreateProfile {
        /// Whether the user has to choose a new password at the first sign-in.
        password_reset_required: bool,
    },
    /// Gives the login profile the password of this operation.
    UpdateProfile {
        /// Whether the user has to choose a new password at the next sign-in.
        password_reset_required: bool,
    },
    /// Deletes the login profile.
    DeleteProfile,
    /// Deletes the password from the store.
    DeleteStored,
    /// Removes the tag.
    Forget,
}

impl ConsoleStep {
    /// The AWS action of the step.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Mark(_) => "iam:TagUser",
            Self::Store => "ssm:PutParameter",
            Self::CreateProfile { .. } => "iam:CreateLoginProfile",
            Self::UpdateProfile { .. } => "iam:UpdateLoginProfile",
            Self::DeleteProfile => "iam:DeleteLoginProfile",
            Self::DeleteStored => "ssm:DeleteParameter",
            Self::Forget => "iam:UntagUser",
        }
    }

    /// What the action is about, where its name does not say it.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Mark(_) | Self::Forget => Some(CONSOLE_ACCESS_TAG.to_owned()),
            Self::Store | Self::DeleteStored => Some("console password".to_owned()),
            Self::CreateProfile { .. } | Self::UpdateProfile { .. } | Self::DeleteProfile => None,
        }
    }
}

/// What is to be done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsoleDecision {
    /// The steps, in order.
    pub steps: Vec<ConsoleStep>,
    /// Why, for reviewers: at most one sentence.
    pub reason: Option<String>,
    /// Why the wanted access cannot be had. There are no steps then.
    pub refusal: Option<String>,
}

impl ConsoleDecision {
    fn refused(refusal: impl Into<String>) -> Self {
        Self {
            refusal: Some(refusal.into()),
            ..Self::default()
        }
    }

    fn does(reason: &str, steps: impl IntoIterator<Item = ConsoleStep>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            reason: Some(reason.to_owned()),
            refusal: None,
        }
    }
}

/// Decides about the console access of a user with these tags.
///
/// A login profile without our tag is somebody else's: it is left alone, and wanting console access
/// beside it is refused unless it may be taken over. `demand` asks for a new password in any case.
/// Deciding again after the steps gives no step; deciding after any part of them goes on.
pub fn decide(
    wanted: Option<&ConsoleAccess>,
    demand: bool,
    tags: &BTreeMap<String, String>,
    observed: &ObservedConsole,
) -> ConsoleDecision {
    let mark = tags.get(CONSOLE_ACCESS_TAG);
    match wanted {
        Some(wanted) => give(wanted, demand, mark.map(String::as_str), observed),
        None if mark.is_none() => ConsoleDecision::default(),
        None => take(observed),
    }
}

fn give(
    wanted: &ConsoleAccess,
    demand: bool,
    mark: Option<&str>,
    observed: &ObservedConsole,
) -> ConsoleDecision {
    if wanted.is_stored()
        && let StoredPassword::Foreign(owner) = &observed.stored
    {
        let owner = owner.as_deref().unwrap_or("nobody that it names");
        return ConsoleDecision::refused(format!(
            "the parameter for the console password exists and belongs to {owner}: it is not overwritten. Remove it, or \
             choose another prefix for secrets"
        ));
    }
    let wanted_mark = wanted.mark();
    let password_reset_required = wanted.password_reset_required;
    let store = wanted.is_stored().then_some(ConsoleStep::Store);
    // A password of ours that is no longer the one to use must not stay in the store.
    let obsolete = (!wanted.is_stored() && observed.stored == StoredPassword::Ours)
        .then_some(ConsoleStep::DeleteStored);
    let marked = |mark: &str| ConsoleStep::Mark(mark.to_owned());
    if observed.profile.is_none() {
        let claim = (mark != Some(&wanted_mark)).then(|| marked(&wanted_mark));
        let create = ConsoleStep::CreateProfile {
            password_reset_required,
        };
        let steps = claim
            .into_iter()
            .chain(store)
            .chain([create])
            .chain(obsolete);
        return ConsoleDecision::does("the user gets console access with a new password", steps);
    }
    let update = ConsoleStep::UpdateProfile {
        password_reset_required,
    };
    let Some(mark) = mark else {
        if !wanted.adopt {
            return ConsoleDecision::refused(
                "the user has a console password that crossaccount did not set. Delete its login profile, or set \
                 adoption_policy = \"adopt\" to replace the password",
            );
        }
        let claim = marked(UNFINISHED_MARK);
        let steps = [claim]
            .into_iter()
            .chain(store)
            .chain([update, marked(&wanted_mark)]);
        return ConsoleDecision::does(
            "the console password that somebody else set is replaced by a new one",
            steps.chain(obsolete),
        );
    };
    let reason = if mark != wanted_mark {
        "what the console password is made for has changed (length, trigger or version): a new one is set"
    } else if demand {
        "a new console password was asked for"
    } else if wanted.is_stored() && observed.stored == StoredPassword::Absent {
        "the stored console password is gone: a new one is set"
    } else {
        let reason = obsolete
            .as_ref()
            .map(|_| "the password is not kept in the secret store any more".to_owned());
        return ConsoleDecision {
            steps: obsolete.into_iter().collect(),
            reason,
            refusal: None,
        };
    };
    // Another mark than the wanted one says that the password is still to be set, whichever it is.
    let claim = (mark == wanted_mark).then(|| marked(UNFINISHED_MARK));
    let steps = claim
        .into_iter()
        .chain(store)
        .chain([update, marked(&wanted_mark)])
        .chain(obsolete);
    ConsoleDecision::does(reason, steps)
}

fn take(observed: &ObservedConsole) -> ConsoleDecision {
    let profile = observed
        .profile
        .as_ref()
        .map(|_| ConsoleStep::DeleteProfile);
    let stored = (observed.stored == StoredPassword::Ours).then_some(ConsoleStep::DeleteStored);
    let steps = profile
        .into_iter()
        .chain(stored)
        .chain([ConsoleStep::Forget]);
    ConsoleDecision::does(
        "console access is no longer wanted: the password is deleted",
        steps,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::{
        CONSOLE_ACCESS_TAG, ConsoleAccess, GivenPassword, LoginProfile, ObservedConsole,
        PasswordSource, StoredPassword, UNFINISHED_MARK,
    };
    use super::{ConsoleStep, decide};

    type Tags = BTreeMap<String, String>;

    #[derive(Debug, Clone)]
    struct World {
        tags: Tags,
        console: ObservedConsole,
    }

    fn profile() -> LoginProfile {
        LoginProfile {
            create_date: None,
            password_reset_required: false,
        }
    }

    fn world(mark: Option<String>, has_profile: bool, stored: StoredPassword) -> World {
        World {
            tags: mark
                .map(|mark| (CONSOLE_ACCESS_TAG.to_owned(), mark))
                .into_iter()
                .collect(),
            console: ObservedConsole {
                profile: has_profile.then(profile),
                stored,
            },
        }
    }

    impl World {
        fn after(&mut self, step: &ConsoleStep) {
            match step {
                ConsoleStep::Mark(mark) => {
                    self.tags
                        .insert(CONSOLE_ACCESS_TAG.to_owned(), mark.clone());
                }
                ConsoleStep::Forget => {
                    self.tags.remove(CONSOLE_ACCESS_TAG);
                }
                ConsoleStep::Store => self.console.stored = StoredPassword::Ours,
                ConsoleStep::DeleteStored => self.console.stored = StoredPassword::Absent,
                ConsoleStep::CreateProfile { .. } => {
                    assert!(self.console.profile.is_none());
                    self.console.profile = Some(profile());
                }
                ConsoleStep::UpdateProfile { .. } => assert!(self.console.profile.is_some()),
                ConsoleStep::DeleteProfile => self.console.profile = None,
            }
        }

        fn steps(&self, wanted: Option<&ConsoleAccess>) -> Vec<ConsoleStep> {
            decide(wanted, false, &self.tags, &self.console).steps
        }
    }

    fn stored() -> impl Strategy<Value = StoredPassword> {
        prop_oneof![
            Just(StoredPassword::Absent),
            Just(StoredPassword::Ours),
            Just(StoredPassword::Foreign(None)),
        ]
    }

    prop_compose! {
        fn wanted()(kind in 0u8..3, trigger in prop::option::of("[ab]"), adopt in any::<bool>()) -> ConsoleAccess {
            let source = match kind {
                0 => PasswordSource::Generated { length: None },
                1 => PasswordSource::Generated { length: Some(30) },
                _ => PasswordSource::Given(GivenPassword { password: None, version: 1 }),
            };
            ConsoleAccess { source, password_reset_required: true, reset_trigger: trigger, adopt }
        }
    }
    prop_compose! {
        fn start()(mark in prop::option::of(wanted()), has_profile in any::<bool>(), stored in stored()) -> World {
            world(mark.map(|wanted| wanted.mark()), has_profile, stored)
        }
    }

    proptest! {
        #[test]
        fn after_any_crash_the_next_run_reaches_what_is_wanted(
            wanted in prop::option::of(wanted()), mut world in start(), cut in any::<prop::sample::Index>(),
        ) {
            let before = world.clone();
            let steps = world.steps(wanted.as_ref());
            for step in &steps[..cut.index(steps.len() + 1)] {
                world.after(step);
            }
            for step in world.steps(wanted.as_ref()) {
                world.after(&step);
            }
            prop_assert_eq!(world.steps(wanted.as_ref()), vec![]);
            let refused = decide(wanted.as_ref(), false, &world.tags, &world.console).refusal.is_some();
            match &wanted {
                Some(wanted) if !refused => {
                    prop_assert!(world.console.profile.is_some());
                    prop_assert_eq!(world.tags.get(CONSOLE_ACCESS_TAG), Some(&wanted.mark()));
                    if wanted.is_stored() {
                        prop_assert_eq!(world.console.stored, StoredPassword::Ours);
                    }
                }
                Some(_) => prop_assert_eq!(&world.console, &before.console, "refused before anything changed"),
                None => prop_assert!(!world.tags.contains_key(CONSOLE_ACCESS_TAG)),
            }
        }

        #[test]
        fn a_profile_of_ours_never_has_a_password_that_is_not_stored(
            mut world in start(), wanted in wanted(), cut in any::<prop::sample::Index>(),
        ) {
            prop_assume!(wanted.is_stored() && world.console.profile.is_none());
            let steps = world.steps(Some(&wanted));
            for step in &steps[..cut.index(steps.len() + 1)] {
                world.after(step);
            }
            if world.console.profile.is_some() {
                prop_assert_eq!(world.console.stored, StoredPassword::Ours);
                prop_assert!(world.tags.contains_key(CONSOLE_ACCESS_TAG));
            }
        }
    }

    #[test]
    fn a_profile_of_somebody_else_is_never_taken_over_silently() {
        let world = world(None, true, StoredPassword::Absent);
        let wanted = ConsoleAccess::generated();
        let decision = decide(Some(&wanted), false, &world.tags, &world.console);
        assert!(decision.steps.is_empty());
        assert!(decision.refusal.unwrap().contains("did not set"));
        let adopting = ConsoleAccess {
            adopt: true,
            ..wanted
        };
        let decision = decide(Some(&adopting), false, &world.tags, &world.console);
        assert!(decision.reason.unwrap().contains("somebody else set"));
        assert_eq!(decision.steps.len(), 4);
    }

    #[test]
    fn a_profile_of_somebody_else_is_never_deleted() {
        let world = world(None, true, StoredPassword::Foreign(None));
        assert_eq!(world.steps(None), vec![]);
    }

    #[test]
    fn a_password_that_the_user_changed_is_no_difference() {
        let wanted = ConsoleAccess::generated();
        let mut world = world(Some(wanted.mark()), true, StoredPassword::Ours);
        for reset_required in [true, false] {
            world.console.profile = Some(LoginProfile {
                create_date: None,
                password_reset_required: reset_required,
            });
            assert_eq!(world.steps(Some(&wanted)), vec![]);
        }
    }

    #[test]
    fn a_store_that_could_not_be_asked_resets_nothing() {
        let wanted = ConsoleAccess::generated();
        let world = world(Some(wanted.mark()), true, StoredPassword::Unknown);
        assert_eq!(world.steps(Some(&wanted)), vec![]);
    }

    #[test]
    fn a_demand_sets_a_new_password_that_the_next_run_sets_when_this_one_dies() {
        let wanted = ConsoleAccess::generated();
        let world = world(Some(wanted.mark()), true, StoredPassword::Ours);
        let steps = decide(Some(&wanted), true, &world.tags, &world.console).steps;
        let update = ConsoleStep::UpdateProfile {
            password_reset_required: true,
        };
        let marks = [UNFINISHED_MARK.to_owned(), wanted.mark()].map(ConsoleStep::Mark);
        let [unfinished, done] = marks;
        assert_eq!(steps, [unfinished, ConsoleStep::Store, update, done]);
    }
}
