//! msgpack as Terraform writes it: the type guides, every extension is an unknown value.
//!
//! Decoding is safe for hostile input: the depth is bounded by the type, the number of values by a
//! budget, nothing is allocated by an announced length, and a recursion into a `dynamic` value is
//! bounded by the depth limit of the type's JSON form.

mod decode;
mod encode;

pub use decode::decode;
pub use encode::encode;

/// The extension type of an unknown value with refinements.
const REFINED: i8 = 12;

/// The longest refinement body that Terraform sends or accepts.
const MAX_REFINEMENT: usize = 1024;
