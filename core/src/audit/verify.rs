//! Checks the chain of the records of one run: which are missing, altered, or doubled.
//!
//! Pure: whoever has the bytes of the objects can verify them.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::sha256_hex;
use super::record::{Link, Phase, SCHEMA_VERSION};

/// What a run's chain shows when it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// How many records there are.
    pub records: usize,
    /// Records that could not be written at the time, and which the run itself reported.
    pub unwritten: Vec<u64>,
    /// Operations with a `started` and no `finished` record: interrupted, or their last record was
    /// not written or was removed at the very end of the run.
    pub unfinished_operations: Vec<String>,
}

/// Why a chain is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// There is no record.
    #[error("there are no records")]
    Empty,
    /// An object is no audit record of this schema version.
    #[error("object {index} is not an audit record: {reason}")]
    NotARecord {
        /// Its place among the objects given.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// The records belong to more than one run.
    #[error("records of the runs {first} and {second} are mixed")]
    MixedRuns {
        /// One run.
        first: String,
        /// Another one.
        second: String,
    },
    /// Two objects claim the same place.
    #[error("record {sequence} exists twice")]
    Duplicate {
        /// The place.
        sequence: u64,
    },
    /// A record was removed, and no later record says that it could not be written.
    #[error("record {sequence} is missing")]
    Missing {
        /// The place.
        sequence: u64,
    },
    /// A record is not what its successor saw.
    #[error("record {sequence} was altered, or its successor was")]
    Altered {
        /// The place of the record.
        sequence: u64,
    },
}

/// Verifies the records of one run, in any order, as the exact bytes of the objects.
///
/// A chain proves everything but its own end: that the newest records are missing, or that the last
/// one was altered, does not show.
pub fn verify_chain<B: AsRef<[u8]>>(objects: &[B]) -> Result<ChainReport, ChainFault> {
    let mut by_sequence = BTreeMap::new();
    let mut run: Option<String> = None;
    for (index, object) in objects.iter().enumerate() {
        let link = parse(index, object.as_ref())?;
        match &run {
            Some(first) if *first != link.run_id => {
                return Err(ChainFault::MixedRuns {
                    first: first.clone(),
                    second: link.run_id,
                });
            }
            Some(_) => {}
            None => run = Some(link.run_id.clone()),
        }
        let sequence = link.sequence;
        let sha256 = sha256_hex(object.as_ref());
        if by_sequence.insert(sequence, (link, sha256)).is_some() {
            return Err(ChainFault::Duplicate { sequence });
        }
    }
    let Some(last) = by_sequence.keys().next_back().copied() else {
        return Err(ChainFault::Empty);
    };
    let reported: BTreeMap<u64, &str> = by_sequence
        .values()
        .flat_map(|(link, _)| &link.unwritten)
        .map(|unwritten| (unwritten.sequence, unwritten.sha256.as_str()))
        .collect();
    let mut unwritten = Vec::new();
    let mut previous: Option<String> = None;
    for sequence in 0..=last {
        let sha256 = match (by_sequence.get(&sequence), reported.get(&sequence)) {
            (Some((link, sha256)), reported) => {
                if link.previous_sha256 != previous {
                    return Err(ChainFault::Altered {
                        sequence: sequence.saturating_sub(1),
                    });
                }
                if reported.is_some_and(|reported| reported != sha256) {
                    return Err(ChainFault::Altered { sequence });
                }
                sha256.clone()
            }
            (None, Some(reported)) => {
                unwritten.push(sequence);
                (*reported).to_owned()
            }
            (None, None) => return Err(ChainFault::Missing { sequence }),
        };
        previous = Some(sha256);
    }
    Ok(ChainReport {
        records: by_sequence.len(),
        unwritten,
        unfinished_operations: unfinished(by_sequence.values().map(|(link, _)| link)),
    })
}

fn parse(index: usize, bytes: &[u8]) -> Result<Link, ChainFault> {
    let not_a_record = |reason: String| ChainFault::NotARecord { index, reason };
    let link: Link =
        serde_json::from_slice(bytes).map_err(|error| not_a_record(error.to_string()))?;
    if link.schema_version != SCHEMA_VERSION {
        return Err(not_a_record(format!(
            "schema version {} is not known",
            link.schema_version
        )));
    }
    Ok(link)
}

fn unfinished<'a>(links: impl Iterator<Item = &'a Link> + Clone) -> Vec<String> {
    let of = |phase: Phase| {
        links
            .clone()
            .filter(move |link| link.phase == phase)
            .map(|link| link.operation_id.clone())
            .collect::<BTreeSet<_>>()
    };
    let finished = of(Phase::Finished);
    of(Phase::Started).difference(&finished).cloned().collect()
}
