//! The attributes of `crossaccount_iam_user`, beside their typed form.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossaccount_core::ids::{AccountId, GroupName, Path as IamPath, PolicyArn, PolicyName};
use crossaccount_core::ids::{RoleArn, UserName};
use crossaccount_core::user::{PolicyDocument, QUARANTINE_POLICY};

use super::credentials::{self, AccessKeyModel, ConsoleAccessModel, ShownKey};
use crate::crossaccount::config::tags;
use crate::framework::Documentation;
use crate::framework::docs::Example;
use crate::model;
use crate::schema::timeouts::{self, TimedOperation};
use crate::schema::validators::{each, keys, one_of, parses, string};
use crate::schema::{Attribute, Field, Identity, Schema};
use crate::value::{Type, Value};

model! {
    /// A user as Terraform has it, in configuration, plan or state.
    #[derive(Default)]
    pub(in crate::crossaccount) struct IamUserModel {
        pub(in crate::crossaccount) account_id: Field<String>,
        pub(in crate::crossaccount) name: Field<String>,
        pub(in crate::crossaccount) path: Field<String>,
        pub(in crate::crossaccount) role_arn: Field<String>,
        pub(in crate::crossaccount) permissions_boundary: Field<String>,
        pub(in crate::crossaccount) managed_policy_arns: Field<BTreeSet<String>>,
        pub(in crate::crossaccount) inline_policies: Field<BTreeMap<String, String>>,
        pub(in crate::crossaccount) groups: Field<BTreeSet<String>>,
        pub(in crate::crossaccount) tags: Field<BTreeMap<String, String>>,
        pub(in crate::crossaccount) console_access: Field<ConsoleAccessModel>,
        pub(in crate::crossaccount) access_key: Field<AccessKeyModel>,
        pub(in crate::crossaccount) adoption_policy: Field<String>,
        pub(in crate::crossaccount) deletion_policy: Field<String>,
        pub(in crate::crossaccount) force_destroy: Field<bool>,
        pub(in crate::crossaccount) timeouts: Field<TimeoutsModel>,
        pub(in crate::crossaccount) id: Field<String>,
        pub(in crate::crossaccount) arn: Field<String>,
        pub(in crate::crossaccount) unique_id: Field<String>,
        pub(in crate::crossaccount) create_date: Field<String>,
        pub(in crate::crossaccount) tags_all: Field<BTreeMap<String, String>>,
        pub(in crate::crossaccount) managed_by: Field<String>,
        pub(in crate::crossaccount) access_keys: Field<Vec<ShownKey>>,
        pub(in crate::crossaccount) last_key_change: Field<String>,
    }
}
model! {
    /// The `timeouts` attribute, kept as it was written.
    pub(in crate::crossaccount) struct TimeoutsModel {
        pub(in crate::crossaccount) create: Field<String>,
        pub(in crate::crossaccount) read: Field<String>,
        pub(in crate::crossaccount) update: Field<String>,
        pub(in crate::crossaccount) delete: Field<String>,
    }
}

/// How long an operation may take unless `timeouts` says otherwise.
pub(super) fn default_timeout(_operation: TimedOperation) -> Duration {
    super::DEFAULT_TIMEOUT
}

/// What tells a user from all others, without asking anybody. The name can be changed in place.
pub(super) fn whole_identity() -> Identity {
    Identity::new([
        Attribute::string("account_id")
            .required()
            .validate(parses::<AccountId>())
            .describe("Account of the user: 12 digits."),
        Attribute::string("name")
            .required()
            .validate(parses::<UserName>())
            .describe("Name of the user, without its path."),
    ])
    .changeable()
}

/// The attributes of the resource.
pub(super) fn schema() -> Schema {
    let mut attributes = identity();
    attributes.extend(permissions());
    attributes.extend(credentials::attributes());
    attributes.extend(behaviour());
    attributes.extend(computed());
    attributes.extend(credentials::computed());
    Schema::new(attributes).describe(
        "An IAM user in any account whose member role can be assumed: the user, its permissions boundary, policies, \
         groups, tags and credentials.\n\nA set that is not configured is not managed: it is neither read nor changed. A \
         set that is configured is exclusive: what is not in it is removed from the user, and an empty set means none.",
    )
}

fn identity() -> Vec<Attribute> {
    vec![
        Attribute::string("account_id")
            .required()
            .requires_replace()
            .validate(parses::<AccountId>())
            .describe(
                "Account of the user: 12 digits. Another account means another user: the old one is deleted and a \
                 new one created.",
            ),
        Attribute::string("name").required().validate(parses::<UserName>()).describe(
            "Name of the user: 1 to 64 letters, digits and `_+=,.@-`. A change renames the user in place; its unique id, \
             keys, policies and groups stay. Policies elsewhere that name the old ARN as a resource do not follow.",
        ),
        Attribute::string("path").default("/").validate(parses::<IamPath>()).describe(
            "IAM path, beginning and ending with `/`. Changed in place. Default: `/`.",
        ),
        Attribute::string("role_arn").optional().validate(parses::<RoleArn>()).describe(
            "Member role to assume for this user instead of the provider's `role_name`. It must belong to \
             `account_id`.",
        ),
    ]
}

fn permissions() -> Vec<Attribute> {
    vec![
        Attribute::string("permissions_boundary")
            .optional()
            .validate(parses::<PolicyArn>())
            .describe(
                "ARN of the policy that is the user's permissions boundary. It is set in the call that creates \
                 the user, and before any permission is added. Without it the user has no boundary.",
            ),
        Attribute::set("managed_policy_arns", Type::String)
            .optional()
            .validate(each(parses::<PolicyArn>()))
            .describe(
                "ARNs of the managed policies that are attached to the user. Exclusive when configured; \
                 `[]` means none.",
            ),
        Attribute::map("inline_policies", Type::String)
            .optional()
            .validate(keys(parses::<PolicyName>()))
            .validate(keys(string(|name| {
                if name == QUARANTINE_POLICY {
                    return Err("this name is kept for the policy that locks a quarantined user".to_owned());
                }
                Ok(())
            })))
            .validate(each(parses::<PolicyDocument>()))
            .equal_when(same_policies)
            .describe(
                "Inline policies: name to JSON document. Documents are compared by meaning: white space, key order and \
                 the order of actions are no change. Exclusive when configured; `{}` means none.",
            ),
        Attribute::set("groups", Type::String)
            .optional()
            .validate(each(parses::<GroupName>()))
            .describe(
                "Groups of the account that the user is in. Exclusive when configured; `[]` means none.",
            ),
        tags("tags").optional().describe(
            "Tags of the user, besides the provider's `default_tags`. Tags that somebody else adds are removed.",
        ),
    ]
}

fn behaviour() -> Vec<Attribute> {
    vec![
        Attribute::string("adoption_policy")
            .default("fail")
            .validate(one_of(&["fail", "adopt"]))
            .describe(
                "What to do when the user exists before it is created: `fail`, or `adopt` to take it over and \
                 bring it to the configured state. A user that an interrupted run of this `deployment_id` made is \
                 always completed; one that another owner's tag names is never touched. Default: `fail`.",
            ),
        Attribute::string("deletion_policy")
            .default("delete")
            .validate(one_of(&["delete", "retain", "quarantine"]))
            .describe(
                "What destroying does: `delete` deletes the user, `retain` leaves it as it is, `quarantine` keeps it and \
                 takes all access away (everything is denied, the console password is deleted, keys and \
                 certificates become inactive). Default: `delete`.",
            ),
        Attribute::bool("force_destroy").default(false).describe(
            "Whether destroying also removes what was not created here: console password, access keys, MFA devices, \
             certificates, SSH keys, service-specific credentials, policies and groups. Without it such things stop \
             the deletion with an error that names them. It is read from the state: apply it before destroying. \
             Default: `false`.",
        ),
        timeouts::attribute(&[
            (TimedOperation::Create, super::DEFAULT_TIMEOUT),
            (TimedOperation::Read, super::DEFAULT_TIMEOUT),
            (TimedOperation::Update, super::DEFAULT_TIMEOUT),
            (TimedOperation::Delete, super::DEFAULT_TIMEOUT),
        ]),
    ]
}

fn computed() -> Vec<Attribute> {
    vec![
        Attribute::string("id").computed().describe("`account_id/name`, the id for imports."),
        Attribute::string("arn").computed().describe("ARN of the user."),
        Attribute::string("unique_id").computed().use_state_for_unknown().describe(
            "The id that AWS never uses again (`AIDA…`). It tells a re-created user of the same name apart.",
        ),
        Attribute::string("create_date").computed().use_state_for_unknown().describe(
            "When the user was created (RFC 3339).",
        ),
        Attribute::map("tags_all", Type::String).computed().describe(
            "All tags of the user: `tags` and the provider's `default_tags`.",
        ),
        Attribute::string("managed_by").computed().describe(
            "Owner of the user by its tag `crossaccount:managed-by`: the provider's `deployment_id`, or null for a \
             user that is not taken over yet, such as one that was just imported.",
        ),
    ]
}

/// Whether two known maps hold the same policies, document by document.
fn same_policies(first: &Value, second: &Value) -> bool {
    let (Some(first), Some(second)) = (first.as_map(), second.as_map()) else {
        return false;
    };
    first.len() == second.len()
        && first.iter().all(|(name, document)| {
            second
                .get(name)
                .is_some_and(|other| same_document(document, other))
        })
}

fn same_document(first: &Value, second: &Value) -> bool {
    let (Some(first), Some(second)) = (first.as_str(), second.as_str()) else {
        return false;
    };
    first == second
        || match (
            first.parse::<PolicyDocument>(),
            second.parse::<PolicyDocument>(),
        ) {
            (Ok(first), Ok(second)) => first == second,
            _ => false,
        }
}

/// What the reference says besides the schema.
pub(super) fn documentation() -> Documentation {
    Documentation {
        examples: vec![
            Example {
                title: "One account".to_owned(),
                configuration: include_str!("../../../../examples/terraform/one-account/main.tf").to_owned(),
            },
            Example {
                title: "Many accounts and many users".to_owned(),
                configuration: include_str!("../../../../examples/terraform/many-accounts/main.tf").to_owned(),
            },
            Example {
                title: "Break-glass user that is locked and not deleted".to_owned(),
                configuration: include_str!("../../../../examples/terraform/break-glass/main.tf").to_owned(),
            },
        ],
        import: "The id is `account_id/name`, or the ARN of the user. An import changes nothing in the account; the \
                 next apply writes the ownership tag, which the plan shows as a change of `managed_by`."
            .to_owned(),
        import_example: "terraform import crossaccount_iam_user.alice 222222222222/alice\n\
                         terraform import crossaccount_iam_user.alice \
                         arn:aws:iam::222222222222:user/engineering/alice"
            .to_owned(),
        identity_example: include_str!("../../../../examples/terraform/import-by-identity/main.tf").to_owned(),
        ..Documentation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{IamUserModel, same_policies, schema};
    use crate::schema::{check, model::differences};
    use crate::value::{Object, Value, json};

    #[test]
    fn the_model_and_the_schema_agree() {
        assert_eq!(differences::<IamUserModel>(&schema()), Vec::<String>::new());
        assert_eq!(check::problems(&schema()), Vec::<String>::new());
    }

    #[rstest::rstest]
    #[case("account_id", "12345")]
    #[case("name", "a b")]
    #[case("name", &"a".repeat(65))]
    #[case("path", "engineering")]
    #[case("role_arn", "CrossAccountUserAdmin")]
    #[case("permissions_boundary", "Boundary")]
    #[case("adoption_policy", "steal")]
    #[case("deletion_policy", "forget")]
    fn a_wrong_value_is_refused_on_its_attribute(#[case] name: &str, #[case] value: &str) {
        let diagnostics = schema().validate(&Object::new().with(name, value));
        let places: Vec<_> = diagnostics
            .iter()
            .map(|found| found.attribute.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(places, [name]);
    }

    #[rstest::rstest]
    #[case::bad_json("inline_policies", Value::map([("p", Value::from("{"))]))]
    #[case::bad_name("inline_policies", Value::map([("a b", Value::from("{\"Statement\":[]}"))]))]
    #[case::reserved("inline_policies", Value::map([("crossaccount-quarantine", Value::from("{\"Statement\":[]}"))]))]
    #[case::no_arn("managed_policy_arns", Value::set([Value::from("ReadOnlyAccess")]))]
    #[case::bad_group("groups", Value::set([Value::from("a/b")]))]
    #[case::reserved_tag("tags", Value::map([("crossaccount:x", Value::from("v"))]))]
    fn a_wrong_element_is_refused(#[case] name: &str, #[case] value: Value) {
        assert!(
            schema()
                .validate(&Object::new().with(name, value))
                .has_errors()
        );
    }

    #[test]
    fn a_state_of_a_version_without_credentials_is_read() {
        let state = br#"{"account_id": "222222222222", "name": "alice", "path": "/", "force_destroy": false}"#;
        let state = json::decode(state, &schema().ty()).unwrap();
        let model = IamUserModel::try_from(state.as_object().unwrap()).unwrap();
        assert!(model.access_key.is_null() && model.console_access.is_null());
        assert!(model.access_keys.is_null() && model.last_key_change.is_null());
    }

    #[test]
    fn unknown_values_may_be_valid() {
        let config = Object::new()
            .with("account_id", Value::UNKNOWN)
            .with("groups", Value::set([Value::UNKNOWN]))
            .with("inline_policies", Value::map([("p", Value::UNKNOWN)]));
        assert!(schema().validate(&config).is_empty());
    }

    #[test]
    fn policies_are_the_same_when_their_documents_mean_the_same() {
        let policies = |text: &str| Value::map([("p", Value::from(text))]);
        let plain =
            policies(r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#);
        let other = policies(
            "{ \"Statement\": { \"Resource\": [\"*\"], \"Effect\": \"Allow\", \"Action\": [\"s3:*\"] } }",
        );
        assert!(same_policies(&plain, &other));
        assert!(!same_policies(&plain, &policies(r#"{"Statement":[]}"#)));
        assert!(!same_policies(&plain, &Value::map::<&str>([])));
    }
}
