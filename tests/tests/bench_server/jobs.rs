//! What the jobs call: counted on the real binaries, with a server that answers at once. `cargo bench` takes the time.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::bench_server::jobs::{self, Job, TABLE};
use harness::bench_server::{BenchServer, Call};
use serde_json::json;

const ACCOUNTS: usize = 3;
const USERS: usize = 4;

type Counts = BTreeMap<String, usize>;

fn counts(expected: &[(&str, usize)]) -> Counts {
    let counts = expected.iter();
    counts
        .map(|(action, count)| ((*action).to_owned(), *count))
        .collect()
}

/// Calls of each user, by account and name; of each account but for those of its users; and all others.
type Split = (
    BTreeMap<(String, String), Counts>,
    BTreeMap<String, Counts>,
    Counts,
);

fn split(calls: &[Call], accounts: &[String]) -> Split {
    let mut split = Split::default();
    for call in calls {
        let counts = if !call.user_name.is_empty() {
            let key = (call.account_id.clone(), call.user_name.clone());
            split.0.entry(key).or_default()
        } else if accounts.contains(&call.account_id) {
            split.1.entry(call.account_id.clone()).or_default()
        } else {
            &mut split.2
        };
        *counts.entry(call.action.clone()).or_default() += 1;
    }
    split
}

fn every_one_of<K: Ord>(all: BTreeMap<K, Counts>, number: usize) -> Counts {
    assert_eq!(all.len(), number);
    let mut all = all.into_values();
    let first = all.next().unwrap();
    for other in all {
        assert_eq!(other, first);
    }
    first
}

fn registry(accounts: &[String], names: &[String]) -> BenchServer {
    let server = jobs::server(Duration::ZERO).unwrap();
    jobs::fill_registry(&server, accounts, names).unwrap();
    server
}

#[test]
fn nothing_due_costs_one_call_for_each_user_and_two_for_each_account() {
    let (accounts, names) = (jobs::accounts(ACCOUNTS), jobs::names(USERS));
    let server = registry(&accounts, &names);
    let job = Job::reconcile(&server, &accounts, &[]).unwrap();
    let event = json!({"Job": "Reconcile"});

    let made = job.run(&event, |_| ()).unwrap().answer;
    assert_eq!(
        made["counts"],
        json!({"Created": ACCOUNTS * USERS}),
        "{made:#}"
    );
    assert_eq!(server.access_keys(), ACCOUNTS * USERS);
    server.take_calls();
    let rows = server.items(TABLE);
    assert_eq!(rows.len(), ACCOUNTS * USERS, "no lease is left");

    let again = job.run(&event, |_| ()).unwrap().answer;
    assert_eq!(
        again["counts"],
        json!({"Exists": ACCOUNTS * USERS}),
        "{again:#}"
    );
    assert_eq!(server.items(TABLE), rows, "no row is written");
    let (users, others, rest) = split(&server.take_calls(), &accounts);
    assert_eq!(
        every_one_of(users, ACCOUNTS * USERS),
        counts(&[("iam:ListAccessKeys", 1)])
    );
    assert_eq!(
        every_one_of(others, ACCOUNTS),
        counts(&[
            ("iam:GetAccountAuthorizationDetails", 1),
            ("sts:AssumeRole", 1),
        ])
    );
    // A page of the table for each megabyte, and one of parameters for every 50.
    assert_eq!(
        rest,
        counts(&[
            ("dynamodb:DescribeTable", 1),
            ("dynamodb:Scan", 1),
            ("ssm:DescribeParameters", 1),
            ("sts:GetCallerIdentity", 1),
        ])
    );
}

#[test]
fn nothing_due_costs_two_calls_for_a_user_with_console_access_too() {
    let (accounts, names) = (jobs::accounts(1), jobs::names(USERS));
    let server = registry(&accounts, &names);
    let defaults = r#"{"AccessKey": {}, "ConsoleAccess": {}}"#;
    let settings = [("CROSSACCOUNT_DEFAULT_PROPERTIES", defaults)];
    let job = Job::reconcile(&server, &accounts, &settings).unwrap();
    let event = json!({"Job": "Reconcile"});
    job.run(&event, |_| ()).unwrap();
    server.take_calls();
    let again = job.run(&event, |_| ()).unwrap().answer;
    assert_eq!(again["counts"], json!({"Exists": USERS}), "{again:#}");
    let (users, _, _) = split(&server.take_calls(), &accounts);
    assert_eq!(
        every_one_of(users, USERS),
        counts(&[("iam:GetLoginProfile", 1), ("iam:ListAccessKeys", 1)])
    );
}

#[test]
fn a_new_user_of_provision_costs_its_writes_two_records_and_one_look() {
    let (accounts, names) = (jobs::accounts(ACCOUNTS), jobs::names(USERS));
    let server = jobs::server(Duration::ZERO).unwrap();
    let job = Job::provision(&server, &accounts, &[]).unwrap();
    let event = json!({"users": names, "accounts": "all"});

    let made = job.run(&event, |_| ()).unwrap().answer;
    assert_eq!(
        made["counts"],
        json!({"Created": ACCOUNTS * USERS}),
        "{made:#}"
    );
    assert_eq!(server.parameters(), ACCOUNTS * USERS);
    let (users, others, rest) = split(&server.take_calls(), &accounts);
    assert_eq!(
        every_one_of(users, ACCOUNTS * USERS),
        counts(&[
            ("iam:AttachUserPolicy", 2),
            ("iam:CreateLoginProfile", 1),
            ("iam:CreateUser", 1),
            ("s3:PutObject", 2),
            ("ssm:ListTagsForResource", 1),
            ("ssm:PutParameter", 1),
        ])
    );
    assert_eq!(
        every_one_of(others, ACCOUNTS),
        counts(&[
            ("iam:GetAccountPasswordPolicy", 1),
            ("iam:ListUsers", 1),
            ("sts:AssumeRole", 2),
        ])
    );
    // The report has two objects.
    assert_eq!(
        rest,
        counts(&[
            ("kms:DescribeKey", 1),
            ("s3:PutObject", 2),
            ("sts:GetCallerIdentity", 1),
        ])
    );

    let again = job.run(&event, |_| ()).unwrap().answer;
    assert_eq!(
        again["counts"],
        json!({"Exists": ACCOUNTS * USERS}),
        "{again:#}"
    );
    let (users, _, _) = split(&server.take_calls(), &accounts);
    assert_eq!(
        every_one_of(users, ACCOUNTS * USERS),
        counts(&[
            ("iam:GetLoginProfile", 1),
            ("iam:GetUser", 1),
            ("iam:ListAttachedUserPolicies", 1),
        ])
    );
}
