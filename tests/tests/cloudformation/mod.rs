//! The CloudFormation face, end to end: the real binary behind a Runtime API, driven by stacks.

mod emulator;
mod fake;
mod leaks;
mod lifecycle;
mod scene;
