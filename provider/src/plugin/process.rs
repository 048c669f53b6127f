//! The whole life of the process, from its arguments to its exit code.

use std::env;
use std::fmt;
use std::io::{self, Write};
use std::process::{self, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result};
use crossaccount_proto::tfplugin6::provider_server::Provider;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use super::arguments::Invocation;
use super::lifetime::{self, OnInterrupt, Signals};
use super::listener::Listener;
use super::server::Server;
use super::tls::Identity;
use super::{handshake, reattach};
use crate::environment::Environment;
use crate::{logging, panics};

/// How long the answer to the host's request to end may take to leave. Hosts close the connection
/// when they have it, which ends the wait.
const FAREWELL_LIMIT: Duration = Duration::from_millis(50);

/// Runs this process as a plugin and returns its exit code.
///
/// `provider` makes one provider service per connection; it must be cheap. Nothing else may write
/// to standard output, before or after this call.
pub fn main<F, S>(provider: F) -> ExitCode
where
    F: Fn() -> S + Send + Sync + 'static,
    S: Provider,
{
    let environment = Environment::of_this_process();
    let cookie = environment.magic_cookie.as_deref();
    let mode = match Invocation::parse(env::args_os().skip(1), cookie) {
        Invocation::Plugin => Mode::Managed,
        Invocation::Reattach => Mode::Reattach,
        Invocation::Print(text) => return print(io::stdout(), &text, ExitCode::SUCCESS),
        Invocation::Refuse(text) => return print(io::stderr(), &text, ExitCode::FAILURE),
    };

    panics::install();
    logging::install(environment.log_level);
    match run(mode, &environment, provider) {
        Ok(end) => {
            info!("the provider ends: {end}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let text = format!("terraform-provider-crossaccount: {error:#}\n");
            print(io::stderr(), &text, ExitCode::FAILURE)
        }
    }
}

/// Who looks after this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The host that started it.
    Managed,
    /// A person; hosts come and go.
    Reattach,
}

/// Why the process ends.
enum End {
    Shutdown,
    Signal(&'static str),
    Orphaned,
    Abandoned,
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shutdown => formatter.write_str("the host is done"),
            Self::Signal(name) => write!(formatter, "{name} received"),
            Self::Orphaned => formatter.write_str("the host is gone"),
            Self::Abandoned => formatter.write_str("the host closed its connection"),
        }
    }
}

fn run<F, S>(mode: Mode, environment: &Environment, provider: F) -> Result<End>
where
    F: Fn() -> S + Send + Sync + 'static,
    S: Provider,
{
    let runtime = Runtime::new().context("failed to start the runtime")?;
    let end = runtime.block_on(serve(mode, environment, provider));
    // The host does not wait for calls in flight, and neither do we.
    runtime.shutdown_background();
    end
}

async fn serve<F, S>(mode: Mode, environment: &Environment, provider: F) -> Result<End>
where
    F: Fn() -> S + Send + Sync + 'static,
    S: Provider,
{
    // Before the handshake: from then on the host may die, and its place be taken by another process.
    let parent = lifetime::Parent::now();
    // Before the handshake: from then on a person may press Ctrl-C in the host's terminal.
    let mut signals = Signals::install().context("failed to handle signals")?;
    let identity = match (mode, environment.client_certificate.as_deref()) {
        (Mode::Managed, Some(certificate)) => Some(Identity::for_client(certificate)?),
        (Mode::Managed, None) | (Mode::Reattach, _) => None,
    };
    let listener = Listener::bind(environment).await?;
    let certificate = identity.as_ref().map(|identity| &identity.certificate);
    let announcement = match mode {
        Mode::Managed => handshake::line(listener.address(), certificate),
        Mode::Reattach => reattach::assignment(process::id(), listener.address()),
    };
    let acceptor = identity
        .as_ref()
        .map(|identity| TlsAcceptor::from(identity.config.clone()));
    let server = Server::new(provider, acceptor).await;

    write_all(&mut io::stdout().lock(), &announcement).context("failed to write the handshake")?;
    if mode == Mode::Managed && !environment.offers(handshake::PROTOCOL_VERSION) {
        warn!(offered = ?environment.protocol_versions, "the host does not speak our protocol");
    }
    info!(
        version = env!("CARGO_PKG_VERSION"),
        ?mode,
        "the provider is ready"
    );

    let serving = server.clone().accept(&listener);
    let end = match mode {
        Mode::Managed => tokio::select! {
            never = serving => match never {},
            () = server.shutdown().cancelled() => End::Shutdown,
            name = signals.end(OnInterrupt::Ignore) => End::Signal(name),
            () = lifetime::orphaned(parent) => End::Orphaned,
            () = lifetime::abandoned(server.connections()) => End::Abandoned,
        },
        // A host that attached may not end what it did not start.
        Mode::Reattach => tokio::select! {
            never = serving => match never {},
            name = signals.end(OnInterrupt::End) => End::Signal(name),
        },
    };
    if matches!(end, End::Shutdown) {
        // Either way the process ends now.
        let _ = tokio::time::timeout(FAREWELL_LIMIT, server.closed()).await;
    }
    Ok(end)
}

fn print(mut stream: impl Write, text: &str, code: ExitCode) -> ExitCode {
    match write_all(&mut stream, text) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

fn write_all(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
