//! The program as a host sees it: a real process, its handshake, its connection and its end.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod by_hand;
mod host;
mod life_cycle;
mod log;
mod mutual_tls;
mod reattach;
