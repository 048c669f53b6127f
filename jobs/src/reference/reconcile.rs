//! The page about `reconcile`.

use super::environment;
use crate::config::table::RECONCILE;
use crate::registry::RowResult;

const TEXT: &str = "# reconcile

Accounts are kept as a table says: the rows of the registry are the wanted IAM users. The function is the binary `reconcile` of \
`cargo package-lambdas`; `examples/cloudformation/registry.yaml` and `examples/terraform/registry` deploy it with its table, \
stream, schedule and alarms. The member roles need the feature `inventory` (`AllowInventory`). In a shell, with the same \
environment:

```sh
echo '{\"Job\": \"Reconcile\", \"DryRun\": true}' | cargo run -p crossaccount-jobs --bin reconcile -- --event -
```

## Rows

The key of the table is `UserName`, or `UserName` and `AccountId`, both texts. A table with names alone, as the system had that \
this replaces, works with `CROSSACCOUNT_DEFAULT_ACCOUNT_ID`. Every other attribute is a property of \
[`Custom::CrossAccountIamUser`](../cloudformation/custom-resource.md), under the same name and in the same shape, and counts \
before `CROSSACCOUNT_DEFAULT_PROPERTIES`. In texts `${AccountId}`, `${UserName}` and `${Partition}` are filled in. What happens \
when a row goes is decided for the whole registry: `DeletionPolicy` and `ForceDestroy` in a row are refused.

```sh
aws dynamodb put-item --table-name crossaccount-registry --item '{
  \"UserName\": {\"S\": \"reporting\"}, \"AccountId\": {\"S\": \"222222222222\"},
  \"Groups\": {\"L\": [{\"S\": \"readers\"}]}, \"AccessKey\": {\"M\": {\"RotateAfterDays\": {\"N\": \"15\"}}}}'
```

The function writes one attribute into the row, `Result`, and only when it says something new:
";

const AFTER_RESULT: &str = "
`Status` is the last thing that was done (`Created`, `Updated`, `Rotated`, `Exists`), or `Failed` with the reason in \
`LastError`. The parameters hold the secrets; the row never does. `RowSha256` says which row the result is about: a stream \
record of a row that is as its result says was written by the function itself, and leads to no call. Remove `Result`, or change \
anything, to have a row looked at again before the next hour.

Without `AccessKey.Status` in the row or the defaults, a key that somebody has made inactive stays so until it is replaced, and a warning says it: switch a leaked key off by hand, and no hour switches it on again. `Active` or `Inactive` in so many words is kept to.

Items whose `UserName` holds `#` are bookkeeping of the function (leases, removals of an hour, accounts in which it has users). \
No IAM name holds one.

## Events

- **A batch of the stream.** A record only says that a row changed; the row is read again and the user brought to it, so \
records that come twice, late or out of order do no harm. A row that is gone takes its user with it, and a row that names another \
account takes it there. The stream may have any view \
type. The answer is `{\"batchItemFailures\": …}`: reported is what may pass by itself (throttling, an outage, a record in S3 that \
could not be written, the table itself). What is wrong with a row stands in the row and holds up nobody. What was given up goes to the on-failure \
destination, and the next hour finds it.
- **The schedule**, `{\"Job\": \"Reconcile\"}`. Every row and every account: users are created and mended, access keys that are \
due rotate (a new one after 15 days; the old one is made inactive half way and deleted at 30, unless it is in use), and users of \
the registry that are in no row are removed. With `\"DryRun\": true` everything is shown and nothing is done.

The answer to the schedule has `outcome`, `counts`, the `rows` to which something happened or should have, `rows_omitted` when \
they are more than an answer of Lambda holds, `failed_accounts`, and `removals_refused`. Each run begins at another account, so \
that each has its turn when the time is too short for all.

## When users are removed, and when not

Only a user whose tag `crossaccount:managed-by` is `registry/DEPLOYMENT_ID` is ever removed: not those of nobody, of a stack, of \
Terraform, of `provision`, or of another registry. None is removed

- when more users than `CROSSACCOUNT_MAX_REMOVALS` would go within one hour: then nobody of the run or the batch goes, the log and \
the answer say so, and the metric `RemovalsRefused` raises an alarm;
- by the schedule, when the table cannot be read as a whole or has no row at all, or when more than \
`CROSSACCOUNT_MAX_REMOVAL_PERCENT` of all would go in one run. The stream does not look at this: a row that was deleted is an order;
- when a row of its name is there for this account, whatever is wrong with that row. Row and tag are read again just before;
- in an account that could not be looked at.

A policy, group or inline policy that the rules of the function could not have given, an MFA device, a certificate or a key that \
somebody else made stops the deletion with an error that names it, unless `CROSSACCOUNT_FORCE_DESTROY` is `true`. A user that was \
taken over with `AdoptionPolicy: adopt` belongs to the registry from then on, and goes with its row.

With `CROSSACCOUNT_ALLOWED_ACCOUNT_IDS` as a list, every listed account is looked at. With `*` those are that a row names, and those \
that the registry remembers: an item `place#ACCOUNT` stands in the table as long as it has users there.

## Two runs at the same time

Whoever has something to change takes a lease of the user (20 seconds, renewed while work goes on). Another run that meets it \
leaves the user to the next one, and says `Postponed`. So does a run that finds the row changed since it was read.

## Metrics

In the namespace `CrossAccount`, with the dimensions `Function: reconcile` and `DeploymentId`: `UsersCreated`, `UsersUpdated`, \
`UsersRotated`, `UsersDeleted`, `UsersUnchanged`, `UsersFailed`, `Postponed`, `AccountsFailed`, `RemovalsRefused`, \
`ScheduledRuns` (1 for each run of the schedule that came to its end: an alarm that misses it tells of a schedule that does not \
run), `AwsCalls`, `Duration`. An hour in which nothing is due costs two calls for each account, one for its keys and one for its \
console access for each user, and one for every 50 secrets.
";

fn result() -> String {
    let result = RowResult {
        status: "Rotated".to_owned(),
        user_arn: Some("arn:aws:iam::222222222222:user/registry/reporting".to_owned()),
        access_key_id: Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
        access_key_parameter: Some("/crossaccount/222222222222/reporting/access-key".to_owned()),
        password_parameter: Some(
            "/crossaccount/222222222222/reporting/console-password".to_owned(),
        ),
        last_rotation: Some("2026-11-26T09:08:07Z".to_owned()),
        last_error: Some("(only while Status is Failed)".to_owned()),
        changed_at: Some("2026-11-26T09:08:08Z".to_owned()),
        row_sha256: Some("9f2c…".to_owned()),
    };
    serde_json::to_string_pretty(&result.to_json()).unwrap()
}

pub(super) fn page() -> String {
    format!(
        "{TEXT}\n```json\n{}\n```\n{AFTER_RESULT}{}",
        result(),
        environment(RECONCILE)
    )
}
