//! The jobs as they are deployed: the real binaries of `provision` and `reconcile` behind a real Runtime API, each with a
//! role of its own, and a registry table in the hub account.

mod deployed;
mod rows;
mod scene;

pub use scene::{Scene, SceneOptions, TableKey};
