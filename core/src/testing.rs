//! A small HTTP server on loopback that answers like AWS, for the tests of this crate: the real SDK
//! clients, the real HTTP client and the real wire, with answers that a test decides.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::clock::{Clock, TestClock};
use crate::ids::RunId;
use crate::session::{
    Attempts, Base, Endpoint, Endpoints, SessionName, SessionPolicies, SessionSettings, Sessions,
    http_client,
};

pub(crate) const HUB: &str = "111111111111";
pub(crate) const READ_POLICY: &str = r#"{"Statement":"read"}"#;
pub(crate) const WRITE_POLICY: &str = r#"{"Statement":"write"}"#;
pub(crate) const SECRETS_POLICY: &str = r#"{"Statement":"secrets"}"#;

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// The form of a query-protocol request (STS, IAM).
    pub(crate) form: BTreeMap<String, String>,
}

impl Seen {
    /// `AssumeRole`, `GetUser`, `PutParameter`, or the HTTP method of an S3 request.
    pub(crate) fn action(&self) -> &str {
        // SSM and KMS speak AWS JSON 1.1: `AmazonSSM.PutParameter`, `TrentService.DescribeKey`.
        let target = self.headers.get("x-amz-target");
        if let Some((_, operation)) = target.and_then(|target| target.split_once('.')) {
            return operation;
        }
        self.form.get("Action").map_or(&self.method, String::as_str)
    }

    /// The input of an AWS JSON request.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            body: body.into(),
        }
    }

    /// An error in the form of STS and IAM.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self {
            status,
            body: format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>message of {code}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
            ),
        }
    }

    /// An error in the form of SSM and KMS.
    pub(crate) fn json_error(status: u16, code: &str) -> Self {
        Self {
            status,
            body: format!(r#"{{"__type":"{code}","message":"message of {code}"}}"#),
        }
    }

    /// An error in the form of S3.
    pub(crate) fn s3_error(status: u16, code: &str) -> Self {
        Self {
            status,
            body: format!("<Error><Code>{code}</Code><Message>message of {code}</Message></Error>"),
        }
    }
}

type Reply = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Handler = dyn Fn(Seen) -> Reply + Send + Sync;

/// The server. It lives as long as the test's runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers at once.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_async(move |seen| {
            let answer = answer(&seen);
            async move { answer }
        })
        .await
    }

    /// Answers when the future ends.
    pub(crate) async fn start_async<F>(answer: impl Fn(Seen) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let handler: Arc<Handler> = Arc::new(move |seen| Box::pin(answer(seen)));
        let (all, count) = (Arc::clone(&seen), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (handler, all) = (Arc::clone(&handler), Arc::clone(&all));
                let service = service_fn(move |request| {
                    serve(request, Arc::clone(&handler), Arc::clone(&all))
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self {
            url,
            seen,
            connections,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self, action: &str) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(|seen| seen.action() == action);
        seen
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        let endpoint: Endpoint = self.url.parse().unwrap();
        Endpoints {
            iam: Some(endpoint.clone()),
            sts: Some(endpoint.clone()),
            s3: Some(endpoint.clone()),
            ssm: Some(endpoint.clone()),
            kms: Some(endpoint),
        }
    }

    /// Settings that lead here and try each call once.
    pub(crate) fn settings(&self) -> SessionSettings {
        SessionSettings {
            endpoints: self.endpoints(),
            attempts: Attempts::try_from(1).unwrap(),
            ..settings()
        }
    }
}

async fn serve(
    request: hyper::Request<Incoming>,
    handler: Arc<Handler>,
    all: Arc<Mutex<Vec<Seen>>>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        headers: headers.collect(),
        form: parse_form(&body),
        body,
    };
    all.lock().unwrap().push(seen.clone());
    let answer = handler(seen).await;
    let response = hyper::Response::builder()
        .status(answer.status)
        .header("x-amzn-requestid", "r-1")
        .body(Full::new(Bytes::from(answer.body)))
        .unwrap();
    Ok(response)
}

fn parse_form(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Settings with fixed values that tests can look for.
pub(crate) fn settings() -> SessionSettings {
    let run: RunId = uuid::Uuid::from_u128(7).into();
    SessionSettings::new(
        "eu-central-1".parse().unwrap(),
        "ops/CrossAccountUserAdmin".parse().unwrap(),
        SessionName::for_run(run),
    )
}

/// When the tests happen.
pub(crate) fn clock() -> TestClock {
    TestClock::at("2026-01-02T03:04:05.678Z".parse().unwrap())
}

/// Hub credentials that count how often they are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct CountedCredentials(pub(crate) Arc<AtomicUsize>);

impl ProvideCredentials for CountedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::SeqCst);
        let year_2036 = SystemTime::UNIX_EPOCH + Duration::from_hours(66 * 365 * 24);
        let credentials = Credentials::new("AKIAHUB", "hub-secret", None, Some(year_2036), "test");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

/// Sessions with these settings at [`clock`].
pub(crate) fn sessions(settings: SessionSettings) -> Sessions {
    sessions_at(settings, clock(), CountedCredentials::default())
}

pub(crate) fn sessions_at(
    settings: SessionSettings,
    clock: impl Clock + 'static,
    credentials: impl ProvideCredentials + 'static,
) -> Sessions {
    let base = Base {
        credentials: SharedCredentialsProvider::new(credentials),
        http: http_client(),
    };
    let policies = [READ_POLICY, WRITE_POLICY, SECRETS_POLICY].map(str::to_owned);
    let [read, write, secrets] = policies;
    let policies = SessionPolicies::new(read, write, secrets).unwrap();
    Sessions::new(settings, policies, base, Arc::new(clock))
}

/// Answers STS and IAM as AWS does when all is well.
pub(crate) fn all_is_well(seen: &Seen) -> Answer {
    match seen.action() {
        "GetCallerIdentity" => caller_identity("user/hub"),
        "AssumeRole" => assumed(account_in(seen), "2026-01-02T04:04:05Z"),
        "GetUser" => Answer::ok(
            "<GetUserResponse><GetUserResult><User><Path>/</Path><UserName>alice</UserName>\
             <UserId>AIDA1</UserId><Arn>arn:aws:iam::222222222222:user/alice</Arn>\
             <CreateDate>2026-01-01T00:00:00Z</CreateDate></User></GetUserResult></GetUserResponse>",
        ),
        _ => Answer::ok(""),
    }
}

pub(crate) fn caller_identity(caller: &str) -> Answer {
    Answer::ok(format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{HUB}:{caller}</Arn><UserId>AIDAHUB</UserId><Account>{HUB}</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    ))
}

/// The account of the role that a request asks for.
pub(crate) fn account_in(seen: &Seen) -> &str {
    seen.field("RoleArn").unwrap().split(':').nth(4).unwrap()
}

pub(crate) fn assumed(account_id: &str, expiration: &str) -> Answer {
    Answer::ok(format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials>\
         <AccessKeyId>ASIA{account_id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>t</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
         <AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId>\
         <Arn>arn:aws:sts::{account_id}:assumed-role/CrossAccountUserAdmin/s</Arn></AssumedRoleUser>\
         </AssumeRoleResult></AssumeRoleResponse>"
    ))
}
