//! Users in many accounts, through real Terraform: create, plan without changes, change a tag, destroy.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use harness::Terraform;
use harness::bench_server::{BenchServer, BenchServerOptions, Call, round_trips};

use crate::report::{Phase, Plans, Report};
use crate::watch::{Run, run};

pub(crate) const AUDIT_BUCKET: &str = "audit-benchmark";
/// Terraform's default.
pub(crate) const PARALLELISM: usize = 10;
/// The user itself, one attached policy, one inline policy, one membership; tags and boundary come with the user.
pub(crate) const THINGS_PER_USER: usize = 4;

/// Round trips are told from times: calls that could run at once and do not begin within the latency of the first look
/// like two round trips. On a busy machine that happens with 40 ms, and not with this.
pub(crate) const LONG_LATENCY: Duration = Duration::from_millis(400);

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) accounts: usize,
    /// In each account.
    pub(crate) users: usize,
}

impl Size {
    pub(crate) fn all_users(self) -> usize {
        self.accounts * self.users
    }
}

/// Runs everything, tells the report, and gives the runs whose memory and sessions count.
pub(crate) fn measure(
    size: &Size,
    latency: Duration,
    runs: usize,
    report: &mut Report,
    step: &dyn Fn(&str),
) -> Result<Vec<Phase>> {
    step("the same number of terraform_data resources, for Terraform's own time");
    let floor = Terraform::new([])?;
    floor.write("main.tf", &(locals(*size) + FLOOR))?;
    floor.init()?.expect_success()?;
    floor.apply()?.expect_success()?;

    let server = BenchServer::start(BenchServerOptions {
        groups: vec!["engineers".to_owned()],
        buckets: vec![AUDIT_BUCKET.to_owned()],
        latency,
        ..BenchServerOptions::default()
    })?;
    let terraform = Terraform::new(server.env())?;
    terraform.write("main.tf", &(locals(*size) + CONFIGURATION))?;

    step("create");
    let create = apply(&terraform, &["apply", "-no-color", "-auto-approve"])?;
    let create = Phase::new("create", create, checked_calls(&server)?);
    ensure!(
        server.users() == size.all_users(),
        "{} users exist instead of {}",
        server.users(),
        size.all_users()
    );
    report.create(&create, *size, &writes_per_user(&create.calls, *size)?);

    let mut plans = Plans::default();
    for number in 1..=runs {
        step(&format!("plan without changes, run {number} of {runs}"));
        plans.floor.push(no_change(&floor)?.wall);
        let plan = no_change(&terraform)?;
        plans
            .with_latency
            .push(Phase::new("plan", plan, checked_calls(&server)?));
        server.set_latency(Duration::ZERO);
        plans.without_latency.push(no_change(&terraform)?);
        checked_calls(&server)?;
        server.set_latency(latency);
    }
    report.plans(&plans, *size)?;

    step("plan without changes, with a latency beside which the machine does not matter");
    server.set_latency(LONG_LATENCY);
    no_change(&terraform)?;
    let trips = trips_per_user(&checked_calls(&server)?, *size)?;
    server.set_latency(latency);
    let first = plans.with_latency.first().context("there was no plan")?;
    report.round_trips(&trips, &trips_per_user(&first.calls, *size)?);

    step("change one tag of every user");
    let arguments = ["apply", "-no-color", "-auto-approve", "-var=team=blue"];
    let update = apply(&terraform, &arguments)?;
    let update = Phase::new("update", update, checked_calls(&server)?);
    report.phase(&update);

    step("destroy");
    let arguments = ["destroy", "-no-color", "-auto-approve", "-var=team=blue"];
    let destroy = apply(&terraform, &arguments)?;
    let destroy = Phase::new("destroy", destroy, checked_calls(&server)?);
    ensure!(server.users() == 0, "{} users are left", server.users());
    report.phase(&destroy);
    let mut phases = plans.with_latency;
    phases.extend([create, update, destroy]);
    Ok(phases)
}

pub(crate) fn apply(terraform: &Terraform, arguments: &[&str]) -> Result<Run> {
    let mut done = run(terraform, arguments)?;
    done.output = done.output.expect_success()?;
    Ok(done)
}

/// A plan that must find nothing to do.
pub(crate) fn no_change(terraform: &Terraform) -> Result<Run> {
    let mut done = run(terraform, &["plan", "-no-color", "-detailed-exitcode"])?;
    // Exit code 2, changes, is not a success here either.
    done.output = done.output.expect_success()?;
    Ok(done)
}

/// The calls since the last time. A refusal means that something else was measured than was meant; only a user or
/// secret that does not exist yet, or a user without a console password, is an answer.
pub(crate) fn checked_calls(server: &BenchServer) -> Result<Vec<Call>> {
    let calls = server.take_calls();
    for call in &calls {
        match call.error_code.as_deref() {
            // The latter is Parameter Store's answer about a parameter that does not exist.
            None | Some("NoSuchEntity" | "InvalidResourceId") => {}
            Some(code) => bail!(
                "{} in account {} was refused: {code}",
                call.action,
                call.account_id
            ),
        }
    }
    Ok(calls)
}

pub(crate) fn by_user(calls: &[Call], size: Size) -> Result<BTreeMap<(&str, &str), Vec<&Call>>> {
    let mut users: BTreeMap<_, Vec<&Call>> = BTreeMap::new();
    for call in calls.iter().filter(|call| !call.user_name.is_empty()) {
        let key = (call.account_id.as_str(), call.user_name.as_str());
        users.entry(key).or_default().push(call);
    }
    ensure!(
        users.len() == size.all_users(),
        "the calls are about {} users instead of {}",
        users.len(),
        size.all_users()
    );
    Ok(users)
}

/// For each user, how many round trips all its calls took.
pub(crate) fn trips_per_user(calls: &[Call], size: Size) -> Result<Vec<usize>> {
    let users = by_user(calls, size)?;
    Ok(users.into_values().map(round_trips).collect())
}

/// For each user, how many calls changed something.
fn writes_per_user(calls: &[Call], size: Size) -> Result<Vec<usize>> {
    // The audit records have a bucket, and no user.
    let is_write = |call: &&&Call| {
        let name = call.action.strip_prefix("iam:").unwrap_or("Get");
        !name.starts_with("Get") && !name.starts_with("List")
    };
    let users = by_user(calls, size)?;
    Ok(users
        .into_values()
        .map(|calls| calls.iter().filter(is_write).count())
        .collect())
}

/// The most session calls that one process of the provider made about one account. Each process has a session name of
/// its own.
pub(crate) fn sessions_per_account<'a>(calls: impl Iterator<Item = &'a Call>) -> Result<usize> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for call in calls.filter(|call| call.action == "sts:AssumeRole") {
        *counts
            .entry((&call.session_name, &call.account_id))
            .or_default() += 1;
    }
    counts.into_values().max().context("no session was opened")
}

/// The users as data, for both configurations.
pub(crate) fn locals(size: Size) -> String {
    let (accounts, users) = (size.accounts, size.users);
    format!(
        r#"variable "team" {{ default = "red" }}

locals {{
  users = {{
    for pair in setproduct(range({accounts}), range({users})) :
    "${{200000000001 + pair[0]}}/user-${{pair[1]}}" => {{
      account_id = tostring(200000000001 + pair[0])
      name       = "user-${{pair[1]}}"
    }}
  }}
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = ["iam:ChangePassword"], Resource = "*" }}]
  }})
}}
"#
    )
}

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

provider "crossaccount" {
  external_id  = "benchmark"
  default_tags = { ManagedBy = "crossaccount" }
  audit        = { bucket = "audit-benchmark" }
}

resource "crossaccount_iam_user" "this" {
  for_each             = local.users
  account_id           = each.value.account_id
  name                 = each.value.name
  path                 = "/people/"
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
  managed_policy_arns  = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  groups               = ["engineers"]
  inline_policies      = { own = local.policy }
  tags                 = { Team = var.team }
}
"#;

/// As many resources without a provider.
pub(crate) const FLOOR: &str = r#"
resource "terraform_data" "this" {
  for_each = local.users
  input = {
    account_id           = each.value.account_id
    name                 = each.value.name
    path                 = "/people/"
    permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    managed_policy_arns  = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    groups               = ["engineers"]
    inline_policies      = { own = local.policy }
    tags                 = { Team = var.team }
  }
}
"#;
