//! The CloudFormation face, end to end: the real binary behind a Runtime API, driven by stacks.

mod emulator;
mod fake;
mod faults;
mod leaks;
mod lifecycle;
mod people;
mod refused_creations;
mod replacements;
mod scene;
mod updates;
