//! Parameter Store: what the product relies on when it keeps secrets there.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType, ResourceTypeForTagging, Tag};
use harness::{KMS_ALIAS, World};
use serde_json::json;

use super::refusal;

const NAME: &str = "/crossaccount/700000000001/alice/access-key";

async fn hub() -> (World, Client) {
    let world = World::new(0).await.unwrap();
    let ssm = world.hub().ssm();
    (world, ssm)
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

fn put(
    ssm: &Client,
    name: &str,
    value: &str,
) -> aws_sdk_ssm::operation::put_parameter::builders::PutParameterFluentBuilder {
    ssm.put_parameter()
        .name(name)
        .value(value)
        .r#type(ParameterType::SecureString)
        .key_id(KMS_ALIAS)
}

async fn read(ssm: &Client, name: &str, decrypt: bool) -> Result<String, String> {
    match ssm
        .get_parameter()
        .name(name)
        .with_decryption(decrypt)
        .send()
        .await
    {
        Ok(found) => Ok(found.parameter().unwrap().value().unwrap().to_owned()),
        refused => Err(refusal(refused)),
    }
}

fn filter(key: &str, option: &str, value: &str) -> ParameterStringFilter {
    ParameterStringFilter::builder()
        .key(key)
        .option(option)
        .values(value)
        .build()
        .unwrap()
}

/// The names of all pages.
async fn names(ssm: &Client, filters: &[ParameterStringFilter]) -> Vec<String> {
    let mut pages = ssm
        .describe_parameters()
        .set_parameter_filters(Some(filters.to_vec()))
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        found.extend(
            page.parameters()
                .iter()
                .map(|one| one.name().unwrap().to_owned()),
        );
    }
    found
}

#[tokio::test]
async fn a_secret_is_only_shown_decrypted_and_its_metadata_never_tells_it() {
    let (world, ssm) = hub().await;
    put(&ssm, NAME, "open sesame")
        .description("access key AKIA1 of IAM user alice")
        .tags(tag("crossaccount:managed-by", "team-a"))
        .send()
        .await
        .unwrap();

    assert_eq!(read(&ssm, NAME, true).await.unwrap(), "open sesame");
    let sealed = read(&ssm, NAME, false).await.unwrap();
    assert!(!sealed.contains("sesame"), "{sealed}");
    let history = ssm.get_parameter_history().name(NAME).send().await.unwrap();
    assert!(!format!("{history:?}").contains("sesame"));

    let described = ssm.describe_parameters().send().await.unwrap();
    let [only] = described.parameters() else {
        panic!("{described:?}")
    };
    assert!(!format!("{described:?}").contains("sesame"));
    assert_eq!(
        only.description(),
        Some("access key AKIA1 of IAM user alice")
    );
    assert_eq!((only.version(), only.key_id()), (1, Some(KMS_ALIAS)));
    assert!(only.last_modified_date().is_some());
    let arn = format!("arn:aws:ssm:us-east-1:{}:parameter{NAME}", world.hub().id());
    assert_eq!(only.arn(), Some(arn.as_str()));
    assert_eq!(read(&ssm, &arn, true).await.unwrap(), "open sesame");

    let clear = world.control().parameter(world.hub().id(), NAME).await;
    let clear = clear.unwrap().unwrap();
    assert_eq!(
        (clear.value.as_str(), clear.version, clear.kind.as_str()),
        ("open sesame", 1, "SecureString")
    );
    assert_eq!(clear.key_id.as_deref(), Some(KMS_ALIAS));
    assert_eq!(clear.description, "access key AKIA1 of IAM user alice");
    assert_eq!(clear.tags["crossaccount:managed-by"], "team-a");
}

#[tokio::test]
async fn overwriting_must_be_asked_for_and_keeps_tags_and_the_description() {
    let (world, ssm) = hub().await;
    let owner = tag("crossaccount:managed-by", "team-a");
    put(&ssm, NAME, "one")
        .description("first")
        .tags(owner.clone())
        .send()
        .await
        .unwrap();
    let again = put(&ssm, NAME, "two").send().await;
    assert_eq!(refusal(again), "ParameterAlreadyExists");
    let both = put(&ssm, NAME, "two").tags(owner).overwrite(true);
    assert_eq!(refusal(both.send().await), "ValidationException");
    assert_eq!(read(&ssm, NAME, true).await.unwrap(), "one");

    let done = put(&ssm, NAME, "two").overwrite(true).send().await.unwrap();
    assert_eq!(done.version(), 2);
    let found = world.control().parameter(world.hub().id(), NAME).await;
    let found = found.unwrap().unwrap();
    assert_eq!((found.value.as_str(), found.version), ("two", 2));
    assert_eq!(found.description, "first");
    assert_eq!(found.tags["crossaccount:managed-by"], "team-a");

    let history = ssm.get_parameter_history().name(NAME).with_decryption(true);
    let history = history.send().await.unwrap();
    let values: Vec<_> = history
        .parameters()
        .iter()
        .map(|one| one.value().unwrap())
        .collect();
    assert_eq!(values, ["one", "two"]);
    assert_eq!(read(&ssm, &format!("{NAME}:1"), true).await.unwrap(), "one");
    assert_eq!(
        read(&ssm, &format!("{NAME}:9"), true).await.unwrap_err(),
        "ParameterVersionNotFound"
    );
}

#[tokio::test]
async fn a_deleted_parameter_is_gone_for_every_call() {
    let (_world, ssm) = hub().await;
    put(&ssm, NAME, "one").send().await.unwrap();
    ssm.delete_parameter().name(NAME).send().await.unwrap();
    let again = ssm.delete_parameter().name(NAME).send().await;
    assert_eq!(refusal(again), "ParameterNotFound");
    assert_eq!(
        read(&ssm, NAME, true).await.unwrap_err(),
        "ParameterNotFound"
    );
    let history = ssm.get_parameter_history().name(NAME).send().await;
    assert_eq!(refusal(history), "ParameterNotFound");
    let tags = ssm
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(NAME);
    assert_eq!(refusal(tags.send().await), "InvalidResourceId");
    assert_eq!(names(&ssm, &[]).await, Vec::<String>::new());
}

#[tokio::test]
async fn tags_can_be_added_changed_and_listed() {
    let (_world, ssm) = hub().await;
    put(&ssm, NAME, "one")
        .tags(tag("a", "1"))
        .send()
        .await
        .unwrap();
    ssm.add_tags_to_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(NAME)
        .tags(tag("a", "2"))
        .tags(tag("b", "3"))
        .send()
        .await
        .unwrap();
    let listed = ssm
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(NAME)
        .send()
        .await
        .unwrap();
    let listed: Vec<_> = listed
        .tag_list()
        .iter()
        .map(|tag| (tag.key(), tag.value()))
        .collect();
    assert_eq!(listed, [("a", "2"), ("b", "3")]);
}

#[tokio::test]
async fn parameters_are_found_by_path_name_and_tag() {
    let (_world, ssm) = hub().await;
    for (name, owner) in [
        ("/app/one/key", "a"),
        ("/app/two/key", "b"),
        ("/app/flat", "a"),
        ("/apple/key", "a"),
    ] {
        let tags = tag("owner", owner);
        put(&ssm, name, "x").tags(tags).send().await.unwrap();
    }
    let below = filter("Path", "Recursive", "/app");
    assert_eq!(
        names(&ssm, std::slice::from_ref(&below)).await,
        ["/app/flat", "/app/one/key", "/app/two/key"]
    );
    assert_eq!(
        names(&ssm, &[filter("Path", "OneLevel", "/app")]).await,
        ["/app/flat"]
    );
    assert_eq!(
        names(&ssm, &[filter("Name", "Equals", "/app/two/key")]).await,
        ["/app/two/key"]
    );
    assert_eq!(
        names(&ssm, &[below, filter("tag:owner", "Equals", "a")]).await,
        ["/app/flat", "/app/one/key"]
    );
    let unknown = ssm
        .describe_parameters()
        .parameter_filters(filter("Colour", "Equals", "red"));
    assert_eq!(refusal(unknown.send().await), "ValidationException");
}

#[tokio::test]
async fn a_list_comes_in_pages_of_at_most_fifty_and_a_page_can_be_empty() {
    let (world, ssm) = hub().await;
    for number in 0..60 {
        let owner = if number < 55 { "other" } else { "ours" };
        let parameter = json!({
            "Name": format!("/app/{number:02}"), "Value": "x", "Type": "String",
            "Tags": [{"Key": "owner", "Value": owner}],
        });
        let id = world.hub().id();
        world.control().put_parameter(id, &parameter).await.unwrap();
    }
    let first = ssm.describe_parameters().send().await.unwrap();
    assert_eq!(first.parameters().len(), 50);
    assert!(first.next_token().is_some());
    let too_many = ssm.describe_parameters().max_results(51).send().await;
    assert_eq!(refusal(too_many), "ValidationException");

    let ours = filter("tag:owner", "Equals", "ours");
    let page = ssm.describe_parameters().parameter_filters(ours.clone());
    let page = page.send().await.unwrap();
    assert!(page.parameters().is_empty() && page.next_token().is_some());
    assert_eq!(names(&ssm, &[ours]).await.len(), 5);
}

#[tokio::test]
async fn names_and_sizes_that_aws_refuses_are_refused() {
    let (_world, ssm) = hub().await;
    for name in [
        "/app/a b",
        "/app/a@b",
        "app/key",
        "/ssm/key",
        "aws-key",
        "/app/",
        "/app//key",
    ] {
        let refused = put(&ssm, name, "x").send().await;
        assert_eq!(refusal(refused), "ValidationException", "{name}");
    }
    assert_eq!(
        refusal(put(&ssm, "/aws/key", "x").send().await),
        "AccessDeniedException"
    );
    let deep = "/x".repeat(16);
    assert_eq!(
        refusal(put(&ssm, &deep, "x").send().await),
        "HierarchyLevelLimitExceededException"
    );
    let long = put(&ssm, NAME, &"x".repeat(4097)).send().await;
    assert_eq!(refusal(long), "ValidationException");
    put(&ssm, NAME, &"x".repeat(4096)).send().await.unwrap();
}

#[tokio::test]
async fn a_secret_needs_a_key_that_exists_and_works_to_be_written_and_to_be_read() {
    let (world, ssm) = hub().await;
    let (control, id) = (world.control(), world.hub().id());
    let missing = put(&ssm, NAME, "x").key_id("alias/missing").send().await;
    assert_eq!(refusal(missing), "InvalidKeyId");
    control
        .create_kms_key(id, Some("alias/rsa"), "RSA_2048")
        .await
        .unwrap();
    let asymmetric = put(&ssm, NAME, "x").key_id("alias/rsa").send().await;
    assert_eq!(refusal(asymmetric), "InvalidKeyId");
    assert_eq!(names(&ssm, &[]).await, Vec::<String>::new());

    put(&ssm, NAME, "x").send().await.unwrap();
    for state in ["Disabled", "PendingDeletion"] {
        control
            .set_kms_key_state(id, KMS_ALIAS, state)
            .await
            .unwrap();
        let write = put(&ssm, NAME, "y").overwrite(true).send().await;
        assert_eq!(refusal(write), "InvalidKeyId", "{state}");
        assert_eq!(
            read(&ssm, NAME, true).await.unwrap_err(),
            "InvalidKeyId",
            "{state}"
        );
        read(&ssm, NAME, false).await.unwrap();
    }
    let found = control.parameter(id, NAME).await.unwrap().unwrap();
    assert_eq!((found.value.as_str(), found.version), ("x", 1));
    put(&ssm, "/app/other", "x")
        .key_id("alias/aws/ssm")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn accounts_and_regions_have_parameters_and_keys_of_their_own() {
    let world = World::new(1).await.unwrap();
    let (hub, member) = (world.hub(), &world.members()[0]);
    put(&hub.ssm(), NAME, "hub").send().await.unwrap();
    assert_eq!(
        read(&member.ssm(), NAME, true).await.unwrap_err(),
        "ParameterNotFound"
    );
    let elsewhere = hub.config(hub.credentials()).into_builder();
    let elsewhere = elsewhere.region(aws_sdk_ssm::config::Region::new("eu-central-1"));
    let elsewhere = Client::new(&elsewhere.build());
    assert_eq!(
        read(&elsewhere, NAME, true).await.unwrap_err(),
        "ParameterNotFound"
    );
    assert_eq!(
        refusal(put(&elsewhere, NAME, "x").send().await),
        "InvalidKeyId"
    );
}
