//! `ApplyResourceChange`.

use rstest::rstest;

use super::{Change, Harness, shown, thing_object};
use crate::value::{Object, Value};

/// A plan as the plan call makes it.
fn planned(name: &str) -> Object {
    Object::new()
        .with("name", name)
        .with("size", 3)
        .with("id", Value::UNKNOWN)
        .with("revision", Value::UNKNOWN)
        .with("label", Value::UNKNOWN)
        .with("report", Value::UNKNOWN)
}

fn existing(name: &str) -> Object {
    Object::new()
        .with("name", name)
        .with("size", 3)
        .with("id", "thing/1")
        .with("revision", 1)
        .with("label", "made")
        .with(
            "report",
            Value::list([Value::object([("line", "done".into())])]),
        )
}

fn create(name: &str) -> Change {
    let config = Object::new().with("name", name).with("secret", "s3cret");
    Change::create(config).proposing(planned(name))
}

fn update(name: &str) -> Change {
    Change {
        prior: Some(existing("before")),
        ..create(name)
    }
}

#[tokio::test]
async fn a_creation_returns_everything_known() {
    let mut harness = Harness::configured().await;
    let answer = harness.apply(create("x")).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(thing_object(answer.new_state.as_ref()), Some(existing("x")));
    assert!(!answer.legacy_type_system);
}

#[tokio::test]
async fn an_update_knows_the_prior_state() {
    let mut harness = Harness::configured().await;
    let answer = harness.apply(update("x")).await;
    let expected = existing("x").with("revision", 2);
    assert_eq!(thing_object(answer.new_state.as_ref()), Some(expected));
}

#[tokio::test]
async fn a_deletion_returns_null() {
    let mut harness = Harness::configured().await;
    let answer = harness.apply(Change::delete(existing("x"))).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(thing_object(answer.new_state.as_ref()), None);
}

/// After an error without a state, Terraform must keep what was there before.
#[rstest]
#[case::creation(create("fail"), None)]
#[case::update(update("fail"), Some(existing("before")))]
#[case::deletion(Change::delete(existing("fail")), Some(existing("fail")))]
#[tokio::test]
async fn a_failure_keeps_the_prior_state(#[case] change: Change, #[case] state: Option<Object>) {
    let mut harness = Harness::configured().await;
    let answer = harness.apply(change).await;
    assert_eq!(shown(&answer.diagnostics), ["error [] Failed"]);
    assert_eq!(thing_object(answer.new_state.as_ref()), state);
}

#[rstest]
#[case::creation(create("partial"), existing("partial"))]
#[case::update(update("partial"), existing("partial").with("revision", 2))]
#[case::deletion(
    Change::delete(existing("partial")),
    existing("partial").with("label", "half")
)]
#[tokio::test]
async fn a_partial_success_returns_what_exists_and_the_error(
    #[case] change: Change,
    #[case] state: Object,
) {
    let mut harness = Harness::configured().await;
    let answer = harness.apply(change).await;
    assert_eq!(shown(&answer.diagnostics), ["error [] Half"]);
    assert_eq!(thing_object(answer.new_state.as_ref()), Some(state));
}

#[rstest]
#[case::creation(create("panic"), None)]
#[case::update(update("panic"), Some(existing("before")))]
#[case::deletion(Change::delete(existing("panic")), Some(existing("panic")))]
#[tokio::test]
async fn a_panic_keeps_the_prior_state(#[case] change: Change, #[case] state: Option<Object>) {
    let mut harness = Harness::configured().await;
    let change = Change {
        private: b"{\"kept\":1}".to_vec(),
        ..change
    };
    let answer = harness.apply(change).await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] The provider panicked"]
    );
    assert!(answer.diagnostics[0].detail.contains("thing fell over"));
    assert!(answer.diagnostics[0].detail.contains("report"));
    assert_eq!(thing_object(answer.new_state.as_ref()), state);
    assert_eq!(answer.private, b"{\"kept\":1}");
}

const BUG: &str = "Bug in the crossaccount provider";

#[rstest]
#[case::a_creation_without_a_state(create("nothing"), "", None)]
#[case::an_update_without_a_state(update("nothing"), "", Some(existing("before")))]
#[case::a_deletion_with_a_state(Change::delete(existing("undead")), "", Some(existing("undead")))]
#[case::unknown_values(
    create("unknown"),
    "label",
    Some(existing("unknown").into_iter().filter(|(name, _)| name != "label").collect())
)]
#[case::a_value_of_another_type(update("misfit"), "size", Some(existing("before")))]
#[tokio::test]
async fn a_malformed_result_is_an_error_and_never_reaches_terraform(
    #[case] change: Change,
    #[case] place: &str,
    #[case] state: Option<Object>,
) {
    let mut harness = Harness::configured().await;
    let answer = harness.apply(change).await;
    assert_eq!(
        shown(&answer.diagnostics),
        [format!("error [{place}] {BUG}")]
    );
    assert_eq!(thing_object(answer.new_state.as_ref()), state);
}

#[tokio::test]
async fn a_write_only_value_is_in_the_configuration_and_never_in_the_state() {
    let mut harness = Harness::configured().await;
    let answer = harness.apply(create("leak")).await;
    assert_eq!(
        thing_object(answer.new_state.as_ref()),
        Some(existing("leak"))
    );
    let answer = harness.apply(create("private")).await;
    assert_eq!(answer.private, b"{\"secret_length\":6}");
}

#[tokio::test]
async fn a_value_that_means_the_same_is_returned_as_planned() {
    let mut harness = Harness::configured().await;
    let planned = planned("respace").with("document", "a b");
    let answer = harness.apply(create("respace").proposing(planned)).await;
    let state = thing_object(answer.new_state.as_ref()).unwrap();
    assert_eq!(state.get("document"), &"a b".into());
}

#[tokio::test]
async fn private_data_is_kept_unless_the_resource_changes_it() {
    let mut harness = Harness::configured().await;
    for change in [
        create("x"),
        update("x"),
        update("fail"),
        Change::delete(existing("x")),
    ] {
        let answer = harness
            .apply(Change {
                private: b"{\"kept\":1}".to_vec(),
                ..change
            })
            .await;
        assert_eq!(answer.private, b"{\"kept\":1}");
    }
}

#[tokio::test]
async fn nothing_is_applied_while_the_provider_configuration_is_not_known() {
    let mut harness = Harness::with_unknown_configuration().await;
    let answer = harness.apply(update("x")).await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] Provider configuration not known yet"]
    );
    assert_eq!(
        thing_object(answer.new_state.as_ref()),
        Some(existing("before"))
    );
}
