//! Bytes from outside into the value codecs. In `provider/`: `cargo +nightly fuzz run decode`.
#![no_main]

#[path = "../../src/value/mod.rs"]
#[allow(dead_code, reason = "the codecs are a part of the module")]
mod value;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| value::fuzzing::decode_anything(bytes));
