//! Properties over all combinations of keys, tags, stored states, policies and points of a crash.

use jiff::SignedDuration;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use proptest::{option, prop_assert, prop_assert_eq};

use super::world::{World, days, hours, key, now, used};
use crate::user::access_keys::{
    Demand, KEY_TAGS, KeyIntervals, KeyPhase, KeyPolicy, KeyStatus, KeyStep, KeyTags, LastUsed,
    ObservedKey, StoredKey, TriggerHash,
};

/// Ages around every threshold of the policies below, an hour before, at, and after.
fn age() -> impl Strategy<Value = SignedDuration> {
    let days_of_interest = vec![0, 1, 2, 4, 6, 7, 15, 22, 30, 45, 400];
    (select(days_of_interest), select(vec![0, 1, 23]))
        .prop_map(|(day, hour)| days(day) + hours(hour))
}

fn last_used() -> impl Strategy<Value = LastUsed> {
    prop_oneof![
        Just(LastUsed::Never),
        age().prop_map(used),
        Just(LastUsed::Unknown {
            why: "AccessDenied".to_owned()
        }),
    ]
}

fn observed_key(id: &'static str) -> impl Strategy<Value = ObservedKey> {
    let status = select(vec![KeyStatus::Active, KeyStatus::Inactive]);
    (age(), status, last_used()).prop_map(move |(age, status, last_used)| ObservedKey {
        status,
        last_used,
        ..key(id, age)
    })
}

fn trigger() -> impl Strategy<Value = Option<TriggerHash>> {
    option::of(select(vec!["one", "two"]).prop_map(TriggerHash::of))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Current,
    Retiring,
    Interrupted,
    Foreign,
}

/// All pairs of roles that a user can have; nobody is current or retiring twice.
fn roles() -> impl Strategy<Value = Vec<Role>> {
    use Role::{Current, Foreign, Interrupted, Retiring};
    select(vec![
        vec![],
        vec![Current],
        vec![Retiring],
        vec![Interrupted],
        vec![Foreign],
        vec![Current, Retiring],
        vec![Current, Interrupted],
        vec![Current, Foreign],
        vec![Retiring, Interrupted],
        vec![Retiring, Foreign],
        vec![Interrupted, Interrupted],
        vec![Interrupted, Foreign],
        vec![Foreign, Foreign],
    ])
}

fn stored() -> impl Strategy<Value = StoredKey> {
    let ids = vec!["AKIAFIRST", "AKIASECOND", "AKIAGONE"];
    prop_oneof![
        1 => Just(StoredKey::Absent),
        1 => option::of(Just("other".to_owned())).prop_map(StoredKey::Foreign),
        6 => select(ids).prop_map(|id| StoredKey::Holds(id.to_owned())),
    ]
}

fn world() -> impl Strategy<Value = World> {
    (
        roles(),
        (observed_key("AKIAFIRST"), observed_key("AKIASECOND")),
        (age(), option::of(age()), trigger(), any::<bool>()),
        stored(),
        select(vec![true, true, true, false]),
    )
        .prop_map(|(roles, (first, second), tags, stored, readable)| {
            let (since, intent, trigger, gone) = tags;
            let mut world = World::new();
            if gone {
                let tags = KeyTags::name_current("AKIAGONE", trigger.as_ref(), None);
                world.tags.extend(tags);
            }
            // The minutes keep keys of others out of the window of the intent.
            let minutes = SignedDuration::from_mins(30);
            let interrupted = roles.contains(&Role::Interrupted);
            let intent = intent.or(interrupted.then_some(hours(0)));
            if let Some(intent) = intent {
                world = world.intent(intent + minutes);
            }
            for (role, mut key) in roles.into_iter().zip([first, second]) {
                match role {
                    Role::Current => {
                        let tags = KeyTags::name_current(&key.id, trigger.as_ref(), None);
                        let open = world.tags.get(KEY_TAGS[2]).cloned();
                        world.tags.extend(tags);
                        world
                            .tags
                            .extend(open.map(|open| (KEY_TAGS[2].to_owned(), open)));
                        world = world.unnamed(key);
                    }
                    Role::Retiring => world = world.retiring(key, since),
                    Role::Interrupted => {
                        let made = intent.unwrap_or_default() + minutes;
                        key.create_date = now() - made + SignedDuration::from_secs(2);
                        world = world.unnamed(key);
                    }
                    Role::Foreign => {
                        world.foreign.push(key.id.clone());
                        world = world.unnamed(key);
                    }
                }
            }
            // A parameter of others that was not seen fails the step itself; the caller undoes the key.
            world.readable = readable || matches!(stored, StoredKey::Foreign(_));
            world.stored = stored;
            world
        })
}

fn policy() -> impl Strategy<Value = KeyPolicy> {
    let intervals = select(vec![
        KeyIntervals::default(),
        KeyIntervals {
            rotate_after_days: 1,
            disable_after_days: Some(1),
            delete_after_days: 2,
            keep_if_used_within_days: 0,
        },
        KeyIntervals {
            rotate_after_days: 15,
            disable_after_days: Some(30),
            delete_after_days: 30,
            keep_if_used_within_days: 40,
        },
    ]);
    let status = select(vec![
        KeyStatus::Active,
        KeyStatus::Active,
        KeyStatus::Inactive,
    ]);
    (intervals, status, trigger()).prop_map(|(intervals, status, trigger)| {
        KeyPolicy::new(intervals, status, trigger).unwrap()
    })
}

fn wanted() -> impl Strategy<Value = Option<KeyPolicy>> {
    option::weighted(0.9, policy())
}

fn demand() -> impl Strategy<Value = Demand> {
    select(vec![
        Demand::Scheduled,
        Demand::Scheduled,
        Demand::RotateNow,
    ])
}

fn config() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: 3_000,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// The model itself refuses a third key, a step on a foreign key, and a parameter of others.
    #[test]
    fn the_reached_state_asks_for_nothing_more(
        mut world in world(), wanted in wanted(), demand in demand(),
    ) {
        let first = world.run(wanted.as_ref(), demand);
        if first.error.is_some() {
            prop_assert!(first.steps.is_empty() && first.reasons.is_empty());
            return Ok(());
        }
        let second = world.decide(wanted.as_ref(), Demand::Scheduled);
        prop_assert!(second.steps.is_empty(), "{:?}\nthen {:?}", first.steps, second.steps);
        prop_assert!(second.reasons.is_empty());
    }

    #[test]
    fn what_is_reached_without_an_obstacle_is_one_stored_current_key_of_the_wanted_status(
        mut world in world(), policy in policy(), demand in demand(),
    ) {
        world.readable = true;
        world.run(Some(&policy), demand);
        let end = world.decide(Some(&policy), Demand::Scheduled);
        if end.error.is_none() && end.blocked.is_empty() {
            let current = world.current_id().unwrap();
            prop_assert_eq!(&world.stored, &StoredKey::Holds(current.clone()));
            prop_assert_eq!(world.find(&current).unwrap().status, policy.status());
            prop_assert!(end.views.iter().all(|view| view.phase != KeyPhase::Interrupted));
        }
    }

    #[test]
    fn keys_of_others_and_keys_in_use_survive_every_decision(
        mut world in world(), policy in policy(), demand in demand(),
    ) {
        let before = world.clone();
        world.run(Some(&policy), demand);
        for id in &before.foreign {
            prop_assert_eq!(world.find(id), before.find(id));
        }
        let keep = days(i64::from(policy.keep_if_used_within_days()));
        for id in [before.current_id(), before.retiring_id()].iter().flatten() {
            let in_use = match &before.find(id).unwrap().last_used {
                LastUsed::Unknown { .. } => true,
                LastUsed::Never => false,
                LastUsed::At { time, .. } => *time >= before.now - keep,
            };
            if in_use {
                let after = world.find(id);
                prop_assert!(after.is_some());
                if policy.status() == KeyStatus::Active
                    && before.find(id).unwrap().status == KeyStatus::Active
                {
                    prop_assert_eq!(after.unwrap().status, KeyStatus::Active);
                }
            }
        }
    }

    #[test]
    fn the_schedule_never_takes_the_last_active_key(mut world in world(), policy in policy()) {
        let decision = world.decide(Some(&policy), Demand::Scheduled);
        let lost = world.current_id().is_none_or(|id| world.stored != StoredKey::Holds(id));
        let tags = KeyTags::read(&world.tags);
        let triggered = policy.rotation_trigger().is_some()
            && policy.rotation_trigger() != tags.current.and_then(|tag| tag.trigger).as_ref();
        // Another need than age may take an unused key to make room; nothing else may.
        let needed = (lost && world.readable || world.current_id().is_none() || triggered)
            && decision.steps.contains(&KeyStep::Create);
        if policy.status() == KeyStatus::Active && !needed && world.active_of_ours() > 0 {
            for step in &decision.steps {
                world.execute(step);
                prop_assert!(world.active_of_ours() > 0, "after {step} of {:?}", decision.steps);
            }
        }
    }

    #[test]
    fn every_key_is_shown_once_and_every_change_has_a_reason(
        world in world(), wanted in wanted(), demand in demand(),
    ) {
        let decision = world.decide(wanted.as_ref(), demand);
        let mut shown: Vec<_> = decision.views.iter().map(|view| view.id.clone()).collect();
        shown.sort();
        let mut there: Vec<_> = world.keys.iter().map(|key| key.id.clone()).collect();
        there.sort();
        prop_assert_eq!(shown, there);
        prop_assert!(decision.views.is_sorted_by_key(|view| view.phase));
        prop_assert_eq!(decision.steps.is_empty(), decision.reasons.is_empty());
        for view in &decision.views {
            if view.phase == KeyPhase::Foreign || view.phase == KeyPhase::Interrupted {
                prop_assert_eq!(view.next_action, None);
            }
        }
    }

    /// A crash after every number of steps. A crash after `Create` is also a lost answer: in both
    /// cases there is a key whose secret nobody knows.
    #[test]
    fn after_a_crash_at_any_point_the_next_decisions_reach_the_wanted_state(
        mut start in world(), wanted in wanted(), demand in demand(), pause in 0_i64..3,
    ) {
        start.readable = true;
        let first = start.decide(wanted.as_ref(), demand);
        if first.error.is_some() {
            return Ok(());
        }
        let steps = first.steps;
        for done in 0..=steps.len() {
            let mut world = start.clone();
            for step in &steps[..done] {
                world.execute(step);
            }
            world.crash();
            world.now += SignedDuration::from_mins(pause);
            let named = steps[..done]
                .iter()
                .any(|step| matches!(step, KeyStep::NameCurrent { .. }));
            let again = if named { Demand::Scheduled } else { demand };
            world.run(wanted.as_ref(), again);
            let end = world.decide(wanted.as_ref(), Demand::Scheduled);
            prop_assert!(end.steps.is_empty(), "crash after {done} of {steps:?}: {:?}", end.steps);
            let ours = |phase| phase != KeyPhase::Foreign;
            if wanted.is_none() {
                prop_assert!(!end.views.iter().any(|view| ours(view.phase)));
                prop_assert!(!KeyTags::read(&world.tags).present);
                continue;
            }
            prop_assert!(!end.views.iter().any(|view| view.phase == KeyPhase::Interrupted));
            let naming = steps.iter().rev().find_map(|step| match step {
                KeyStep::NameCurrent { retire, .. } => Some(retire),
                _ => None,
            });
            let Some(retire) = naming else { continue };
            let current = world.current_id().unwrap();
            prop_assert!(!start.keys.iter().any(|key| key.id == current));
            prop_assert_eq!(&world.stored, &StoredKey::Holds(current));
            // A current key that IAM does not list is named too, in case that it was only made a moment ago.
            let retire = retire.as_ref().filter(|old| start.keys.iter().any(|key| key.id == **old));
            if let Some(old) = retire {
                prop_assert_eq!(world.retiring_id(), Some(old.clone()));
            }
            prop_assert_eq!(
                world.keys.len(),
                world.foreign.len() + 1 + usize::from(world.retiring_id().is_some())
            );
        }
    }
}
