//! The list resource `crossaccount_iam_user`: the users that an account has, whoever made them.

use std::num::NonZeroU64;
use std::ops::ControlFlow;

use crossaccount_core::ids::{AccountId, Path as IamPath, RoleArn};
use crossaccount_core::session::Target;
use crossaccount_core::user::UserSummary;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::ProviderState;
use super::iam_user::read_as_imported;
use super::located::{account_id, contradictions, role_arn, target, unless_cancelled};
use crate::framework::docs::Example;
use crate::framework::{Documentation, Found, ListRequest, ListResource, Listed, ValidateRequest};
use crate::model;
use crate::schema::validators::parses;
use crate::schema::{Attribute, Diagnostic, Diagnostics, Field, ModelError, Schema};
use crate::value::Object;

/// How many users are read at the same time when their attributes are wanted.
const SIDE_BY_SIDE: usize = 8;

model! {
    /// The `config` block.
    #[derive(Default)]
    struct IamUsersListModel {
        account_id: Field<AccountId>,
        role_arn: Field<RoleArn>,
        path_prefix: Field<IamPath>,
    }
}

/// The list resource.
pub(super) struct IamUsers;

#[tonic::async_trait]
impl ListResource<ProviderState> for IamUsers {
    fn type_name(&self) -> &'static str {
        "crossaccount_iam_user"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            examples: vec![Example {
                title: "The users of an account, for import".to_owned(),
                configuration: include_str!(
                    "../../../examples/terraform/list-resources/crossaccount_iam_user/users.tfquery.hcl"
                )
                .to_owned(),
            }],
            notes: "One list call finds up to a thousand users. With `include_resource = true` each user is read as an import \
                    reads it, eight at the same time; a user that cannot be read is listed with a warning and without \
                    attributes. The order is that of IAM.\n\nThe member role needs the feature `data_sources` of \
                    `member_role_policy`: `iam:ListUsers` works only on the account as a whole."
                .to_owned(),
            ..Documentation::default()
        }
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        match IamUsersListModel::try_from(&request.config) {
            Ok(config) => contradictions(&config.account_id, &config.role_arn),
            // The validators of the schema have said what is wrong with the value.
            Err(_) => Diagnostics::new(),
        }
    }

    async fn list(
        &self,
        request: ListRequest<ProviderState>,
        found: &mut Found<'_>,
    ) -> Result<(), Diagnostics> {
        let config =
            IamUsersListModel::try_from(&request.config).map_err(ModelError::into_diagnostic)?;
        let target = target(config.account_id, config.role_arn)?;
        let path_prefix = config.path_prefix.into_known().unwrap_or_default();
        let users = &request.provider.users;
        let mut left = request.limit;
        let mut after = None;
        loop {
            let read = users.list_page(&target, &path_prefix, after, left);
            let page = unless_cancelled(&request.cancelled, read).await?;
            let mut page_users = page.users;
            if let Some(left) = left.and_then(|left| usize::try_from(left.get()).ok()) {
                page_users.truncate(left);
            }
            let mut listed = stream::iter(page_users)
                .map(|user| Box::pin(listed(&request, &target, user)))
                .buffered(SIDE_BY_SIDE);
            while let Some(listed) = listed.next().await {
                let Some(listed) = listed? else { continue };
                if found.push(listed).await == ControlFlow::Break(()) {
                    return Ok(());
                }
                // More than none, or the push had ended the list.
                left = left.and_then(|left| NonZeroU64::new(left.get() - 1));
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

fn schema() -> Schema {
    Schema::new([
        account_id("Account to look into: 12 digits."),
        role_arn(),
        Attribute::string("path_prefix")
            .optional()
            .validate(parses::<IamPath>())
            .describe("Only users below this IAM path, which begins and ends with `/`. Default: `/`."),
    ])
    .describe(
        "Lists the IAM users of any account whose member role can be assumed, whoever made them, to import them: with \
         `terraform query`, and `-generate-config-out` for their configuration.",
    )
}

/// One user as it is listed; nothing when it was deleted in the meantime.
async fn listed(
    request: &ListRequest<ProviderState>,
    target: &Target,
    user: UserSummary,
) -> Result<Option<Listed>, Diagnostics> {
    let account_id = &target.account_id;
    let identity = Object::new()
        .with("account_id", account_id.as_str())
        .with("name", user.name.as_str());
    let listed = Listed::new(identity, format!("{account_id}/{}", user.name));
    if !request.include_resource {
        return Ok(Some(listed));
    }
    let read = read_as_imported(&request.provider, target, &user.name, &request.cancelled).await;
    match read {
        Ok(Some(model)) => Ok(Some(Listed {
            resource: Some(model.into()),
            ..listed
        })),
        Ok(None) => Ok(None),
        Err(diagnostics) if request.cancelled.is_cancelled() => Err(diagnostics),
        Err(diagnostics) => Ok(Some(Listed {
            diagnostics: unread(&listed.display_name, &diagnostics),
            ..listed
        })),
    }
}

/// The user exists and cannot be read: the list goes on with the others.
fn unread(display_name: &str, found: &Diagnostics) -> Diagnostics {
    let warning = |found: &Diagnostic| {
        Diagnostic::warning(
            format!("User {display_name} could not be read"),
            found.detail.clone(),
        )
    };
    found.iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::{IamUsersListModel, schema, unread};
    use crate::schema::{Diagnostic, Diagnostics, check, model::differences};

    #[test]
    fn the_model_and_the_schema_agree() {
        assert_eq!(
            differences::<IamUsersListModel>(&schema()),
            Vec::<String>::new()
        );
        assert_eq!(check::config_problems(&schema()), Vec::<String>::new());
    }

    #[test]
    fn a_user_that_cannot_be_read_is_told_and_does_not_end_the_list() {
        let error: Diagnostics = Diagnostic::error("Access denied", "no").into();
        let found = unread("222222222222/alice", &error);
        assert!(!found.has_errors());
        let texts: Vec<_> = found
            .iter()
            .map(|it| (it.summary.as_str(), it.detail.as_str()))
            .collect();
        assert_eq!(texts, [("User 222222222222/alice could not be read", "no")]);
    }
}
