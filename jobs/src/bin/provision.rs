//! The function `provision`.

fn main() {}
