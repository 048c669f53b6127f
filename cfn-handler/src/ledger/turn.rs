//! One request of a resource at a time, the newest first.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use crossaccount_core::aws::{SettleLimits, classify, settle};
use crossaccount_core::{Error, ErrorKind};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::order::order_of;
use super::{Item, Ledger, attribute, flag_in, number, number_in, resource_key, text, text_in};
use crate::physical_id::PhysicalId;
use crate::protocol::request::{Request, RequestType};

/// What the requests before have made of a user, as far as the ledger knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// No request that could make something has begun, or what it made is removed.
    Nothing,
    /// There is something, or a request that may have made something did not come to its end.
    Something {
        /// When the first request that could make it began.
        since: Timestamp,
        /// Whether the user existed before and was taken over.
        adopted: bool,
    },
}

/// What a request leaves of its user. Other users of the same resource stay as they are known: after a replacement there
/// are two, until the old one is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The user may be there, and is ours as much as it was before.
    Something,
    /// The user is there, and this request created it.
    Created,
    /// The user is there, and it existed before it was taken over.
    Adopted,
    /// There is nothing of ours. The item goes some day, unless another user of the resource is there or comes back.
    Nothing,
}

/// What a turn does to the schedule of access keys.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Schedule {
    /// It stays.
    AsBefore,
    /// There are no keys that rotate.
    Ends,
    /// Keys rotate as these properties say.
    Is(String),
}

/// The right to work on a resource. It is renewed until it is left or dropped.
#[derive(Debug)]
pub struct Turn {
    lease: Lease,
    /// What was made of the user before this turn.
    pub made: Made,
    /// The item as it was when the turn began.
    before: Item,
    ended: CancellationToken,
    renewal: JoinHandle<()>,
}

/// The lease itself, as the renewing task and the turn share it.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) ledger: Ledger,
    pub(super) key: AttributeValue,
    /// The user that the turn is about, as its physical id; `None` when nobody knows which.
    pub(super) user: Option<String>,
    /// The newest request when the turn began.
    pub(super) request_id: String,
    /// Tells two deliveries of one request apart.
    pub(super) holder: String,
}

/// How a lease and its request stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Held, and no newer request is known.
    Newest,
    /// Held, and a newer request waits.
    Overtaken,
    /// Somebody else holds it, because it ran out.
    Lost,
}

/// How often a lease is renewed within its length.
const RENEWALS: u32 = 3;

impl Ledger {
    /// Enters a request, and waits for its turn until `until`.
    ///
    /// From the moment of its entrance on, every older request about the same resource is overtaken, also one that works
    /// right now: [`Turn::overtaken`] tells it. A Create or Update is noted as something that may make `user`.
    ///
    /// `None`: this request itself is overtaken, and has to change nothing.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when another request works for so long; those of the table.
    pub async fn enter(
        &self,
        request: &Request,
        user: &PhysicalId,
        until: Instant,
    ) -> Result<Option<Turn>, Error> {
        if !self.announce(request).await? {
            return Ok(None);
        }
        let lease = Lease {
            ledger: self.clone(),
            key: resource_key(request),
            user: matches!(user, PhysicalId::User { .. }).then(|| user.to_string()),
            request_id: request.request_id.clone(),
            holder: Uuid::new_v4().to_string(),
        };
        let makes = request.request_type != RequestType::Delete;
        let patience =
            SettleLimits::new(until.saturating_duration_since(Instant::now())).until(until);
        let is_busy = |error: &Error| error.kind() == ErrorKind::TimedOut;
        let before = settle(&patience, is_busy, || lease.take(makes)).await?;
        Ok(before.map(|before| Turn::begin(lease, &before)))
    }

    /// Makes the request the newest one, unless a newer one is known.
    async fn announce(&self, request: &Request) -> Result<bool, Error> {
        let order = order_of(request, self.clock.now().as_second());
        let sent = self
            .update(resource_key(request))
            .update_expression("SET #order = :order, #request = :request REMOVE #expires")
            .condition_expression("attribute_not_exists(#order) OR #order <= :order")
            .expression_attribute_names("#order", attribute::ORDER)
            .expression_attribute_names("#request", attribute::REQUEST)
            .expression_attribute_names("#expires", attribute::EXPIRES_AT)
            .expression_attribute_values(":order", number(order))
            .expression_attribute_values(":request", text(&request.request_id))
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
    /// Takes the lease when nobody holds it, and returns the item as it was. `None`: the request was overtaken.
    async fn take(&self, makes: bool) -> Result<Option<Item>, Error> {
        let now = self.ledger.now_ms();
        let making_since = self.attribute(attribute::MAKING_SINCE).filter(|_| makes);
        let mut change = "SET #holder = :holder, #until = :until".to_owned();
        if making_since.is_some() {
            // A repeated request goes on with what the first one made.
            change.push_str(", #since = if_not_exists(#since, :now)");
        }
        let mut call = self
            .ledger
            .update(self.key.clone())
            .update_expression(change)
            // A lost answer makes the SDK ask again: then the holder is this one.
            .condition_expression(
                "#request = :request AND (attribute_not_exists(#holder) OR #holder = :holder OR #until < :now)",
            )
            .expression_attribute_names("#request", attribute::REQUEST)
            .expression_attribute_names("#holder", attribute::HOLDER)
            .expression_attribute_names("#until", attribute::HELD_UNTIL)
            .expression_attribute_values(":request", text(&self.request_id))
            .expression_attribute_values(":holder", text(&self.holder))
            .expression_attribute_values(":until", number(self.held_until(now)))
            .expression_attribute_values(":now", number(now))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(name) = making_since {
            call = call.expression_attribute_names("#since", name);
        }
        match call.send().await {
            Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
                    let newest = found
                        .item
                        .as_ref()
                        .and_then(|item| text_in(item, attribute::REQUEST));
                    if newest != Some(self.request_id.as_str()) {
                        return Ok(None);
                    }
                    Err(Error::new(
                        ErrorKind::TimedOut,
                        "another request about this resource is still at work",
                    )
                    .with_advice("Repeat the operation of the stack when it has ended."))
                }
                _ => Err(self
                    .ledger
                    .explain(classify(error, "dynamodb:UpdateItem", None))),
            },
        }
    }

    /// The attribute that says this about the user of the turn.
    fn attribute(&self, name: &str) -> Option<String> {
        let user = self.user.as_ref()?;
        Some(format!("{name}{user}"))
    }

    /// Holds the lease for longer, and says how things stand.
    async fn renew(&self) -> Result<Standing, Error> {
        let sent = self
            .ledger
            .update(self.key.clone())
            .update_expression("SET #until = :until")
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", attribute::HOLDER)
            .expression_attribute_names("#until", attribute::HELD_UNTIL)
            .expression_attribute_values(":holder", text(&self.holder))
            .expression_attribute_values(":until", number(self.held_until(self.ledger.now_ms())))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                let newest = text_in(&item, attribute::REQUEST) == Some(self.request_id.as_str());
                Ok(if newest {
                    Standing::Newest
                } else {
                    Standing::Overtaken
                })
            }
            Err(error) if refused(error.as_service_error()) => Ok(Standing::Lost),
            Err(error) => Err(self
                .ledger
                .explain(classify(error, "dynamodb:UpdateItem", None))),
        }
    }

    /// Renews until the lease is lost. Whoever was overtaken goes on holding it: its work comes to a safe end, and its
    /// successor waits for that.
    async fn keep(self, ended: CancellationToken) {
        loop {
            tokio::time::sleep(self.ledger.lease / RENEWALS).await;
            match self.renew().await {
                Ok(Standing::Newest) => {}
                Ok(Standing::Overtaken) => ended.cancel(),
                Ok(Standing::Lost) => {
                    ended.cancel();
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "the lease could not be renewed; it is tried again");
                }
            }
        }
    }

    pub(super) fn held_until(&self, now: i64) -> i64 {
        let lease = i64::try_from(self.ledger.lease.as_millis()).unwrap_or(i64::MAX);
        now.saturating_add(lease)
    }
}

impl Turn {
    #[expect(
        clippy::disallowed_methods,
        reason = "the lease has to be renewed beside the work"
    )]
    /// Begins with a lease that was just taken of an item.
    pub(super) fn begin(lease: Lease, item: &Item) -> Self {
        let ended = CancellationToken::new();
        let renewal = tokio::spawn(lease.clone().keep(ended.clone()));
        let made = lease
            .user
            .as_deref()
            .map_or(Made::Nothing, |user| made_of(item, user));
        Self {
            made,
            before: item.clone(),
            lease,
            ended,
            renewal,
        }
    }

    /// What was made, before this turn, of any user of the resource.
    pub fn made_of(&self, user: &PhysicalId) -> Made {
        made_of(&self.before, &user.to_string())
    }

    /// Notes that another user of the resource is gone. A failure is logged: then its schedule finds nobody.
    pub async fn forget(&self, user: &PhysicalId) {
        let lease = &self.lease;
        let name = |prefix: &str| format!("{prefix}{user}");
        let sent = lease
            .ledger
            .update(lease.key.clone())
            .update_expression("REMOVE #since, #adopted, #rotates")
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", attribute::HOLDER)
            .expression_attribute_names("#since", name(attribute::MAKING_SINCE))
            .expression_attribute_names("#adopted", name(attribute::ADOPTED))
            .expression_attribute_names("#rotates", name(attribute::ROTATES))
            .expression_attribute_values(":holder", text(&lease.holder))
            .send()
            .await;
        if let Err(error) = sent {
            let error = lease
                .ledger
                .explain(classify(error, "dynamodb:UpdateItem", None));
            tracing::warn!(%error, "the ledger goes on knowing a user that is gone");
        }
    }

    /// Whether the ledger knows other users of the resource.
    fn knows_others(&self) -> bool {
        let own = self.lease.attribute(attribute::MAKING_SINCE);
        let is_of_another =
            |name: &String| name.starts_with(attribute::MAKING_SINCE) && Some(name) != own.as_ref();
        self.before.keys().any(is_of_another)
    }

    /// Cancelled when a newer request was seen or the lease was lost: no more waiting, come to an end.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Whether a newer request was seen, or the lease lost, in the meantime.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn overtaken(&self) -> Result<bool, Error> {
        Ok(self.lease.renew().await? != Standing::Newest)
    }

    /// Ends the turn. A failure is logged: the lease runs out by itself, and what is left counts as something.
    pub async fn leave(self, left: Left) {
        self.end(left, Schedule::AsBefore).await;
    }

    /// Ends a turn in which nothing was done.
    pub async fn give_back(self) {
        let left = match self.made {
            Made::Nothing => Left::Nothing,
            Made::Something { .. } => Left::Something,
        };
        self.leave(left).await;
    }

    /// Ends the turn of a user that is as wanted, and notes whether its keys have a schedule: `rotates` are the properties
    /// then.
    pub async fn leave_scheduled(self, left: Left, rotates: Option<&Map<String, Value>>) {
        let schedule = match rotates {
            None => Schedule::Ends,
            Some(properties) => Schedule::Is(Value::Object(properties.clone()).to_string()),
        };
        self.end(left, schedule).await;
    }

    async fn end(self, left: Left, schedule: Schedule) {
        self.renewal.abort();
        let ledger = &self.lease.ledger;
        let lease = &self.lease;
        let mut call = ledger
            .update(lease.key.clone())
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", attribute::HOLDER)
            .expression_attribute_names("#until", attribute::HELD_UNTIL)
            .expression_attribute_values(":holder", text(&lease.holder));
        let (mut set, mut remove) = (Vec::new(), vec!["#holder", "#until"]);
        if left == Left::Nothing && !self.knows_others() {
            set.push("#expires = :expires");
            call = call
                .expression_attribute_names("#expires", attribute::EXPIRES_AT)
                .expression_attribute_values(":expires", ledger.expiry());
        }
        if let Some(name) = lease.attribute(attribute::MAKING_SINCE)
            && left == Left::Nothing
        {
            remove.push("#since");
            call = call.expression_attribute_names("#since", name);
        }
        if let Some(name) = lease.attribute(attribute::ADOPTED)
            && left != Left::Something
        {
            call = call.expression_attribute_names("#adopted", name);
            if left == Left::Adopted {
                set.push("#adopted = :true");
                call = call.expression_attribute_values(":true", AttributeValue::Bool(true));
            } else {
                remove.push("#adopted");
            }
        }
        let schedule = if left == Left::Nothing {
            Schedule::Ends
        } else {
            schedule
        };
        if let Some(name) = lease.attribute(attribute::ROTATES)
            && schedule != Schedule::AsBefore
        {
            call = call.expression_attribute_names("#rotates", name);
            if let Schedule::Is(properties) = schedule {
                set.push("#rotates = :rotates");
                call = call.expression_attribute_values(":rotates", text(properties));
            } else {
                remove.push("#rotates");
            }
        }
        let mut change = format!("REMOVE {}", remove.join(", "));
        if !set.is_empty() {
            change = format!("SET {} {change}", set.join(", "));
        }
        let call = call.update_expression(change);
        match call.send().await {
            Ok(_) => {}
            Err(error) if refused(error.as_service_error()) => {}
            Err(error) => {
                let error = ledger.explain(classify(error, "dynamodb:UpdateItem", None));
                tracing::warn!(%error, "the turn could not be given back; its lease runs out by itself");
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

fn made_of(item: &Item, user: &str) -> Made {
    match number_in(item, &format!("{}{user}", attribute::MAKING_SINCE)) {
        None => Made::Nothing,
        Some(since) => Made::Something {
            since: Timestamp::from_millisecond(since).unwrap_or(Timestamp::MIN),
            adopted: flag_in(item, &format!("{}{user}", attribute::ADOPTED)) == Some(true),
        },
    }
}

pub(super) fn refused(error: Option<&UpdateItemError>) -> bool {
    error.is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}
