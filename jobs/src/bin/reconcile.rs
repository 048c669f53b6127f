//! The function `reconcile`.

fn main() {}
