//! What the product relies on in the AWS stand-in, as a table of behaviours.
//!
//! The tests speak to it through aws-sdk-rust, as the product does: an error that the SDK cannot
//! read would prove nothing.

mod accounts;
