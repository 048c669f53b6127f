//! Something that happens once and is waited for.

use tokio::sync::watch;

/// A signal: once it is given, everybody who waits or will wait goes on. Clones are the same signal.
#[derive(Debug, Clone)]
pub struct Signal {
    given: watch::Sender<bool>,
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}

impl Signal {
    /// A signal that was not given yet.
    pub fn new() -> Self {
        Self {
            given: watch::Sender::new(false),
        }
    }

    /// A signal that was given already.
    pub fn given() -> Self {
        let signal = Self::new();
        signal.give();
        signal
    }

    /// Lets everybody go on.
    pub fn give(&self) {
        self.given.send_replace(true);
    }

    /// Waits until it is given.
    pub async fn wait(&self) {
        // Fails only when the sender is gone, and we hold it.
        let _ = self.given.subscribe().wait_for(|given| *given).await;
    }
}
