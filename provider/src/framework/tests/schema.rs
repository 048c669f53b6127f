//! What the provider says that it offers.

use crossaccount_proto::tfplugin6::schema::{Attribute, object::NestingMode};
use crossaccount_proto::tfplugin6::{Schema, get_metadata, get_provider_schema};

use super::Harness;
use super::thing::{TestProvider, lookup_schema, provider_schema, thing_schema};
use crate::schema::check;

#[test]
fn the_schemas_of_these_tests_keep_the_rules() {
    for schema in [provider_schema(), thing_schema(), lookup_schema()] {
        assert_eq!(check::problems(&schema), [""; 0]);
    }
}

/// Of what these tests offer only the list of a resource without an identity breaks a rule.
#[test]
fn what_a_provider_offers_is_checked_as_a_whole() {
    assert_eq!(
        crate::framework::check::problems(&TestProvider::default()),
        ["list resource test_thing: no managed resource of that name has an identity"]
    );
}

async fn schemas() -> get_provider_schema::Response {
    let mut harness = Harness::unconfigured().await;
    let answer = harness
        .client
        .get_provider_schema(get_provider_schema::Request {})
        .await;
    answer.unwrap().into_inner()
}

fn attribute<'a>(schema: &'a Schema, name: &str) -> &'a Attribute {
    let attributes = &schema.block.as_ref().unwrap().attributes;
    attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .unwrap()
}

#[tokio::test]
async fn everything_offered_is_in_the_schema_with_capabilities() {
    let answer = schemas().await;
    assert_eq!(
        answer.resource_schemas.keys().collect::<Vec<_>>(),
        ["test_badge", "test_place", "test_thing"]
    );
    assert_eq!(
        answer.data_source_schemas.keys().collect::<Vec<_>>(),
        ["test_lookup"]
    );
    assert_eq!(
        answer.functions.keys().collect::<Vec<_>>(),
        ["broken", "join"]
    );
    assert_eq!(
        attribute(answer.provider.as_ref().unwrap(), "region").name,
        "region"
    );
    assert_eq!(answer.provider_meta, None);
    let capabilities = answer.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy);
    assert!(capabilities.get_provider_schema_optional);
    assert!(capabilities.move_resource_state);
    assert!(!capabilities.generate_resource_config);
}

#[tokio::test]
async fn attributes_keep_their_type_and_marks() {
    let answer = schemas().await;
    let thing = &answer.resource_schemas["test_thing"];
    assert_eq!(thing.version, 2);
    let marks = |name: &str| {
        let attribute = attribute(thing, name);
        let marks = [
            (attribute.required, "required"),
            (attribute.optional, "optional"),
            (attribute.computed, "computed"),
            (attribute.sensitive, "sensitive"),
            (attribute.write_only, "write-only"),
        ];
        let marks = marks.iter().filter(|(set, _)| *set).map(|(_, mark)| *mark);
        marks.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(marks("name"), "required");
    assert_eq!(marks("zone"), "optional");
    assert_eq!(marks("size"), "optional computed");
    assert_eq!(marks("label"), "optional computed");
    assert_eq!(marks("id"), "computed");
    assert_eq!(marks("secret"), "optional sensitive write-only");
    assert_eq!(attribute(thing, "tags").r#type, b"[\"map\",\"string\"]");
    assert_eq!(attribute(thing, "tags").nested_type, None);
}

#[tokio::test]
async fn nested_attributes_have_a_nested_type_and_no_type() {
    let answer = schemas().await;
    let thing = &answer.resource_schemas["test_thing"];
    for (name, nesting, first) in [
        ("access", NestingMode::Single, "level"),
        ("rules", NestingMode::Set, "port"),
        ("steps", NestingMode::List, "action"),
        ("peers", NestingMode::Map, "cidr"),
    ] {
        let attribute = attribute(thing, name);
        assert!(attribute.r#type.is_empty());
        let nested = attribute.nested_type.as_ref().unwrap();
        assert_eq!(nested.nesting(), nesting);
        assert_eq!(nested.attributes[0].name, first);
    }
}

#[tokio::test]
async fn metadata_names_everything_offered() {
    let mut harness = Harness::unconfigured().await;
    let answer = harness
        .client
        .get_metadata(get_metadata::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.resources.last().unwrap().type_name, "test_thing");
    assert_eq!(answer.data_sources[0].type_name, "test_lookup");
    assert_eq!(answer.functions.len(), 2);
    assert!(answer.server_capabilities.unwrap().plan_destroy);
}
