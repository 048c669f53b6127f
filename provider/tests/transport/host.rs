//! A host: starts the program, reads its handshake and connects.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_terraform-provider-crossaccount");
pub(crate) const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// Far above what anything here takes; a test that reaches it has found a process that hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// Hosts kill a plugin that lives two seconds longer than it should, and make their user wait.
pub(crate) const HOST_PATIENCE: Duration = Duration::from_secs(2);

/// The program as a child process with an environment of its own.
pub(crate) struct Plugin {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
    temporary: TempDir,
}

impl Plugin {
    /// Starts the program as Terraform does, plus the given variables.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("TF_PLUGIN_MAGIC_COOKIE", COOKIE),
            ("PLUGIN_PROTOCOL_VERSIONS", "6,5"),
            ("PLUGIN_MIN_PORT", "10000"),
            ("PLUGIN_MAX_PORT", "25000"),
        ];
        all.extend(variables);
        Self::start_with(&[], &all)
    }

    /// Starts the program with exactly these arguments and variables.
    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        Self::spawn(command, variables)
    }

    /// Starts a command whose output is the program's.
    pub(crate) fn spawn(mut command: Command, variables: &[(&str, &str)]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = command
            .env_clear()
            .env("TMPDIR", temporary.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = child.stderr.take().unwrap();
        Self {
            child,
            stdout,
            stderr,
            temporary,
        }
    }

    /// The next line of standard output, without its line break.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        within_patience(self.stdout.read_line(&mut line))
            .await
            .unwrap();
        assert_eq!(line.pop(), Some('\n'), "no line");
        line
    }

    /// The fields of the handshake line.
    pub(crate) async fn handshake(&mut self) -> Vec<String> {
        self.line().await.split('|').map(str::to_owned).collect()
    }

    /// Reads the handshake and connects without TLS.
    pub(crate) async fn connect(&mut self) -> Channel {
        let handshake = self.handshake().await;
        connect(Path::new(&handshake[3])).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    /// Number of entries in the temporary directory of the process.
    pub(crate) fn leftovers(&self) -> usize {
        std::fs::read_dir(self.temporary.path()).unwrap().count()
    }

    pub(crate) async fn exit(&mut self) -> ExitStatus {
        within_patience(self.child.wait()).await.unwrap()
    }

    /// Everything on standard output until its end, which is the end of all who write to it.
    pub(crate) async fn rest_of_stdout(&mut self) -> String {
        let mut text = String::new();
        within_patience(self.stdout.read_to_string(&mut text))
            .await
            .unwrap();
        text
    }

    /// Everything on standard error until its end.
    pub(crate) async fn stderr(&mut self) -> String {
        let mut text = String::new();
        within_patience(self.stderr.read_to_string(&mut text))
            .await
            .unwrap();
        text
    }
}

/// Fails instead of waiting for ever.
pub(crate) async fn within_patience<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("the program hangs")
}

/// Connects to a socket without TLS.
pub(crate) async fn connect(path: &Path) -> Channel {
    let path = path.to_owned();
    let connector = Connector(move || {
        let path = path.clone();
        async move { Ok(TokioIo::new(UnixStream::connect(path).await?)) }.boxed()
    });
    within_patience(Endpoint::from_static("http://localhost").connect_with_connector(connector))
        .await
        .unwrap()
}

/// Asserts that a connection works, by asking for the health of the plugin.
pub(crate) async fn assert_alive(channel: &Channel) {
    let request = HealthCheckRequest {
        service: "plugin".to_owned(),
    };
    within_patience(HealthClient::new(channel.clone()).check(request))
        .await
        .unwrap();
}

/// A function that connects, as tonic wants it.
#[derive(Clone)]
pub(crate) struct Connector<F>(pub(crate) F);

impl<F, T> tower_service::Service<Uri> for Connector<F>
where
    F: Fn() -> BoxFuture<'static, std::io::Result<T>>,
{
    type Response = T;
    type Error = std::io::Error;
    type Future = BoxFuture<'static, Result<T, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _address: Uri) -> Self::Future {
        (self.0)()
    }
}

/// Asserts what each handshake has in common and returns the path of the socket.
pub(crate) fn assert_handshake(fields: &[String]) -> PathBuf {
    assert_eq!(fields.len(), 6, "{fields:?}");
    assert_eq!(fields[..3], ["1", "6", "unix"]);
    assert_eq!(fields[4], "grpc");
    let path = PathBuf::from(&fields[3]);
    assert!(
        path.as_os_str().as_bytes().len() < 104,
        "{}",
        path.display()
    );
    path
}
