//! The data source `crossaccount_iam_users`: the users of an account, by path and name.
//!
//! It costs one list call for up to a thousand users and shows what that call answers: no tags, no
//! policies. Who needs them looks each user up with `crossaccount_iam_user`.

use crossaccount_core::ids::{AccountId, Path as IamPath, RoleArn};
use crossaccount_core::user::UserSummary;
use regex::bytes::{Regex, RegexBuilder};

use super::{contradictions, target, unless_cancelled};
use crate::crossaccount::ProviderState;
use crate::framework::docs::Example;
use crate::framework::{DataSource, Documentation, Outcome, ReadDataRequest, ValidateRequest};
use crate::model;
use crate::schema::validators::{parses, string};
use crate::schema::{Attribute, Diagnostic, Diagnostics, Field, Schema};
use crate::value::Path;

model! {
    /// The configuration and what was found.
    #[derive(Default)]
    struct IamUsersDataModel {
        account_id: Field<AccountId>,
        role_arn: Field<RoleArn>,
        path_prefix: Field<IamPath>,
        name_regex: Field<String>,
        users: Field<Vec<ListedUserModel>>,
    }
}
model! {
    /// One user of the list.
    struct ListedUserModel {
        name: String,
        path: String,
        arn: String,
        unique_id: String,
        create_date: Option<String>,
        password_last_used: Option<String>,
    }
}

/// The data source.
pub(super) struct IamUsersData;

#[tonic::async_trait]
impl DataSource<ProviderState> for IamUsersData {
    fn type_name(&self) -> &'static str {
        "crossaccount_iam_users"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            examples: vec![Example {
                title: "Users that nobody manages yet, in many accounts".to_owned(),
                configuration: include_str!(
                    "../../../../examples/terraform/data-sources/crossaccount_iam_users/main.tf"
                )
                .to_owned(),
            }],
            notes: "The member role needs the feature `data_sources` of `member_role_policy`: `iam:ListUsers` works \
                    only on the account as a whole."
                .to_owned(),
            ..Documentation::default()
        }
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        match IamUsersDataModel::try_from(&request.config) {
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
        super::account_id("Account to look into: 12 digits."),
        super::role_arn(),
        Attribute::string("path_prefix").default("/").validate(parses::<IamPath>()).describe(
            "Only users whose path begins with this. It begins and ends with `/`; a single `/` means all users.",
        ),
        Attribute::string("name_regex")
            .optional()
            .validate(string(|text| name_regex(text).map(|_| ())))
            .describe(
                "Only users whose name matches this regular expression somewhere; `^` and `$` tie it to the beginning \
                 and the end, `(?i)` at its beginning ignores case. The syntax is that of RE2, as in Terraform's `regex`.",
            ),
        Attribute::list_nested(
            "users",
            [
                text("name", "Name of the user."),
                text("path", "IAM path, beginning and ending with `/`."),
                text("arn", "ARN of the user."),
                text("unique_id", "The id that AWS never uses again (`AIDA…`)."),
                text("create_date", "When the user was created (RFC 3339)."),
                text(
                    "password_last_used",
                    "When the console password was last used (RFC 3339); null when it never was, or when there is \
                     none.",
                ),
            ],
        )
        .computed()
        .describe("The users that were found, sorted by name. Empty when there are none."),
    ])
    .describe(
        "Lists the IAM users of any account whose member role can be assumed, all of them or those below a path or with \
         a name of a certain form.",
    )
}

/// Names of IAM are ASCII, so the expression works on bytes: ignoring case then needs no tables of Unicode.
fn name_regex(text: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(text).unicode(false).build();
    regex.map_err(|error| format!("is no regular expression that can be used: {error}"))
}

async fn read(request: &ReadDataRequest<ProviderState>) -> Result<IamUsersDataModel, Diagnostics> {
    let config = IamUsersDataModel::try_from(&request.config)
        .map_err(|error| Diagnostics::from(error.into_diagnostic()))?;
    let target = target(config.account_id.clone(), config.role_arn.clone())?;
    let regex = config
        .name_regex
        .known()
        .map(|text| name_regex(text))
        .transpose();
    let regex = regex.map_err(|problem| {
        let path = Path::attribute("name_regex");
        Diagnostics::from(Diagnostic::error("Invalid value", format!("{path}: {problem}")).at(path))
    })?;
    let path_prefix = config.path_prefix.known().cloned().unwrap_or_default();
    let list = request.provider.users.list(&target, &path_prefix);
    let users = unless_cancelled(&request.cancelled, list).await?;
    Ok(IamUsersDataModel {
        users: Field::Known(chosen(users, regex.as_ref())),
        ..config
    })
}

/// The users whose name matches, sorted by name: IAM's own order is not promised.
fn chosen(mut users: Vec<UserSummary>, name_regex: Option<&Regex>) -> Vec<ListedUserModel> {
    let matches = |user: &UserSummary| {
        name_regex.is_none_or(|regex| regex.is_match(user.name.as_str().as_bytes()))
    };
    users.retain(matches);
    users.sort_by(|first, second| first.name.cmp(&second.name));
    users.into_iter().map(listed).collect()
}

fn listed(user: UserSummary) -> ListedUserModel {
    ListedUserModel {
        name: user.name.to_string(),
        path: user.path.to_string(),
        arn: user.arn,
        unique_id: user.unique_id,
        create_date: user.create_date.as_ref().map(ToString::to_string),
        password_last_used: user.password_last_used.as_ref().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use crossaccount_core::user::UserSummary;

    use super::{IamUsersDataModel, chosen, listed, name_regex, schema};
    use crate::schema::{IntoValue, check, model::differences};
    use crate::value::{Object, Value};

    fn user(name: &str) -> UserSummary {
        UserSummary {
            name: name.parse().unwrap(),
            path: "/".parse().unwrap(),
            arn: format!("arn:aws:iam::222222222222:user/{name}"),
            unique_id: format!("AIDA{name}"),
            create_date: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            password_last_used: None,
        }
    }

    fn names(users: &[&str], pattern: Option<&str>) -> Vec<String> {
        let users = users.iter().map(|name| user(name)).collect();
        let regex = pattern.map(|pattern| name_regex(pattern).unwrap());
        chosen(users, regex.as_ref())
            .into_iter()
            .map(|user| user.name)
            .collect()
    }

    #[test]
    fn the_model_and_the_schema_agree() {
        assert_eq!(
            differences::<IamUsersDataModel>(&schema()),
            Vec::<String>::new()
        );
        assert_eq!(check::problems(&schema()), Vec::<String>::new());
    }

    #[rstest::rstest]
    #[case("account_id", "12345")]
    #[case("role_arn", "CrossAccountUserAdmin")]
    #[case("path_prefix", "engineering/")]
    #[case("name_regex", "svc-(")]
    #[case("name_regex", "(?=svc)")]
    fn a_wrong_value_is_refused_on_its_attribute(#[case] name: &str, #[case] value: &str) {
        let diagnostics = schema().validate(&Object::new().with(name, value));
        let places: Vec<_> = diagnostics
            .iter()
            .map(|found| found.attribute.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(places, [name]);
    }

    #[test]
    fn an_unknown_expression_may_be_valid() {
        assert!(
            schema()
                .validate(&Object::new().with("name_regex", Value::UNKNOWN))
                .is_empty()
        );
    }

    #[rstest::rstest]
    #[case::none(None, &["Zoe", "alice", "bob", "svc-alice"])]
    #[case::anywhere(Some("alice"), &["alice", "svc-alice"])]
    #[case::anchored(Some("^alice$"), &["alice"])]
    #[case::any_case(Some("(?i)^z"), &["Zoe"])]
    #[case::class(Some(r"^\w+$"), &["Zoe", "alice", "bob"])]
    #[case::nobody(Some("^root$"), &[])]
    fn users_are_sorted_by_name_and_chosen_by_the_expression(
        #[case] pattern: Option<&str>,
        #[case] expected: &[&str],
    ) {
        assert_eq!(
            names(&["svc-alice", "bob", "Zoe", "alice"], pattern),
            expected
        );
    }

    #[test]
    fn every_fact_of_the_list_is_shown() {
        let user = UserSummary {
            path: "/engineering/".parse().unwrap(),
            password_last_used: Some("2026-02-03T04:05:06Z".parse().unwrap()),
            ..user("alice")
        };
        let expected = Value::object([
            ("name", "alice".into()),
            ("path", "/engineering/".into()),
            ("arn", "arn:aws:iam::222222222222:user/alice".into()),
            ("unique_id", "AIDAalice".into()),
            ("create_date", "2026-01-02T03:04:05Z".into()),
            ("password_last_used", "2026-02-03T04:05:06Z".into()),
        ]);
        assert_eq!(listed(user).into_value(), expected);
    }

    #[test]
    fn a_password_that_was_never_used_is_null() {
        let shown = listed(user("alice")).into_value();
        assert!(
            shown
                .as_object()
                .unwrap()
                .get("password_last_used")
                .is_null()
        );
    }
}
