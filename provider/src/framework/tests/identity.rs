//! Identities of resources, as Terraform 1.12 and later ask for them and check them.

use crossaccount_proto::tfplugin6::{
    DynamicValue, RawState, ResourceIdentityData, apply_resource_change,
    get_resource_identity_schemas, import_resource_state, move_resource_state,
    plan_resource_change, read_resource, upgrade_resource_identity,
};
use rstest::rstest;

use super::place::{identity, schema};
use super::{Harness, message, shown};
use crate::schema::check;
use crate::value::{Object, Type, Value, msgpack};

fn place(account: &str, name: &str) -> Object {
    Object::new().with("account", account).with("name", name)
}

fn state(object: Option<Object>) -> DynamicValue {
    message(&Value::from(object), &schema().ty())
}

fn identity_message(object: Option<Object>) -> Option<ResourceIdentityData> {
    object.map(|object| ResourceIdentityData {
        identity_data: Some(message(&Value::Object(object), &identity().ty())),
    })
}

fn decoded(value: &DynamicValue, ty: &Type) -> Option<Object> {
    match msgpack::decode(&value.msgpack, ty).unwrap() {
        Value::Object(object) => Some(
            object
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        ),
        Value::Null => None,
        other => panic!("{other:?}"),
    }
}

/// The identity of an answer, without its null attributes.
pub(super) fn identity_object(message: Option<&ResourceIdentityData>) -> Option<Object> {
    let value = message?.identity_data.as_ref().unwrap();
    Some(decoded(value, &identity().ty()).unwrap())
}

const BUG: &str = "Bug in the crossaccount provider";

#[test]
fn the_schemas_of_these_tests_keep_the_rules() {
    assert_eq!(check::problems(&schema()), [""; 0]);
    assert_eq!(check::identity_problems(&identity(), &schema()), [""; 0]);
}

#[tokio::test]
async fn an_identity_has_a_schema_of_its_own_and_other_resources_have_none() {
    let mut harness = Harness::unconfigured().await;
    let request = get_resource_identity_schemas::Request {};
    let answer = harness.client.get_resource_identity_schemas(request).await;
    let schemas = answer.unwrap().into_inner().identity_schemas;
    assert_eq!(
        schemas.keys().collect::<Vec<_>>(),
        ["test_badge", "test_place"]
    );
    let schema = &schemas["test_place"];
    assert_eq!(schema.version, 1);
    let attributes: Vec<_> = schema
        .identity_attributes
        .iter()
        .map(|it| {
            let ty = std::str::from_utf8(&it.r#type).unwrap();
            let (required, optional) = (it.required_for_import, it.optional_for_import);
            (it.name.as_str(), ty, required, optional)
        })
        .collect();
    assert_eq!(
        attributes,
        [
            ("account", "\"string\"", true, false),
            ("name", "\"string\"", true, false),
            ("zone", "\"string\"", false, true),
        ]
    );
    assert_eq!(schema.identity_attributes[0].description, "The account.");
}

async fn read(
    harness: &mut Harness,
    type_name: &str,
    current: Object,
    identity: Option<Object>,
) -> read_resource::Response {
    let request = read_resource::Request {
        type_name: type_name.to_owned(),
        current_state: Some(state(Some(current))),
        current_identity: identity_message(identity),
        ..Default::default()
    };
    harness
        .client
        .read_resource(request)
        .await
        .unwrap()
        .into_inner()
}

#[rstest]
#[case::a_state_that_has_none_yet(place("1", "x"), None, Some(place("1", "x")))]
#[case::the_same(place("1", "x"), Some(place("1", "x")), Some(place("1", "x")))]
#[case::everything_null(place("1", "x"), Some(Object::new()), Some(place("1", "x")))]
#[case::an_optional_part_is_found_out(
    place("1", "zoned"),
    Some(place("1", "zoned")),
    Some(place("1", "zoned").with("zone", "z"))
)]
#[case::gone(place("1", "gone"), Some(place("1", "gone")), None)]
#[tokio::test]
async fn a_read_returns_the_identity(
    #[case] current: Object,
    #[case] before: Option<Object>,
    #[case] expected: Option<Object>,
) {
    let mut harness = Harness::configured().await;
    let answer = read(&mut harness, "test_place", current, before).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(identity_object(answer.new_identity.as_ref()), expected);
}

#[tokio::test]
async fn a_failed_read_keeps_the_identity() {
    let mut harness = Harness::configured().await;
    let before = place("1", "fail");
    let answer = read(
        &mut harness,
        "test_place",
        before.clone(),
        Some(before.clone()),
    )
    .await;
    assert_eq!(shown(&answer.diagnostics), ["error [] Failed"]);
    assert_eq!(identity_object(answer.new_identity.as_ref()), Some(before));
}

#[tokio::test]
async fn a_state_that_is_not_refreshed_keeps_its_identity() {
    let mut harness = Harness::with_unknown_configuration().await;
    let before = place("1", "drifts");
    let answer = read(
        &mut harness,
        "test_place",
        before.clone(),
        Some(before.clone()),
    )
    .await;
    assert_eq!(identity_object(answer.new_identity.as_ref()), Some(before));
}

#[tokio::test]
async fn an_identity_that_changes_although_it_never_does_is_a_fault() {
    let mut harness = Harness::configured().await;
    let before = place("1", "drifts");
    let answer = read(
        &mut harness,
        "test_place",
        before.clone(),
        Some(before.clone()),
    )
    .await;
    assert_eq!(shown(&answer.diagnostics), [format!("error [name] {BUG}")]);
    let answer = read(&mut harness, "test_badge", before.clone(), Some(before)).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let expected = Some(place("1", "drifted"));
    assert_eq!(identity_object(answer.new_identity.as_ref()), expected);
}

#[tokio::test]
async fn an_object_without_a_part_of_its_identity_is_a_fault() {
    let mut harness = Harness::configured().await;
    let answer = read(&mut harness, "test_place", place("1", "half"), None).await;
    assert_eq!(
        shown(&answer.diagnostics),
        [format!("error [account] {BUG}")]
    );
    assert_eq!(answer.new_identity, None);
}

struct Change {
    type_name: &'static str,
    prior: Option<Object>,
    planned: Option<Object>,
    identity: Option<Object>,
}

async fn plan(harness: &mut Harness, change: Change) -> plan_resource_change::Response {
    let request = plan_resource_change::Request {
        type_name: change.type_name.to_owned(),
        prior_state: Some(state(change.prior)),
        proposed_new_state: Some(state(change.planned.clone())),
        config: Some(state(change.planned)),
        prior_identity: identity_message(change.identity),
        ..Default::default()
    };
    harness
        .client
        .plan_resource_change(request)
        .await
        .unwrap()
        .into_inner()
}

fn named(name: Value) -> Object {
    Object::new().with("account", "1").with("name", name)
}

#[expect(clippy::unnecessary_wraps, reason = "short in the tables below")]
fn of(name: &str) -> Option<Object> {
    Some(place("1", name))
}

/// Only the plan of a creation may leave a part of the identity open.
#[rstest]
#[case::creation("test_place", None, of("x"), None, of("x"))]
#[case::creation_of_something_unknown(
    "test_place",
    None,
    Some(named(Value::UNKNOWN)),
    None,
    Some(named(Value::UNKNOWN))
)]
#[case::update("test_place", of("x"), of("y"), of("x"), of("x"))]
#[case::update_of_a_state_that_has_none_yet("test_place", of("x"), of("y"), None, of("x"))]
#[case::rename("test_badge", of("x"), of("y"), of("x"), of("y"))]
#[case::rename_to_something_unknown(
    "test_badge",
    of("x"),
    Some(named(Value::UNKNOWN)),
    of("x"),
    of("x")
)]
#[case::deletion("test_place", of("x"), None, of("x"), of("x"))]
#[case::deletion_of_a_state_that_has_none_yet("test_badge", of("x"), None, None, of("x"))]
#[tokio::test]
async fn a_plan_returns_the_identity(
    #[case] type_name: &'static str,
    #[case] prior: Option<Object>,
    #[case] planned: Option<Object>,
    #[case] identity: Option<Object>,
    #[case] expected: Option<Object>,
) {
    let mut harness = Harness::configured().await;
    let change = Change {
        type_name,
        prior,
        planned,
        identity,
    };
    let answer = plan(&mut harness, change).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(identity_object(answer.planned_identity.as_ref()), expected);
}

async fn apply(harness: &mut Harness, change: Change) -> apply_resource_change::Response {
    let request = apply_resource_change::Request {
        type_name: change.type_name.to_owned(),
        prior_state: Some(state(change.prior)),
        planned_state: Some(state(change.planned.clone())),
        config: Some(state(change.planned)),
        planned_identity: identity_message(change.identity),
        ..Default::default()
    };
    harness
        .client
        .apply_resource_change(request)
        .await
        .unwrap()
        .into_inner()
}

#[rstest]
#[case::creation("test_place", None, of("x"), of("x"), &[], of("x"))]
#[case::failed_creation("test_place", None, of("fail"), of("fail"), &["error [] Failed"], None)]
#[case::half_a_creation(
    "test_place", None, of("partial"), of("partial"), &["error [] Half"], of("partial")
)]
#[case::half_a_creation_without_an_account(
    "test_place", None, of("half partial"), of("half partial"), &["error [] Half"], None
)]
#[case::creation_without_an_account(
    "test_place", None, of("half"), of("half"), &["error [account] Bug in the crossaccount provider"],
    None
)]
#[case::creation_of_something_unknown(
    "test_place", None, of("x"), Some(named(Value::UNKNOWN)), &[], of("x")
)]
#[case::update("test_place", of("x"), of("x"), of("x"), &[], of("x"))]
#[case::update_that_changes_it(
    "test_place", of("x"), of("y"), of("x"), &["error [name] Bug in the crossaccount provider"],
    of("y")
)]
#[case::rename("test_badge", of("x"), of("y"), of("y"), &[], of("y"))]
#[case::rename_that_was_unknown("test_badge", of("x"), of("y"), of("x"), &[], of("y"))]
#[case::failed_update(
    "test_badge", of("x"), Some(place("1", "y").with("note", "fail")), of("y"),
    &["error [] Failed"], of("x")
)]
#[case::deletion("test_place", of("x"), None, of("x"), &[], None)]
#[case::failed_deletion("test_place", of("fail"), None, of("fail"), &["error [] Failed"], of("fail"))]
#[tokio::test]
async fn an_apply_returns_the_identity_of_what_exists(
    #[case] type_name: &'static str,
    #[case] prior: Option<Object>,
    #[case] planned: Option<Object>,
    #[case] identity: Option<Object>,
    #[case] diagnostics: &[&str],
    #[case] expected: Option<Object>,
) {
    let mut harness = Harness::configured().await;
    let change = Change {
        type_name,
        prior,
        planned,
        identity,
    };
    let answer = apply(&mut harness, change).await;
    assert_eq!(shown(&answer.diagnostics), diagnostics);
    assert_eq!(identity_object(answer.new_identity.as_ref()), expected);
}

async fn import(
    harness: &mut Harness,
    request: import_resource_state::Request,
) -> import_resource_state::Response {
    let answer = harness.client.import_resource_state(request).await;
    answer.unwrap().into_inner()
}

fn by_identity(type_name: &str, identity: Object) -> import_resource_state::Request {
    import_resource_state::Request {
        type_name: type_name.to_owned(),
        identity: identity_message(Some(identity)),
        ..Default::default()
    }
}

#[rstest]
#[case::default_of_the_state("test_place", of("x"))]
#[case::state_that_the_read_fills_in("test_badge", None)]
#[tokio::test]
async fn an_import_by_identity_returns_that_identity(
    #[case] type_name: &str,
    #[case] expected: Option<Object>,
) {
    let mut harness = Harness::configured().await;
    let answer = import(&mut harness, by_identity(type_name, place("1", "x"))).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let [imported] = answer.imported_resources.as_slice() else {
        panic!("{answer:?}")
    };
    assert_eq!(identity_object(imported.identity.as_ref()), of("x"));
    let state = decoded(imported.state.as_ref().unwrap(), &schema().ty());
    assert_eq!(state, Some(expected.unwrap_or_default()));
}

#[rstest]
#[case::known("1/x", of("x"))]
#[case::found_out_by_the_read("1/late", None)]
#[tokio::test]
async fn an_import_by_id_returns_the_identity_when_it_is_complete(
    #[case] id: &str,
    #[case] expected: Option<Object>,
) {
    let mut harness = Harness::configured().await;
    let request = import_resource_state::Request {
        type_name: "test_place".to_owned(),
        id: id.to_owned(),
        ..Default::default()
    };
    let answer = import(&mut harness, request).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let identity = answer.imported_resources[0].identity.as_ref();
    assert_eq!(identity_object(identity), expected);
}

#[rstest]
#[case::incomplete(
    by_identity("test_place", Object::new().with("name", "x")),
    "error [] Import with an incomplete identity"
)]
#[case::not_known(
    by_identity("test_place", named(Value::UNKNOWN)),
    "error [] Import with an unknown identity"
)]
#[case::invalid(
    by_identity("test_place", place("123456", "x")),
    "error [account] Invalid value"
)]
#[case::no_identity(
    by_identity("test_thing", place("1", "x")),
    "error [] Import by identity is not supported"
)]
#[case::nothing(
    by_identity("test_place", Object::new()),
    "error [] Import without an id"
)]
#[tokio::test]
async fn an_identity_that_names_no_object_is_refused(
    #[case] request: import_resource_state::Request,
    #[case] expected: &str,
) {
    let mut harness = Harness::configured().await;
    let answer = import(&mut harness, request).await;
    assert_eq!(shown(&answer.diagnostics), [expected]);
    let refused = !expected.contains("Bug");
    assert_eq!(answer.imported_resources.is_empty(), refused);
}

/// Terraform may send an identity that says nothing.
#[tokio::test]
async fn an_import_by_id_works_beside_an_empty_identity() {
    let mut harness = Harness::configured().await;
    for (type_name, id) in [("test_place", "1/x"), ("test_thing", "thing/x")] {
        let request = import_resource_state::Request {
            id: id.to_owned(),
            ..by_identity(type_name, Object::new())
        };
        let answer = import(&mut harness, request).await;
        assert_eq!(shown(&answer.diagnostics), [""; 0]);
        assert_eq!(answer.imported_resources.len(), 1);
    }
}

#[rstest]
#[case::complete("x", of("x"))]
#[case::incomplete("half", None)]
#[tokio::test]
async fn a_moved_state_has_its_identity(#[case] title: &str, #[case] expected: Option<Object>) {
    let mut harness = Harness::unconfigured().await;
    let request = move_resource_state::Request {
        source_type_name: "old_place".to_owned(),
        source_state: Some(RawState {
            json: format!("{{\"title\": {title:?}}}").into_bytes(),
            ..Default::default()
        }),
        target_type_name: "test_place".to_owned(),
        ..Default::default()
    };
    let answer = harness.client.move_resource_state(request).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(identity_object(answer.target_identity.as_ref()), expected);
}

async fn upgrade(type_name: &str, version: i64, json: &str) -> upgrade_resource_identity::Response {
    let mut harness = Harness::unconfigured().await;
    let request = upgrade_resource_identity::Request {
        type_name: type_name.to_owned(),
        version,
        raw_identity: Some(RawState {
            json: json.as_bytes().to_vec(),
            ..Default::default()
        }),
    };
    let answer = harness.client.upgrade_resource_identity(request).await;
    answer.unwrap().into_inner()
}

#[rstest]
#[case::one_step(0, "{\"owner\": \"1\", \"name\": \"x\"}")]
#[case::current(1, "{\"account\": \"1\", \"name\": \"x\"}")]
#[tokio::test]
async fn an_identity_of_every_version_is_brought_to_the_current_one(
    #[case] version: i64,
    #[case] json: &str,
) {
    let answer = upgrade("test_place", version, json).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(identity_object(answer.upgraded_identity.as_ref()), of("x"));
}

#[rstest]
#[case::newer_version("test_place", 2, "{}", "error [] Identity cannot be upgraded")]
#[case::nothing("test_place", 1, "null", "error [] Identity cannot be upgraded")]
#[case::step_fails("test_place", 0, "{}", "error [] No owner")]
#[case::no_identity("test_thing", 0, "{}", "error [] Identity cannot be upgraded")]
#[tokio::test]
async fn an_identity_that_cannot_be_read_is_an_error(
    #[case] type_name: &str,
    #[case] version: i64,
    #[case] json: &str,
    #[case] expected: &str,
) {
    let answer = upgrade(type_name, version, json).await;
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert_eq!(answer.upgraded_identity, None);
}
