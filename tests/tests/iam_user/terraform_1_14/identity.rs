//! The identity of a user: in imports, reads, plans and applies.

use crossaccount_proto::tfplugin6::{
    ResourceIdentityData, apply_resource_change, import_resource_state, plan_resource_change,
    read_resource,
};
use rmpv::Value as Msgpack;
use serde_json::json;

use super::super::host::{TYPE_NAME, decode, encode, object};
use super::{Stage, block, config, lines, text, whole};

fn identity(account_id: &str, name: &str) -> ResourceIdentityData {
    let entries = [("account_id", account_id), ("name", name)];
    let entries = entries.map(|(key, value)| (Msgpack::from(key), Msgpack::from(value)));
    ResourceIdentityData {
        identity_data: Some(encode(&Msgpack::Map(entries.to_vec()))),
    }
}

fn name_in(identity: Option<&ResourceIdentityData>) -> String {
    let data = identity.expect("an identity").identity_data.as_ref();
    text(&decode(data).unwrap().unwrap(), "name")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_imported_by_identity_is_read_planned_and_renamed_with_it() {
    let mut stage = Stage::new().await;
    stage
        .user("alice", json!({"path": "/eng/", "tags": {"team": "core"}}))
        .await;
    let account_id = stage.member().id().to_owned();
    let attributes = block(&stage.schemas.resource_schemas[TYPE_NAME]).to_vec();
    let mut client = stage.client.clone();

    let request = import_resource_state::Request {
        type_name: TYPE_NAME.to_owned(),
        identity: Some(identity(&account_id, "alice")),
        ..Default::default()
    };
    let answer = client.import_resource_state(request).await.unwrap();
    let mut answer = answer.into_inner();
    assert_eq!(lines(&answer.diagnostics), [""; 0]);
    let imported = answer.imported_resources.remove(0);
    assert_eq!(name_in(imported.identity.as_ref()), "alice");

    let request = read_resource::Request {
        type_name: TYPE_NAME.to_owned(),
        current_state: imported.state,
        private: imported.private,
        current_identity: imported.identity,
        ..Default::default()
    };
    let read = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(lines(&read.diagnostics), [""; 0]);
    let found = whole(&attributes, read.new_state.as_ref());
    assert_eq!(text(&found, "path"), "/eng/");
    assert_eq!(name_in(read.new_identity.as_ref()), "alice");

    // What the configuration says is what is there: nothing is to do.
    let wanted = json!({
        "account_id": account_id, "name": "alice", "path": "/eng/", "tags": {"team": "core"},
    });
    let request = |name: &str, prior: &Msgpack| {
        let mut wanted = wanted.clone();
        wanted["name"] = json!(name);
        let mut proposed = prior.clone();
        for (key, value) in proposed_entries(&mut proposed) {
            if key.as_str() == Some("name") {
                *value = Msgpack::from(name);
            }
        }
        plan_resource_change::Request {
            type_name: TYPE_NAME.to_owned(),
            prior_state: Some(encode(prior)),
            proposed_new_state: Some(encode(&proposed)),
            config: Some(config(&attributes, &wanted)),
            prior_private: read.private.clone(),
            prior_identity: read.new_identity.clone(),
            ..Default::default()
        }
    };
    let planned = client.plan_resource_change(request("alice", &found)).await;
    let planned = planned.unwrap().into_inner();
    assert_eq!(lines(&planned.diagnostics), [""; 0]);
    assert_eq!(
        decode(planned.planned_state.as_ref()).unwrap().unwrap(),
        found
    );
    assert_eq!(name_in(planned.planned_identity.as_ref()), "alice");

    // A rename changes the identity in place.
    let planned = client
        .plan_resource_change(request("alice.new", &found))
        .await;
    let planned = planned.unwrap().into_inner();
    assert_eq!(lines(&planned.diagnostics), [""; 0]);
    assert_eq!(name_in(planned.planned_identity.as_ref()), "alice.new");
    let mut renamed = wanted.clone();
    renamed["name"] = json!("alice.new");
    let request = apply_resource_change::Request {
        type_name: TYPE_NAME.to_owned(),
        prior_state: Some(encode(&found)),
        planned_state: planned.planned_state,
        config: Some(encode(&object(&attributes, &renamed))),
        planned_private: planned.planned_private,
        planned_identity: planned.planned_identity,
        ..Default::default()
    };
    let applied = client
        .apply_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(lines(&applied.diagnostics), [""; 0]);
    assert_eq!(name_in(applied.new_identity.as_ref()), "alice.new");
}

fn proposed_entries(object: &mut Msgpack) -> impl Iterator<Item = &mut (Msgpack, Msgpack)> {
    match object {
        Msgpack::Map(entries) => entries.iter_mut(),
        other => panic!("no object: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_by_an_identity_that_is_wrong_is_refused() {
    let stage = Stage::new().await;
    for (account_id, name) in [("12345", "alice"), ("222222222222", "a b")] {
        let request = import_resource_state::Request {
            type_name: TYPE_NAME.to_owned(),
            identity: Some(identity(account_id, name)),
            ..Default::default()
        };
        let answer = stage.client.clone().import_resource_state(request).await;
        let found = lines(&answer.unwrap().into_inner().diagnostics);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("error "), "{found:?}");
    }
}
