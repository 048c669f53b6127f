//! One invocation: from the event to the delivered answer.
//!
//! CloudFormation waits an hour for an answer that does not come. So nothing that a resource does (an error, a panic, a
//! call that never returns, a ledger that cannot be reached) may cost the answer: everything is bounded in time, and
//! what panics is caught. The one event that is not answered is one that does not say where to.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, error, info, warn};

use super::answer::{Reply, body};
use super::delivery::{Delivery, NotDelivered};
use super::request::{Event, NotAnswerable, Request, decode};
use super::resource::{Earlier, Handled, Resource};
use crossaccount_lambda::deadline::Deadline;
use crossaccount_lambda::process::Process;

/// What became of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether CloudFormation has its answer. An error is for Lambda, which then delivers the request again.
    pub answer: Result<End, Unanswered>,
    /// Whether this process may serve another request.
    pub process: Process,
}

/// CloudFormation has its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// We have just sent it.
    Answered,
    /// It had it already; nothing was done.
    AnsweredBefore,
}

/// CloudFormation has no answer. Neither variant holds the response URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The event does not say whom to answer.
    #[error(transparent)]
    NotAnswerable(#[from] NotAnswerable),
    /// There is an answer, and it did not arrive.
    #[error(transparent)]
    NotDelivered(#[from] NotDelivered),
}

/// Serves one event.
///
/// A request that CloudFormation has an answer to does nothing. One that was carried out, and whose answer may have
/// been lost, sends the same bytes again. Every other one is carried out, and its answer is remembered before it is
/// sent.
pub async fn run<R: Resource>(
    resource: &Arc<R>,
    event: &str,
    deadline: Deadline,
    delivery: &Delivery,
) -> Outcome {
    let event = match decode(event) {
        Ok(event) => event,
        Err(error) => {
            error!("{error}");
            return Outcome {
                answer: Err(error.into()),
                process: Process::Goes,
            };
        }
    };
    // An error span, so that its fields are there at every level of the log.
    let span = tracing::error_span!(
        "request",
        request_type = ?event.request.request_type,
        stack_id = event.request.stack_id,
        logical_resource_id = event.request.logical_resource_id,
        request_id = event.request.request_id,
    );
    serve(resource, event, deadline, delivery)
        .instrument(span)
        .await
}

async fn serve<R: Resource>(
    resource: &Arc<R>,
    event: Event,
    deadline: Deadline,
    delivery: &Delivery,
) -> Outcome {
    let Event {
        request,
        response_url,
        problem,
    } = event;
    let earlier = guarded(
        "earlier",
        resource.earlier(&request),
        deadline.looking_back(Instant::now()),
    )
    .await;
    let (body, process) = match earlier {
        Some(Earlier::Delivered) => return answered_before(),
        Some(Earlier::Answered(body)) => {
            info!("this request was carried out before: its answer is sent again");
            (body, Process::Goes)
        }
        Some(Earlier::Nothing) | None => {
            let work = match problem {
                Some(problem) => Work::Refused(problem),
                None => handle(resource, &request, deadline).await,
            };
            let process = work.process();
            match work {
                Work::Done(Handled::Remembered(Earlier::Delivered)) => return answered_before(),
                Work::Done(Handled::Remembered(Earlier::Answered(body))) => (body, process),
                work => {
                    let body = body_of(&request, &work.reply(resource.as_ref(), &request));
                    let remembering = deadline.remembering(Instant::now());
                    let remembered = resource.answering(&request, &body);
                    guarded("answering", remembered, remembering).await;
                    (body, process)
                }
            }
        }
    };
    let answer = match delivery
        .put(&response_url, &body, deadline.delivery())
        .await
    {
        Ok(()) => {
            guarded("delivered", resource.delivered(&request), deadline.end()).await;
            info!("CloudFormation has the answer");
            Ok(End::Answered)
        }
        Err(error) => {
            // An alarm of examples/cloudformation/hub.yaml looks for this word.
            error!(event = "answer_not_delivered", "{error}");
            Err(error.into())
        }
    };
    Outcome { answer, process }
}

/// The answer to a request as it is sent, and a line about it in the log.
pub fn body_of(request: &Request, reply: &Reply) -> String {
    match &reply.result {
        Ok(()) => info!(
            physical_resource_id = reply.physical_resource_id,
            "answering SUCCESS"
        ),
        Err(reason) => warn!(
            physical_resource_id = reply.physical_resource_id,
            "answering FAILED: {reason}"
        ),
    }
    body(request, reply)
}

fn answered_before() -> Outcome {
    info!("CloudFormation has the answer to this request already: nothing to do");
    Outcome {
        answer: Ok(End::AnsweredBefore),
        process: Process::Goes,
    }
}

/// How the work on a request came to its end.
enum Work {
    /// By itself.
    Done(Handled),
    /// It was never begun: the event is at fault.
    Refused(String),
    /// By a bug of ours.
    Panicked,
    /// It did not, in the time that there was.
    GivenUp,
}

impl Work {
    fn process(&self) -> Process {
        match self {
            Self::GivenUp => Process::MustEnd,
            Self::Done(_) | Self::Refused(_) | Self::Panicked => Process::Goes,
        }
    }

    /// What a panic says is in no text: it may quote a secret.
    fn reply<R: Resource>(self, resource: &R, request: &Request) -> Reply {
        let id = &request.request_id;
        let reason = match self {
            Self::Done(Handled::Reply(reply)) => return reply,
            // Remembered, and yet no answer: nothing that a resource may say.
            Self::Done(Handled::Remembered(_)) => {
                format!("Internal error: no answer is known to request {id}. Try again.")
            }
            Self::Refused(problem) => problem,
            Self::Panicked => format!(
                "Internal error, a bug in the function: its log has the place, under the request id {id}. What was \
                 done before the error stays."
            ),
            Self::GivenUp => format!(
                "The time of the function was over before the work was done, and the work was given up. What was done \
                 so far stays. The log of the function has more, under the request id {id}. If AWS was only slow, try \
                 again, or give the function a longer timeout."
            ),
        };
        let broken = || resource.broken(request, reason.clone());
        catch_unwind(AssertUnwindSafe(broken)).unwrap_or_else(|_| Reply {
            result: Err(reason),
            physical_resource_id: String::new(),
            data: BTreeMap::new(),
        })
    }
}

/// Carries out a request in a task of its own, where a panic or an endless loop does no harm to the answer.
#[expect(
    clippy::disallowed_methods,
    reason = "the task is awaited up to the deadline; if it lives on, the process ends after the answer"
)]
async fn handle<R: Resource>(resource: &Arc<R>, request: &Request, deadline: Deadline) -> Work {
    let work = {
        let (resource, request) = (Arc::clone(resource), request.clone());
        let until = deadline.work();
        async move { resource.handle(request, until).await }.instrument(Span::current())
    };
    // Not aborted when it is given up: that would end its lease before it ends its last AWS call.
    match timeout_at(deadline.patience(), tokio::spawn(work)).await {
        Ok(Ok(handled)) => Work::Done(handled),
        Ok(Err(_)) => Work::Panicked,
        Err(_) => Work::GivenUp,
    }
}

/// Asks the resource for something that may fail without harm. `None` after a panic, or when it takes too long.
async fn guarded<T>(
    what: &'static str,
    work: impl Future<Output = T>,
    until: Instant,
) -> Option<T> {
    match timeout_at(until, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => Some(result),
        Ok(Err(_)) => {
            error!("internal error in {what}: the request goes on without it");
            None
        }
        Err(_) => {
            warn!("{what} took too long: the request goes on without it");
            None
        }
    }
}

#[cfg(test)]
mod tests;
