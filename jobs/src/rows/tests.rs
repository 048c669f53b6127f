//! Tests of rows.

use crossaccount_core::error::AwsFailure;
use crossaccount_core::{Error, ErrorKind};
use serde_json::json;

use super::{Counts, Outcome, Reason, ReasonKind, Row, RowStatus, first_within};

#[rstest::rstest]
#[case(&[], Outcome::Succeeded)]
#[case(&[RowStatus::Created, RowStatus::Exists], Outcome::Succeeded)]
#[case(&[RowStatus::WouldCreate], Outcome::Succeeded)]
#[case(&[RowStatus::Created, RowStatus::Failed], Outcome::PartlyFailed)]
#[case(&[RowStatus::Exists, RowStatus::Postponed], Outcome::PartlyFailed)]
#[case(&[RowStatus::Failed], Outcome::Failed)]
fn the_outcome_says_whether_all_are_as_wanted(
    #[case] statuses: &[RowStatus],
    #[case] outcome: Outcome,
) {
    let mut counts = Counts::default();
    for status in statuses {
        counts.add(*status);
    }
    assert_eq!(counts.outcome(), outcome);
}

#[test]
fn a_row_says_its_reason_in_our_words_and_its_kind_for_programs() {
    let error = Error::new(ErrorKind::Conflict, "somebody else gave it things")
        .in_account(&"222222222222".parse().unwrap())
        .with_advice(
            "Remove them, or set force_destroy = true and apply before the user is destroyed.",
        );
    let row = Row::of("222222222222", "alice", RowStatus::Failed).because((&error).into());
    let json = serde_json::to_value(&row).unwrap();
    assert_eq!(json["status"], "Failed");
    assert_eq!(json["reason"]["kind"], "Conflict");
    let message = json["reason"]["message"].as_str().unwrap();
    assert!(message.contains("222222222222"), "{message}");
    assert!(
        message.contains("set CROSSACCOUNT_FORCE_DESTROY to true"),
        "{message}"
    );
    assert_eq!(json["password_parameter"], json!(null));
}

#[rstest::rstest]
#[case(ReasonKind::Of(ErrorKind::Throttled), true)]
#[case(ReasonKind::Of(ErrorKind::Unavailable), true)]
#[case(ReasonKind::Of(ErrorKind::Audit), true)]
#[case(ReasonKind::Of(ErrorKind::NotFound), false)]
#[case(ReasonKind::Of(ErrorKind::Internal), false)]
#[case(ReasonKind::Registry, true)]
#[case(ReasonKind::Of(ErrorKind::AssumeRole), false)]
#[case(ReasonKind::Of(ErrorKind::AccessDenied), false)]
#[case(ReasonKind::InvalidProperties, false)]
#[case(ReasonKind::NotOurs, false)]
#[case(ReasonKind::RemovalsRefused, false)]
fn only_what_may_pass_by_itself_is_tried_again(#[case] kind: ReasonKind, #[case] passing: bool) {
    assert_eq!(Reason::new(kind, "").is_passing(), passing);
}

#[test]
fn counts_are_shown_by_the_names_of_statuses() {
    let mut counts = Counts::default();
    counts.add(RowStatus::Created);
    counts.add(RowStatus::Created);
    counts.add(RowStatus::WouldDelete);
    let json = serde_json::to_value(&counts).unwrap();
    assert_eq!(json, json!({"Created": 2, "WouldDelete": 1}));
}

fn of_iam(code: &str, message: &str) -> Error {
    Error::new(ErrorKind::NotFound, "iam:CreateUser").with_aws(AwsFailure {
        code: Some(code.to_owned()),
        message: Some(message.to_owned()),
        ..AwsFailure::default()
    })
}

#[rstest::rstest]
// Somebody has just deleted or made it.
#[case("The user with name alice cannot be found.", true)]
// Somebody has to make it.
#[case("The group with name admins cannot be found.", false)]
#[case(
    "Scope ARN: arn:aws:iam::222222222222:policy/B does not exist or is not attachable.",
    false
)]
fn only_a_user_may_come_by_itself(#[case] message: &str, #[case] passing: bool) {
    assert_eq!(
        Reason::from(&of_iam("NoSuchEntity", message)).is_passing(),
        passing
    );
}

#[test]
fn what_the_table_refuses_is_never_the_last_word_about_a_row() {
    let denied = Error::new(ErrorKind::AccessDenied, "dynamodb:GetItem");
    assert!(!Reason::from(&denied).is_passing());
    assert!(Reason::of_registry(&denied).is_passing());
}

#[test]
fn an_answer_shows_as_many_rows_as_it_has_room_for() {
    let rows = [0, 1, 2].map(|_| Row::of("222222222222", "alice", RowStatus::Created));
    let length = serde_json::to_string(&rows[0]).unwrap().len() + 1;
    for (room, shown) in [(0, 0), (length, 1), (3 * length - 1, 2), (3 * length, 3)] {
        let (within, omitted) = first_within(rows.iter().collect(), room);
        assert_eq!((within.len(), omitted), (shown, 3 - shown));
    }
}
