//! Two accounts of one world: one for each face.

use anyhow::{Context, Result};
use harness::cloudformation::{Scene, SceneOptions, StackTemplate, Status};
use harness::{Account, KMS_ALIAS};
use serde_json::{Value, json};

use super::cases::{Before, Case, Hand, NAMES, Step};
use super::trace::{Observer, Trace};
use super::translation::for_terraform;
use crate::iam_user::host::{Provider, Stored};

const DEPLOYMENT: &str = "parity-test-deployment";
const LOGICAL_ID: &str = "Alice";

/// A world with an account for each face, and the function.
pub(super) struct Pair {
    pub(super) scene: Scene,
}

impl Pair {
    /// The rules of the function are as wide as they can be: Terraform has none.
    pub(super) async fn new() -> Result<Self> {
        let mut options = SceneOptions::default()
            .with("CROSSACCOUNT_USER_PATH_PREFIX", "/")
            .with("CROSSACCOUNT_PERMISSIONS_BOUNDARIES", "none")
            .with("CROSSACCOUNT_ALLOWED_GROUPS", "*")
            .with(
                "CROSSACCOUNT_ALLOWED_POLICY_ARNS",
                "arn:aws:iam::aws:policy/*,arn:aws:iam::*:policy/*",
            );
        options.world.members = 2;
        let scene = Scene::with(options).await?;
        for member in scene.world.members() {
            let document = super::cases::document("s3:*").to_string();
            let iam = member.iam();
            iam.create_policy()
                .policy_name("OtherBoundary")
                .policy_document(document)
                .send()
                .await?;
        }
        Ok(Self { scene })
    }

    /// The account of Terraform.
    pub(super) fn terraform(&self) -> &Account {
        &self.scene.world.members()[0]
    }

    /// The account of CloudFormation.
    pub(super) fn cloudformation(&self) -> &Account {
        &self.scene.world.members()[1]
    }

    /// A provider that is configured as the function is.
    pub(super) async fn provider(&self) -> Result<Provider> {
        let world = &self.scene.world;
        let config = json!({
            "deployment_id": DEPLOYMENT,
            "external_id": world.external_id(),
            "audit": {"bucket": world.audit_bucket()},
            "secrets": {"kms_key_id": KMS_ALIAS},
        });
        Provider::start(&world.env(), &config).await
    }

    /// Carries out a case with Terraform.
    pub(super) async fn through_terraform(&self, case: &Case) -> Result<Vec<Trace>> {
        let account = self.terraform();
        let mut observer = Observer::new(&self.scene, account, DEPLOYMENT.to_owned());
        let mut stored = Stored::default();
        self.arrange(account, case.before).await?;
        let mut traces = Vec::new();
        for step in &case.steps {
            let wanted = match step {
                Step::Set(properties) => Some(for_terraform(&in_account(properties, account))),
                Step::Remove => None,
                Step::Days(days) => {
                    self.age(account, *days).await?;
                    continue;
                }
                Step::ByHand(hand) => {
                    by_hand(account, *hand).await?;
                    continue;
                }
            };
            self.scene.forget_calls().await?;
            // Each apply of Terraform is a process of its own.
            let done = self
                .provider()
                .await?
                .apply(&mut stored, wanted.as_ref())
                .await;
            if let Err(error) = &done {
                println!("{}: Terraform: {error:#}", case.name);
            }
            let outcome = if done.is_ok() { "done" } else { "refused" };
            traces.push(observer.look(outcome, &NAMES).await?);
        }
        Ok(traces)
    }

    /// Carries out a case with a stack.
    pub(super) async fn through_cloudformation(&self, case: &Case) -> Result<Vec<Trace>> {
        let account = self.cloudformation();
        let mut stack = self.scene.stack();
        let owner = format!("{}/{LOGICAL_ID}", stack.id());
        let mut observer = Observer::new(&self.scene, account, owner);
        self.arrange(account, case.before).await?;
        let mut traces = Vec::new();
        for step in &case.steps {
            let template = match step {
                Step::Set(properties) => Some(in_account(properties, account)),
                Step::Remove => None,
                Step::Days(days) => {
                    self.age(account, *days).await?;
                    continue;
                }
                Step::ByHand(hand) => {
                    by_hand(account, *hand).await?;
                    continue;
                }
            };
            self.scene.forget_calls().await?;
            let wanted = match (&template, stack.status()) {
                (Some(_), Status::NotCreated) => Status::CreateComplete,
                (Some(_), _) => Status::UpdateComplete,
                (None, _) => Status::DeleteComplete,
            };
            let found = match &template {
                Some(properties) => {
                    let template = StackTemplate::new().with(LOGICAL_ID, properties)?;
                    if wanted == Status::CreateComplete {
                        stack.create(&template).await?
                    } else {
                        stack.update(&template).await?
                    }
                }
                None => stack.delete().await?,
            };
            stack.settle().await?;
            if found != wanted {
                println!("{}: CloudFormation: {:?}", case.name, stack.events());
            }
            let outcome = if found == wanted { "done" } else { "refused" };
            traces.push(observer.look(outcome, &NAMES).await?);
        }
        self.scene.check().await.context("after the stack")?;
        Ok(traces)
    }

    async fn arrange(&self, account: &Account, before: Option<Before>) -> Result<()> {
        let Some(before) = before else {
            return Ok(());
        };
        let iam = account.iam();
        let call = iam.create_user().user_name(NAMES[0]).path("/people/");
        call.send().await?;
        by_hand(account, Hand::Attach).await?;
        by_hand(account, Hand::Tag).await?;
        if before == Before::OfAnother {
            by_hand(account, Hand::Claim).await?;
        }
        Ok(())
    }

    async fn age(&self, account: &Account, days: f64) -> Result<()> {
        let control = self.scene.world.control();
        control.age_user(account.id(), NAMES[0], days).await
    }
}

/// The properties with the id of the account in its places.
pub(super) fn in_account(properties: &Value, account: &Account) -> Value {
    let text = properties.to_string().replace("{account}", account.id());
    serde_json::from_str(&text).expect("it was JSON")
}

/// What somebody does to the user with other tools.
async fn by_hand(account: &Account, hand: Hand) -> Result<()> {
    let (iam, name) = (account.iam(), NAMES[0]);
    let tag = |key: &str, value: &str| {
        let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value);
        tag.build()
    };
    match hand {
        Hand::Attach => {
            let arn = "arn:aws:iam::aws:policy/IAMReadOnlyAccess";
            let call = iam.attach_user_policy().user_name(name).policy_arn(arn);
            call.send().await?;
        }
        Hand::Tag => {
            let tag = tag("by-hand", "yes")?;
            iam.tag_user().user_name(name).tags(tag).send().await?;
        }
        Hand::Claim => {
            let tag = tag("crossaccount:managed-by", "somebody else")?;
            iam.tag_user().user_name(name).tags(tag).send().await?;
        }
        Hand::Key => {
            iam.create_access_key().user_name(name).send().await?;
        }
        Hand::Login => {
            let call = iam.create_login_profile().user_name(name);
            call.password("Set-by-hand-0123456789").send().await?;
        }
        Hand::Delete => {
            iam.delete_user().user_name(name).send().await?;
        }
    }
    Ok(())
}
