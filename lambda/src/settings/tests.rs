//! Tests of the settings.

use std::collections::BTreeMap;

use crossaccount_core::ids::{Partition, RunId};
use crossaccount_core::secrets::SecretLocation;
use crossaccount_core::session::AccountFilter;

use super::table::{OPTIONAL, VARIABLES, Variable};
use super::{Reader, Settings, SettingsProblems};

const TABLE: &str = "CROSSACCOUNT_SOME_TABLE";
const NUMBER: &str = "CROSSACCOUNT_SOME_NUMBER";

/// What a function adds.
static OWN: &[Variable] = &[
    Variable {
        name: TABLE,
        default: "some-table",
        example: "another-table",
        ..OPTIONAL
    },
    Variable {
        name: NUMBER,
        default: "20",
        example: "30",
        ..OPTIONAL
    },
];

/// What the function of these tests reads.
#[derive(Debug)]
struct Read {
    shared: Settings,
    table: String,
    number: u32,
}

fn read(environment: &BTreeMap<String, String>, run_id: RunId) -> Result<Read, SettingsProblems> {
    let mut reader = Reader::new(environment, OWN);
    let shared = Settings::read(&mut reader, run_id);
    let table = reader.table_name(TABLE);
    let number = reader.number(NUMBER, 1..=900);
    let read = shared.zip(table).map(|(shared, table)| Read {
        shared,
        table,
        number,
    });
    reader.end(read)
}

/// The least that must be set.
const LEAST: [(&str, &str); 6] = [
    ("AWS_REGION", "eu-central-1"),
    ("CROSSACCOUNT_AUDIT_BUCKET", "audit"),
    ("CROSSACCOUNT_EXTERNAL_ID", "agreed"),
    ("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", "222222222222"),
    ("CROSSACCOUNT_USER_PATH_PREFIX", "/cfn/"),
    (
        "CROSSACCOUNT_PERMISSIONS_BOUNDARIES",
        "arn:aws:iam::*:policy/Boundary",
    ),
];

fn environment(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let all = LEAST.iter().chain(more);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn reading(more: &[(&str, &str)]) -> Result<Read, SettingsProblems> {
    read(&environment(more), RunId::random())
}

fn variables(problems: &SettingsProblems) -> Vec<&str> {
    problems
        .iter()
        .map(|problem| problem.variable.as_str())
        .collect()
}

#[test]
fn the_least_allows_the_least() {
    let read = reading(&[]).unwrap();
    assert_eq!((read.table.as_str(), read.number), ("some-table", 20));
    let config = read.shared;
    let rules = &config.guardrails;
    assert_eq!(rules.partition, Partition::Aws);
    assert_eq!(
        rules.accounts,
        AccountFilter::Only(["222222222222".parse().unwrap()].into())
    );
    assert_eq!(config.sessions.accounts, rules.accounts);
    assert_eq!(rules.path_prefix.as_str(), "/cfn/");
    assert_eq!(rules.boundaries.as_ref().map(Vec::len), Some(1));
    assert!(rules.policies.is_empty() && rules.groups.is_empty());
    assert!(!rules.inline_policies && !rules.adoption && !rules.force_destroy && !rules.secrets);
    assert_eq!(rules.roles, ["CrossAccountUserAdmin".parse().unwrap()]);
    assert_eq!(config.sessions.role.to_string(), "CrossAccountUserAdmin");
    assert_eq!(config.sessions.region.as_str(), "eu-central-1");
    assert_eq!(config.sessions.duration.get(), 900);
    assert!(config.sessions.external_id.is_some());
    assert_eq!(config.audit.bucket.as_str(), "audit");
    assert_eq!(config.audit.prefix.as_str(), "crossaccount");
    assert_eq!(config.audit.kms_key_id, None);
    assert_eq!(config.secrets, None);
}

#[test]
fn every_variable_is_read() {
    let run_id = RunId::random();
    let values: Vec<(&str, &str)> = VARIABLES
        .iter()
        .chain(OWN)
        .map(|variable| (variable.name, variable.example))
        .collect();
    let read = read(&environment(&values), run_id).unwrap();
    assert_eq!((read.table.as_str(), read.number), ("another-table", 30));
    let config = read.shared;
    let rules = &config.guardrails;
    let accounts = ["222222222222", "333333333333"].map(|id| id.parse().unwrap());
    assert_eq!(rules.accounts, AccountFilter::Only(accounts.into()));
    assert_eq!(rules.path_prefix.as_str(), "/cloudformation/");
    assert_eq!(rules.policies.len(), 2);
    assert_eq!(rules.groups.len(), 2);
    assert!(rules.inline_policies && rules.adoption && rules.secrets);
    let names = ["CrossAccountUserAdmin", "ops/CrossAccountUserAdmin"];
    assert_eq!(rules.roles, names.map(|name| name.parse().unwrap()));
    assert_eq!(
        config.sessions.role.to_string(),
        "ops/CrossAccountUserAdmin"
    );
    assert!(
        config
            .sessions
            .session_name
            .as_str()
            .contains(&run_id.to_string())
    );
    assert_eq!(config.sessions.duration.get(), 1800);
    assert_eq!(
        config.audit.bucket.as_str(),
        "crossaccount-audit-111111111111"
    );
    assert_eq!(config.audit.prefix.as_str(), "audit/cloudformation");
    assert_eq!(
        config.audit.kms_key_id.unwrap().as_str(),
        "alias/crossaccount-audit"
    );
    let secrets = config.secrets.unwrap();
    assert_eq!(secrets.kms_key_id.as_str(), "alias/crossaccount-secrets");
    assert_eq!(secrets.prefix.as_str(), "/platform/users");
    assert_eq!(secrets.location, SecretLocation::Member);
}

#[test]
fn everything_that_is_missing_is_told_at_once_with_an_example() {
    let problems = read(&BTreeMap::new(), RunId::random()).unwrap_err();
    let mut missing = variables(&problems);
    missing.sort_unstable();
    let mut required = LEAST.map(|(name, _)| name);
    required.sort_unstable();
    assert_eq!(missing, required);
    let text = problems.to_string();
    let example = "CROSSACCOUNT_USER_PATH_PREFIX: it must be set; an example is /cloudformation/.";
    assert!(text.contains(example), "{text}");
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let nothing: Vec<(&str, &str)> = VARIABLES
        .iter()
        .map(|variable| (variable.name, " "))
        .collect();
    let problems = read(&environment(&nothing), RunId::random()).unwrap_err();
    assert_eq!(problems.iter().count(), LEAST.len(), "{problems}");
    assert!(reading(&[("CROSSACCOUNT_ALLOWED_GROUPS", "")]).is_ok());
}

#[rstest::rstest]
#[case("AWS_REGION", "us-esat-1", "Region")]
#[case("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", "2222", "12 digits")]
#[case("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", "222222222222,*", "12 digits")]
#[case("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", ",", "lists nothing")]
#[case("CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS", "*", "12 digits")]
#[case("CROSSACCOUNT_USER_PATH_PREFIX", "/cfn", "begin and end with a slash")]
#[case("CROSSACCOUNT_USER_PATH_PREFIX", "/cfn/../", "no step of the path")]
#[case("CROSSACCOUNT_USER_PATH_PREFIX", "/cfn/*/", "wildcards")]
#[case(
    "CROSSACCOUNT_PERMISSIONS_BOUNDARIES",
    "Boundary",
    "arn:aws:iam::ACCOUNT"
)]
#[case(
    "CROSSACCOUNT_PERMISSIONS_BOUNDARIES",
    "none,arn:aws:iam::*:policy/B",
    "\"none\" is not valid"
)]
#[case("CROSSACCOUNT_PERMISSIONS_BOUNDARIES", ",", "lists nothing")]
#[case("CROSSACCOUNT_PERMISSIONS_BOUNDARIES", "None", "\"None\" is not valid")]
#[case("CROSSACCOUNT_ALLOWED_POLICY_ARNS", "*", "\"*\" is not valid")]
#[case("CROSSACCOUNT_ALLOWED_GROUPS", "a/b", "'/' is not allowed")]
#[case(
    "CROSSACCOUNT_ALLOWED_ROLE_NAMES",
    "arn:aws:iam::222222222222:role/x",
    "give the name alone"
)]
#[case("CROSSACCOUNT_ALLOW_INLINE_POLICIES", "yes", "neither true nor false")]
#[case("CROSSACCOUNT_ALLOW_ADOPTION", "True", "neither true nor false")]
#[case("CROSSACCOUNT_ROLE_NAME", "a b", "role name")]
#[case("CROSSACCOUNT_EXTERNAL_ID", "x", "2 to 1224")]
#[case("CROSSACCOUNT_SESSION_DURATION", "899", "from 900 to 3600")]
#[case("CROSSACCOUNT_SESSION_DURATION", "3601", "from 900 to 3600")]
#[case("CROSSACCOUNT_SESSION_DURATION", "1h", "from 900 to 3600")]
#[case("CROSSACCOUNT_AUDIT_BUCKET", "s3://audit", "give the name alone")]
#[case("CROSSACCOUNT_AUDIT_PREFIX", "a b", "key prefix")]
#[case("CROSSACCOUNT_AUDIT_KMS_KEY_ID", "my key", "KMS key id")]
#[case("CROSSACCOUNT_SECRETS_KMS_KEY_ID", "my key", "KMS key id")]
#[case(
    "CROSSACCOUNT_SECRETS_PREFIX",
    "/x",
    "secrets are off without CROSSACCOUNT_SECRETS_KMS_KEY_ID"
)]
#[case(
    "CROSSACCOUNT_SECRETS_LOCATION",
    "member",
    "secrets are off without CROSSACCOUNT_SECRETS_KMS_KEY_ID"
)]
#[case(
    "CROSSACCOUNT_SOME_TABLE",
    "arn:aws:dynamodb:eu-central-1:1:table/t",
    "no table name"
)]
#[case("CROSSACCOUNT_SOME_NUMBER", "0", "from 1 to 900")]
#[case("CROSSACCOUNT_SOME_NUMBER", "20.0", "from 1 to 900")]
fn a_wrong_value_is_told_with_its_variable_and_an_example(
    #[case] name: &str,
    #[case] value: &str,
    #[case] reason: &str,
) {
    let problems = reading(&[(name, value)]).unwrap_err();
    assert_eq!(variables(&problems), [name], "{problems}");
    let text = problems.to_string();
    assert!(text.contains(reason), "{text}");
    let mut all = VARIABLES.iter().chain(OWN);
    let example = all.find(|variable| variable.name == name).unwrap().example;
    assert!(text.contains(&format!("an example is {example}")), "{text}");
}

/// A rule under a wrong name would be off, and nobody would see it.
#[rstest::rstest]
#[case(
    "CROSSACCOUNT_FORBIDEN_ACCOUNT_IDS",
    Some("CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS")
)]
#[case(
    "CROSSACCOUNT_FORBIDDEN_ACCOUNTS",
    Some("CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS")
)]
#[case(
    "CROSSACCOUNT_ALLOWED_POLICIES",
    Some("CROSSACCOUNT_ALLOWED_POLICY_ARNS")
)]
#[case("CROSSACCOUNT_COLOUR", None)]
fn an_unknown_variable_of_ours_is_refused_with_the_nearest_known_one(
    #[case] name: &str,
    #[case] meant: Option<&str>,
) {
    let problems = reading(&[(name, "hunter2")]).unwrap_err();
    assert_eq!(variables(&problems), [name]);
    let text = problems.to_string();
    assert_eq!(text.contains("may be meant"), meant.is_some(), "{text}");
    assert!(meant.is_none_or(|meant| text.contains(meant)), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn variables_of_others_are_their_own_business() {
    assert!(
        reading(&[
            ("AWS_LAMBDA_FUNCTION_NAME", "users"),
            ("crossaccount_x", "y")
        ])
        .is_ok()
    );
}

#[rstest::rstest]
#[case("*", "", Ok(AccountFilter::Any))]
#[case("*", "999999999999", Ok(AccountFilter::AllBut(["999999999999".parse().unwrap()].into())))]
#[case(" 222222222222 , 333333333333,", "", Ok(AccountFilter::Only(["222222222222", "333333333333"].map(|id| id.parse().unwrap()).into())))]
#[case("222222222222,333333333333", "333333333333", Ok(AccountFilter::Only(["222222222222".parse().unwrap()].into())))]
#[case("222222222222", "222222222222", Err(()))]
fn forbidden_accounts_are_forbidden_whatever_is_allowed(
    #[case] allowed: &str,
    #[case] forbidden: &str,
    #[case] expected: Result<AccountFilter, ()>,
) {
    let more = [
        ("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", allowed),
        ("CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS", forbidden),
    ];
    let read = reading(&more).map(|config| config.shared.guardrails.accounts);
    assert_eq!(read.map_err(|_| ()), expected);
}

#[test]
fn boundaries_are_optional_only_when_that_is_said() {
    let config = reading(&[("CROSSACCOUNT_PERMISSIONS_BOUNDARIES", "none")]).unwrap();
    assert_eq!(config.shared.guardrails.boundaries, None);
}

#[test]
fn the_external_id_is_never_shown() {
    let config = reading(&[("CROSSACCOUNT_EXTERNAL_ID", "hunter2-agreed")]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let problems = reading(&[("CROSSACCOUNT_EXTERNAL_ID", "hunter2 with spaces")]).unwrap_err();
    assert!(!format!("{problems} {problems:?}").contains("hunter2"));
}
