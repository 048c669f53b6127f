//! `ImportResourceState`.

use crossaccount_proto::tfplugin6::{ClientCapabilities, import_resource_state};
use rstest::rstest;

use super::{Harness, shown, thing_object};
use crate::value::Object;

fn request(id: &str) -> import_resource_state::Request {
    import_resource_state::Request {
        type_name: "test_thing".to_owned(),
        id: id.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_import_gives_one_partial_state_without_write_only_values() {
    let mut harness = Harness::configured().await;
    let answer = harness
        .client
        .import_resource_state(request("thing/x"))
        .await
        .unwrap();
    let answer = answer.into_inner();
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let [imported] = answer.imported_resources.as_slice() else {
        panic!("{answer:?}")
    };
    assert_eq!(imported.type_name, "test_thing");
    assert_eq!(imported.private, b"{\"imported\":true}");
    let expected = Object::new().with("name", "x");
    assert_eq!(thing_object(imported.state.as_ref()), Some(expected));
}

#[rstest]
#[case::malformed("x", "error [] Bad id")]
#[case::empty("", "error [] Import without an id")]
#[tokio::test]
async fn a_bad_id_is_an_error(#[case] id: &str, #[case] expected: &str) {
    let mut harness = Harness::configured().await;
    let answer = harness
        .client
        .import_resource_state(request(id))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert!(answer.imported_resources.is_empty());
}

#[tokio::test]
async fn an_import_needs_a_known_provider_configuration() {
    let mut harness = Harness::with_unknown_configuration().await;
    let answer = harness
        .client
        .import_resource_state(request("thing/x"))
        .await
        .unwrap();
    assert_eq!(
        shown(&answer.into_inner().diagnostics),
        ["error [] Provider configuration not known yet"]
    );
    let request = import_resource_state::Request {
        client_capabilities: Some(ClientCapabilities {
            deferral_allowed: true,
            ..Default::default()
        }),
        ..request("thing/x")
    };
    let answer = harness
        .client
        .import_resource_state(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(
        answer.deferred.unwrap().reason().as_str_name(),
        "PROVIDER_CONFIG_UNKNOWN"
    );
}
