//! When the process ends: asked by the host, by a signal, or because nobody is left.
//!
//! An interrupt from the keyboard reaches host and plugins alike, and the host alone decides what
//! follows (it asks running operations to stop, and waits for them). So a plugin ignores it.

use std::io;
use std::time::Duration;

use tokio::sync::watch;

/// How often the parent process is looked at.
#[cfg(unix)]
const PARENT_INTERVAL: Duration = Duration::from_millis(500);
/// How long to wait for another connection after the last one has ended. Less than the two seconds
/// after which hosts kill a plugin that did not understand that it is done.
const RECONNECT_LIMIT: Duration = Duration::from_secs(1);

/// What an interrupt (`SIGINT`, Ctrl-C) means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnInterrupt {
    /// The host got it too and tells us what to do.
    Ignore,
    /// There is no host: a person wants us to end.
    End,
}

/// The signals of this process. From its creation on none of them kills it unheard.
///
/// Child processes start with the usual behaviour, because handlers do not survive `exec`.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal that ends the process and returns its name.
    pub(super) async fn end(&mut self, on_interrupt: OnInterrupt) -> &'static str {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => {
                    if on_interrupt == OnInterrupt::End {
                        return "SIGINT";
                    }
                }
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.hangup.recv() => return "SIGHUP",
            }
        }
    }
}

/// Ctrl-C, the only signal of this system that a console program shares with its host.
#[cfg(windows)]
pub(super) struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c()?,
        })
    }

    /// Waits for a signal that ends the process and returns its name.
    pub(super) async fn end(&mut self, on_interrupt: OnInterrupt) -> &'static str {
        loop {
            self.interrupt.recv().await;
            if on_interrupt == OnInterrupt::End {
                return "Ctrl-C";
            }
        }
    }
}

/// Ready when the process that started us is gone.
///
/// Nothing in the protocol covers a host that is killed. The comparison is with the first parent
/// and not with process 1, because in a container the host may be process 1.
pub(super) async fn orphaned() {
    #[cfg(unix)]
    {
        let parent = std::os::unix::process::parent_id();
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(PARENT_INTERVAL).await;
        }
    }
    // Elsewhere the end of the connection is the only sign; `abandoned` sees it.
    #[cfg(not(unix))]
    std::future::pending::<()>().await;
}

/// Ready when there were connections, all of them have ended, and no new one came in time.
pub(super) async fn abandoned(mut open: watch::Receiver<usize>) {
    loop {
        // An error means that the sender is gone, and then nothing can be connected.
        if open.wait_for(|count| *count > 0).await.is_err()
            || open.wait_for(|count| *count == 0).await.is_err()
        {
            return;
        }
        let reconnected = open.wait_for(|count| *count > 0);
        if tokio::time::timeout(RECONNECT_LIMIT, reconnected)
            .await
            .is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_that_nobody_connected_to_is_not_abandoned() {
        let open = Arc::new(watch::Sender::new(0));
        let wait = tokio::time::timeout(Duration::from_secs(3600), abandoned(open.subscribe()));
        assert!(wait.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_last_connection_abandons_the_process() {
        let open = Arc::new(watch::Sender::new(0));
        let watching = tokio::spawn(abandoned(open.subscribe()));
        for count in [1, 2, 1] {
            open.send_replace(count);
            tokio::time::sleep(RECONNECT_LIMIT * 2).await;
            assert!(!watching.is_finished(), "{count}");
        }
        open.send_replace(0);
        tokio::time::sleep(RECONNECT_LIMIT * 2).await;
        assert!(watching.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_comes_back_in_time_keeps_the_process() {
        let open = Arc::new(watch::Sender::new(0));
        let watching = tokio::spawn(abandoned(open.subscribe()));
        for _ in 0..3 {
            open.send_replace(1);
            tokio::time::sleep(RECONNECT_LIMIT * 2).await;
            open.send_replace(0);
            tokio::time::sleep(RECONNECT_LIMIT / 2).await;
        }
        open.send_replace(1);
        tokio::time::sleep(RECONNECT_LIMIT * 2).await;
        assert!(!watching.is_finished());
    }
}
