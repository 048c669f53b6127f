//! A world and a Terraform directory whose configuration talks to it.

use aws_sdk_iam::types::User;
use harness::standin::Call;
use harness::{Account, Terraform, World};
use serde_json::Value;

/// One test's accounts and its working directory.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) terraform: Terraform,
}

impl Scene {
    /// A world with so many member accounts, and a provider block that reaches it.
    pub(super) async fn new(members: usize) -> Self {
        Self::in_world(World::new(members).await.unwrap())
    }

    /// A scene in a world that was made to measure.
    pub(super) fn in_world(world: World) -> Self {
        let terraform = Terraform::new(world.env()).unwrap();
        let scene = Self { world, terraform };
        scene.provider("");
        scene
    }

    /// The provider block with additional settings.
    pub(super) fn provider(&self, settings: &str) {
        let text = format!(
            "terraform {{\n  required_providers {{\n    crossaccount = {{ source = \"crossaccount/crossaccount\" }}\n  }}\n}}\n\
             provider \"crossaccount\" {{\n  deployment_id = \"test\"\n  external_id = \"{}\"\n  audit = {{ bucket = \"{}\" }}\n{settings}\n}}\n",
            self.world.external_id(),
            self.world.audit_bucket(),
        );
        self.terraform.write("provider.tf", &text).unwrap();
    }

    /// The configuration; `{0}`, `{1}` … stand for the member accounts.
    pub(super) fn configure(&self, text: &str) {
        let mut text = text.to_owned();
        for (number, member) in self.world.members().iter().enumerate() {
            text = text.replace(&format!("{{{number}}}"), member.id());
        }
        self.terraform.write("main.tf", &text).unwrap();
    }

    /// The first member account.
    pub(super) fn member(&self) -> &Account {
        &self.world.members()[0]
    }

    /// Applies, and expects success.
    pub(super) fn apply(&self) -> String {
        self.terraform
            .apply()
            .unwrap()
            .expect_success()
            .unwrap()
            .text()
    }

    /// Applies, and expects an error; what was printed, without line breaks and frames.
    pub(super) fn apply_error(&self) -> String {
        flat(
            &self
                .terraform
                .apply()
                .unwrap()
                .expect_failure()
                .unwrap()
                .text(),
        )
    }

    /// Plans, and expects an error.
    pub(super) fn plan_error(&self) -> String {
        let output = self.terraform.plan().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", output.text());
        flat(&output.text())
    }

    /// Plans, and expects that nothing is to do.
    pub(super) fn assert_nothing_to_do(&self) {
        let output = self.terraform.plan().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", output.text());
    }

    /// Plans, and expects changes; what was printed.
    pub(super) fn plan_changes(&self) -> String {
        let output = self.terraform.plan().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", output.text());
        flat(&output.text())
    }

    /// The attributes of a resource in the state.
    pub(super) fn state(&self, address: &str) -> Value {
        self.terraform.attributes(address).unwrap()
    }

    /// The user as IAM has it in the first member account.
    pub(super) async fn user(&self, name: &str) -> Option<User> {
        let answer = self.member().iam().get_user().user_name(name).send().await;
        answer.ok().and_then(|output| output.user)
    }

    /// The calls that the product made to an account since the log was cleared.
    pub(super) async fn calls(&self, account_id: &str) -> Vec<Call> {
        self.world.control().calls(account_id).await.unwrap()
    }

    /// The names of the calls to the first member account that changed something, in order.
    pub(super) async fn writes(&self) -> Vec<String> {
        let calls = self.calls(self.member().id()).await;
        let reads = ["iam:Get", "iam:List", "sts:"];
        calls
            .into_iter()
            .map(|call| call.action)
            .filter(|action| !reads.iter().any(|read| action.starts_with(read)))
            .collect()
    }

    /// The audit records, in the order of their keys.
    pub(super) async fn audit_records(&self) -> Vec<Value> {
        let s3 = self.world.s3();
        let bucket = self.world.audit_bucket();
        let listed = s3.list_objects_v2().bucket(bucket).send().await.unwrap();
        let mut records = Vec::new();
        for object in listed.contents() {
            let body = s3
                .get_object()
                .bucket(bucket)
                .key(object.key().unwrap())
                .send()
                .await
                .unwrap();
            let bytes = body.body.collect().await.unwrap().into_bytes();
            let mut record: Value = serde_json::from_slice(&bytes).unwrap();
            record["key"] = Value::from(object.key().unwrap());
            records.push(record);
        }
        records
    }
}

/// Terraform's output on one line: diagnostics are wrapped and framed.
pub(super) fn flat(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || "│╷╵".contains(c));
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
