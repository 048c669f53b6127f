//! Rule by rule, as sentences.

use rstest::rstest;

use super::world::{World, days, hours, key, now, used};
use crate::user::access_keys::{
    Demand, KeyIntervals, KeyObstacle, KeyPhase, KeyPolicy, KeyStatus, LastUsed, NextAction,
    ObservedKey, StoredKey, TriggerHash,
};

const OPEN: &str = "iam:TagUser crossaccount:key-intent";
const CREATE: &str = "iam:CreateAccessKey";
const VERIFY: &str = "sts:GetCallerIdentity";
const STORE: &str = "ssm:PutParameter";
const NAME: &str = "iam:TagUser crossaccount:current-key new key";
const REPLACE: &str =
    "iam:TagUser crossaccount:current-key new key, crossaccount:retiring-key AKIAONE";

fn policy() -> KeyPolicy {
    with(KeyStatus::Active, None)
}

fn with(status: KeyStatus, trigger: Option<&str>) -> KeyPolicy {
    let trigger = trigger.map(TriggerHash::of);
    KeyPolicy::new(KeyIntervals::default(), status, trigger).unwrap()
}

fn scheduled(world: &World) -> Vec<String> {
    world.steps(Some(&policy()), Demand::Scheduled)
}

fn blocked(world: &World, policy: &KeyPolicy, demand: Demand) -> String {
    let decision = world.decide(Some(policy), demand);
    assert_eq!(decision.steps, []);
    assert_eq!(decision.error, None);
    decision.blocked.join("\n")
}

fn inactive(key: ObservedKey) -> ObservedKey {
    ObservedKey {
        status: KeyStatus::Inactive,
        ..key
    }
}

fn last_used(key: ObservedKey, last_used: LastUsed) -> ObservedKey {
    ObservedKey { last_used, ..key }
}

fn unread() -> LastUsed {
    LastUsed::Unknown {
        why: "AccessDenied".to_owned(),
    }
}

/// The current key is young, the retiring one was replaced `since` days ago at 15 days.
fn overlap(since: i64, retiring: LastUsed) -> World {
    World::new().current(key("AKIATWO", days(since))).retiring(
        last_used(key("AKIAONE", days(15 + since)), retiring),
        days(since),
    )
}

#[test]
fn the_first_key_is_announced_made_verified_stored_and_named() {
    assert_eq!(
        scheduled(&World::new()),
        [OPEN, CREATE, VERIFY, STORE, NAME]
    );
    let decision = World::new().decide(Some(&policy()), Demand::Scheduled);
    assert_eq!(decision.reasons, ["the user gets an access key"]);
}

#[rstest]
#[case::an_hour_before(days(15) - hours(1), false)]
#[case::to_the_second(days(15), true)]
#[case::late(days(16), true)]
fn a_key_is_replaced_when_it_is_15_days_old(
    #[case] age: jiff::SignedDuration,
    #[case] replaced: bool,
) {
    let steps = scheduled(&World::new().current(key("AKIAONE", age)));
    let all = [OPEN, CREATE, VERIFY, STORE, REPLACE];
    assert_eq!(steps, if replaced { &all[..] } else { &[] });
}

#[test]
fn a_reviewer_reads_why_a_key_is_replaced_and_until_when_it_works() {
    let world = World::new().current(key("AKIAONE", days(16)));
    assert_eq!(
        world.decide(Some(&policy()), Demand::Scheduled).reasons,
        [
            "access key AKIAONE is 16 days old and is replaced after 15 days: a new key is made, \
             and AKIAONE keeps working until 2026-11-28"
        ]
    );
}

#[rstest]
#[case::not_stored(StoredKey::Absent, true)]
#[case::another_stored(StoredKey::Holds("AKIAGONE".to_owned()), true)]
#[case::not_known(StoredKey::Unknown, false)]
fn a_key_whose_secret_is_lost_is_replaced(#[case] stored: StoredKey, #[case] replaced: bool) {
    let world = World::new().current(key("AKIAONE", days(1))).stored(stored);
    assert_eq!(!scheduled(&world).is_empty(), replaced);
}

#[test]
fn a_new_trigger_and_a_demand_replace_a_young_key_and_an_absent_trigger_does_not() {
    let world = World::new().current(key("AKIAONE", days(1)));
    let triggered = with(KeyStatus::Active, Some("again"));
    assert_eq!(world.steps(Some(&triggered), Demand::Scheduled).len(), 5);
    assert_eq!(world.steps(Some(&policy()), Demand::RotateNow).len(), 5);
    let mut after = world;
    after.run(Some(&triggered), Demand::Scheduled);
    assert!(after.steps(Some(&triggered), Demand::Scheduled).is_empty());
    assert!(scheduled(&after).is_empty());
}

#[test]
fn an_inactive_key_is_replaced_neither_for_its_age_nor_on_request() {
    let world = World::new().current(inactive(key("AKIAONE", days(99))));
    let off = with(KeyStatus::Inactive, None);
    assert_eq!(blocked(&world, &off, Demand::Scheduled), "");
    let sentence = blocked(&world, &off, Demand::RotateNow);
    assert!(
        sentence.contains("set status to Active first"),
        "{sentence}"
    );
    let triggered = with(KeyStatus::Inactive, Some("again"));
    let sentence = blocked(&world, &triggered, Demand::Scheduled);
    assert!(
        sentence.contains("the rotation trigger has changed"),
        "{sentence}"
    );
}

#[rstest]
#[case::not_due(6, used(days(1)), &[])]
#[case::disable(7, used(days(8)), &["iam:UpdateAccessKey AKIAONE Inactive"])]
#[case::disable_never_used(7, LastUsed::Never, &["iam:UpdateAccessKey AKIAONE Inactive"])]
#[case::in_use(7, used(days(7)), &[])]
#[case::unread(7, unread(), &[])]
#[case::delete(15, used(days(9)), &["iam:DeleteAccessKey AKIAONE", OPEN])]
fn a_replaced_key_goes_when_its_time_has_come_and_nobody_uses_it(
    #[case] since: i64,
    #[case] last_used: LastUsed,
    #[case] expected: &[&str],
) {
    let steps = scheduled(&overlap(since, last_used));
    assert_eq!(steps[..expected.len().min(steps.len())], *expected);
    assert_eq!(steps.is_empty(), expected.is_empty());
}

#[test]
fn a_late_rotation_keeps_the_whole_overlap() {
    let world = |since| {
        World::new()
            .current(key("AKIATWO", days(since)))
            .retiring(key("AKIAONE", days(400 + since)), days(since))
    };
    assert!(scheduled(&world(6)).is_empty());
    assert_eq!(
        scheduled(&world(7)),
        ["iam:UpdateAccessKey AKIAONE Inactive"]
    );
    let views = world(6).decide(Some(&policy()), Demand::Scheduled).views;
    let disable = now() + days(1);
    assert_eq!(views[1].next_action, Some((NextAction::Disable, disable)));
}

#[test]
fn a_key_in_use_is_kept_and_the_warning_says_who_uses_it() {
    let world = overlap(8, used(days(2)));
    assert_eq!(
        blocked(&world, &policy(), Demand::Scheduled),
        "access key AKIAONE is due to be made inactive since 2026-11-20 and is kept, because it was \
         used on 2026-11-19 (2 days ago) with s3 in eu-central-1: let whatever uses it read the \
         current key from the secret store instead"
    );
    let view = world
        .decide(Some(&policy()), Demand::Scheduled)
        .views
        .remove(1);
    assert!(!view.blocked.unwrap().contains("ago"));
    let sentence = blocked(&overlap(8, unread()), &policy(), Demand::Scheduled);
    assert!(
        sentence.contains("could not be read (AccessDenied)"),
        "{sentence}"
    );
}

#[test]
fn a_disabled_key_that_was_used_recently_is_not_deleted() {
    let world = World::new().current(key("AKIATWO", days(14))).retiring(
        last_used(inactive(key("AKIAONE", days(40))), used(days(3))),
        days(20),
    );
    let sentence = blocked(&world, &policy(), Demand::Scheduled);
    assert!(sentence.contains("due to be deleted"), "{sentence}");
}

#[rstest]
#[case::unused(used(days(8)), true)]
#[case::never_used(LastUsed::Never, true)]
#[case::in_use(used(days(6)), false)]
#[case::unread(unread(), false)]
fn a_demand_deletes_the_replaced_key_early_only_when_nobody_uses_it(
    #[case] last_used: LastUsed,
    #[case] deleted: bool,
) {
    let steps = overlap(2, last_used).steps(Some(&policy()), Demand::RotateNow);
    assert_eq!(
        steps.first().map(String::as_str),
        deleted.then_some("iam:DeleteAccessKey AKIAONE")
    );
}

#[test]
fn a_replaced_key_that_was_never_used_and_is_young_is_not_deleted_early() {
    let world = World::new()
        .current(key("AKIATWO", days(1)))
        .retiring(key("AKIAONE", days(3)), days(1));
    let sentence = blocked(&world, &policy(), Demand::RotateNow);
    assert!(
        sentence.contains("keeps its place until 2026-12-18"),
        "{sentence}"
    );
}

#[test]
fn a_foreign_key_in_the_way_blocks_and_two_of_them_are_an_error() {
    let world = World::new()
        .current(key("AKIAONE", days(20)))
        .unnamed(key("AKIAOTHER", days(300)));
    let sentence = blocked(&world, &policy(), Demand::Scheduled);
    assert!(
        sentence.contains("AKIAOTHER, not made by crossaccount"),
        "{sentence}"
    );
    let world = World::new()
        .unnamed(key("AKIAX", days(300)))
        .unnamed(key("AKIAY", days(200)));
    let decision = world.decide(Some(&policy()), Demand::Scheduled);
    let ids = vec!["AKIAX".to_owned(), "AKIAY".to_owned()];
    assert_eq!(decision.error, Some(KeyObstacle::ForeignKeys(ids)));
    assert_eq!(decision.steps, []);
}

#[test]
fn a_parameter_of_somebody_else_is_an_error_as_soon_as_a_key_is_to_be_made() {
    let foreign = || StoredKey::Foreign(Some("other".to_owned()));
    let decision = World::new()
        .stored(foreign())
        .decide(Some(&policy()), Demand::Scheduled);
    let owner = Some("other".to_owned());
    assert_eq!(decision.error, Some(KeyObstacle::ForeignParameter(owner)));
    let world = World::new()
        .current(key("AKIAONE", days(1)))
        .stored(foreign());
    let sentence = blocked(&world, &policy(), Demand::Scheduled);
    assert!(sentence.contains("belongs to \"other\""), "{sentence}");
}

#[test]
fn the_last_active_key_waits_for_its_successor() {
    let world = World::new().retiring(key("AKIAONE", days(99)), days(80));
    assert_eq!(
        scheduled(&world),
        [
            OPEN,
            CREATE,
            VERIFY,
            STORE,
            NAME,
            "iam:DeleteAccessKey AKIAONE"
        ]
    );
}

#[test]
fn a_key_that_somebody_made_inactive_stays_so_where_nobody_asks_for_an_active_one() {
    let leaves = policy().leaving_inactive();
    let disabled = |age| World::new().current(inactive(key("AKIAONE", days(age))));
    let active = "iam:UpdateAccessKey AKIAONE Active";
    assert_eq!(scheduled(&disabled(3)), [active]);
    let sentence = blocked(&disabled(3), &leaves, Demand::Scheduled);
    assert!(
        sentence.contains("AKIAONE is inactive, and stays so"),
        "{sentence}"
    );
    // It is replaced in its time, and by then it is the old key.
    let replaced = disabled(15).steps(Some(&leaves), Demand::Scheduled);
    assert_eq!(replaced, [OPEN, CREATE, VERIFY, STORE, REPLACE]);
}

#[test]
fn status_inactive_is_an_order_for_all_keys_and_asks_nobody() {
    let off = with(KeyStatus::Inactive, None);
    assert_eq!(
        overlap(3, used(hours(1))).steps(Some(&off), Demand::Scheduled),
        [
            "iam:UpdateAccessKey AKIATWO Inactive",
            "iam:UpdateAccessKey AKIAONE Inactive"
        ]
    );
    assert_eq!(
        World::new().steps(Some(&off), Demand::Scheduled).last(),
        Some(&"iam:UpdateAccessKey new key Inactive".to_owned())
    );
}

#[test]
fn status_active_activates_the_current_key_and_leaves_the_disabled_one() {
    let world = World::new()
        .current(inactive(key("AKIATWO", days(3))))
        .retiring(inactive(key("AKIAONE", days(18))), days(3));
    assert_eq!(scheduled(&world), ["iam:UpdateAccessKey AKIATWO Active"]);
}

#[test]
fn an_interrupted_key_is_adopted_when_its_secret_is_stored_and_deleted_when_not() {
    let crashed = |stored: &str| {
        World::new()
            .current(key("AKIAONE", days(15)))
            .unnamed(key("AKIATWO", hours(1)))
            .intent(hours(1))
            .stored(StoredKey::Holds(stored.to_owned()))
    };
    assert_eq!(
        scheduled(&crashed("AKIATWO")),
        ["iam:TagUser crossaccount:current-key AKIATWO, crossaccount:retiring-key AKIAONE"]
    );
    assert_eq!(
        scheduled(&crashed("AKIAONE")),
        [
            "iam:DeleteAccessKey AKIATWO",
            OPEN,
            CREATE,
            VERIFY,
            STORE,
            REPLACE
        ]
    );
    let sentence = blocked(
        &crashed("AKIATWO").stored(StoredKey::Unknown),
        &policy(),
        Demand::Scheduled,
    );
    assert!(
        sentence.contains("allow ssm:DescribeParameters"),
        "{sentence}"
    );
}

#[rstest]
#[case(-301, KeyPhase::Foreign)]
#[case(-300, KeyPhase::Interrupted)]
#[case(900, KeyPhase::Interrupted)]
#[case(901, KeyPhase::Foreign)]
fn only_a_key_that_was_made_around_the_intent_is_ours(
    #[case] seconds: i64,
    #[case] phase: KeyPhase,
) {
    let after = jiff::SignedDuration::from_secs(seconds);
    let world = World::new()
        .unnamed(key("AKIAONE", days(1) - after))
        .intent(days(1));
    let views = world.decide(Some(&policy()), Demand::Scheduled).views;
    assert_eq!(views[0].phase, phase);
}

#[test]
fn a_key_of_others_that_was_made_a_minute_before_the_intent_stays_theirs_after_a_crash() {
    let mut world = World::new().unnamed(key("AKIAOTHER", hours(0)));
    let steps = world.decide(Some(&policy()), Demand::Scheduled).steps;
    for step in &steps[..2] {
        world.execute(step);
    }
    world.crash();
    let views = world.decide(Some(&policy()), Demand::Scheduled).views;
    let phases: Vec<_> = views.iter().map(|view| view.phase).collect();
    assert_eq!(phases, [KeyPhase::Interrupted, KeyPhase::Foreign]);
}

#[test]
fn a_key_that_is_not_wanted_is_deleted_and_forgotten_and_others_stay() {
    let world = World::new()
        .current(last_used(key("AKIAONE", days(1)), used(hours(1))))
        .unnamed(key("AKIAOTHER", days(9)));
    let forget = "iam:UntagUser crossaccount:current-key, crossaccount:retiring-key, \
                  crossaccount:key-intent";
    assert_eq!(
        world.steps(None, Demand::Scheduled),
        ["iam:DeleteAccessKey AKIAONE", forget]
    );
    let mut gone = world;
    gone.keys.remove(0);
    assert_eq!(gone.steps(None, Demand::Scheduled), [forget]);
    gone.run(None, Demand::Scheduled);
    assert!(gone.steps(None, Demand::Scheduled).is_empty());
}

#[test]
fn an_open_intent_without_a_key_needs_no_step() {
    let mut world = World::new().current(key("AKIAONE", days(1)));
    world = world.intent(hours(1));
    assert!(scheduled(&world).is_empty());
}
