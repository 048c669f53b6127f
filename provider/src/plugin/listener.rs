//! Where the provider can be reached: a Unix socket in a private directory, or a TCP port of the
//! loopback interface where there are no Unix sockets for Go programs (Windows).

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use crate::environment::Environment;

/// Longest path of a socket in bytes that every system of ours can bind (macOS allows 103).
const LONGEST_SOCKET_PATH: usize = 103;

/// An accepted connection, before TLS.
pub(super) type Stream = Box<dyn Connection>;

/// What a connection must be able to do.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Where a listener listens, in the words of the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// Path of a socket.
    Unix(PathBuf),
    /// Loopback address and port.
    Tcp(SocketAddr),
}

impl Address {
    pub(super) fn network(&self) -> &'static str {
        match self {
            Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(formatter),
            Self::Tcp(address) => address.fmt(formatter),
        }
    }
}

/// A bound listener. Dropping it removes its socket.
pub(super) struct Listener {
    socket: Socket,
    address: Address,
    // Declared last, so that the files go after the socket is closed.
    _files: Option<SocketFiles>,
}

enum Socket {
    #[cfg(unix)]
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Listens in the way that a host on this system expects.
    pub(super) async fn bind(environment: &Environment) -> Result<Self> {
        #[cfg(unix)]
        return Self::bind_unix(environment).await;
        #[cfg(not(unix))]
        return Self::bind_tcp(environment.ports.clone()).await;
    }

    #[cfg(unix)]
    #[expect(
        clippy::unused_async,
        reason = "same shape as the TCP case; needs a runtime anyway"
    )]
    async fn bind_unix(environment: &Environment) -> Result<Self> {
        let files = match &environment.socket_directory {
            Some(directory) => SocketFiles::inside(directory),
            None => SocketFiles::private(&environment.temporary_directory)?,
        };
        let socket = UnixListener::bind(&files.socket)
            .with_context(|| format!("failed to listen on {}", files.socket.display()))?;
        let address = Address::Unix(files.socket.clone());
        Ok(Self {
            socket: Socket::Unix(socket),
            address,
            _files: Some(files),
        })
    }

    /// Listens on the first free port of the range, on the loopback interface only.
    #[cfg_attr(
        unix,
        cfg_attr(not(test), expect(dead_code, reason = "hosts on Unix use sockets"))
    )]
    async fn bind_tcp(ports: RangeInclusive<u16>) -> Result<Self> {
        for port in ports.clone() {
            let Ok(socket) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await else {
                continue;
            };
            let address = Address::Tcp(socket.local_addr().context("failed to read our port")?);
            return Ok(Self {
                socket: Socket::Tcp(socket),
                address,
                _files: None,
            });
        }
        bail!(
            "no free port on 127.0.0.1 between {} and {}; free one, or widen PLUGIN_MIN_PORT and \
             PLUGIN_MAX_PORT",
            ports.start(),
            ports.end()
        )
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            #[cfg(unix)]
            Socket::Unix(socket) => Ok(Box::new(socket.accept().await?.0)),
            Socket::Tcp(socket) => {
                let (stream, _) = socket.accept().await?;
                // Small messages in both directions: waiting to fill packets only costs time.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// Files of a Unix socket, removed when dropped.
struct SocketFiles {
    socket: PathBuf,
    directory: Option<PathBuf>,
}

impl SocketFiles {
    /// A socket directly in a directory that the host made for it and whose permissions are the
    /// host's business.
    #[cfg(unix)]
    fn inside(directory: &Path) -> Self {
        Self {
            socket: directory.join(format!("crossaccount-{}", random_name())),
            directory: None,
        }
    }

    /// A socket in a new directory that nobody else may enter. Such a directory is the only
    /// portable protection: some systems ignore the permissions of a socket itself.
    #[cfg(unix)]
    fn private(temporary_directory: &Path) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;

        let name = format!("crossaccount-{}", random_name());
        let directory = [temporary_directory, Path::new("/tmp")]
            .into_iter()
            .map(|parent| parent.join(&name))
            .find(|path| path.join("s").as_os_str().len() <= LONGEST_SOCKET_PATH)
            .context("no directory for a socket has a path that is short enough")?;
        // Fails if anything of this name exists, so nobody can have prepared it for us.
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .with_context(|| {
                format!(
                    "failed to create {}; set TMPDIR to a writable directory",
                    directory.display()
                )
            })?;
        Ok(Self {
            socket: directory.join("s"),
            directory: Some(directory),
        })
    }
}

impl Drop for SocketFiles {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own care of its temporary directory.
        let _ = std::fs::remove_file(&self.socket);
        if let Some(directory) = &self.directory {
            let _ = std::fs::remove_dir(directory);
        }
    }
}

#[cfg(unix)]
fn random_name() -> String {
    uuid::Uuid::new_v4()
        .simple()
        .to_string()
        .chars()
        .take(12)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(temporary_directory: &Path, socket_directory: Option<&Path>) -> Environment {
        let mut environment = Environment::from_lookup(|_| None, temporary_directory.to_path_buf());
        environment.socket_directory = socket_directory.map(Path::to_path_buf);
        environment
    }

    fn entries(directory: &Path) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_socket_is_in_a_private_directory_and_goes_with_its_listener() {
        use std::os::unix::fs::PermissionsExt as _;

        let temporary = tempfile::tempdir().unwrap();
        let listener = Listener::bind(&environment(temporary.path(), None))
            .await
            .unwrap();
        let Address::Unix(path) = listener.address().clone() else {
            panic!("not a socket")
        };

        let directory = path.parent().unwrap();
        assert_eq!(directory.parent(), Some(temporary.path()));
        assert_eq!(
            directory.metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
        drop(listener);
        assert_eq!(entries(temporary.path()), 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_directory_named_by_the_host_is_used_and_kept() {
        let temporary = tempfile::tempdir().unwrap();
        let named = tempfile::tempdir().unwrap();
        let environment = environment(temporary.path(), Some(named.path()));
        let listener = Listener::bind(&environment).await.unwrap();
        let Address::Unix(path) = listener.address().clone() else {
            panic!("not a socket")
        };

        assert_eq!(path.parent(), Some(named.path()));
        drop(listener);
        assert_eq!(entries(named.path()), 0);
        assert_eq!(entries(temporary.path()), 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_temporary_directory_with_a_long_path_is_not_used() {
        let temporary = tempfile::tempdir().unwrap();
        let long = temporary.path().join("x".repeat(120));
        std::fs::create_dir(&long).unwrap();
        let listener = Listener::bind(&environment(&long, None)).await.unwrap();
        let Address::Unix(path) = listener.address().clone() else {
            panic!("not a socket")
        };

        assert!(path.starts_with("/tmp"), "{}", path.display());
        assert_eq!(entries(&long), 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_directory_that_does_not_exist_is_named_in_the_error() {
        let temporary = tempfile::tempdir().unwrap();
        let missing = temporary.path().join("missing");
        let error = Listener::bind(&environment(&missing, None))
            .await
            .err()
            .unwrap();
        assert!(error.to_string().contains("TMPDIR"), "{error}");
    }

    #[tokio::test]
    async fn tcp_takes_a_free_port_of_the_range_on_loopback_only() {
        // A port that is certainly taken, and the range of nothing but that port.
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Listener::bind_tcp(port..=port).await.err().unwrap();
        assert!(
            error
                .to_string()
                .contains(&format!("between {port} and {port}")),
            "{error}"
        );

        let listener = Listener::bind_tcp(port..=u16::MAX).await.unwrap();
        let Address::Tcp(address) = listener.address() else {
            panic!("not a port")
        };
        assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
        assert!(address.port() > port);
        assert_eq!(listener.address().network(), "tcp");
    }
}
