//! The data source `crossaccount_iam_user`: everything that IAM has of one user.

use std::collections::{BTreeMap, BTreeSet};

use crossaccount_core::ids::{AccountId, RoleArn, UserName};
use crossaccount_core::user::{Expected, Facets, ObservedUser};

use super::{contradictions, required, target, unless_cancelled};
use crate::crossaccount::ProviderState;
use crate::framework::docs::Example;
use crate::framework::{DataSource, Documentation, Outcome, ReadDataRequest, ValidateRequest};
use crate::model;
use crate::schema::validators::parses;
use crate::schema::{Attribute, Diagnostic, Diagnostics, Field, Schema};
use crate::value::{Path, Type};

model! {
    /// The user as Terraform sees it.
    #[derive(Default)]
    struct IamUserDataModel {
        account_id: Field<AccountId>,
        name: Field<UserName>,
        role_arn: Field<RoleArn>,
        arn: Field<String>,
        path: Field<String>,
        unique_id: Field<String>,
        create_date: Field<String>,
        password_last_used: Field<String>,
        permissions_boundary: Field<String>,
        managed_policy_arns: Field<BTreeSet<String>>,
        inline_policies: Field<BTreeMap<String, String>>,
        groups: Field<BTreeSet<String>>,
        tags: Field<BTreeMap<String, String>>,
        managed_by: Field<String>,
    }
}

/// The data source.
pub(super) struct IamUserData;

#[tonic::async_trait]
impl DataSource<ProviderState> for IamUserData {
    fn type_name(&self) -> &'static str {
        "crossaccount_iam_user"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            examples: vec![Example {
                title: "A user that something else manages".to_owned(),
                configuration: include_str!(
                    "../../../../examples/terraform/data-sources/crossaccount_iam_user/main.tf"
                )
                .to_owned(),
            }],
            notes: "The member role needs the feature `data_sources` of `member_role_policy`."
                .to_owned(),
            ..Documentation::default()
        }
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        match IamUserDataModel::try_from(&request.config) {
            Ok(config) => contradictions(&config.account_id, &config.role_arn),
            // The validators of the schema have said what is wrong with the value.
            Err(_) => Diagnostics::new(),
        }
    }

    async fn read(&self, request: ReadDataRequest<ProviderState>) -> Outcome {
        match read(&request).await {
            Ok(state) => Outcome::exists(state),
            Err(diagnostics) => Outcome::failed(diagnostics),
        }
    }
}

fn schema() -> Schema {
    let text =
        |name: &str, description: &str| Attribute::string(name).computed().describe(description);
    Schema::new([
        super::account_id(),
        Attribute::string("name")
            .required()
            .validate(parses::<UserName>())
            .describe("Name of the user, without its path. It is an error when there is no such user."),
        super::role_arn(),
        text("arn", "ARN of the user."),
        text("path", "IAM path, beginning and ending with `/`."),
        text("unique_id", "The id that AWS never uses again (`AIDA…`)."),
        text("create_date", "When the user was created (RFC 3339)."),
        text(
            "password_last_used",
            "When the console password was last used (RFC 3339); null when it never was, or when there is none.",
        ),
        text("permissions_boundary", "ARN of the permissions boundary; null when there is none."),
        Attribute::set("managed_policy_arns", Type::String)
            .computed()
            .describe("ARNs of the managed policies that are attached to the user itself."),
        Attribute::map("inline_policies", Type::String)
            .computed()
            .describe("Inline policies of the user itself: name to JSON document."),
        Attribute::set("groups", Type::String).computed().describe("Groups that the user is in."),
        Attribute::map("tags", Type::String)
            .computed()
            .describe("Tags of the user, without those of crossaccount itself."),
        text(
            "managed_by",
            "Owner of the user by its tag `crossaccount:managed-by`; null when crossaccount does not manage it.",
        ),
    ])
    .describe(
        "Looks up one IAM user in any account whose member role can be assumed: the user, its permissions boundary, \
         policies, groups and tags.",
    )
}

async fn read(request: &ReadDataRequest<ProviderState>) -> Result<IamUserDataModel, Diagnostics> {
    let config = IamUserDataModel::try_from(&request.config)
        .map_err(|error| Diagnostics::from(error.into_diagnostic()))?;
    let target = target(config.account_id.clone(), config.role_arn.clone())?;
    let name = required("name", config.name.clone())?;
    let facets = Facets {
        access_keys: false,
        console_access: false,
        own_credentials: false,
        ..Facets::ALL
    };
    let expected = Expected::default();
    let find = request
        .provider
        .users
        .find(&target, &name, facets, &expected);
    match unless_cancelled(&request.cancelled, find).await? {
        Some(user) => Ok(found(config, &user)),
        None => Err(missing(&target.account_id, &name)),
    }
}

fn missing(account_id: &AccountId, name: &UserName) -> Diagnostics {
    Diagnostic::error(
        "User not found",
        format!(
            "Account {account_id} has no IAM user {name}. Check the name and the account; a user that this configuration \
             creates is read after it only when the data source depends on the resource."
        ),
    )
    .at(Path::attribute("name"))
    .into()
}

/// The configuration completed by what IAM has. What was configured stays as it was written: Terraform refuses a result
/// that differs from it.
fn found(config: IamUserDataModel, user: &ObservedUser) -> IamUserDataModel {
    let managed = user
        .managed_policy_arns
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    let inline = user.inline_policies.iter().flatten();
    let inline = inline.map(|(name, document)| (name.to_string(), document.as_str().to_owned()));
    let groups = user
        .groups
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    IamUserDataModel {
        arn: Field::Known(user.arn.clone()),
        path: Field::Known(user.path.to_string()),
        unique_id: Field::Known(user.unique_id.clone()),
        create_date: user.create_date.as_ref().map(ToString::to_string).into(),
        password_last_used: user
            .password_last_used
            .as_ref()
            .map(ToString::to_string)
            .into(),
        permissions_boundary: user
            .permissions_boundary
            .as_ref()
            .map(ToString::to_string)
            .into(),
        managed_policy_arns: Field::Known(managed),
        inline_policies: Field::Known(inline.collect()),
        groups: Field::Known(groups),
        tags: Field::Known(user.visible_tags()),
        managed_by: user.managed_by().map(str::to_owned).into(),
        ..config
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crossaccount_core::user::{MANAGED_BY_TAG, ObservedUser};

    use super::{IamUserDataModel, found, missing, schema};
    use crate::schema::{Field, check, model::differences};
    use crate::value::{Object, Value};

    fn config() -> IamUserDataModel {
        IamUserDataModel {
            account_id: Field::Known("222222222222".parse().unwrap()),
            name: Field::Known("alice".parse().unwrap()),
            ..IamUserDataModel::default()
        }
    }

    fn bare() -> ObservedUser {
        ObservedUser {
            name: "alice".parse().unwrap(),
            path: "/engineering/".parse().unwrap(),
            arn: "arn:aws:iam::222222222222:user/engineering/alice".to_owned(),
            unique_id: "AIDA1".to_owned(),
            create_date: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            password_last_used: None,
            permissions_boundary: None,
            tags: BTreeMap::new(),
            managed_policy_arns: Some(BTreeSet::new()),
            inline_policies: Some(BTreeMap::new()),
            groups: Some(BTreeSet::new()),
            access_keys: None,
            console_access: None,
        }
    }

    #[test]
    fn the_model_and_the_schema_agree() {
        assert_eq!(
            differences::<IamUserDataModel>(&schema()),
            Vec::<String>::new()
        );
        assert_eq!(check::problems(&schema()), Vec::<String>::new());
    }

    #[rstest::rstest]
    #[case("account_id", "12345")]
    #[case("name", "a b")]
    #[case("name", &"a".repeat(65))]
    #[case("role_arn", "CrossAccountUserAdmin")]
    fn a_wrong_value_is_refused_on_its_attribute(#[case] name: &str, #[case] value: &str) {
        let diagnostics = schema().validate(&Object::new().with(name, value));
        let places: Vec<_> = diagnostics
            .iter()
            .map(|found| found.attribute.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(places, [name]);
    }

    #[test]
    fn everything_that_iam_has_is_shown() {
        let user = ObservedUser {
            password_last_used: Some("2026-02-03T04:05:06Z".parse().unwrap()),
            permissions_boundary: Some(
                "arn:aws:iam::222222222222:policy/Boundary".parse().unwrap(),
            ),
            tags: [(MANAGED_BY_TAG, "platform"), ("team", "core")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            managed_policy_arns: Some(
                ["arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap()].into(),
            ),
            inline_policies: Some(
                [("p".parse().unwrap(), r#"{"Statement":[]}"#.parse().unwrap())].into(),
            ),
            groups: Some(["admins".parse().unwrap()].into()),
            ..bare()
        };
        let expected = Object::new()
            .with("account_id", "222222222222")
            .with("name", "alice")
            .with("role_arn", Value::Null)
            .with("arn", "arn:aws:iam::222222222222:user/engineering/alice")
            .with("path", "/engineering/")
            .with("unique_id", "AIDA1")
            .with("create_date", "2026-01-02T03:04:05Z")
            .with("password_last_used", "2026-02-03T04:05:06Z")
            .with(
                "permissions_boundary",
                "arn:aws:iam::222222222222:policy/Boundary",
            )
            .with(
                "managed_policy_arns",
                Value::set(["arn:aws:iam::aws:policy/ReadOnlyAccess".into()]),
            )
            .with(
                "inline_policies",
                Value::map([("p", r#"{"Statement":[]}"#.into())]),
            )
            .with("groups", Value::set(["admins".into()]))
            .with("tags", Value::map([("team", "core".into())]))
            .with("managed_by", "platform");
        assert_eq!(Object::from(found(config(), &user)), expected);
    }

    #[test]
    fn what_a_user_does_not_have_is_empty_or_null() {
        let state = Object::from(found(config(), &bare()));
        for name in ["password_last_used", "permissions_boundary", "managed_by"] {
            assert!(state.get(name).is_null(), "{name}");
        }
        assert_eq!(state.get("managed_policy_arns"), &Value::set([]));
        assert_eq!(state.get("groups"), &Value::set([]));
        assert_eq!(state.get("inline_policies"), &Value::map::<&str>([]));
        assert_eq!(state.get("tags"), &Value::map::<&str>([]));
    }

    #[test]
    fn a_missing_user_is_an_error_on_the_name() {
        let diagnostics = missing(&"222222222222".parse().unwrap(), &"alice".parse().unwrap());
        let found: Vec<_> = diagnostics.iter().collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].summary, "User not found");
        assert_eq!(found[0].attribute.as_ref().unwrap().to_string(), "name");
        assert!(
            found[0]
                .detail
                .starts_with("Account 222222222222 has no IAM user alice.")
        );
    }
}
