//! The accounts of one case: a stack in them, and an operation of it in which a call fails.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use harness::cloudformation::{
    Reception, RequestKind, Scene, SceneOptions, Signal, Stack, StackTemplate, Status,
};
use serde_json::Value;

use super::{Failure, Place};

/// How long anything in a case may take.
pub(in super::super) const PATIENCE: Duration = Duration::from_mins(3);

/// One user of one stack, in accounts of their own.
pub(in super::super) struct Case {
    pub(in super::super) scene: Scene,
    pub(in super::super) stack: Stack,
}

/// What a stack is asked for.
pub(in super::super) enum Order {
    Create(StackTemplate),
    Update(StackTemplate),
    Delete,
}

/// A template with one user.
pub(in super::super) fn template(user: &Value) -> Result<StackTemplate> {
    StackTemplate::new().with("Alice", user)
}

/// A function with short leases, and so much time.
pub(in super::super) fn options(timeout: Duration) -> SceneOptions {
    SceneOptions {
        timeout,
        ..SceneOptions::default()
    }
    .with("CROSSACCOUNT_LEASE_SECONDS", "1")
}

impl Case {
    pub(in super::super) async fn new() -> Result<Self> {
        Self::with(options(Duration::from_secs(40))).await
    }

    pub(in super::super) async fn with(options: SceneOptions) -> Result<Self> {
        let scene = Scene::with(options).await?;
        let stack = scene.stack();
        Ok(Self { scene, stack })
    }

    pub(in super::super) fn account(&self, place: &Place) -> &str {
        if place.hub {
            self.scene.world.hub().id()
        } else {
            self.scene.member().id()
        }
    }

    /// Carries out an order to its end, the deliveries of cancelled requests included.
    pub(in super::super) async fn carry_out(&mut self, order: &Order) -> Result<Status> {
        let status = carry_out(&mut self.stack, order).await?;
        self.stack.settle().await?;
        Ok(status)
    }

    /// The same with a fault in it, which is gone afterwards.
    pub(super) async fn carry_out_with_fault(
        &mut self,
        order: &Order,
        place: &Place,
        failure: Failure,
    ) -> Result<Status> {
        let account_id = self.account(place).to_owned();
        let fault = place.failing(failure, &account_id);
        let fault = self.scene.world.control().add_fault(&fault).await?;
        let mut answers = Vec::new();
        for kind in [
            RequestKind::Create,
            RequestKind::Update,
            RequestKind::Delete,
        ] {
            let (reached, release) = (Signal::new(), Signal::new());
            let held = Reception::Held {
                reached: reached.clone(),
                release: release.clone(),
            };
            self.stack.receive_with("Alice", kind, [held]);
            answers.push((reached, release));
        }
        let scene = &self.scene;
        let ends_with_answer = !matches!(failure, Failure::Outage | Failure::Killed);
        let was_hit = Cell::new(false);
        let look = async || {
            let control = scene.world.control();
            let hit = control.wait_for_fault(&fault.id, 1, Duration::ZERO).await;
            was_hit.set(was_hit.get() || hit.is_ok());
        };
        let watch = answers.iter().map(async |(reached, release)| {
            reached.wait().await;
            look().await;
            if ends_with_answer && was_hit.get() {
                clear_faults(scene).await?;
            }
            release.give();
            anyhow::Ok(())
        });
        let watch = futures_util::future::try_join_all(watch);
        let kill = async {
            if failure != Failure::Killed {
                return Ok(());
            }
            let control = scene.world.control();
            control.wait_for_fault(&fault.id, 1, PATIENCE).await?;
            was_hit.set(true);
            scene.function.kill_busy();
            clear_faults(scene).await
        };
        let beside = async {
            tokio::try_join!(watch, kill)?;
            std::future::pending::<Result<()>>().await
        };
        let status = tokio::select! {
            status = carry_out(&mut self.stack, order) => status?,
            error = beside => { error?; bail!("this never ends well") }
        };
        self.stack.settle().await?;
        look().await;
        clear_faults(scene).await?;
        // Reads go out side by side, and one that turns out to be needless is given up: it may not have been sent.
        ensure!(
            was_hit.get() || !place.is_write() || place.is_renewal(),
            "the fault was never met"
        );
        // What was planned for answers that did not come must not meet later ones.
        for (_, release) in &answers {
            release.give();
        }
        Ok(status)
    }

    /// Another stack in the place of one that was rolled back.
    pub(super) fn new_stack(&mut self) {
        self.stack = self.scene.stack();
    }
}

async fn carry_out(stack: &mut Stack, order: &Order) -> Result<Status> {
    match order {
        Order::Create(template) => stack.create(template).await,
        Order::Update(template) => stack.update(template).await,
        Order::Delete => stack.delete().await,
    }
}

async fn clear_faults(scene: &Scene) -> Result<()> {
    let control = scene.world.control();
    control.clear_faults(scene.world.hub().id()).await?;
    control.clear_faults(scene.member().id()).await
}
