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
        unfinished_operations: unfinished(&by_sequence),
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

fn unfinished(by_sequence: &BTreeMap<u64, (Link, String)>) -> Vec<String> {
    let of = |phase: Phase| {
        by_sequence
            .values()
            .filter(|(link, _)| link.phase == phase)
            .map(|(link, _)| link.operation_id.clone())
            .collect::<BTreeSet<_>>()
    };
    let finished = of(Phase::Finished);
    of(Phase::Started).difference(&finished).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{ChainFault, verify_chain};
    use crate::audit::chain::{Chain, Linked};
    use crate::audit::record::{Action, Face, Phase, Record, SCHEMA_VERSION};
    use crate::ids::{OperationId, RunId};

    fn record(run: u128, operation: u128, phase: Phase) -> Record {
        Record {
            schema_version: SCHEMA_VERSION,
            phase,
            operation_id: OperationId::from(uuid::Uuid::from_u128(operation)),
            run_id: RunId::from(uuid::Uuid::from_u128(run)),
            sequence: 0,
            previous_sha256: None,
            unwritten: Vec::new(),
            face: Face::Job,
            crossaccount_version: "0",
            caller_arn: String::new(),
            account_id: "222222222222".parse().unwrap(),
            user_name: "alice".parse().unwrap(),
            user_arn: None,
            user_unique_id: None,
            action: Action::UpdateUser,
            status: None,
            steps: Vec::new(),
            secret_names: Vec::new(),
            error_code: None,
            error_message: None,
            started_at: String::new(),
            finished_at: None,
        }
    }

    /// Three operations one after the other.
    fn linked() -> (Chain, Vec<Linked>) {
        let chain = Chain::default();
        let records = (0..3).flat_map(|operation| {
            [Phase::Started, Phase::Finished].map(|phase| record(1, operation, phase))
        });
        let linked = records.map(|record| chain.link(record).unwrap()).collect();
        (chain, linked)
    }

    fn whole() -> Vec<Vec<u8>> {
        linked().1.into_iter().map(|linked| linked.bytes).collect()
    }

    fn with_text(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    }

    #[test]
    fn a_whole_chain_passes_in_any_order() {
        let mut objects = whole();
        objects.rotate_left(2);
        let report = verify_chain(&objects).unwrap();
        assert_eq!((report.records, report.unwritten.len()), (6, 0));
        assert!(report.unfinished_operations.is_empty());
    }

    #[rstest::rstest]
    #[case(0)]
    #[case(3)]
    #[case(4)]
    fn a_removed_record_shows(#[case] place: usize) {
        let mut objects = whole();
        objects.remove(place);
        let sequence = u64::try_from(place).unwrap();
        assert_eq!(
            verify_chain(&objects),
            Err(ChainFault::Missing { sequence })
        );
    }

    #[test]
    fn an_altered_record_shows() {
        let mut objects = whole();
        objects[2] = with_text(&objects[2], "alice", "mallory");
        assert_eq!(
            verify_chain(&objects),
            Err(ChainFault::Altered { sequence: 2 })
        );
    }

    #[test]
    fn swapping_two_records_shows() {
        let mut objects = whole();
        let second = with_text(&objects[1], r#""sequence":1"#, r#""sequence":2"#);
        let third = with_text(&objects[2], r#""sequence":2"#, r#""sequence":1"#);
        objects.splice(1..3, [third, second]);
        assert!(matches!(
            verify_chain(&objects),
            Err(ChainFault::Altered { .. })
        ));
    }

    #[test]
    fn closing_the_gap_of_a_removed_record_shows() {
        let mut objects = whole();
        objects.remove(1);
        objects[1] = with_text(&objects[1], r#""sequence":2"#, r#""sequence":1"#);
        assert_eq!(
            verify_chain(&objects),
            Err(ChainFault::Altered { sequence: 0 })
        );
    }

    #[test]
    fn a_record_that_was_doubled_shows() {
        let mut objects = whole();
        objects.push(objects[3].clone());
        assert_eq!(
            verify_chain(&objects),
            Err(ChainFault::Duplicate { sequence: 3 })
        );
    }

    #[test]
    fn a_record_that_could_not_be_written_is_no_removed_one() {
        let (chain, mut all) = linked();
        chain.lost(all.remove(5));
        all.push(chain.link(record(1, 3, Phase::Started)).unwrap());
        let objects: Vec<_> = all.into_iter().map(|linked| linked.bytes).collect();
        let report = verify_chain(&objects).unwrap();
        assert_eq!(report.unwritten, [5]);
        assert_eq!(report.unfinished_operations.len(), 2);
    }

    #[test]
    fn a_lost_record_that_names_lost_records_hands_them_on() {
        let chain = Chain::default();
        let link = |operation| chain.link(record(1, operation, Phase::Started)).unwrap();
        chain.lost(link(0));
        chain.lost(link(1));
        let objects = [link(2).bytes];
        assert_eq!(verify_chain(&objects).unwrap().unwritten, [0, 1]);
    }

    #[test]
    fn a_record_reported_as_lost_that_has_arrived_after_all_must_be_the_same() {
        let chain = Chain::default();
        let link = |operation| chain.link(record(1, operation, Phase::Started)).unwrap();
        let (first, second) = (link(0), link(1));
        let arrived = first.bytes.clone();
        chain.lost(first);
        let third = link(2);
        let mut objects = vec![arrived, second.bytes, third.bytes];
        assert!(verify_chain(&objects).unwrap().unwritten.is_empty());
        objects[0] = with_text(&objects[0], "alice", "mallory");
        assert_eq!(
            verify_chain(&objects),
            Err(ChainFault::Altered { sequence: 0 })
        );
    }

    #[test]
    fn two_runs_are_not_one_chain() {
        let mut objects = whole();
        let other = Chain::default().link(record(2, 0, Phase::Started)).unwrap();
        objects.push(other.bytes);
        assert!(matches!(
            verify_chain(&objects),
            Err(ChainFault::MixedRuns { .. })
        ));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        assert_eq!(verify_chain::<Vec<u8>>(&[]), Err(ChainFault::Empty));
        let other_version = with_text(
            &whole()[0],
            r#""schema_version":1"#,
            r#""schema_version":2"#,
        );
        for bytes in [b"{}".to_vec(), other_version] {
            let result = verify_chain(&[bytes]);
            assert!(matches!(
                result,
                Err(ChainFault::NotARecord { index: 0, .. })
            ));
        }
    }
}
