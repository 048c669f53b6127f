//! The answer on its way: an HTTP PUT to the presigned URL, until somebody confirms it.
//!
//! This is the one retry loop that is ours: no AWS SDK takes part in it. A 2xx means that the answer is stored, not
//! that CloudFormation likes it. The URL is in no error and no log.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, redirect};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use super::response_url::ResponseUrl;

/// How often an answer is refused before we believe it. The refusals of S3 (403 for an expired or wrong signature,
/// 400, 404) do not get better with time; one of them in two may be the network's.
const REFUSALS: u32 = 2;
/// How much of an error's body is read to find its code.
const ERROR_BODY: usize = 4096;

/// Sends answers.
#[derive(Debug, Clone)]
pub struct Delivery {
    client: Client,
    pace: Pace,
}

/// How long an attempt may take, and how long we wait between them.
#[derive(Debug, Clone, Copy)]
struct Pace {
    attempt: Duration,
    first_wait: Duration,
    longest_wait: Duration,
}

const PACE: Pace = Pace {
    attempt: Duration::from_secs(5),
    first_wait: Duration::from_millis(200),
    longest_wait: Duration::from_secs(5),
};

/// The answer did not arrive, or nobody said that it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDelivered {
    host: String,
    attempts: u32,
    last: Problem,
}

impl fmt::Display for NotDelivered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            attempts,
            last,
        } = self;
        write!(
            formatter,
            "the answer could not be delivered to {host} in {attempts} attempts, at last because of {last}; Lambda \
             delivers the request again unless its retries are switched off. {}",
            match last {
                Problem::Refused(..) => "The URL may have expired, or is not one of CloudFormation",
                Problem::Unavailable(..) | Problem::TooSlow | Problem::Unreachable(..) =>
                    "A function in a VPC needs a route to this host: an S3 gateway endpoint that allows its bucket, or \
                     a NAT gateway",
            }
        )
    }
}

impl Error for NotDelivered {}

/// What went wrong with one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    /// An HTTP status that time does not heal, and the error code of S3.
    Refused(StatusCode, Option<String>),
    /// An HTTP status that may be another one soon.
    Unavailable(StatusCode, Option<String>),
    /// No answer in time.
    TooSlow,
    /// No connection, or it broke.
    Unreachable(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status, code) | Self::Unavailable(status, code) => {
                write!(formatter, "HTTP status {}", status.as_u16())?;
                code.iter()
                    .try_for_each(|code| write!(formatter, " {code}"))
            }
            Self::TooSlow => formatter.write_str("a timeout"),
            Self::Unreachable(why) => write!(formatter, "a connection error ({why})"),
        }
    }
}

impl Delivery {
    /// Prepares a client. It follows no redirects, keeps no connections (Lambda freezes the process between
    /// invocations, and the other end goes away), and uses a proxy under the same variables as the AWS SDK
    /// (`HTTPS_PROXY`, `NO_PROXY`): where the SDK needs one, the answer does.
    ///
    /// # Errors
    /// When there are no root certificates.
    pub fn new() -> Result<Self, reqwest::Error> {
        Self::with_pace(PACE)
    }

    /// The same without long waits, for tests.
    #[cfg(test)]
    pub(super) fn quick() -> Self {
        Self::with_pace(tests::QUICK).unwrap()
    }

    fn with_pace(pace: Pace) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { client, pace })
    }

    /// Sends an answer, as often as it takes and `until` allows. At least one attempt is made.
    ///
    /// # Errors
    /// When nobody confirmed it. It may have arrived all the same.
    pub async fn put(
        &self,
        url: &ResponseUrl,
        body: &str,
        until: Instant,
    ) -> Result<(), NotDelivered> {
        let mut attempts = 0;
        let mut refusals = 0;
        let mut last = None;
        loop {
            attempts += 1;
            let end = until.min(Instant::now() + self.pace.attempt);
            let problem = match timeout_at(end, self.attempt(url, body)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(problem)) => problem,
                // An attempt that had no time to fail says less than the one before it.
                Err(_) if end == until => last.take().unwrap_or(Problem::TooSlow),
                Err(_) => Problem::TooSlow,
            };
            refusals += u32::from(matches!(problem, Problem::Refused(..)));
            let wait = self.pace.wait(attempts, chance());
            if refusals >= REFUSALS || Instant::now() + wait >= until {
                return Err(NotDelivered {
                    host: url.host().to_owned(),
                    attempts,
                    last: problem,
                });
            }
            warn!(
                attempts,
                host = url.host(),
                "the answer was not delivered because of {problem}; trying again"
            );
            last = Some(problem);
            sleep(wait).await;
        }
    }

    async fn attempt(&self, url: &ResponseUrl, body: &str) -> Result<(), Problem> {
        let response = self
            .client
            .put(url.for_request())
            // Present and empty: with a type of its own the request is not the one that was signed.
            .header(CONTENT_TYPE, "")
            .body(body.to_owned())
            .send()
            .await
            .map_err(|error| Problem::Unreachable(chain(&error.without_url())))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let code = error_code(response).await;
        Err(match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Problem::Unavailable(status, code)
            }
            status if status.is_server_error() => Problem::Unavailable(status, code),
            status => Problem::Refused(status, code),
        })
    }
}

impl Pace {
    /// The wait after so many attempts: doubled each time, between half and all of it by `chance` (0 to 1), so that
    /// functions that failed together do not come back together.
    fn wait(&self, attempts: u32, chance: f64) -> Duration {
        let doubled = self
            .first_wait
            .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        doubled.min(self.longest_wait).mul_f64(0.5 + chance / 2.0)
    }
}

/// A number between 0 and 1. Without randomness, the middle: it only spreads the attempts.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

/// The code in an error of S3, `<Code>AccessDenied</Code>`. Nothing else of the body is used: it may repeat the
/// signature.
async fn error_code(mut response: Response) -> Option<String> {
    let mut body = Vec::new();
    while body.len() < ERROR_BODY {
        let Ok(Some(chunk)) = response.chunk().await else {
            break;
        };
        body.extend_from_slice(&chunk);
    }
    let body = String::from_utf8_lossy(&body);
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_code =
        (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then(|| code.to_owned())
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
