//! Conditional writes of DynamoDB, as the ledger of the CloudFormation handler relies on them.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use harness::{Fault, FaultKind, World};

const TABLE: &str = "ledger";

async fn world() -> (World, Client) {
    let world = World::new(0).await.unwrap();
    world.hub().create_table(TABLE, "Key").await.unwrap();
    let logged = world.hub().config(world.hub().credentials());
    (world, Client::new(&logged))
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// Takes the item unless somebody else holds it; the holder when it was refused.
async fn take(client: &Client, holder: &str) -> Result<(), Option<String>> {
    let sent = client
        .update_item()
        .table_name(TABLE)
        .key("Key", text("one"))
        .update_expression("SET #holder = :holder")
        .condition_expression("attribute_not_exists(#holder) OR #holder = :holder")
        .expression_attribute_names("#holder", "Holder")
        .expression_attribute_values(":holder", text(holder))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    match sent.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
        Ok(_) => Ok(()),
        Err(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            let item = refused.item.unwrap_or_default();
            Err(item.get("Holder").map(|it| it.as_s().unwrap().clone()))
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refused_write_tells_what_was_there() {
    let (_world, client) = world().await;
    take(&client, "a").await.unwrap();
    take(&client, "a").await.unwrap();
    assert_eq!(take(&client, "b").await.unwrap_err(), Some("a".to_owned()));
}

#[tokio::test]
async fn a_refused_write_makes_no_item() {
    let (_world, client) = world().await;
    let refused = client
        .update_item()
        .table_name(TABLE)
        .key("Key", text("none"))
        .update_expression("SET #a = :a")
        .condition_expression("#a = :a")
        .expression_attribute_names("#a", "A")
        .expression_attribute_values(":a", text("a"))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        refused.is_conditional_check_failed_exception(),
        "{refused:?}"
    );
    let found = client
        .get_item()
        .table_name(TABLE)
        .key("Key", text("none"))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    assert_eq!(found.item, None);
}

#[tokio::test]
async fn one_of_many_writers_wins() {
    let (_world, client) = world().await;
    let holders: Vec<_> = (0..8).map(|number| number.to_string()).collect();
    let taken = holders.iter().map(|holder| take(&client, holder));
    let taken = futures_util::future::join_all(taken).await;
    assert_eq!(taken.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn calls_are_logged_and_fail_on_demand() {
    let (world, client) = world().await;
    let control = world.control();
    let hub = world.hub().id();
    control.clear_calls(hub).await.unwrap();
    let fault = |kind| Fault::new(kind, "dynamodb:UpdateItem").in_account(hub);
    let send = || {
        let call = client.update_item().table_name(TABLE);
        let call = call.key("Key", text("one")).update_expression("SET A = :a");
        call.expression_attribute_values(":a", text("a")).send()
    };
    for (kind, status, code, committed) in [
        (
            FaultKind::Throttle,
            400,
            "ProvisionedThroughputExceededException",
            false,
        ),
        (
            FaultKind::HttpError {
                status: 500,
                code: "InternalServerError".to_owned(),
            },
            500,
            "InternalServerError",
            false,
        ),
        (
            FaultKind::DropBeforeCommit,
            0,
            "(connection dropped)",
            false,
        ),
        (FaultKind::DropAfterCommit, 200, "", true),
    ] {
        control.clear_calls(hub).await.unwrap();
        control.add_fault(&fault(kind)).await.unwrap();
        send().await.unwrap_err();
        let calls = control.calls(hub).await.unwrap();
        let [call] = &calls[..] else {
            panic!("{calls:?}");
        };
        assert_eq!(call.action, "dynamodb:UpdateItem");
        assert_eq!((call.status, call.committed), (status, committed));
        assert_eq!(call.error_code.as_deref().unwrap_or_default(), code);
        control.clear_faults(hub).await.unwrap();
    }
    let held = control
        .add_fault(&fault(FaultKind::HoldBeforeCommit))
        .await
        .unwrap();
    let watch = async {
        control
            .wait_for_fault(&held.id, 1, Duration::from_secs(30))
            .await
            .unwrap();
        control.release(&held.id).await.unwrap();
    };
    let (answer, ()) = tokio::join!(send(), watch);
    answer.unwrap();
}

#[tokio::test]
async fn a_role_needs_the_permission() {
    let (world, _) = world().await;
    let iam = world.hub().iam();
    iam.create_user().user_name("reader").send().await.unwrap();
    let document = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": format!("arn:aws:dynamodb:us-east-1:{}:table/{TABLE}", world.hub().id()),
    }]});
    iam.put_user_policy()
        .user_name("reader")
        .policy_name("read")
        .policy_document(document.to_string())
        .send()
        .await
        .unwrap();
    let made = iam
        .create_access_key()
        .user_name("reader")
        .send()
        .await
        .unwrap();
    let key = made.access_key.unwrap();
    let key = harness::standin::Credentials {
        access_key_id: key.access_key_id,
        secret_access_key: key.secret_access_key,
    };
    let client = Client::new(&world.hub().config(&key));
    let get = client.get_item().table_name(TABLE).key("Key", text("one"));
    get.send().await.unwrap();
    let put = client.put_item().table_name(TABLE).item("Key", text("one"));
    let refused = put.send().await.unwrap_err();
    assert!(
        format!("{refused:?}").contains("AccessDeniedException"),
        "{refused:?}"
    );
}
