//! The right to change one user, so that two runs never do it at the same moment.
//!
//! A lease is an item beside the rows. It is taken when there is something to change and not before, renewed while work
//! goes on, and given back at its end. Whoever dies leaves one that runs out.

use crossaccount_core::Error;
use crossaccount_core::aws::classify;
use crossaccount_core::ids::{AccountId, UserName};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::item::{number, refused, text};
use super::{EXPIRES_AT, Item, Registry};

const HOLDER: &str = "Holder";
const HELD_UNTIL: &str = "HeldUntil";
/// How often a lease is renewed within its length.
const RENEWALS: u32 = 3;
/// After how many seconds a lease that nobody gave back is cleared away. The table does that some day; a lease has run
/// out long before.
const CLEARED_AFTER: i64 = 86_400;

/// The right to change one user: renewed until it is given back or dropped.
#[derive(Debug)]
#[must_use = "a lease is to be given back"]
pub struct Lease {
    registry: Registry,
    key: Item,
    holder: String,
    renewal: JoinHandle<()>,
}

impl Registry {
    /// Takes the lease of a user. `None`: somebody else works on it.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn lease(
        &self,
        account_id: &AccountId,
        name: &UserName,
    ) -> Result<Option<Lease>, Error> {
        let schema = self.schema().await?;
        // IAM takes names that differ by case for one.
        let item = format!("lease#{account_id}#{}", name.case_folded());
        let key = Self::bookkeeping_key(schema, &item, account_id.as_str());
        let holder = Uuid::new_v4().to_string();
        let now = self.now_ms();
        let sent = self
            .update(key.clone())
            .update_expression("SET #holder = :holder, #until = :until, #expires = :expires")
            // A lost answer makes the SDK ask again: then the holder is this one.
            .condition_expression(
                "attribute_not_exists(#holder) OR #holder = :holder OR #until < :now",
            )
            .expression_attribute_names("#holder", HOLDER)
            .expression_attribute_names("#until", HELD_UNTIL)
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_values(":holder", text(&holder))
            .expression_attribute_values(":until", number(self.held_until(now)))
            .expression_attribute_values(":expires", number(now / 1000 + CLEARED_AFTER))
            .expression_attribute_values(":now", number(now))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Some(Lease::begin(self.clone(), key, holder))),
            Err(error) if refused(error.as_service_error()) => Ok(None),
            Err(error) => Err(self.explain(classify(error, "dynamodb:UpdateItem", None))),
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    fn held_until(&self, now: i64) -> i64 {
        let lease = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        now.saturating_add(lease)
    }

    /// Holds a lease for longer; whether it is still held.
    async fn renew(&self, key: &Item, holder: &str) -> Result<bool, Error> {
        let sent = self
            .update(key.clone())
            .update_expression("SET #until = :until")
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", HOLDER)
            .expression_attribute_names("#until", HELD_UNTIL)
            .expression_attribute_values(":holder", text(holder))
            .expression_attribute_values(":until", number(self.held_until(self.now_ms())))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if refused(error.as_service_error()) => Ok(false),
            Err(error) => Err(self.explain(classify(error, "dynamodb:UpdateItem", None))),
        }
    }
}

impl Lease {
    #[expect(
        clippy::disallowed_methods,
        reason = "the lease has to be renewed beside the work"
    )]
    fn begin(registry: Registry, key: Item, holder: String) -> Self {
        let renewal = tokio::spawn(keep(registry.clone(), key.clone(), holder.clone()));
        Self {
            registry,
            key,
            holder,
            renewal,
        }
    }

    /// Gives the lease back. A failure is logged: then it runs out.
    pub async fn give_back(self) {
        self.renewal.abort();
        let sent = self
            .registry
            .dynamodb
            .delete_item()
            .table_name(&self.registry.table)
            .set_key(Some(self.key.clone()))
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", HOLDER)
            .expression_attribute_values(":holder", text(&self.holder))
            .send()
            .await;
        match sent {
            Ok(_) => {}
            Err(error) if refused(error.as_service_error()) => {}
            Err(error) => {
                let error = classify(error, "dynamodb:DeleteItem", None);
                let error = self.registry.explain(error);
                tracing::warn!(%error, "a lease could not be given back: it runs out");
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Renews until the lease is lost. Work that has begun comes to its end then: the core's own tags and IAM's quota of two
/// keys keep it from harm.
async fn keep(registry: Registry, key: Item, holder: String) {
    loop {
        tokio::time::sleep(registry.lease / RENEWALS).await;
        match registry.renew(&key, &holder).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("a lease ran out while its work went on");
                return;
            }
            Err(error) => tracing::warn!(%error, "a lease could not be renewed; it is tried again"),
        }
    }
}
