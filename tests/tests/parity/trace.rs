//! What a step did, in words that are the same for both faces.

use std::collections::BTreeMap;

use anyhow::Result;
use harness::Account;
use harness::cloudformation::Scene;
use harness::standin::Call;
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::iam_user::subject;

/// What a step did, and what was there afterwards.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Trace {
    /// `done` or `refused`.
    pub(super) outcome: Vec<String>,
    /// The calls that change something, in order.
    pub(super) writes: Vec<String>,
    /// The user as IAM has it.
    pub(super) user: Vec<String>,
    /// Access keys, and whether there is a login profile.
    pub(super) credentials: Vec<String>,
    /// The stored secrets, without the secrets.
    pub(super) parameters: Vec<String>,
    /// The records that were written.
    pub(super) audit: Vec<String>,
}

/// One thing to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect {
    Outcome,
    Writes,
    User,
    Credentials,
    Parameters,
    Audit,
}

type Texts = fn(&Trace) -> &[String];

/// Everything that is compared.
pub(super) const ASPECTS: [(Aspect, Texts); 6] = [
    (Aspect::Outcome, |trace| &trace.outcome),
    (Aspect::Writes, |trace| &trace.writes),
    (Aspect::User, |trace| &trace.user),
    (Aspect::Credentials, |trace| &trace.credentials),
    (Aspect::Parameters, |trace| &trace.parameters),
    (Aspect::Audit, |trace| &trace.audit),
];

/// Fields of audit records that are about the run and not about what was done.
const OF_THE_RUN: [&str; 10] = [
    "operation_id",
    "run_id",
    "sequence",
    "previous_sha256",
    "unwritten",
    "face",
    "caller_arn",
    "started_at",
    "finished_at",
    "aws_request_ids",
];

/// Looks at one account and gives what differs by nature one name: account id, owner, ids, times.
#[derive(Debug)]
pub(super) struct Observer<'a> {
    scene: &'a Scene,
    account: &'a Account,
    owner: String,
    keys: BTreeMap<String, String>,
    /// How many records of this account were seen.
    records: usize,
}

impl<'a> Observer<'a> {
    pub(super) fn new(scene: &'a Scene, account: &'a Account, owner: String) -> Self {
        Self {
            scene,
            account,
            owner,
            keys: BTreeMap::new(),
            records: 0,
        }
    }

    /// What the calls since the log was cleared did to the users of these names, and what is there now.
    pub(super) async fn look(&mut self, outcome: &str, names: &[&str]) -> Result<Trace> {
        let mut trace = Trace {
            outcome: vec![outcome.to_owned()],
            ..Trace::default()
        };
        for call in self.scene.calls().await? {
            if is_write(&call) {
                trace.writes.push(self.write(&call)?);
            }
        }
        let (control, iam) = (self.scene.world.control(), self.account.iam());
        sort_runs(&mut trace.writes, |write| {
            write.starts_with("iam:DeleteAccessKey ")
        });
        for name in names {
            let Some(user) = subject::user(&iam, name).await? else {
                continue;
            };
            let text = format!("{:?} {:?}", user.content, user.credential_tags);
            trace.user.push(self.same(&text));
            let secrets = control.user_secrets(self.account.id(), name).await?;
            for key in secrets.keys {
                let text = format!("{} active: {}", key.access_key_id, key.active);
                trace.credentials.push(self.same(&text));
            }
            let login = secrets.login.map(|login| login.reset_required);
            trace
                .credentials
                .push(format!("console access, new password required: {login:?}"));
        }
        for parameter in control.parameters(self.scene.world.hub().id()).await? {
            if !parameter.name.contains(self.account.id()) {
                continue;
            }
            let value: Map<String, Value> = serde_json::from_str(&parameter.value)?;
            let fields: Vec<_> = value.keys().collect();
            let text = format!(
                "{} {} {} {:?} version {} {:?} {:?} {fields:?}",
                parameter.name,
                parameter.kind,
                parameter.tier,
                parameter.key_id,
                parameter.version,
                parameter.description,
                parameter.tags,
            );
            trace.parameters.push(self.same(&text));
        }
        trace.audit = self.audit().await?;
        Ok(trace)
    }

    /// A call with its parameters. Of a record its bucket: what is in it is compared by itself.
    fn write(&mut self, call: &Call) -> Result<String> {
        if call.action.starts_with("s3:") {
            return Ok(call.action.clone());
        }
        let mut parameters = call.parameters.clone();
        if let Some(document) = parameters.get_mut("PolicyDocument")
            && let Some(text) = document.as_str()
        {
            *document = serde_json::from_str(text)?;
        }
        Ok(self.same(&format!(
            "{} {} {:?}",
            call.action, parameters, call.error_code
        )))
    }

    /// The new records about this account, in the order in which they were written.
    async fn audit(&mut self) -> Result<Vec<String>> {
        let mut records = Vec::new();
        for (_, text) in self.scene.audit_objects().await? {
            let record: Value = serde_json::from_str(&text)?;
            if record["account_id"] == self.account.id() {
                records.push(record);
            }
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        records.sort_by_key(|record| (text(&record["started_at"]), record["sequence"].as_u64()));
        let known = std::mem::replace(&mut self.records, records.len());
        let new = records.into_iter().skip(known);
        Ok(new.map(|record| self.record(record)).collect())
    }

    fn record(&mut self, record: Value) -> String {
        let text = self.same(&without(record).to_string());
        let Ok(mut record) = serde_json::from_str::<Value>(&text) else {
            return text;
        };
        if let Some(steps) = record["steps"].as_array_mut() {
            let texts = steps.iter().map(Value::to_string);
            let mut texts: Vec<_> = texts.collect();
            sort_runs(&mut texts, |step| step.contains("\"iam:DeleteAccessKey "));
            *steps = texts.into_iter().map(Value::from).collect();
        }
        record.to_string()
    }

    fn same(&mut self, text: &str) -> String {
        let text = text
            .replace(&self.owner, "OWNER")
            .replace(self.account.id(), "ACCOUNT");
        let keys = &mut self.keys;
        let key = Regex::new(r"AKIA[A-Z0-9]{16}").expect("an expression");
        let text = key.replace_all(&text, |found: &Captures<'_>| {
            let next = format!("KEY-{}", keys.len() + 1);
            keys.entry(found[0].to_owned()).or_insert(next).clone()
        });
        let id = Regex::new(r"AIDA[A-Z0-9]{16,17}").expect("an expression");
        let text = id.replace_all(&text, "USER-ID");
        let time = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("an expression");
        time.replace_all(&text, "TIME").into_owned()
    }
}

/// Keys are deleted in the order of their ids, which are random: what stands side by side is put in order.
fn sort_runs(texts: &mut [String], is_one: impl Fn(&str) -> bool) {
    let mut rest = texts;
    while let Some(begin) = rest.iter().position(|text| is_one(text)) {
        rest = &mut rest[begin..];
        let end = rest.iter().position(|text| !is_one(text));
        let (run, after) = rest.split_at_mut(end.unwrap_or(rest.len()));
        run.sort();
        rest = after;
    }
}

/// Reads, and everything about the ledger and about sessions, are the business of each face.
fn is_write(call: &Call) -> bool {
    let other = [
        "iam:Get",
        "iam:List",
        "sts:",
        "kms:",
        "dynamodb:",
        "s3:Head",
        "s3:Get",
        "s3:List",
        "ssm:Get",
        "ssm:List",
        "ssm:Describe",
    ];
    !other.iter().any(|other| call.action.starts_with(other))
}

/// A record without what is about the run, at every depth.
fn without(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries
                .into_iter()
                .filter(|(name, _)| !OF_THE_RUN.contains(&name.as_str()));
            kept.map(|(name, value)| (name, without(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without).collect(),
        other => other,
    }
}

#[test]
fn only_what_stands_side_by_side_is_put_in_order() {
    let mut texts = ["d2", "d1", "x", "d4", "d3"].map(str::to_owned);
    sort_runs(&mut texts, |text| text.starts_with('d'));
    assert_eq!(texts, ["d1", "d2", "x", "d3", "d4"]);
}
