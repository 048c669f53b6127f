//! Lists of users, as `terraform query` asks for them.

use crossaccount_proto::tfplugin6::{Schema, list_resource, validate_list_resource_config};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use harness::standin::{Fault, FaultKind};
use rmpv::Value as Msgpack;
use serde_json::{Value, json};

use super::super::host::{TYPE_NAME, attribute, decode};
use super::{Stage, block, config, lines, text, whole};

struct Event {
    display_name: String,
    identity: Msgpack,
    resource: Option<Msgpack>,
    diagnostics: Vec<String>,
}

/// Validates and lists as Core does, with its checks.
async fn list(stage: &Stage, values: &Value, limit: i64, include_resource: bool) -> Vec<Event> {
    let schema: &Schema = &stage.schemas.list_resource_schemas[TYPE_NAME];
    let config = config(block(schema), values);
    let mut client = stage.client.clone();
    let request = validate_list_resource_config::Request {
        type_name: TYPE_NAME.to_owned(),
        config: Some(config.clone()),
        ..Default::default()
    };
    let answer = client.validate_list_resource_config(request).await;
    assert_eq!(lines(&answer.unwrap().into_inner().diagnostics), [""; 0]);
    let request = list_resource::Request {
        type_name: TYPE_NAME.to_owned(),
        config: Some(config),
        include_resource_object: include_resource,
        limit,
    };
    let mut events = client.list_resource(request).await.unwrap().into_inner();
    let mut found = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        let identity = event.identity.as_ref();
        let identity = identity.and_then(|it| decode(it.identity_data.as_ref()).unwrap());
        let resource = event.resource_object.as_ref();
        let attributes = block(&stage.schemas.resource_schemas[TYPE_NAME]);
        found.push(Event {
            display_name: event.display_name,
            identity: identity.unwrap_or(Msgpack::Nil),
            resource: resource.map(|resource| whole(attributes, Some(resource))),
            diagnostics: lines(&event.diagnostic),
        });
    }
    found
}

fn names(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| {
            assert_eq!(event.diagnostics, [""; 0]);
            text(&event.identity, "name")
        })
        .collect()
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    let iam = stage.member().iam();
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        let path = if name < "c" { "/eng/" } else { "/" };
        let create = iam.create_user().user_name(name).path(path);
        create.send().await.unwrap();
    }
    stage
}

async fn calls(stage: &Stage, action: &str) -> Vec<Value> {
    let control = stage.world.control();
    let calls = control.calls(stage.member().id()).await.unwrap();
    let calls = calls.into_iter().filter(|call| call.action == action);
    calls.map(|call| call.parameters).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_with_name_and_identity() {
    let stage = stage().await;
    let account = json!({"account_id": stage.member().id()});
    let found = list(&stage, &account, 0, false).await;
    assert_eq!(names(&found), ["alice", "bob", "carol", "dave", "erin"]);
    let first = &found[0];
    assert_eq!(first.display_name, format!("{}/alice", stage.member().id()));
    assert_eq!(text(&first.identity, "account_id"), stage.member().id());
    assert!(first.resource.is_none());
    assert!(calls(&stage, "iam:GetUser").await.is_empty());

    let mut engineers = account.clone();
    engineers["path_prefix"] = json!("/eng/");
    let found = list(&stage, &engineers, 0, false).await;
    assert_eq!(names(&found), ["alice", "bob"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_read_than_is_wanted() {
    let stage = stage().await;
    let account = json!({"account_id": stage.member().id()});
    let found = list(&stage, &account, 2, true).await;
    assert_eq!(names(&found), ["alice", "bob"]);
    let pages = calls(&stage, "iam:ListUsers").await;
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0]["MaxItems"].to_string().trim_matches('"'), "2");
    assert_eq!(calls(&stage, "iam:GetUser").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_from_page_to_page_until_it_has_enough() {
    let stage = Stage::new().await;
    let iam = stage.member().iam();
    let create = |number: u32| {
        let name = format!("user-{number:04}");
        iam.create_user().user_name(name).send()
    };
    let created = stream::iter(0..1002).map(create).buffer_unordered(8);
    let created: Result<Vec<_>, _> = created.try_collect().await;
    created.unwrap();
    let account = json!({"account_id": stage.member().id()});
    for (limit, expected, sizes) in [(0, 1002, ["1000", "1000"]), (1001, 1001, ["1000", "1"])] {
        let control = stage.world.control();
        control.clear_calls(stage.member().id()).await.unwrap();
        let found = names(&list(&stage, &account, limit, false).await);
        let wanted: Vec<String> = (0..expected).map(|it| format!("user-{it:04}")).collect();
        assert_eq!(found, wanted);
        let pages = calls(&stage, "iam:ListUsers").await;
        let asked = pages.iter().map(|page| page["MaxItems"].to_string());
        let asked: Vec<String> = asked.map(|it| it.trim_matches('"').to_owned()).collect();
        assert_eq!(asked, sizes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_users_come_in_order_with_boundary_and_tags() {
    let stage = stage().await;
    let iam = stage.member().iam();
    let boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let put = iam.put_user_permissions_boundary().user_name("bob");
    put.permissions_boundary(boundary).send().await.unwrap();
    let tag = aws_sdk_iam::types::Tag::builder().key("team").value("core");
    let tag = tag.build().unwrap();
    iam.tag_user()
        .user_name("bob")
        .tags(tag)
        .send()
        .await
        .unwrap();
    let found = list(&stage, &json!({"account_id": stage.member().id()}), 0, true).await;
    assert_eq!(names(&found), ["alice", "bob", "carol", "dave", "erin"]);
    let bob = found[1].resource.as_ref().unwrap();
    assert_eq!(text(bob, "name"), "bob");
    assert_eq!(text(bob, "path"), "/eng/");
    assert_eq!(text(bob, "permissions_boundary"), boundary);
    assert_eq!(text(attribute(bob, "tags"), "team"), "core");
    assert!(attribute(bob, "managed_by").is_nil());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_cannot_be_read_is_told_and_the_others_are_listed() {
    let stage = stage().await;
    let denied = FaultKind::HttpError {
        status: 403,
        code: "AccessDenied".to_owned(),
    };
    let fault = Fault::new(denied, "iam:GetUser")
        .in_account(stage.member().id())
        .with_parameter("carol")
        .always();
    stage.world.control().add_fault(&fault).await.unwrap();
    let found = list(&stage, &json!({"account_id": stage.member().id()}), 0, true).await;
    assert_eq!(found.len(), 5);
    for (number, event) in found.iter().enumerate() {
        if number == 2 {
            assert_eq!(text(&event.identity, "name"), "carol");
            assert!(event.resource.is_none());
            assert_eq!(event.diagnostics.len(), 1, "{:?}", event.diagnostics);
            let found = &event.diagnostics[0];
            assert!(found.starts_with("warning [] User "), "{found}");
            assert!(found.contains("could not be read"), "{found}");
        } else {
            assert!(event.resource.is_some());
            assert_eq!(event.diagnostics, [""; 0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_listed_is_an_error() {
    let stage = Stage::new().await;
    let found = list(&stage, &json!({"account_id": "999999999999"}), 0, false).await;
    assert_eq!(found.len(), 1);
    assert!(
        found[0].diagnostics[0].starts_with("error [account_id] "),
        "{:?}",
        found[0].diagnostics
    );
}
