//! The stack of a user and the StackSet of the member role.

use std::collections::BTreeSet;

use harness::cloudformation::{Template, as_strings, template, unresolved};
use serde_json::Value;

use super::{directory, hub, properties, templates};

const CUSTOM: &str = "Custom::CrossAccountIamUser";

fn user() -> Template {
    let parameters = [
        ("AWS::StackName", "people"),
        ("AccountId", "222222222222"),
        ("UserName", "alice"),
    ];
    template(&directory().join("user.yaml"), &parameters, &[]).unwrap()
}

#[test]
fn every_custom_resource_waits_as_long_as_lambda_delivers_and_no_longer_than_it_must() {
    let hub = hub(&[]);
    let seconds = |value: &Value| -> u64 { value.as_str().unwrap().parse().unwrap() };
    let age = seconds(&properties(&hub, "Deliveries")["MaximumEventAgeInSeconds"]);
    let needed = age + seconds(&properties(&hub, "Function")["Timeout"]);
    let mut found = 0;
    for path in templates() {
        let template = unresolved(&path).unwrap();
        for (name, resource) in template["Resources"].as_object().unwrap() {
            if !resource["Type"].as_str().unwrap().starts_with("Custom::") {
                continue;
            }
            found += 1;
            let timeout = resource["Properties"]["ServiceTimeout"].as_u64();
            assert!(timeout.is_some_and(|timeout| timeout >= needed), "{name}");
            assert!(timeout.is_some_and(|timeout| timeout < 3600), "{name}");
            for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
                assert!(
                    resource[policy].is_string(),
                    "{name} says nothing of {policy}"
                );
            }
        }
    }
    assert_eq!(found, 1);
}

#[test]
fn the_handler_accepts_the_user_of_the_sample() {
    let user = user();
    assert_eq!(user.resources["User"]["Type"], CUSTOM);
    let mut sent = as_strings(properties(&user, "User")).unwrap();
    let sent = sent.as_object_mut().unwrap();
    assert_eq!(
        sent.remove("ServiceToken").unwrap(),
        "import:CrossAccountUserFunction"
    );
    sent.remove("ServiceTimeout").unwrap();
    let read = crossaccount_lambda::properties::read(sent).unwrap();
    assert_eq!(read.spec.name.as_str(), "alice");
}

#[test]
fn the_sample_imports_what_the_hub_exports() {
    let text = std::fs::read_to_string(directory().join("hub.yaml")).unwrap();
    assert!(text.contains("Default: CrossAccountUserFunction\n"));
    let hub = unresolved(&directory().join("hub.yaml")).unwrap();
    assert_eq!(
        hub["Outputs"]["ServiceToken"]["Export"]["Name"]["Ref"],
        "ExportName"
    );
}

#[test]
fn no_output_shows_a_secret() {
    // What Fn::GetAtt returns: none of it is a secret, and the last two are names of parameters.
    let attributes = [
        "Arn",
        "UniqueId",
        "AccountId",
        "UserName",
        "AccessKeyId",
        "Status",
        "AccessKeyParameter",
        "ConsolePasswordParameter",
    ];
    for (name, value) in user().outputs {
        let (resource, attribute) = value.as_str().unwrap().split_once('.').unwrap();
        assert_eq!(resource, "User", "{name}");
        assert!(attributes.contains(&attribute), "{name}");
    }
    for path in templates() {
        let template = unresolved(&path).unwrap();
        let hidden: Vec<&String> = template["Parameters"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, rules)| rules["NoEcho"] == true)
            .map(|(name, _)| name)
            .collect();
        let outputs = template["Outputs"].to_string();
        for name in hidden {
            assert!(
                !outputs.contains(name.as_str()),
                "{name} in {}",
                path.display()
            );
        }
        assert!(!outputs.contains("{{resolve:"), "{}", path.display());
    }
}

#[test]
fn the_stack_set_gives_the_member_role_what_it_takes() {
    let set = unresolved(&directory().join("member-role-stackset.yaml")).unwrap();
    let role = unresolved(&directory().join("member-role.yaml")).unwrap();
    let taken = role["Parameters"].as_object().unwrap();
    let properties = &set["Resources"]["MemberRoles"]["Properties"];
    let mut given = BTreeSet::new();
    for parameter in properties["Parameters"].as_array().unwrap() {
        let name = parameter["ParameterKey"].as_str().unwrap();
        // The same parameter with the same rules, so that a mistake is found before it is in all accounts.
        assert_eq!(set["Parameters"][name], taken[name], "{name}");
        let value = &parameter["ParameterValue"];
        let reference = if taken[name]["Type"] == "CommaDelimitedList" {
            &value["Fn::Join"][1]["Ref"]
        } else {
            &value["Ref"]
        };
        assert_eq!(reference, name);
        given.insert(name);
    }
    // All of them: what is missing here, nobody can choose for whole organisational units.
    assert_eq!(given, taken.keys().map(String::as_str).collect());
    assert_eq!(properties["PermissionModel"], "SERVICE_MANAGED");
    assert_eq!(properties["AutoDeployment"]["Enabled"], true);
}

#[test]
fn every_template_but_that_of_the_registry_fits_into_a_request() {
    // A larger one has to be deployed from a bucket, as that of the registry is.
    for path in templates() {
        let bytes = std::fs::metadata(&path).unwrap().len();
        let is_registry = path.ends_with("registry.yaml");
        assert_eq!(bytes > 51_200, is_registry, "{}: {bytes}", path.display());
    }
}

#[test]
fn the_hub_and_the_member_role_agree_on_names() {
    let hub = unresolved(&directory().join("hub.yaml")).unwrap();
    let role = unresolved(&directory().join("member-role.yaml")).unwrap();
    for (ours, theirs) in [
        ("MemberRoleName", "RoleName"),
        ("MemberRolePath", "RolePath"),
        ("SecretsPrefix", "ParameterPrefix"),
    ] {
        assert_eq!(
            hub["Parameters"][ours]["Default"], role["Parameters"][theirs]["Default"],
            "{ours}"
        );
    }
    let patterns =
        |template: &Value, name: &str| template["Parameters"][name]["AllowedPattern"].clone();
    assert_eq!(patterns(&hub, "ExternalId"), patterns(&role, "ExternalId"));
}
