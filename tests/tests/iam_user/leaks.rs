//! No secret leaves the product but into the secret store: everything that Terraform and the provider write over the
//! whole life of credentials is searched for every secret that existed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use harness::leaks::{Needle, Texts, search};
use harness::{Fault, FaultKind, KMS_ALIAS, StubProvider, Terraform, TerraformOutput, World};
use serde_json::Value;

/// What a user would write to bring a password: with characters that every encoding changes.
const GIVEN: &str = "Brought \"in\" & <kept> nowhere: 7/é+%";
const GIVEN_LATER: &str = "Another \\ one, brought = later? 8/ü+%";

const CONFIGURATION: &str = r#"
variable "account_id" {}
variable "bucket" {}
# Terraform itself keeps the values of variables in plan files, unless they are ephemeral.
variable "external_id" {
  ephemeral = true
  sensitive = true
}
variable "password" {
  type      = string
  default   = null
  ephemeral = true
  sensitive = true
}
variable "versions" {
  type = object({ password = number, rotation = string, reset = string })
}
terraform {
  required_providers {
    crossaccount = { source = "crossaccount/crossaccount" }
  }
}
provider "crossaccount" {
  deployment_id = "test"
  external_id   = var.external_id
  audit         = { bucket = var.bucket }
  secrets       = { kms_key_id = "KMS_ALIAS" }
}
resource "crossaccount_iam_user" "generated" {
  account_id     = var.account_id
  name           = "generated"
  console_access = { password_reset_trigger = var.versions.reset }
  access_key     = { rotation_trigger = var.versions.rotation }
}
resource "crossaccount_iam_user" "given" {
  account_id     = var.account_id
  name           = "given"
  console_access = { password = var.password, password_version = var.versions.password }
}
output "everything" {
  value     = [crossaccount_iam_user.generated, crossaccount_iam_user.given]
  sensitive = true
}
"#;

/// A life of credentials and everything that it leaves behind.
struct Trail {
    world: World,
    terraform: Terraform,
    texts: Texts,
    /// Files that were kept already: most of them do not change from run to run.
    seen: BTreeSet<Vec<u8>>,
    /// What each secret is.
    needles: BTreeMap<String, String>,
    runs: usize,
}

impl Trail {
    async fn new() -> Self {
        let world = World::new(1).await.unwrap();
        let mut terraform = Terraform::new(world.env()).unwrap();
        let configuration = CONFIGURATION.replace("KMS_ALIAS", KMS_ALIAS);
        terraform.write("main.tf", &configuration).unwrap();
        terraform
            .set_env("TF_LOG", "TRACE")
            .set_env("TF_LOG_PATH", "trace.log")
            .set_env("TF_VAR_account_id", world.members()[0].id())
            .set_env("TF_VAR_bucket", world.audit_bucket())
            .set_env("TF_VAR_external_id", world.external_id())
            .set_env("TF_VAR_password", GIVEN);
        let needles = [
            (world.external_id().to_owned(), "the external id".to_owned()),
            (GIVEN.to_owned(), "the given password".to_owned()),
            (
                GIVEN_LATER.to_owned(),
                "the given password of later".to_owned(),
            ),
        ];
        let mut trail = Self {
            world,
            terraform,
            texts: Texts::new(),
            seen: BTreeSet::new(),
            needles: needles.into(),
            runs: 0,
        };
        trail.versions(1, "one", "one");
        trail
    }

    fn versions(&mut self, password: u32, rotation: &str, reset: &str) {
        let versions =
            format!("{{ password = {password}, rotation = \"{rotation}\", reset = \"{reset}\" }}");
        self.terraform.set_env("TF_VAR_versions", &versions);
    }

    fn member(&self) -> &str {
        self.world.members()[0].id()
    }

    /// Keeps what a run printed and what lies in its directory now; later runs overwrite some of it.
    async fn keep(&mut self, title: &str, output: &TerraformOutput) {
        self.runs += 1;
        let run = format!("{}. {title}", self.runs);
        let streams = [("stdout", &output.stdout), ("stderr", &output.stderr)];
        for (name, text) in streams {
            self.texts
                .insert(format!("{run}: {name}"), text.as_bytes().to_vec());
        }
        for (path, text) in files(&self.terraform.path()) {
            if self.seen.insert(text.clone()) {
                self.texts.insert(format!("{run}: {path}"), text);
            }
        }
        // Each run writes its own.
        let _ = fs::remove_file(self.terraform.path().join("trace.log"));
        for (title, secret) in self.secrets().await {
            self.needles.insert(secret, title);
        }
    }

    /// Runs a command in every form in which people look at what they get.
    async fn apply(&mut self, title: &str) -> TerraformOutput {
        let plan = self
            .terraform
            .run(&["plan", "-no-color", "-out=saved.tfplan"])
            .unwrap();
        self.keep(&format!("{title}, plan"), &plan).await;
        if !plan.success() {
            return plan;
        }
        let shown = self
            .terraform
            .run(&["show", "-json", "saved.tfplan"])
            .unwrap();
        self.keep(&format!("{title}, show plan"), &shown).await;
        let output = self
            .terraform
            .run(&["apply", "-no-color", "saved.tfplan"])
            .unwrap();
        self.keep(&format!("{title}, apply"), &output).await;
        for arguments in [&["show", "-json"][..], &["output", "-json"]] {
            let shown = self.terraform.run(arguments).unwrap();
            self.keep(&format!("{title}, {}", arguments[0]), &shown)
                .await;
        }
        output
    }

    /// Every secret that exists at this moment.
    async fn secrets(&self) -> Vec<(String, String)> {
        let control = self.world.control();
        let mut found = Vec::new();
        for name in ["generated", "given"] {
            let Ok(user) = control.user_secrets(self.member(), name).await else {
                continue;
            };
            for key in user.keys {
                found.push((
                    format!("the key {}", key.access_key_id),
                    key.secret_access_key,
                ));
            }
            if let Some(login) = user
                .login
                .filter(|login| ![GIVEN, GIVEN_LATER].contains(&&*login.password))
            {
                found.push((
                    format!("the password of {name} of {}", self.runs),
                    login.password,
                ));
            }
        }
        for parameter in control.parameters(self.world.hub().id()).await.unwrap() {
            let value: Value = serde_json::from_str(&parameter.value).unwrap();
            for field in ["secret_access_key", "password"] {
                if let Some(secret) = value[field].as_str() {
                    let title = format!(
                        "{field} of {} version {}",
                        parameter.name, parameter.version
                    );
                    found.push((title, secret.to_owned()));
                }
            }
        }
        found
    }

    /// The audit bucket, object by object.
    async fn keep_audit(&mut self) {
        let (s3, bucket) = (self.world.s3(), self.world.audit_bucket());
        let listed = s3.list_objects_v2().bucket(bucket).send().await.unwrap();
        for object in listed.contents() {
            let key = object.key().unwrap();
            let body = s3
                .get_object()
                .bucket(bucket)
                .key(key)
                .send()
                .await
                .unwrap()
                .body;
            let bytes = body.collect().await.unwrap().into_bytes().to_vec();
            self.texts.insert(format!("audit object {key}"), bytes);
        }
    }

    fn needles(&self) -> Vec<Needle> {
        self.needles
            .iter()
            .map(|(secret, what)| Needle::new(what, secret).unwrap())
            .collect()
    }
}

/// All files below a directory but the configuration itself; what is in archives one by one.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        // A plan is a ZIP archive.
        if bytes.starts_with(b"PK\x03\x04") {
            found.push((format!("{name}, unpacked"), unzip(&path)));
        }
        found.push((name, bytes));
    }
    found
}

/// The contents of all members of an archive.
fn unzip(archive: &Path) -> Vec<u8> {
    const PROGRAM: &str = "import sys, zipfile\narchive = zipfile.ZipFile(sys.argv[1])\nfor name in archive.namelist(): sys.stdout.buffer.write(name.encode() + archive.read(name))";
    let output = Command::new("python3")
        .args(["-c", PROGRAM])
        .arg(archive)
        .output()
        .expect("Python unpacks plan files; the stand-in needs it too");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Refused for good: the SDK does not try again.
fn fails(action: &str, account_id: &str) -> Fault {
    let kind = FaultKind::HttpError {
        status: 400,
        code: "ValidationError".to_owned(),
    };
    Fault::new(kind, action).in_account(account_id).always()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_the_product_writes_but_the_secret_store() {
    let mut trail = Trail::new().await;
    let (member, hub) = (trail.member().to_owned(), trail.world.hub().id().to_owned());
    let control = *trail.world.control();
    trail.apply("create").await.expect_success().unwrap();

    // Everything is replaced: by age, by a trigger, by a new version.
    control.age_user(&member, "generated", 16.0).await.unwrap();
    trail.apply("rotate by age").await.expect_success().unwrap();
    trail.versions(2, "one", "two");
    trail.terraform.set_env("TF_VAR_password", GIVEN_LATER);
    trail
        .apply("reset passwords")
        .await
        .expect_success()
        .unwrap();

    // Each call that carries a secret fails, and the error tells why.
    let calls = [
        ("iam:CreateAccessKey", &member),
        ("sts:GetCallerIdentity", &member),
        ("ssm:PutParameter", &hub),
        ("iam:UpdateLoginProfile", &member),
    ];
    control.age_user(&member, "generated", 31.0).await.unwrap();
    for (number, (action, account)) in calls.into_iter().enumerate() {
        trail.versions(
            3 + u32::try_from(number).unwrap(),
            &format!("failing {action}"),
            action,
        );
        control.add_fault(&fails(action, account)).await.unwrap();
        let output = trail.terraform.apply().unwrap();
        trail.keep(&format!("{action} fails"), &output).await;
        control.clear_faults(account).await.unwrap();
        assert!(
            output.text().contains("Error"),
            "{action}: {}",
            output.text()
        );
    }
    trail.apply("go on").await.expect_success().unwrap();

    // The provider is killed between the making of a key and its storing.
    trail.versions(20, "killed", "killed");
    let hold = Fault::new(FaultKind::HoldAfterCommit, "iam:CreateAccessKey").in_account(&member);
    let hold = control.add_fault(&hold).await.unwrap();
    let running = trail
        .terraform
        .spawn(&["apply", "-no-color", "-auto-approve"])
        .unwrap();
    control
        .wait_for_fault(&hold.id, 1, Duration::from_mins(1))
        .await
        .unwrap();
    kill_provider_of(running.id());
    control.clear_faults(&member).await.unwrap();
    let output = running.wait_within(Duration::from_mins(2)).unwrap();
    assert!(
        output.text().contains("Plugin did not respond"),
        "{}",
        output.text()
    );
    trail.keep("killed", &output).await;
    trail
        .apply("after the kill")
        .await
        .expect_success()
        .unwrap();

    let output = trail.terraform.destroy().unwrap().expect_success().unwrap();
    trail.keep("destroy", &output).await;
    trail.keep_audit().await;

    let needles = trail.needles();
    println!(
        "{} secrets in {} forms, searched in {} texts of {} bytes",
        needles.len(),
        needles.iter().map(Needle::forms).sum::<usize>(),
        trail.texts.len(),
        trail.texts.values().map(Vec::len).sum::<usize>()
    );
    assert!(needles.len() > 12, "{:?}", trail.needles.values());
    for place in [
        "trace.log",
        "terraform.tfstate",
        "saved.tfplan, unpacked",
        "stderr",
        "audit object",
    ] {
        let texts = trail.texts.iter().filter(|(name, _)| name.contains(place));
        assert!(
            texts.map(|(_, text)| text.len()).sum::<usize>() > 100,
            "{place}"
        );
    }
    let found = search(&needles, &trail.texts).unwrap();
    assert!(found.is_empty(), "{found:#?}");
}

/// Kills the provider that a Terraform has started.
fn kill_provider_of(terraform: u32) {
    let children = fs::read_to_string(format!("/proc/{terraform}/task/{terraform}/children"));
    let tasks = fs::read_dir(format!("/proc/{terraform}/task")).unwrap();
    let mut all = children.unwrap_or_default();
    for task in tasks {
        let path = task.unwrap().path().join("children");
        all.push(' ');
        all.push_str(&fs::read_to_string(path).unwrap_or_default());
    }
    let mut killed = 0;
    for id in all.split_whitespace().collect::<BTreeSet<_>>() {
        let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        if name.starts_with("terraform-provi") {
            let id = nix::unistd::Pid::from_raw(id.parse().unwrap());
            nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGKILL).unwrap();
            killed += 1;
        }
    }
    assert!(killed > 0, "no provider among {all:?}");
}

const PANICS: &str = r#"
variable "secret" {
  type      = string
  ephemeral = true
  sensitive = true
}
terraform {
  required_providers {
    crossaccount = { source = "crossaccount/crossaccount" }
  }
}
resource "crossaccount_secret" "this" {
  for_each = toset(["formatted", "unwrapped", "sliced"])
  way      = each.key
  secret   = var.secret
}
"#;

/// A defect, or one of a library, could panic while a secret is at hand; Rust puts the data into the text of a panic.
#[test]
fn a_panic_that_quotes_a_secret_shows_it_nowhere() {
    let binary = Path::new(env!("CARGO_BIN_EXE_stub-provider"));
    let mut terraform = Terraform::with_stub(StubProvider::Panicking, binary).unwrap();
    terraform.write("main.tf", PANICS).unwrap();
    terraform
        .set_env("TF_VAR_secret", GIVEN)
        .set_env("TF_LOG", "TRACE")
        .set_env("TF_LOG_PATH", "trace.log");
    let output = terraform.apply().unwrap();

    let shown = output.text();
    for told in [
        "The provider panicked in ApplyResourceChange",
        "Stack trace from the terraform-provider-crossaccount plugin",
        "panicked at tests/src/stub_providers/panicking.rs",
    ] {
        assert!(shown.contains(told), "{told:?} is not in\n{shown}");
    }
    let mut texts: Texts = files(&terraform.path()).into_iter().collect();
    texts.insert("stdout".to_owned(), output.stdout.into_bytes());
    texts.insert("stderr".to_owned(), output.stderr.into_bytes());
    // The two halves: the text of a panic may quote only a part.
    let (begin, end) = GIVEN.split_at(GIVEN.len() / 2);
    let needles = [
        ("the secret", GIVEN),
        ("its begin", begin),
        ("its end", end),
    ]
    .map(|(what, secret)| Needle::new(what, secret).unwrap());
    let found = search(&needles, &texts).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    let withheld = "panic: a message that may quote a secret and is not shown";
    let trace = fs::read_to_string(terraform.path().join("trace.log")).unwrap();
    assert_eq!(trace.matches(withheld).count(), 3);
}

/// A leak in each kind of place is found: in a state, a plan, the output and the trace.
#[tokio::test(flavor = "multi_thread")]
async fn the_search_finds_a_secret_in_every_kind_of_place() {
    let mut trail = Trail::new().await;
    let planted = "planted-needle-0123456789";
    let configuration = "variable \"needle\" {}\nresource \"terraform_data\" \"leak\" {\n  input = var.needle\n}\n\
                         output \"leak\" {\n  value = var.needle\n}\n";
    trail.terraform.write("main.tf", configuration).unwrap();
    trail.terraform.set_env("TF_VAR_needle", planted);
    trail
        .needles
        .insert(planted.to_owned(), "the needle".to_owned());
    let (s3, bucket) = (trail.world.s3(), trail.world.audit_bucket());
    let put = s3
        .put_object()
        .bucket(bucket)
        .key("record")
        .body(planted.as_bytes().to_vec().into());
    put.send().await.unwrap();
    trail.apply("leak").await.expect_success().unwrap();
    let output = trail.terraform.run(&["console", planted]).unwrap();
    trail.keep("a wrong command", &output).await;
    let output = trail.terraform.destroy().unwrap().expect_success().unwrap();
    trail.keep("destroy", &output).await;
    trail.keep_audit().await;
    let found = search(&trail.needles(), &trail.texts).unwrap().join("\n");
    for place in [
        "plan: stdout",
        "show plan: stdout",
        "saved.tfplan, unpacked",
        "apply: stdout",
        "show: stdout",
        "terraform.tfstate",
        "trace.log",
        "audit object record",
    ] {
        assert!(found.contains(place), "{place} is not in\n{found}");
    }
}
