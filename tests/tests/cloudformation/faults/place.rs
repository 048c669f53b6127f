//! One AWS call of an operation, and how it fails.

use std::collections::BTreeMap;

use harness::standin::Call;
use harness::{Fault, FaultKind};

/// How a call fails. All but the last two last until the function has sent an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Failure {
    /// Refused because there are too many calls.
    Throttled,
    /// Refused for no reason.
    ServerError,
    /// Never carried out, and never answered.
    LostRequests,
    /// Carried out, and not answered once.
    LostAnswer,
    /// Carried out each time, and never answered.
    LostAnswers,
    /// Refused until the whole operation of the stack is over, its roll-back too.
    Outage,
    /// Carried out, and the function dies with SIGKILL before it knows. Lambda delivers the request again.
    Killed,
}

impl Failure {
    /// All ways, for the calls that no other table covers: those of the ledger.
    const OF_LEDGER: [Self; 6] = [
        Self::Throttled,
        Self::Outage,
        Self::LostRequests,
        Self::LostAnswer,
        Self::LostAnswers,
        Self::Killed,
    ];
    /// Not carried out with a good and with a bad roll-back, carried out and not known, and nobody left to know. The
    /// tables of Terraform prove the retries of these calls with all ways.
    const OF_WRITES: [Self; 4] = [
        Self::ServerError,
        Self::Outage,
        Self::LostAnswers,
        Self::Killed,
    ];
    /// A read has no effect: a death in it is one after the write before it.
    const OF_READS: [Self; 1] = [Self::ServerError];

    fn kind(self) -> FaultKind {
        match self {
            Self::Throttled => FaultKind::Throttle,
            Self::ServerError | Self::Outage => FaultKind::HttpError {
                status: 500,
                code: "InternalFailure".to_owned(),
            },
            Self::LostRequests => FaultKind::DropBeforeCommit,
            Self::LostAnswer | Self::LostAnswers => FaultKind::DropAfterCommit,
            Self::Killed => FaultKind::HoldAfterCommit,
        }
    }
}

/// The change with which a lease is renewed, as it stands in JSON.
const RENEWAL: &str = "\"SET #until = :until\"";

/// One call of a clean run: the nth of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Place {
    /// The account that it is about.
    pub(in super::super) hub: bool,
    /// Such as `iam:CreateUser`.
    pub(in super::super) action: String,
    /// What tells it from other calls of the same action.
    mark: Option<String>,
    number: u32,
}

impl Place {
    pub(in super::super) fn is_write(&self) -> bool {
        let reads = [
            "iam:Get",
            "iam:List",
            "sts:",
            "kms:",
            "ssm:Get",
            "ssm:List",
            "ssm:Describe",
            "dynamodb:Get",
        ];
        !reads.iter().any(|read| self.action.starts_with(read))
    }

    /// Whether it comes when it comes: renewals of the lease do, and the last look whether the request was overtaken is one
    /// more of them.
    pub(super) fn is_renewal(&self) -> bool {
        self.mark.as_deref() == Some(RENEWAL)
    }

    pub(super) fn is_of_ledger(&self) -> bool {
        self.action.starts_with("dynamodb:")
    }

    /// In which ways it is made to fail.
    pub(super) fn failures(&self) -> &'static [Failure] {
        match (self.is_of_ledger(), self.is_write()) {
            (true, true) => &Failure::OF_LEDGER,
            (false, true) => &Failure::OF_WRITES,
            (_, false) => &Failure::OF_READS,
        }
    }

    /// A fault of this call alone.
    pub(in super::super) fn fault(&self, kind: FaultKind, account_id: &str) -> Fault {
        let fault = Fault::new(kind, &self.action)
            .in_account(account_id)
            .from_call(self.number);
        match &self.mark {
            Some(mark) => fault.with_parameter(mark),
            None => fault,
        }
    }

    /// The fault that makes it fail like this.
    pub(super) fn failing(&self, failure: Failure, account_id: &str) -> Fault {
        let fault = self.fault(failure.kind(), account_id);
        match failure {
            Failure::LostAnswer | Failure::Killed => fault,
            _ => fault.always(),
        }
    }
}

/// The calls of a log, as places where faults can be put.
pub(in super::super) fn places(calls: &[Call], hub: &str) -> Vec<Place> {
    let mut counts = BTreeMap::new();
    let places = calls.iter().map(|call| {
        let hub = call.account_id == hub;
        let mark = mark(call);
        let kind = (hub, call.action.clone(), mark.clone());
        let number = counts.entry(kind).or_insert(0);
        *number += 1;
        Place {
            hub,
            action: call.action.clone(),
            mark,
            number: *number,
        }
    });
    // How many renewals there are depends on how fast this machine is.
    places
        .filter(|place| !place.is_renewal() || place.number == 1)
        .collect()
}

/// The ledger makes all its changes with one action, and renewals of the lease come between them at any time.
fn mark(call: &Call) -> Option<String> {
    let noted = call.parameters["ExpressionAttributeNames"]["#name"].as_str();
    let change = call.parameters["UpdateExpression"].as_str();
    match (noted, change) {
        // As it stands in JSON.
        (Some(noted), _) => Some(format!("\"#name\": \"{noted}\"")),
        (None, Some(change)) => Some(format!("\"{change}\"")),
        (None, None) => None,
    }
}
