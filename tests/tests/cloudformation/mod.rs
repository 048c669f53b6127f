//! The CloudFormation face, end to end: the real binary behind a Runtime API, driven by stacks.

mod adoption;
mod configuration;
mod deletions;
mod duplicates;
mod emulator;
mod failed_updates;
mod fake;
mod faults;
mod identity;
mod leaks;
mod lifecycle;
mod overtaking;
mod people;
mod refused_creations;
mod replacements;
mod rotation;
mod scene;
mod updates;
