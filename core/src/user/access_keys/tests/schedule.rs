//! Ninety days of one user, day by day.

use super::world::{World, days, now};
use crate::user::access_keys::{
    Demand, KeyIntervals, KeyPolicy, KeyStatus, KeyStep, LastUsed, StoredKey,
};

#[test]
fn a_key_is_replaced_at_15_days_made_inactive_at_22_and_deleted_at_30_without_a_gap() {
    let policy = KeyPolicy::new(KeyIntervals::default(), KeyStatus::Active, None).unwrap();
    let mut world = World::new();
    let mut diary = Vec::new();
    for day in 0..90 {
        world.now = now() + days(day);
        let decision = world.decide(Some(&policy), Demand::Scheduled);
        assert_eq!(decision.blocked, Vec::<String>::new(), "day {day}");
        let mut readable = stored_key_works(&world);
        for step in &decision.steps {
            world.execute(step);
            // From the first moment on that there is a stored key there always is one.
            assert!(stored_key_works(&world) || !readable, "day {day}: {step}");
            readable |= stored_key_works(&world);
            if matches!(
                step,
                KeyStep::Create | KeyStep::Delete(_) | KeyStep::Deactivate(_)
            ) {
                diary.push(format!("{day}: {step}"));
            }
        }
        let time = world.now;
        let current = world.current_id().unwrap();
        let key = world.keys.iter_mut().find(|key| key.id == current);
        key.unwrap().last_used = LastUsed::At {
            time,
            service: None,
            region: None,
        };
    }
    assert_eq!(
        diary,
        [
            "0: iam:CreateAccessKey",
            "15: iam:CreateAccessKey",
            "22: iam:UpdateAccessKey AKIANEW1 Inactive",
            "30: iam:DeleteAccessKey AKIANEW1",
            "30: iam:CreateAccessKey",
            "37: iam:UpdateAccessKey AKIANEW2 Inactive",
            "45: iam:DeleteAccessKey AKIANEW2",
            "45: iam:CreateAccessKey",
            "52: iam:UpdateAccessKey AKIANEW3 Inactive",
            "60: iam:DeleteAccessKey AKIANEW3",
            "60: iam:CreateAccessKey",
            "67: iam:UpdateAccessKey AKIANEW4 Inactive",
            "75: iam:DeleteAccessKey AKIANEW4",
            "75: iam:CreateAccessKey",
            "82: iam:UpdateAccessKey AKIANEW5 Inactive",
        ]
    );
}

fn stored_key_works(world: &World) -> bool {
    let StoredKey::Holds(id) = &world.stored else {
        return false;
    };
    world
        .find(id)
        .is_some_and(|key| key.status == KeyStatus::Active)
}
