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

/// The process that started this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parent {
    #[cfg(unix)]
    id: u32,
}

impl Parent {
    /// The parent at this moment.
    pub(super) fn now() -> Self {
        Self {
            #[cfg(unix)]
            id: std::os::unix::process::parent_id(),
        }
    }
}

/// Ready when the process that started us is gone.
///
/// Nothing in the protocol covers a host that is killed. The comparison is with the first parent
/// and not with process 1, because in a container the host may be process 1.
pub(super) async fn orphaned(parent: Parent) {
    #[cfg(unix)]
    while std::os::unix::process::parent_id() == parent.id {
        tokio::time::sleep(PARENT_INTERVAL).await;
    }
    // Elsewhere the end of the connection is the only sign; `abandoned` sees it.
    #[cfg(not(unix))]
    {
        let Parent {} = parent;
        std::future::pending::<()>().await;
    }
}

/// How many connections there are and ever were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Connections {
    open: usize,
    /// A connection may begin and end between two looks, so that `open` alone would not show it.
    total: usize,
}

impl Connections {
    /// One more.
    pub(super) fn begin(&mut self) {
        self.open += 1;
        self.total += 1;
    }

    /// One less.
    pub(super) fn end(&mut self) {
        self.open -= 1;
    }
}

/// Ready when there were connections, all of them have ended, and no new one came in time.
pub(super) async fn abandoned(connections: watch::Receiver<Connections>) {
    abandoned_after(connections, || tokio::time::sleep(RECONNECT_LIMIT)).await;
}

/// `patience` is the wait for another connection.
async fn abandoned_after<F>(
    mut connections: watch::Receiver<Connections>,
    patience: impl Fn() -> F,
) where
    F: Future<Output = ()>,
{
    loop {
        // An error means that the sender is gone, and then nothing can be connected.
        let Ok(ended) = connections.wait_for(|now| now.total > 0 && now.open == 0).await else {
            return;
        };
        let total = ended.total;
        drop(ended);
        tokio::select! {
            biased;
            _ = connections.wait_for(|now| now.total > total) => {}
            () = patience() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::pin;

    use futures_util::FutureExt as _;
    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn a_process_that_nobody_connected_to_is_not_abandoned() {
        let connections = watch::Sender::new(Connections::default());
        let mut watching = pin!(abandoned_after(connections.subscribe(), || ready(())));
        assert_eq!(watching.as_mut().now_or_never(), None);
    }

    #[test]
    fn the_end_of_the_last_connection_abandons_the_process() {
        let connections = watch::Sender::new(Connections::default());
        let mut watching = pin!(abandoned_after(connections.subscribe(), || ready(())));
        for change in [Connections::begin, Connections::begin, Connections::end] {
            connections.send_modify(change);
            assert_eq!(watching.as_mut().now_or_never(), None);
        }
        connections.send_modify(Connections::end);
        assert_eq!(watching.as_mut().now_or_never(), Some(()));
    }

    #[test]
    fn a_connection_that_ended_before_anybody_looked_abandons_the_process() {
        let connections = watch::Sender::new(Connections::default());
        connections.send_modify(Connections::begin);
        connections.send_modify(Connections::end);
        let mut watching = pin!(abandoned_after(connections.subscribe(), || ready(())));
        assert_eq!(watching.as_mut().now_or_never(), Some(()));
    }

    #[test]
    fn a_host_that_comes_back_in_time_keeps_the_process() {
        let connections = watch::Sender::new(Connections::default());
        let expired = Notify::new();
        let mut watching =
            pin!(abandoned_after(connections.subscribe(), || expired.notified()));
        for _ in 0..3 {
            for change in [Connections::begin, Connections::end] {
                connections.send_modify(change);
                assert_eq!(watching.as_mut().now_or_never(), None);
            }
        }
        expired.notify_waiters();
        assert_eq!(watching.as_mut().now_or_never(), Some(()));
    }
}
