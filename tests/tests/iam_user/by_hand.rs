//! What people do in a member account without Terraform, and what they see there.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{AssignmentStatusType, Tag};
use serde_json::{Value, json};

use super::scene::Scene;

/// What hangs on a user after [`Scene::hang_everything_on`].
pub(super) struct Hung {
    pub(super) keys: Vec<String>,
    pub(super) mfa_serial: String,
    pub(super) ssh_key: String,
    pub(super) certificate: String,
    pub(super) service_credential: String,
}

/// A diagnostic of a plan as Terraform's JSON output has it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) severity: String,
    pub(super) summary: String,
    pub(super) detail: String,
    pub(super) address: String,
    /// The line of the configuration that it points at.
    pub(super) line: String,
}

impl Scene {
    /// One user named alice under the address `crossaccount_iam_user.alice`, with more attributes.
    pub(super) fn alice(&self, attributes: &str) {
        self.configure(&user("alice", "alice", attributes));
    }

    /// Creates a user and returns its unique id.
    pub(super) async fn make_user(&self, name: &str, tags: &[(&str, &str)]) -> String {
        let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
        let request = self
            .member()
            .iam()
            .create_user()
            .user_name(name)
            .set_tags(Some(tags));
        request.send().await.unwrap().user.unwrap().user_id
    }

    /// Creates groups.
    pub(super) async fn make_groups(&self, names: &[&str]) {
        for name in names {
            self.member()
                .iam()
                .create_group()
                .group_name(*name)
                .send()
                .await
                .unwrap();
        }
    }

    /// Creates a policy of the member account and returns its ARN.
    pub(super) async fn make_policy(&self, name: &str) -> String {
        let document = document("s3:ListAllMyBuckets");
        let request = self.member().iam().create_policy().policy_name(name);
        let answer = request.policy_document(document).send().await.unwrap();
        answer.policy.unwrap().arn.unwrap()
    }

    pub(super) async fn attached(&self, name: &str) -> BTreeSet<String> {
        let request = self
            .member()
            .iam()
            .list_attached_user_policies()
            .user_name(name);
        let answer = request.send().await.unwrap();
        answer
            .attached_policies()
            .iter()
            .map(|policy| policy.policy_arn().unwrap().into())
            .collect()
    }

    pub(super) async fn groups(&self, name: &str) -> BTreeSet<String> {
        let answer = self
            .member()
            .iam()
            .list_groups_for_user()
            .user_name(name)
            .send()
            .await;
        answer
            .unwrap()
            .groups()
            .iter()
            .map(|group| group.group_name().into())
            .collect()
    }

    /// The inline policies: name to the action that they allow or deny.
    pub(super) async fn inline(&self, name: &str) -> BTreeMap<String, Value> {
        let iam = self.member().iam();
        let listed = iam
            .list_user_policies()
            .user_name(name)
            .send()
            .await
            .unwrap();
        let mut found = BTreeMap::new();
        for policy in listed.policy_names() {
            let request = iam.get_user_policy().user_name(name).policy_name(policy);
            let text = request.send().await.unwrap().policy_document;
            let text = percent_decoded(&text);
            let document: Value = serde_json::from_str(&text).unwrap();
            found.insert(policy.clone(), document["Statement"][0]["Action"].clone());
        }
        found
    }

    /// All tags of a user, reserved ones too.
    pub(super) async fn tags(&self, name: &str) -> BTreeMap<String, String> {
        let user = self.user(name).await.unwrap();
        user.tags()
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect()
    }

    /// Puts one of everything on a user that a person can put there, and two access keys.
    pub(super) async fn hang_everything_on(&self, name: &str) -> Hung {
        let iam = self.member().iam();
        let password = "a-Long-passw0rd!";
        iam.create_login_profile()
            .user_name(name)
            .password(password)
            .send()
            .await
            .unwrap();
        let mut keys = Vec::new();
        for _ in 0..2 {
            let key = iam
                .create_access_key()
                .user_name(name)
                .send()
                .await
                .unwrap();
            keys.push(key.access_key.unwrap().access_key_id);
        }
        keys.sort();
        let device = iam
            .create_virtual_mfa_device()
            .virtual_mfa_device_name(name);
        let mfa_serial = device
            .send()
            .await
            .unwrap()
            .virtual_mfa_device
            .unwrap()
            .serial_number;
        let enable = iam
            .enable_mfa_device()
            .user_name(name)
            .serial_number(&mfa_serial);
        enable
            .authentication_code1("123456")
            .authentication_code2("654321")
            .send()
            .await
            .unwrap();
        let ssh = iam.upload_ssh_public_key().user_name(name);
        let ssh = ssh.ssh_public_key_body("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ hand");
        let ssh_key = ssh
            .send()
            .await
            .unwrap()
            .ssh_public_key
            .unwrap()
            .ssh_public_key_id;
        let body = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        let certificate = iam
            .upload_signing_certificate()
            .user_name(name)
            .certificate_body(body);
        let certificate = certificate
            .send()
            .await
            .unwrap()
            .certificate
            .unwrap()
            .certificate_id;
        let service = iam.create_service_specific_credential().user_name(name);
        let service = service
            .service_name("codecommit.amazonaws.com")
            .send()
            .await
            .unwrap();
        let service_credential = service
            .service_specific_credential
            .unwrap()
            .service_specific_credential_id;
        Hung {
            keys,
            mfa_serial,
            ssh_key,
            certificate,
            service_credential,
        }
    }

    /// Puts the user into a group and gives it an attached and an inline policy, by hand.
    pub(super) async fn grant(&self, name: &str, group: &str, policy: &str, inline: &str) {
        let iam = self.member().iam();
        iam.add_user_to_group()
            .user_name(name)
            .group_name(group)
            .send()
            .await
            .unwrap();
        iam.attach_user_policy()
            .user_name(name)
            .policy_arn(policy)
            .send()
            .await
            .unwrap();
        let put = iam.put_user_policy().user_name(name).policy_name(inline);
        put.policy_document(document("sqs:ListQueues"))
            .send()
            .await
            .unwrap();
    }

    /// Whether the devices, keys and certificates that were hung on a user are active, and whether it has a password.
    pub(super) async fn active(&self, name: &str) -> Value {
        let iam = self.member().iam();
        let keys = iam.list_access_keys().user_name(name).send().await.unwrap();
        let ssh = iam
            .list_ssh_public_keys()
            .user_name(name)
            .send()
            .await
            .unwrap();
        let certificates = iam
            .list_signing_certificates()
            .user_name(name)
            .send()
            .await
            .unwrap();
        let services = iam
            .list_service_specific_credentials()
            .user_name(name)
            .send()
            .await
            .unwrap();
        let devices = iam.list_mfa_devices().user_name(name).send().await.unwrap();
        json!({
            "password": iam.get_login_profile().user_name(name).send().await.is_ok(),
            "keys": keys.access_key_metadata().iter()
                .map(|key| key.status().unwrap().as_str()).collect::<Vec<_>>(),
            "ssh": ssh.ssh_public_keys().iter().map(|key| key.status().as_str()).collect::<Vec<_>>(),
            "certificates": certificates.certificates().iter()
                .map(|certificate| certificate.status().as_str()).collect::<Vec<_>>(),
            "services": services.service_specific_credentials().iter()
                .map(|service| service.status().as_str()).collect::<Vec<_>>(),
            "devices": devices.mfa_devices().len(),
        })
    }

    /// How many virtual MFA devices the account has, of users or not.
    pub(super) async fn virtual_devices(&self) -> usize {
        let request = self.member().iam().list_virtual_mfa_devices();
        let answer = request
            .assignment_status(AssignmentStatusType::Any)
            .send()
            .await
            .unwrap();
        answer.virtual_mfa_devices().len()
    }

    /// Makes the state believe that its user was created long ago: one this young, when it cannot be found, is waited
    /// for, because IAM may not show it yet.
    pub(super) fn backdate(&self) {
        let file = self.terraform.path().join("terraform.tfstate");
        let mut state: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for resource in state["resources"].as_array_mut().unwrap() {
            if resource["mode"] == "managed" {
                resource["instances"][0]["attributes"]["create_date"] =
                    json!("2020-01-01T00:00:00Z");
            }
        }
        self.terraform
            .write("terraform.tfstate", &state.to_string())
            .unwrap();
    }

    /// Forgets the calls to the first member account.
    pub(super) async fn forget_calls(&self) {
        self.world
            .control()
            .clear_calls(self.member().id())
            .await
            .unwrap();
    }

    /// The diagnostics of a plan.
    pub(super) fn diagnostics(&self) -> Vec<Found> {
        let output = self.terraform.run(&["plan", "-json"]).unwrap();
        let lines = output
            .stdout
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|line: &Value| line["type"] == "diagnostic")
            .map(|line| {
                let diagnostic = &line["diagnostic"];
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                Found {
                    severity: text(&diagnostic["severity"]),
                    summary: text(&diagnostic["summary"]),
                    detail: text(&diagnostic["detail"]),
                    address: text(&diagnostic["address"]),
                    line: text(&diagnostic["snippet"]["code"]).trim().to_owned(),
                }
            })
            .filter(|found| !found.summary.contains("development overrides"))
            .collect()
    }

    /// The one error of a plan: on the line of the configuration that begins like this.
    #[track_caller]
    pub(super) fn only_error_on(&self, line: &str) -> Found {
        let mut found = self.diagnostics();
        found.retain(|found| found.severity == "error");
        assert_eq!(found.len(), 1, "{found:#?}");
        let error = found.remove(0);
        assert!(error.line.starts_with(line), "{error:#?}");
        error
    }
}

/// A resource for one user of the first member account.
pub(super) fn user(label: &str, name: &str, attributes: &str) -> String {
    format!(
        "resource \"crossaccount_iam_user\" \"{label}\" {{\n  account_id = \"{{0}}\"\n  name = \"{name}\"\n{attributes}\n}}\n"
    )
}

/// A policy document that allows one action.
pub(super) fn document(action: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
    })
    .to_string()
}

pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

pub(super) fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.into_iter().map(str::to_owned).collect()
}

pub(super) fn map<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// IAM answers policy documents percent-encoded.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if let (b'%', [high, low, tail @ ..]) = (first, tail) {
            let digits = [*high, *low];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}
