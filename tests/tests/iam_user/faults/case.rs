//! The accounts of one case: a fault in them, a run of the provider, and one more run without the fault.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_iam::types::User;
use harness::standin::Call;
use harness::{Account, World};
use serde_json::{Value, json};

use super::super::host::{Provider, Stored};
use super::super::subject::prepare;
use super::{Failure, Operation, Place, history};

/// How long anything in a case may take.
pub(super) const PATIENCE: Duration = Duration::from_mins(4);

/// The accounts of one case, with a stranger in them.
pub(in super::super) struct Case {
    pub(super) world: World,
    environment: Vec<(String, String)>,
    /// The provider block.
    config: Value,
    /// The member account, by hand.
    pub(super) iam: aws_sdk_iam::Client,
}

impl Case {
    /// New accounts for an operation.
    pub(super) async fn new<O: Operation>(operation: O) -> Result<Self> {
        let world = World::with(operation.world()).await?;
        let environment = world.env();
        let iam = world.members()[0].iam();
        prepare(&iam).await?;
        let mut config = json!({
            "deployment_id": "test",
            "external_id": world.external_id(),
            "audit": {"bucket": world.audit_bucket()},
        });
        for (name, value) in operation.settings().as_object().into_iter().flatten() {
            config[name] = value.clone();
        }
        Ok(Self {
            world,
            environment,
            config,
            iam,
        })
    }

    pub(super) fn member(&self) -> &Account {
        &self.world.members()[0]
    }

    /// A new process of the provider.
    pub(super) async fn provider(&self) -> Result<Provider> {
        Provider::start(&self.environment, &self.config).await
    }

    /// Refreshes, plans and applies in a new process.
    pub(super) async fn apply(&self, stored: &mut Stored, wanted: Option<&Value>) -> Result<()> {
        self.provider().await?.apply(stored, wanted).await
    }

    /// From here on the log is about what is to be proven.
    pub(super) async fn forget_calls(&self) -> Result<()> {
        let control = self.world.control();
        control.clear_calls(self.member().id()).await?;
        control.clear_calls(self.world.hub().id()).await
    }

    /// All calls about both accounts since then, in order.
    pub(super) async fn calls(&self) -> Result<Vec<Call>> {
        let control = self.world.control();
        let mut calls = control.calls(self.world.hub().id()).await?;
        calls.extend(control.calls(self.member().id()).await?);
        calls.sort_by_key(|call| call.number);
        Ok(calls)
    }

    pub(super) fn is_hub(&self, account_id: &str) -> bool {
        account_id == self.world.hub().id()
    }

    fn account(&self, place: &Place) -> &str {
        if place.hub {
            self.world.hub().id()
        } else {
            self.member().id()
        }
    }

    /// One run of the provider with a fault in it; whether it succeeded all the same.
    pub(super) async fn run_with_fault(
        &self,
        stored: &mut Stored,
        wanted: Option<&Value>,
        place: &Place,
        failure: Failure,
    ) -> Result<bool> {
        let control = self.world.control();
        let account = self.account(place);
        let fault = control
            .add_fault(&failure.fault(place).in_account(account))
            .await?;
        let run = self.apply(stored, wanted);
        if failure == Failure::Killed {
            let held = control.wait_for_fault(&fault.id, 1, PATIENCE);
            let survived = tokio::select! {
                // The process dies with the future that owns it.
                held = held => { held?; false }
                result = run => {
                    let write = place.is_write();
                    ensure!(!write, "the run ended before the call was held: {result:?}");
                    // A read that turned out to be needless was given up before it was sent.
                    result.is_ok()
                }
            };
            control.clear_faults(account).await?;
            return Ok(survived);
        }
        let result = run.await;
        // Reads go out side by side, and one that turns out to be needless is given up: it may not have been sent.
        if place.is_write() {
            let hits = control.wait_for_fault(&fault.id, 1, Duration::ZERO).await;
            hits.context("the fault was never met")?;
        }
        control.clear_faults(account).await?;
        Ok(result.is_ok())
    }

    /// After the fault is gone, one more apply must make everything right, and the next plan finds nothing to do.
    pub(super) async fn converge<O: Operation>(
        &self,
        mut stored: Stored,
        operation: O,
        before: &O::Before,
    ) -> Result<()> {
        let wanted = operation.wanted(self);
        self.apply(&mut stored, wanted.as_ref())
            .await
            .context("next apply")?;
        match &wanted {
            Some(wanted) => {
                let changes = self.provider().await?.changes(&mut stored, wanted).await?;
                ensure!(changes.is_empty(), "the next plan changes {changes:?}");
            }
            None => ensure!(!stored.exists(), "the user is still in the state"),
        }
        let mut names = vec!["mallory"];
        names.extend(wanted.as_ref().and_then(|wanted| wanted["name"].as_str()));
        names.sort_unstable();
        let listed = self.iam.list_users().send().await?;
        let mut found: Vec<_> = listed.users().iter().map(User::user_name).collect();
        found.sort_unstable();
        ensure!(found == names, "left over: {found:?}");
        history::check(self).await?;
        operation.check(self, before, &stored).await
    }
}
