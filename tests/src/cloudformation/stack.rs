//! A stack: what is declared in it, what exists, and the requests that it sends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::answer::{Answer, Ids};
use super::endpoint::{Reception, ResponseEndpoint};
use super::request::{Content, Envelope, RequestKind, Sent, as_strings, event};
use super::signal::Signal;
use super::status::{ResourceStatus, Status};
use crate::lambda::{Function, Invocation};

/// How long CloudFormation waits for an answer, unless `ServiceTimeout` says otherwise.
const SERVICE_TIMEOUT: u64 = 3600;
const RESOURCE_TYPE: &str = "Custom::CrossAccountIamUser";

/// When another resource of the template fails.
#[derive(Debug, Clone)]
pub enum Sibling {
    /// After all requests of the operation were answered with success.
    AfterAll,
    /// When the signal is given, also while requests are carried out: they are cancelled.
    When(Signal),
}

/// What a template declares.
#[derive(Debug, Clone, Default)]
pub struct StackTemplate {
    pub(super) resources: BTreeMap<String, Declared>,
    pub(super) sibling: Option<Sibling>,
}

/// One custom resource of a template.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// As strings.
    pub(super) properties: Value,
    pub(super) retain: bool,
}

impl StackTemplate {
    /// A template with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares one more resource, or another one of the same logical id.
    ///
    /// # Errors
    /// When a property is null.
    pub fn with(mut self, logical_resource_id: &str, properties: &Value) -> Result<Self> {
        let declared = Declared {
            properties: as_strings(properties)?,
            retain: false,
        };
        self.resources
            .insert(logical_resource_id.to_owned(), declared);
        Ok(self)
    }

    /// As [`StackTemplate::with`], with `DeletionPolicy` and `UpdateReplacePolicy` `Retain`.
    ///
    /// # Errors
    /// When a property is null.
    pub fn with_retained(self, logical_resource_id: &str, properties: &Value) -> Result<Self> {
        let mut template = self.with(logical_resource_id, properties)?;
        if let Some(declared) = template.resources.get_mut(logical_resource_id) {
            declared.retain = true;
        }
        Ok(template)
    }

    /// A resource of another kind fails.
    #[must_use]
    pub fn failing(mut self, sibling: Sibling) -> Self {
        self.sibling = Some(sibling);
        self
    }
}

/// What a roll-back does about a resource that the failed update has replaced. The documentation of AWS does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replaced {
    /// It sends an update back to the old properties; when the id changes with it, the clean-up deletes the new one.
    #[default]
    UpdatedBack,
    /// It returns to the old id by itself, and the clean-up deletes the new one.
    Forgotten,
}

/// How a stack is made.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Its name.
    pub name: String,
    /// The account that it is in.
    pub account_id: String,
    /// The Region that it is in.
    pub region: String,
    /// What a roll-back does about replaced resources.
    pub replaced: Replaced,
    /// Whether a failed creation is left as it is.
    pub disable_rollback: bool,
    /// How many seconds pass between two requests.
    pub seconds_between_requests: i64,
    /// Whether it goes on as soon as it has an answer, while the function may still be busy with its end. Mostly it
    /// takes seconds, and the function is done by then.
    pub eager: bool,
    /// How many times Lambda delivers each event at the same time. Once, mostly; it promises no more than "at least once".
    pub copies: usize,
}

impl StackOptions {
    /// A stack `people` in an account.
    pub fn new(account_id: &str) -> Self {
        Self {
            name: "people".to_owned(),
            account_id: account_id.to_owned(),
            region: "us-east-1".to_owned(),
            replaced: Replaced::default(),
            disable_rollback: false,
            seconds_between_requests: 1,
            eager: false,
            copies: 1,
        }
    }
}

/// What a stack has of a resource.
#[derive(Debug, Clone)]
pub(super) struct Deployed {
    pub(super) properties: Value,
    pub(super) retain: bool,
    pub(super) physical_id: String,
    pub(super) data: BTreeMap<String, String>,
}

/// Something that a clean-up could not delete: CloudFormation does not know of it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The resource that it belonged to.
    pub logical_resource_id: String,
    /// Its id.
    pub physical_resource_id: String,
}

/// How a request ended, as in the events of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// The resource.
    pub logical_resource_id: String,
    /// The end.
    pub status: ResourceStatus,
    /// Why.
    pub reason: String,
}

/// How a request ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    Answered(Answer),
    /// With the reason.
    NoAnswer(String),
    Cancelled,
}

impl End {
    pub(super) fn success(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) if answer.success => Some(answer),
            _ => None,
        }
    }

    /// The id that CloudFormation knows after a failure, if there was an answer.
    pub(super) fn physical_id(&self) -> Option<&str> {
        match self {
            Self::Answered(answer) => Some(&answer.physical_resource_id),
            Self::NoAnswer(_) | Self::Cancelled => None,
        }
    }
}

/// A request that is on its way.
#[derive(Debug)]
pub(super) struct Pending {
    sent: Sent,
    limit: Duration,
    eager: bool,
    /// Comes when Lambda is done with the event.
    over: oneshot::Receiver<()>,
}

/// A stack with custom resources of one function.
#[derive(Debug)]
pub struct Stack {
    id: String,
    pub(super) options: StackOptions,
    function: Function,
    endpoint: Arc<ResponseEndpoint>,
    clock: Timestamp,
    pub(super) status: Status,
    pub(super) resources: BTreeMap<String, Deployed>,
    pub(super) interrupted: Option<super::operations::Rollback>,
    pub(super) orphans: Vec<Orphan>,
    sent: Vec<Sent>,
    events: Vec<StackEvent>,
    receptions: Vec<(String, RequestKind, VecDeque<Reception>)>,
    deliveries: Vec<JoinHandle<Result<Vec<Invocation>>>>,
}

impl Stack {
    /// A stack that does not exist yet. Several stacks may share an endpoint.
    pub fn new(options: StackOptions, function: Function, endpoint: Arc<ResponseEndpoint>) -> Self {
        let id = format!(
            "arn:aws:cloudformation:{}:{}:stack/{}/{}",
            options.region,
            options.account_id,
            options.name,
            uuid::Uuid::new_v4()
        );
        Self {
            id,
            options,
            function,
            endpoint,
            clock: Timestamp::now(),
            status: Status::NotCreated,
            resources: BTreeMap::new(),
            interrupted: None,
            orphans: Vec::new(),
            sent: Vec::new(),
            events: Vec::new(),
            receptions: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    /// Its ARN.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its state.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The function behind its resources.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// Where its answers go.
    pub fn endpoint(&self) -> &ResponseEndpoint {
        &self.endpoint
    }

    /// What clean-ups gave up.
    pub fn orphans(&self) -> &[Orphan] {
        &self.orphans
    }

    /// All requests so far, in the order in which they were issued.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// How requests ended.
    pub fn events(&self) -> &[StackEvent] {
        &self.events
    }

    /// The logical ids of what exists.
    pub fn resources(&self) -> BTreeSet<&str> {
        self.resources.keys().map(String::as_str).collect()
    }

    /// `Ref`: the physical id of a resource.
    ///
    /// # Errors
    /// When there is no such resource.
    pub fn reference(&self, logical_resource_id: &str) -> Result<&str> {
        let found = self.resources.get(logical_resource_id);
        found
            .map(|deployed| deployed.physical_id.as_str())
            .with_context(|| format!("there is no resource {logical_resource_id}"))
    }

    /// `Fn::GetAtt`.
    ///
    /// # Errors
    /// When there is no such resource, or its answer had no such key: a stack would fail.
    pub fn get_att(&self, logical_resource_id: &str, key: &str) -> Result<&str> {
        let found = self.resources.get(logical_resource_id);
        found
            .with_context(|| format!("there is no resource {logical_resource_id}"))?
            .data
            .get(key)
            .map(String::as_str)
            .with_context(|| {
                format!("Vendor response doesn't contain {key} attribute in object {logical_resource_id}")
            })
    }

    /// Decides what becomes of the answers to the next request of this kind about this resource: the first PUT, the
    /// second one and so on; those after the last one are accepted.
    pub fn receive_with(
        &mut self,
        logical_resource_id: &str,
        kind: RequestKind,
        receptions: impl IntoIterator<Item = Reception>,
    ) {
        let receptions = receptions.into_iter().collect();
        self.receptions
            .push((logical_resource_id.to_owned(), kind, receptions));
    }

    /// From now on so many seconds pass between two requests. 0 means that they are of the same second.
    pub fn set_seconds_between_requests(&mut self, seconds: i64) {
        self.options.seconds_between_requests = seconds;
    }

    /// Delivers an earlier event once more, as Lambda may do at any time, and waits until that is done.
    ///
    /// # Errors
    /// When the function cannot be started.
    pub async fn deliver_again(&self, sent: &Sent) -> Result<Vec<Invocation>> {
        self.function.deliver(&sent.event).await
    }

    /// Waits until the function is done with everything that was sent, also with what was cancelled.
    ///
    /// # Errors
    /// When the function could not be started.
    pub async fn settle(&mut self) -> Result<Vec<Invocation>> {
        let mut invocations = Vec::new();
        for delivery in self.deliveries.drain(..) {
            invocations.extend(delivery.await.context("a delivery panicked")??);
        }
        Ok(invocations)
    }

    /// Sends a request. It is under way when this returns.
    pub(super) fn issue(
        &mut self,
        kind: RequestKind,
        logical_resource_id: &str,
        physical_resource_id: Option<&str>,
        properties: &Value,
        old_properties: Option<&Value>,
    ) -> Result<Pending> {
        let seconds = jiff::SignedDuration::from_secs(self.options.seconds_between_requests);
        self.clock = self.clock.checked_add(seconds)?;
        let issued_at = self.clock.strftime("%Y%m%dT%H%M%SZ").to_string();
        let request_id = uuid::Uuid::new_v4().to_string();
        let planned = self
            .receptions
            .iter()
            .position(|(logical, of, _)| logical == logical_resource_id && *of == kind);
        let receptions = planned.map(|index| self.receptions.remove(index).2);
        let ids = Ids {
            stack_id: self.id.clone(),
            request_id: request_id.clone(),
            logical_resource_id: logical_resource_id.to_owned(),
        };
        let response_url = self
            .endpoint
            .expect(ids, &issued_at, receptions.unwrap_or_default());
        let content = Content {
            kind,
            resource_type: RESOURCE_TYPE,
            logical_resource_id,
            physical_resource_id,
            properties,
            old_properties,
        };
        let envelope = Envelope {
            stack_id: &self.id,
            service_token: self.function.arn(),
            request_id: &request_id,
            response_url: &response_url,
        };
        let sent = Sent {
            kind,
            logical_resource_id: logical_resource_id.to_owned(),
            request_id: request_id.clone(),
            event: event(&content, &envelope),
        };
        self.sent.push(sent.clone());
        let (done, over) = oneshot::channel();
        let function = self.function.clone();
        let payload = sent.event.clone();
        let copies = self.options.copies;
        self.deliveries.push(tokio::spawn(async move {
            let deliveries = (0..copies).map(|_| function.deliver(&payload));
            let result = try_join_all(deliveries).await.map(|all| all.concat());
            // Nobody listens any more when the request was cancelled.
            let _ = done.send(());
            result
        }));
        Ok(Pending {
            sent,
            limit: service_timeout(properties)?,
            eager: self.options.eager,
            over,
        })
    }

    /// Waits for the answers to requests. When one fails or a sibling does, the others are cancelled, unless
    /// `on_failure` says to wait for them. Returns the ends, and whether everything succeeded.
    pub(super) async fn gather(
        &mut self,
        pending: Vec<Pending>,
        sibling: Option<&Sibling>,
        on_failure: OnFailure,
    ) -> (BTreeMap<String, End>, bool) {
        let sent: Vec<Sent> = pending.iter().map(|one| one.sent.clone()).collect();
        let endpoint = Arc::clone(&self.endpoint);
        let mut running: FuturesUnordered<_> = pending
            .into_iter()
            .map(|one| {
                let endpoint = Arc::clone(&endpoint);
                async move {
                    let logical = one.sent.logical_resource_id.clone();
                    (logical, end(&endpoint, one).await)
                }
            })
            .collect();
        let mut ends = BTreeMap::new();
        let mut all_well = true;
        loop {
            let failure = async {
                match sibling {
                    Some(Sibling::When(signal)) => signal.wait().await,
                    Some(Sibling::AfterAll) | None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = failure => { all_well = false; break; }
                next = running.next() => match next {
                    Some((logical, end)) => {
                        all_well &= end.success().is_some();
                        ends.insert(logical, end);
                        if !all_well && on_failure == OnFailure::Cancel {
                            break;
                        }
                    }
                    None => break,
                },
            }
        }
        drop(running);
        if let Some(Sibling::When(signal)) = sibling {
            // What fails on a signal still has to fail.
            signal.wait().await;
            all_well = false;
        }
        all_well &= !matches!(sibling, Some(Sibling::AfterAll));
        for one in sent {
            let end = ends
                .entry(one.logical_resource_id.clone())
                .or_insert(End::Cancelled);
            let event = stack_event(&one, end);
            self.events.push(event);
            self.check_ids(&one, end);
        }
        (ends, all_well)
    }

    /// Rules about ids that a single answer does not show.
    fn check_ids(&self, sent: &Sent, end: &End) {
        let End::Answered(answer) = end else {
            return;
        };
        let before = sent.event["PhysicalResourceId"].as_str();
        let must_stay = match sent.kind {
            RequestKind::Create => false,
            RequestKind::Update => !answer.success,
            RequestKind::Delete => true,
        };
        if must_stay && before != Some(answer.physical_resource_id.as_str()) {
            self.endpoint.complain(format!(
                "the answer to a {} of {} has another id: {before:?} became {:?}",
                sent.kind, sent.logical_resource_id, answer.physical_resource_id
            ));
        }
    }

    /// An id for something that never answered, in the style of CloudFormation.
    pub(super) fn invented_id(&self, logical_resource_id: &str) -> String {
        let random = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        let random: String = random.chars().take(13).collect();
        format!("{}-{logical_resource_id}-{random}", self.options.name)
    }

    pub(super) fn expect_status(&self, operation: &str, allowed: &[Status]) -> Result<()> {
        ensure!(
            allowed.contains(&self.status),
            "a stack that is {} takes no {operation}",
            self.status
        );
        Ok(())
    }
}

/// What a failure means for the other requests of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    Cancel,
    Wait,
}

async fn end(endpoint: &ResponseEndpoint, pending: Pending) -> End {
    let request_id = &pending.sent.request_id;
    let answered = async {
        if !pending.eager {
            std::future::pending::<()>().await;
        }
        endpoint.wait(request_id).await;
    };
    tokio::select! {
        biased;
        () = answered => {}
        // Nothing more will come, so there is no need to wait for the timeout.
        _ = pending.over => {}
        () = tokio::time::sleep(pending.limit) => {}
    }
    match endpoint.answer(request_id) {
        Some(answer) => End::Answered(answer),
        None => End::NoAnswer(format!(
            "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [{request_id}]."
        )),
    }
}

fn stack_event(sent: &Sent, end: &End) -> StackEvent {
    let success = end.success().is_some();
    let status = match (sent.kind, success) {
        (RequestKind::Create, true) => ResourceStatus::CreateComplete,
        (RequestKind::Create, false) => ResourceStatus::CreateFailed,
        (RequestKind::Update, true) => ResourceStatus::UpdateComplete,
        (RequestKind::Update, false) => ResourceStatus::UpdateFailed,
        (RequestKind::Delete, true) => ResourceStatus::DeleteComplete,
        (RequestKind::Delete, false) => ResourceStatus::DeleteFailed,
    };
    let reason = match end {
        End::Answered(answer) => answer.reason.clone().unwrap_or_default(),
        End::NoAnswer(reason) => reason.clone(),
        End::Cancelled => match sent.kind {
            RequestKind::Create => "Resource creation cancelled".to_owned(),
            RequestKind::Update => "Resource update cancelled".to_owned(),
            RequestKind::Delete => "Resource deletion cancelled".to_owned(),
        },
    };
    StackEvent {
        logical_resource_id: sent.logical_resource_id.clone(),
        status,
        reason,
    }
}

/// `ServiceTimeout` of a resource; its properties are strings by now.
fn service_timeout(properties: &Value) -> Result<Duration> {
    let seconds = match properties.get("ServiceTimeout") {
        None => SERVICE_TIMEOUT,
        Some(value) => value.as_str().unwrap_or_default().parse()?,
    };
    ensure!(
        (1..=SERVICE_TIMEOUT).contains(&seconds),
        "ServiceTimeout is {}",
        json!(seconds)
    );
    Ok(Duration::from_secs(seconds))
}
