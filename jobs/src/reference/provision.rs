//! The page about `provision`.

use crossaccount_core::session::AccountFilter;
use serde_json::{Value, json};

use super::environment;
use crate::config::table::PROVISION;
use crate::provision::read;
use crate::rows::{Reason, ReasonKind, Row, RowStatus};

const BEGINNING: &str = "# provision

Users in many accounts on one call. The function is the binary `provision` of `cargo package-lambdas`; \
`examples/cloudformation/registry.yaml` and `examples/terraform/registry` deploy it. In a shell, with the same environment:

```sh
cargo run -p crossaccount-jobs --bin provision -- --event event.json         # a table; --json prints the answer
```

The exit code is 0 when every user is as wanted, 2 when some are not, and 1 when nothing was done.

## Event
";

const EVENT: &str = "
- `users`: names. White space around a name is dropped; a name that is there twice counts once; two that differ by case alone \
are refused, because IAM takes them for the same.
- `accounts`: account ids in quotes, also as the console shows them (`2222-2222-2222`), or `\"all\"`: those of \
`CROSSACCOUNT_ALLOWED_ACCOUNT_IDS`, when that lists any. For more accounts than fit there, and for runs that would take longer \
than fifteen minutes, call the function once for each batch of accounts (a Distributed Map of Step Functions does).
- `spec`: properties of [`Custom::CrossAccountIamUser`](../cloudformation/custom-resource.md) without `AccountId` and \
`UserName`. They count before `CROSSACCOUNT_DEFAULT_PROPERTIES`; `null` takes a default away. In texts `${AccountId}`, \
`${UserName}` and `${Partition}` are filled in. `DeletionPolicy` and `ForceDestroy` are refused: the function deletes nobody.
- `dry_run`: `true` shows what would be done, and writes nothing but the report.

One user in one account can be written as

```json
{\"account_id\": \"222222222222\", \"user_name\": \"alice\"}
```

with the same `spec` and `dry_run`. An event that is not valid is an error that says everything that is wrong, and nothing is \
called.

## What happens

Each account is opened once and listed once. A user that does not exist is created; one that an earlier call left half made is \
completed; one that is as wanted is left alone, without any record. A user that was not made by this deployment (its tag \
`crossaccount:managed-by` is not `provision/DEPLOYMENT_ID`) is never changed, unless `AdoptionPolicy: adopt` is written and \
allowed. An account that cannot be reached fails its rows and no others. Calling again does what is missing, and nothing else.

Without `spec` a user gets what the system gave that this replaces: EC2 and CloudWatch access, by the current policies, and a \
console password. The password is generated to the account's own policy, kept in SSM Parameter Store, and has to be changed at \
the first sign-in; it stands in no report, log or answer. Better than policies on users are `Groups`, and always a \
`PermissionsBoundary`: set both in `CROSSACCOUNT_DEFAULT_PROPERTIES`.

## Answer
";

const ANSWER: &str = "
- `outcome`: `Succeeded`, `PartlyFailed` or `Failed`. A call whose users failed is no error of the function: read it.
- `rows`: one for each account and user, those that did not go well first. Of more than 5000 the rest stands in the report \
alone, and `rows_omitted` says how many.
- `status`: `Created`, `Exists`, `Updated`, `Failed`; `Postponed` when there was no time left; in a dry run `WouldCreate` and \
`WouldUpdate`, with `steps`.
- `reason`: why a user is not as wanted. `kind` is for programs: `InvalidProperties`, `NotAllowed` (the rules of the function), \
`NotOurs`, `AssumeRole`, `AccessDenied`, `Throttled`, `LimitExceeded`, `Audit` and others; `message` says what to do.
- `report`: the objects in S3 with every row: `csv` for people (cells that a spreadsheet would take for formulas begin with \
`'`), `json` for programs. When they could not be written, `report_error` says why and the outcome is not `Succeeded`.

Every operation has an audit record before and after it, with the `run_id` of the answer.

## Metrics

In the namespace `CrossAccount`, with the dimension `Function: provision`: `UsersCreated`, `UsersUpdated`, `UsersUnchanged`, \
`UsersFailed`, `Postponed`, `ReportsFailed`, `AwsCalls`, `Duration`.
";

fn event() -> Value {
    json!({
        "users": ["alice", "bob"],
        "accounts": ["222222222222", "333333333333"],
        "spec": {"Groups": ["engineers"], "ConsoleAccess": {}},
        "dry_run": false,
    })
}

fn row() -> Row {
    let mut reason = Reason::new(
        ReasonKind::Of(crossaccount_core::ErrorKind::AssumeRole),
        "account 333333333333: the member role could not be assumed …",
    );
    reason.aws_code = Some("AccessDenied".to_owned());
    reason.request_id = Some("8f6a".to_owned());
    Row::of("333333333333", "alice", RowStatus::Failed).because(reason)
}

pub(super) fn page() -> String {
    let json = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let row = serde_json::to_value(row()).unwrap();
    let answer = json!({
        "run_id": "0d1b8a52-5d0e-4a55-9a0c-1f6f4c2f8e11",
        "outcome": "PartlyFailed",
        "dry_run": false,
        "counts": {"Created": 3, "Failed": 1},
        "rows": [row],
        "rows_omitted": 0,
        "report": {
            "bucket": "crossaccount-audit-111111111111",
            "csv": "reports/dt=2026-11-26/20261126T090807Z-0d1b8a52-5d0e-4a55-9a0c-1f6f4c2f8e11.csv",
            "json": "reports/dt=2026-11-26/20261126T090807Z-0d1b8a52-5d0e-4a55-9a0c-1f6f4c2f8e11.json",
        },
        "report_error": null,
    });
    format!(
        "{BEGINNING}\n```json\n{}\n```\n{EVENT}\n```json\n{}\n```\n{ANSWER}{}",
        json(&event()),
        json(&answer),
        environment(PROVISION)
    )
}

#[test]
fn the_event_of_the_page_is_one_that_is_understood() {
    assert!(read(&event().to_string(), &AccountFilter::Any).is_ok());
}
