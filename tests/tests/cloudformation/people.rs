//! What scenarios about users share: one stack whose resource is `Alice`, and a look at what came of it.

use std::collections::BTreeMap;

use harness::cloudformation::{
    RequestKind, Scene, SceneOptions, Sibling, Stack, StackTemplate, Status,
};
use harness::standin::{Call, Parameter, UserSecrets};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// The logical id of the only resource.
pub(super) const ALICE: &str = "Alice";
/// What `Fn::GetAtt` knows.
pub(super) const ATTRIBUTES: [&str; 8] = [
    "Arn",
    "UniqueId",
    "AccountId",
    "UserName",
    "AccessKeyId",
    "AccessKeyParameter",
    "ConsolePasswordParameter",
    "Status",
];

/// A scene with one stack.
pub(super) struct People {
    pub(super) scene: Scene,
    pub(super) stack: Stack,
}

/// Properties with others in their place, or beside them; `null` takes one away.
pub(super) fn with(mut properties: Value, changes: Value) -> Value {
    let (Some(all), Value::Object(changes)) = (properties.as_object_mut(), changes) else {
        panic!("properties are objects");
    };
    for (name, value) in changes {
        if value.is_null() {
            all.remove(&name);
        } else {
            all.insert(name, value);
        }
    }
    properties
}

/// A template that declares one user.
pub(super) fn template(properties: &Value) -> StackTemplate {
    StackTemplate::new().with(ALICE, properties).unwrap()
}

impl People {
    pub(super) async fn new() -> Self {
        Self::with(SceneOptions::default()).await
    }

    pub(super) async fn with(options: SceneOptions) -> Self {
        let scene = Scene::with(options).await.unwrap();
        let stack = scene.stack();
        Self { scene, stack }
    }

    pub(super) async fn create(&mut self, properties: &Value) -> Status {
        self.stack.create(&template(properties)).await.unwrap()
    }

    pub(super) async fn update(&mut self, properties: &Value) -> Status {
        self.stack.update(&template(properties)).await.unwrap()
    }

    /// An update of a template in which another resource fails, after this one succeeded.
    pub(super) async fn update_in_vain(&mut self, properties: &Value) -> Status {
        let template = template(properties).failing(Sibling::AfterAll);
        self.stack.update(&template).await.unwrap()
    }

    pub(super) async fn delete(&mut self) -> Status {
        self.stack.delete().await.unwrap()
    }

    /// Creates the stack, which goes well.
    pub(super) async fn created(&mut self, properties: &Value) {
        let status = self.create(properties).await;
        assert_eq!(status, Status::CreateComplete, "{:#?}", self.stack.events());
        self.assert_is(properties).await;
    }

    /// Updates the stack, which goes well.
    pub(super) async fn updated(&mut self, properties: &Value) {
        let status = self.update(properties).await;
        assert_eq!(status, Status::UpdateComplete, "{:#?}", self.stack.events());
        assert!(self.stack.orphans().is_empty(), "{:?}", self.stack.events());
        self.assert_is(properties).await;
    }

    /// Deletes the stack, after which nothing is left.
    pub(super) async fn deleted(&mut self) {
        let status = self.delete().await;
        assert_eq!(status, Status::DeleteComplete, "{:#?}", self.stack.events());
        self.scene.check_empty().await.unwrap();
    }

    /// The requests so far: kind, user name, and the name in the physical id.
    pub(super) fn requests(&self) -> Vec<String> {
        let sent = self.stack.sent().iter();
        sent.map(|sent| {
            let name = sent.event["ResourceProperties"]["UserName"].as_str();
            let id = sent.event["PhysicalResourceId"].as_str();
            let id = id.and_then(|id| id.rsplit(':').next());
            let parts =
                [Some(sent.kind.to_string().as_str()), name, id].map(|it| it.map(str::to_owned));
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        })
        .collect()
    }

    /// Why the newest request of a kind failed.
    pub(super) fn reason(&self, kind: RequestKind) -> String {
        let mut requests = self.stack.sent().iter().zip(self.stack.events());
        let (_, event) = requests
            .rfind(|(sent, _)| sent.kind == kind)
            .expect("a request of this kind");
        event.reason.clone()
    }

    pub(super) fn id(&self, name: &str) -> String {
        format!("crossaccount:v1:{}:{name}", self.scene.member().id())
    }

    pub(super) async fn users(&self) -> Vec<String> {
        self.scene.users(self.scene.member()).await.unwrap()
    }

    pub(super) async fn secrets(&self, name: &str) -> UserSecrets {
        self.scene.credentials(name).await.unwrap()
    }

    /// The id of the access key in the secret store, which is an active one of the user.
    pub(super) async fn stored_key(&self, name: &str) -> String {
        let stored = self
            .parameter(name, "access-key")
            .await
            .expect("a stored key");
        let value: Value = serde_json::from_str(&stored.value).unwrap();
        let keys = self.secrets(name).await.keys;
        let key = keys
            .iter()
            .find(|key| value["access_key_id"] == key.access_key_id.as_str())
            .expect("a key of IAM");
        assert_eq!(value["secret_access_key"], key.secret_access_key.as_str());
        key.access_key_id.clone()
    }

    /// A parameter of a user in the hub account: `access-key` or `console-password`.
    pub(super) async fn parameter(&self, name: &str, what: &str) -> Option<Parameter> {
        let name = format!("/crossaccount/{}/{name}/{what}", self.scene.member().id());
        let control = self.scene.world.control();
        let hub = self.scene.world.hub().id();
        control.parameter(hub, &name).await.unwrap()
    }

    /// The calls of an action that took effect.
    pub(super) async fn calls(&self, action: &str) -> Vec<Call> {
        let calls = self.scene.calls().await.unwrap();
        let calls = calls.into_iter();
        calls
            .filter(|call| call.action == action && call.committed && call.status == 200)
            .collect()
    }

    /// All calls that change something in a member account.
    pub(super) async fn changes(&self) -> Vec<String> {
        let calls = self.scene.calls().await.unwrap();
        let actions = calls.into_iter().map(|call| call.action);
        actions
            .filter(|action| {
                action.starts_with("iam:")
                    && !action.starts_with("iam:Get")
                    && !action.starts_with("iam:List")
            })
            .collect()
    }

    /// The user is what properties say, credentials too, and the attributes of its resource tell about it.
    pub(super) async fn assert_is(&self, properties: &Value) {
        let name = properties["UserName"].as_str().unwrap();
        let found = self.look(name).await;
        assert_eq!(found, declared(properties));
        let get = |key: &str| self.stack.get_att(ALICE, key).unwrap();
        for key in ATTRIBUTES {
            get(key);
        }
        assert_eq!(self.stack.reference(ALICE).unwrap(), self.id(name));
        assert_eq!(get("UserName"), name);
        assert_eq!(get("AccountId"), self.scene.member().id());
        assert!(get("Arn").ends_with(&format!("{}{name}", properties["Path"].as_str().unwrap())));
        let secrets = self.secrets(name).await;
        let key = self.parameter(name, "access-key").await;
        if properties.get("AccessKey").is_some() {
            assert_eq!(get("AccessKeyId"), self.stored_key(name).await);
            assert!(get("AccessKeyParameter").ends_with(&key.unwrap().name));
        } else {
            assert_eq!((get("AccessKeyId"), get("AccessKeyParameter")), ("", ""));
            assert!(key.is_none(), "{key:?}");
            assert_eq!(secrets.keys.len(), 0);
        }
        let password = self.parameter(name, "console-password").await;
        if properties.get("ConsoleAccess").is_some() {
            let password = password.expect("a stored password");
            assert!(get("ConsolePasswordParameter").ends_with(&password.name));
            let value: Value = serde_json::from_str(&password.value).unwrap();
            assert_eq!(
                value["password"],
                secrets.login.expect("a login profile").password.as_str()
            );
        } else {
            assert_eq!(get("ConsolePasswordParameter"), "");
            assert!(password.is_none(), "{password:?}");
            assert!(secrets.login.is_none());
        }
    }

    /// What can be declared of a user, as IAM has it.
    async fn look(&self, name: &str) -> Value {
        let iam = self.scene.member().iam();
        let user = iam
            .get_user()
            .user_name(name)
            .send()
            .await
            .unwrap()
            .user
            .unwrap();
        let attached = iam
            .list_attached_user_policies()
            .user_name(name)
            .send()
            .await
            .unwrap();
        let groups = iam
            .list_groups_for_user()
            .user_name(name)
            .send()
            .await
            .unwrap();
        let inline = iam
            .list_user_policies()
            .user_name(name)
            .send()
            .await
            .unwrap();
        let mut policies = BTreeMap::new();
        for policy in inline.policy_names {
            let found = iam
                .get_user_policy()
                .user_name(name)
                .policy_name(&policy)
                .send()
                .await
                .unwrap();
            let text = percent_decode_str(found.policy_document())
                .decode_utf8()
                .unwrap();
            policies.insert(policy, serde_json::from_str::<Value>(&text).unwrap());
        }
        let tags = user
            .tags()
            .iter()
            .filter(|tag| !tag.key().starts_with("crossaccount:"));
        let tags: BTreeMap<_, _> = tags.map(|tag| (tag.key(), tag.value())).collect();
        let mut arns: Vec<_> = attached
            .attached_policies()
            .iter()
            .map(|it| it.policy_arn())
            .collect();
        arns.sort_unstable();
        let mut names: Vec<_> = groups
            .groups()
            .iter()
            .map(aws_sdk_iam::types::Group::group_name)
            .collect();
        names.sort_unstable();
        let boundary = user
            .permissions_boundary()
            .and_then(|it| it.permissions_boundary_arn());
        json!({
            "Path": user.path(),
            "PermissionsBoundary": boundary,
            "ManagedPolicyArns": arns,
            "Policies": policies,
            "Groups": names,
            "Tags": tags,
        })
    }
}

/// Properties in the form of [`People::look`].
fn declared(properties: &Value) -> Value {
    let list = |name: &str| properties[name].as_array().cloned().unwrap_or_default();
    let map = |name: &str, key: &str, value: &str| {
        let entries = list(name).into_iter();
        let entries = entries.map(|entry| {
            (
                entry[key].as_str().unwrap().to_owned(),
                entry[value].clone(),
            )
        });
        entries.collect::<Map<_, _>>()
    };
    let sorted = |name: &str| {
        let mut items = list(name);
        items.sort_by_key(Value::to_string);
        items
    };
    json!({
        "Path": properties["Path"],
        "PermissionsBoundary": properties["PermissionsBoundary"],
        "ManagedPolicyArns": sorted("ManagedPolicyArns"),
        "Policies": map("Policies", "PolicyName", "PolicyDocument"),
        "Groups": sorted("Groups"),
        "Tags": map("Tags", "Key", "Value"),
    })
}
