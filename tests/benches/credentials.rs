//! Access keys and console passwords, through real Terraform: refresh of users that have both, and rotations
//! that are due.
//!
//! The users are made without latency, because their making is not what is measured. A rotation run starts from
//! fresh users and a fresh server each time.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::Terraform;
use harness::bench_server::{BenchServer, BenchServerOptions, Call, round_trips};

use crate::report::{Phase, Refresh, Report, Rotations, UpdateCalls};
use crate::workload::{
    AUDIT_BUCKET, FLOOR, LONG_LATENCY, Size, apply, by_user, checked_calls, locals, no_change,
    trips_per_user,
};

/// In how many accounts the users are whose keys are rotated.
const ROTATION_ACCOUNTS: usize = 20;
/// Beyond the 15 days after which a key is due, and not yet 22, when its predecessor would be made inactive.
const DUE_AFTER_DAYS: u32 = 16;

/// What users and provider are made with.
#[derive(Debug, Clone, Copy)]
struct Setting {
    /// Whether users have a console password beside their access key, and an inline policy.
    person: bool,
    audit: bool,
    /// `secrets.location`.
    location: &'static str,
}

/// Somebody with everything.
const PERSON: Setting = Setting {
    person: true,
    ..MACHINE
};

/// As in `examples/terraform/ci-user`: an access key and a managed policy.
const MACHINE: Setting = Setting {
    person: false,
    audit: true,
    location: "hub",
};

/// Runs everything, tells the report, and gives the runs whose memory counts.
pub(crate) fn measure(
    size: &Size,
    latency: Duration,
    runs: usize,
    report: &mut Report,
    step: &dyn Fn(&str),
) -> Result<Vec<Phase>> {
    let mut phases = refresh(*size, latency, runs, report, step)?;

    let size = Size {
        accounts: size.accounts.min(ROTATION_ACCOUNTS),
        users: size.users,
    };
    step("rotations, with a latency beside which the machine does not matter");
    // So few that no call waits for one of the places in an account or in the store.
    let few = Size {
        accounts: size.accounts.min(3),
        users: 1,
    };
    let long = rotate(few, LONG_LATENCY, MACHINE)?;
    report.rotation_calls(&calls_of_updates(&long.apply.calls, few)?);

    let floor = Terraform::new([])?;
    floor.write("main.tf", &(locals(size) + FLOOR))?;
    floor.init()?.expect_success()?;
    floor.apply()?.expect_success()?;
    let (mut floors, mut empty, mut usual) = (Vec::new(), Vec::new(), Vec::new());
    let mut updates = Vec::new();
    for number in 1..=runs {
        step(&format!("rotations, run {number} of {runs}"));
        let run = rotate(size, latency, MACHINE)?;
        updates.extend(calls_of_updates(&run.apply.calls, size)?);
        usual.push(run.apply.wall());
        empty.push(run.empty);
        let team = format!("-var=team={number}");
        apply(&floor, &["plan", "-no-color", "-out=due.tfplan", &team])?;
        floors.push(apply(&floor, &["apply", "-no-color", "due.tfplan"])?.wall);
        phases.push(run.apply);
    }
    let mut variants = Vec::new();
    for (name, setting) in [
        (
            "without audit",
            Setting {
                audit: false,
                ..MACHINE
            },
        ),
        (
            "secrets in the member accounts",
            Setting {
                location: "member",
                ..MACHINE
            },
        ),
    ] {
        let mut walls = Vec::new();
        for number in 1..=runs {
            step(&format!("rotations {name}, run {number} of {runs}"));
            let run = rotate(size, latency, setting)?;
            walls.push(run.apply.wall());
            phases.push(run.apply);
        }
        variants.push((name, walls));
    }
    report.rotations(&Rotations {
        users: size.all_users(),
        accounts: size.accounts,
        usual,
        floors,
        empty,
        updates,
        variants,
    });
    Ok(phases)
}

/// Plans of users with credentials that find nothing to do.
fn refresh(
    size: Size,
    latency: Duration,
    runs: usize,
    report: &mut Report,
    step: &dyn Fn(&str),
) -> Result<Vec<Phase>> {
    step("create users with access key and console access, without latency");
    let server = server()?;
    let terraform = with_users(&server, size, PERSON)?;
    let state = terraform.path().join("terraform.tfstate");
    let state = state.metadata().context("there is no state")?.len();

    server.set_latency(latency);
    let mut plans = Vec::new();
    for number in 1..=runs {
        step(&format!(
            "plan without changes of users with credentials, run {number} of {runs}"
        ));
        let plan = no_change(&terraform)?;
        let calls = checked_calls(&server)?;
        plans.push(Phase::new("plan, keys", plan, calls));
    }
    step("the same, with a latency beside which the machine does not matter");
    server.set_latency(LONG_LATENCY);
    no_change(&terraform)?;
    let trips = trips_per_user(&checked_calls(&server)?, size)?;
    report.refresh(
        &Refresh {
            plans: &plans,
            trips: &trips,
            state_bytes: state,
        },
        size,
    )?;
    Ok(plans)
}

/// An apply of due rotations.
struct Run {
    apply: Phase,
    /// The time of an apply of a saved plan without changes.
    empty: Duration,
}

/// Makes users, lets their keys get old, and applies the plan that rotates them.
fn rotate(size: Size, latency: Duration, setting: Setting) -> Result<Run> {
    let server = server()?;
    let terraform = with_users(&server, size, setting)?;
    let plan = |file: &str| apply(&terraform, &["plan", "-no-color", &format!("-out={file}")]);

    plan("empty.tfplan")?;
    server.set_latency(latency);
    let empty = apply(&terraform, &["apply", "-no-color", "empty.tfplan"])?.wall;
    server.set_latency(Duration::ZERO);

    server.age_users(DUE_AFTER_DAYS);
    let users = size.all_users();
    let planned = plan("due.tfplan")?.output.text();
    let wanted = format!("Plan: 0 to add, {users} to change, 0 to destroy.");
    ensure!(
        planned.contains(&wanted),
        "the plan does not rotate {users} keys:\n{planned}"
    );
    checked_calls(&server)?;
    server.set_latency(latency);
    let due = apply(&terraform, &["apply", "-no-color", "due.tfplan"])?;
    let calls = checked_calls(&server)?;
    ensure!(
        server.access_keys() == 2 * users,
        "{} access keys exist instead of two for each of {users} users",
        server.access_keys()
    );
    Ok(Run {
        apply: Phase::new("rotate", due, calls),
        empty,
    })
}

fn server() -> Result<BenchServer> {
    BenchServer::start(BenchServerOptions {
        buckets: vec![AUDIT_BUCKET.to_owned()],
        latency: Duration::ZERO,
        ..BenchServerOptions::default()
    })
}

fn with_users(server: &BenchServer, size: Size, setting: Setting) -> Result<Terraform> {
    let terraform = Terraform::new(server.env())?;
    terraform.write("main.tf", &(locals(size) + &configuration(setting)))?;
    apply(&terraform, &["apply", "-no-color", "-auto-approve"])?;
    let users = size.all_users();
    let secrets = if setting.person { 2 } else { 1 };
    ensure!(
        server.access_keys() == users && server.parameters() == secrets * users,
        "{} access keys and {} parameters exist for {users} users",
        server.access_keys(),
        server.parameters()
    );
    checked_calls(server)?;
    Ok(terraform)
}

/// Counts what the update of each user called, all of it and the rotation itself: from the first tag, which says
/// that a key is being made, to the last, which names it.
fn calls_of_updates(calls: &[Call], size: Size) -> Result<Vec<UpdateCalls>> {
    let users = by_user(calls, size)?;
    let counted = users.into_iter().map(|((account, user), mut calls)| {
        calls.sort_unstable_by_key(|call| call.begin);
        let tags = || calls.iter().filter(|call| call.action == "iam:TagUser");
        let (Some(begin), Some(end)) = (
            tags().map(|call| call.begin).min(),
            tags().map(|call| call.end).max(),
        ) else {
            anyhow::bail!("no rotation of {user} in {account} was seen");
        };
        let own = |call: &&&Call| call.begin >= begin && call.end <= end;
        let rotation: Vec<&Call> = calls.iter().filter(own).copied().collect();
        let mut actions = BTreeMap::new();
        for call in calls.iter().filter(|call| !own(call)) {
            *actions.entry(call.action.clone()).or_default() += 1;
        }
        Ok(UpdateCalls {
            rotation: rotation.len(),
            rotation_trips: round_trips(rotation.iter().copied()),
            rotation_actions: rotation.iter().map(|call| call.action.clone()).collect(),
            rotation_time: end.saturating_sub(begin),
            all: calls.len(),
            all_trips: round_trips(calls.iter().copied()),
            other_actions: actions,
        })
    });
    counted.collect()
}

fn configuration(setting: Setting) -> String {
    let audit = if setting.audit {
        format!("audit = {{ bucket = \"{AUDIT_BUCKET}\" }}")
    } else {
        String::new()
    };
    let location = setting.location;
    let person = if setting.person {
        "inline_policies     = { own = local.policy }\n  console_access      = {}"
    } else {
        ""
    };
    format!(
        r#"
terraform {{
  required_providers {{
    crossaccount = {{
      source = "crossaccount/crossaccount"
    }}
  }}
}}

provider "crossaccount" {{
  external_id = "benchmark"
  {audit}
  secrets = {{
    kms_key_id = "alias/aws/ssm"
    location   = "{location}"
  }}
}}

resource "crossaccount_iam_user" "this" {{
  for_each            = local.users
  account_id          = each.value.account_id
  name                = each.value.name
  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  tags                = {{ Team = var.team }}
  access_key          = {{}}
  {person}
}}
"#
    )
}
