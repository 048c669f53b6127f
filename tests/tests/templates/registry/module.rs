//! The Terraform module: real Terraform takes it, it plans what the template deploys, and the live layer passes everything in.

use std::collections::BTreeSet;
use std::path::Path;

use harness::cloudformation::unresolved;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::described::{of_plan, of_template};
use super::{Changes, MOST, WITH_HUB, module, plan, registry, snake, terraform, variables};
use crate::templates::directory;

#[test]
fn the_module_plans_what_the_template_deploys() {
    let member = [
        ("SecretsLocation", "member"),
        ("MemberSecretsKeyId", "alias/crossaccount"),
    ];
    let own_key = [(
        "SecretsKeyArn",
        "arn:aws:kms:eu-central-1:111111111111:key/of-mine",
    )];
    let cases: [Changes<'_>; 6] = [
        &[],
        &MOST,
        &WITH_HUB,
        &[("SecretsLocation", "off"), ("Architecture", "arm64")],
        &member,
        &own_key,
    ];
    for changes in cases {
        let (deployed, planned) = (of_template(&registry(changes)), of_plan(&plan(changes)));
        let names: BTreeSet<&String> = deployed.keys().chain(planned.keys()).collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            let (deployed, planned) = (deployed.get(name), planned.get(name));
            let text = |value: Option<&Value>| {
                value.map(|value| serde_json::to_string_pretty(value).unwrap())
            };
            assert_eq!(
                deployed,
                planned,
                "{name} with {changes:?}: {:?} {:?}",
                text(deployed),
                text(planned)
            );
        }
    }
}

#[test]
fn parameters_of_the_template_are_variables_of_the_module() {
    let template = unresolved(&directory().join("registry.yaml")).unwrap();
    let variables = variables();
    let parameters = template["Parameters"].as_object().unwrap();
    let names: BTreeSet<String> = parameters.keys().map(|name| snake(name)).collect();
    assert_eq!(names, variables.keys().cloned().collect());
    for (name, rules) in parameters {
        let text = &variables[&snake(name)];
        for part in [
            "description = \"",
            "type        = ",
            "validation {",
            "error_message = \"",
        ] {
            let is_bool = text.contains("type        = bool") && part != "description = \"";
            assert!(is_bool || text.contains(part), "{name}: no {part}");
        }
        let has_default = text.lines().any(|line| line.starts_with("  default "));
        assert_eq!(rules["Default"].is_null(), !has_default, "{name}");
    }
}

#[test]
fn the_module_refuses_what_the_template_refuses() {
    let refused: [(&str, &str, &str); 10] = [
        (
            "allowed_account_ids",
            r#"["2222"]"#,
            "account ids of 12 digits",
        ),
        (
            "allowed_account_ids",
            r#"["*", "222222222222"]"#,
            "or be [\"*\"] alone",
        ),
        ("permissions_boundaries", "[]", "must name a policy"),
        (
            "user_path_prefix",
            r#""/people""#,
            "begin and end with a slash",
        ),
        (
            "reconcile_default_properties",
            r#""[]""#,
            "must be a JSON object",
        ),
        ("max_removal_percent", "0", "1 to 100"),
        ("reconcile_concurrency", "1", "must be 0, which reserves"),
        (
            "reconcile_function_name",
            r#""a-name-of-fifty-nine-letters-which-is-one-more-than-allowed""#,
            "because the rule NAME-hours may have 64",
        ),
        (
            "deletion_policy",
            r#""destroy""#,
            "must be delete, quarantine or retain",
        ),
        (
            "audit_bucket_name",
            r#""audit-of-the-hub""#,
            "audit_key_arn must name the key",
        ),
    ];
    // Terraform draws a frame around what it says, and breaks lines.
    let frame = Regex::new(r"[\s│]+").unwrap();
    let terraform = terraform();
    terraform.copy_from(&module()).unwrap();
    let mut given = Map::new();
    for (name, text) in super::LEAST.iter().skip(3) {
        let lists = ["AllowedAccountIds", "PermissionsBoundaries"];
        let value = if lists.contains(name) {
            json!(text.split(',').collect::<Vec<_>>())
        } else {
            json!(text)
        };
        given.insert(snake(name), value);
    }
    for (name, value, message) in refused {
        let mut given = given.clone();
        given.insert(name.to_owned(), serde_json::from_str(value).unwrap());
        let given = Value::Object(given).to_string();
        terraform.write("terraform.tfvars.json", &given).unwrap();
        let output = terraform.plan().unwrap().expect_failure().unwrap();
        let said = output.text().replace('\n', " ");
        let said = frame.replace_all(&said, " ");
        assert!(said.contains(message), "{name}: {said}");
    }
}

/// What the live layer passes in, as it stands there.
fn inputs() -> String {
    let live = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/terragrunt/registry");
    let text = std::fs::read_to_string(live.join("terragrunt.hcl")).unwrap();
    let source = Regex::new(r#"(?m)^  source = "(.*)""#).unwrap();
    let source = source.captures(&text).unwrap()[1].replace("//", "/");
    assert_eq!(
        live.join(source).canonicalize().unwrap(),
        module().canonicalize().unwrap()
    );
    let (_, inputs) = text.split_once("\ninputs = {\n").unwrap();
    inputs.strip_suffix("}\n").unwrap().to_owned()
}

#[test]
fn the_live_layer_passes_every_variable_in_and_nothing_else() {
    let name = Regex::new(r"(?m)^  ([a-z_]+) +=").unwrap();
    let inputs = inputs();
    let passed: Vec<String> = name
        .captures_iter(&inputs)
        .map(|found| found[1].to_owned())
        .collect();
    let names: BTreeSet<String> = passed.iter().cloned().collect();
    assert_eq!(passed.len(), names.len(), "{passed:?}");
    assert_eq!(names, variables().into_keys().collect());
}

#[test]
fn terraform_plans_what_the_live_layer_passes_in() {
    let get_env = r#"get_env("CROSSACCOUNT_EXTERNAL_ID")"#;
    let inputs = inputs();
    assert!(inputs.contains(get_env));
    let inputs = inputs.replace(get_env, "\"agreed-name\"");
    let terraform = terraform();
    let main = format!("module \"registry\" {{\n  source = \"./registry\"\n{inputs}}}\n");
    terraform.write("main.tf", &main).unwrap();
    let copy = terraform.path().join("registry");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(module()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    terraform.run(&["get"]).unwrap().expect_success().unwrap();
    let plan = terraform.plan_json().unwrap();
    let resources = plan.pointer("/planned_values/root_module/child_modules/0/resources");
    let resources = resources.unwrap().as_array().unwrap();
    assert!(resources.len() > 40, "{}", resources.len());
    for function in ["reconcile", "provision"] {
        let address = format!("module.registry.aws_lambda_function.this[\"{function}\"]");
        let found = resources
            .iter()
            .find(|it| it["address"] == address.as_str());
        let variables = &found.unwrap()["values"]["environment"][0]["variables"];
        let mut environment = super::texts_of(variables);
        environment.insert("AWS_REGION".to_owned(), "us-east-1".to_owned());
        let run_id = crossaccount_core::ids::RunId::from(uuid::Uuid::from_u128(1));
        let defaults = match function {
            "reconcile" => {
                jobs::config::reconcile(&environment, run_id)
                    .unwrap()
                    .common
            }
            _ => {
                jobs::config::provision(&environment, run_id)
                    .unwrap()
                    .common
            }
        };
        assert_eq!(
            defaults.defaults["PermissionsBoundary"],
            "arn:${Partition}:iam::${AccountId}:policy/UserBoundary"
        );
    }
}
