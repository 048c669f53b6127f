//! The chain of a run: each record gets the next number and the hash of the record before it, under a
//! lock that is held for microseconds. Writing to S3 happens outside of it, in any order.

use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::record::{Record, Unwritten};
use crate::error::{Error, ErrorKind};

#[derive(Debug, Default)]
struct State {
    next_sequence: u64,
    previous_sha256: Option<String>,
    unwritten: Vec<Unwritten>,
}

/// The chain of one run.
#[derive(Debug, Default)]
pub(super) struct Chain(Mutex<State>);

/// A record that has its place in the chain.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) bytes: Vec<u8>,
    /// What is lost with this record when it cannot be written: itself and what it names as lost.
    carries: Vec<Unwritten>,
}

impl Chain {
    /// Gives the record its place and turns it into the bytes to write.
    pub(super) fn link(&self, mut record: Record) -> Result<Linked, Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        record.sequence = state.next_sequence;
        record.previous_sha256.clone_from(&state.previous_sha256);
        record.unwritten.clone_from(&state.unwritten);
        let bytes = serde_json::to_vec(&record).map_err(|error| {
            Error::new(ErrorKind::Internal, "an audit record could not be encoded")
                .with_source(error)
        })?;
        let sha256 = sha256_hex(&bytes);
        let mut carries = std::mem::take(&mut state.unwritten);
        carries.push(Unwritten {
            sequence: record.sequence,
            sha256: sha256.clone(),
        });
        state.next_sequence += 1;
        state.previous_sha256 = Some(sha256);
        Ok(Linked { bytes, carries })
    }

    /// Remembers that a record was not written, so that the next one says so.
    pub(super) fn lost(&self, linked: Linked) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.unwritten.extend(linked.carries);
        state.unwritten.sort_by_key(|unwritten| unwritten.sequence);
    }
}

/// The SHA-256 of some bytes in hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
