//! Taking over users that Terraform does not know yet: import, and `moved` from the AWS provider.
//! Both only read; the next apply writes the ownership tag.

use crossaccount_core::ids::UserArn;
use serde_json::Value as Json;

use super::{IMPORTED, IamUserModel, convert};
use crate::framework::{Imported, MoveSource, Moved, Private};
use crate::schema::{Diagnostic, Diagnostics, Field};
use crate::value::Object;

/// An import by `account_id/name` or by ARN.
pub(super) fn import(id: &str) -> Result<Imported, Diagnostics> {
    let model = if id.starts_with("arn:") {
        id.parse::<UserArn>()
            .map(|arn| convert::located(arn.account_id().as_str(), arn.name()))
    } else {
        convert::from_id(id)
    };
    match model {
        Ok(model) => {
            Ok(Imported { state: model.into(), private: imported(), ..Imported::default() })
        }
        Err(error) => Err(Diagnostic::error(
            "Invalid import id",
            format!(
                "{error}. The id of a user is account_id/name, for example 222222222222/alice, or its ARN. The path is not part \
                 of account_id/name."
            ),
        )
        .into()),
    }
}

/// An import by the identity: account and name, which the framework has checked.
pub(super) fn import_by_identity(identity: &Object) -> Result<Imported, Diagnostics> {
    let text = |name: &str| identity.get(name).as_str().unwrap_or_default().to_owned();
    import(&format!("{}/{}", text("account_id"), text("name")))
}

fn imported() -> Private {
    let mut private = Private::new();
    private.set(IMPORTED, true);
    private
}

/// State of `aws_iam_user` of any provider named `aws`: the way from provider aliases to this provider.
///
/// Its child resources (policies, memberships) are resources of their own there; the read that follows fills in what
/// the user has.
pub(super) fn move_state(source: &MoveSource) -> Option<Result<Moved, Diagnostics>> {
    let is_aws = source.provider_address.rsplit('/').next() == Some("aws");
    if !is_aws || source.type_name != "aws_iam_user" {
        return None;
    }
    Some(moved(&source.state))
}

fn moved(state: &Json) -> Result<Moved, Diagnostics> {
    let text = |name: &str| state.get(name).and_then(Json::as_str).map(str::to_owned);
    let arn = text("arn").unwrap_or_default();
    let arn: UserArn = arn.parse().map_err(|error| {
        Diagnostic::error(
            "State cannot be moved",
            format!(
                "The state of aws_iam_user does not tell the account of the user: {error}. Import the user instead \
                 (account_id/name)."
            ),
        )
    })?;
    let tags = state
        .get("tags")
        .and_then(Json::as_object)
        .filter(|tags| !tags.is_empty());
    let tags = tags.map(|tags| {
        tags.iter()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    });
    let boundary = text("permissions_boundary").filter(|boundary| !boundary.is_empty());
    let model = IamUserModel {
        path: Field::Known(arn.path().to_string()),
        permissions_boundary: boundary.into(),
        tags: tags.into(),
        adoption_policy: Field::Known("fail".to_owned()),
        deletion_policy: Field::Known("delete".to_owned()),
        force_destroy: Field::Known(
            state
                .get("force_destroy")
                .and_then(Json::as_bool)
                .unwrap_or_default(),
        ),
        arn: Field::Known(arn.to_string()),
        unique_id: text("unique_id").into(),
        ..convert::located(arn.account_id().as_str(), arn.name())
    };
    Ok(Moved {
        state: model.into(),
        private: imported(),
        ..Moved::default()
    })
}

#[cfg(test)]
mod tests {
    use super::{IMPORTED, import, import_by_identity, move_state};
    use crate::framework::MoveSource;
    use crate::value::{Object, Value};

    #[rstest::rstest]
    #[case("222222222222/alice")]
    #[case("arn:aws:iam::222222222222:user/alice")]
    #[case("arn:aws:iam::222222222222:user/engineering/alice")]
    fn a_user_is_imported_by_id_and_by_arn(#[case] id: &str) {
        let state = import(id).unwrap().state;
        assert_eq!(state.get("account_id"), &Value::from("222222222222"));
        assert_eq!(state.get("name"), &Value::from("alice"));
    }

    #[test]
    fn an_import_by_identity_reads_everything_as_one_by_id_does() {
        let identity = Object::new()
            .with("account_id", "222222222222")
            .with("name", "alice");
        let imported = import_by_identity(&identity).unwrap();
        assert_eq!(imported.state, import("222222222222/alice").unwrap().state);
        assert!(imported.private.get(IMPORTED).is_some());
    }

    #[test]
    fn a_name_may_hold_an_at_sign() {
        let state = import("222222222222/alice@example.com").unwrap().state;
        assert_eq!(state.get("name"), &Value::from("alice@example.com"));
    }

    #[rstest::rstest]
    #[case("alice")]
    #[case("222222222222")]
    #[case("222222222222/")]
    #[case("222222222222/engineering/alice")]
    #[case("alice@222222222222")]
    #[case("arn:aws:iam::222222222222:role/alice")]
    fn another_id_is_refused_with_an_example(#[case] id: &str) {
        let diagnostics = import(id).unwrap_err();
        assert!(
            diagnostics
                .iter()
                .all(|found| found.detail.contains("222222222222/alice"))
        );
    }

    fn source(type_name: &str, state: serde_json::Value) -> MoveSource {
        MoveSource {
            provider_address: "registry.terraform.io/hashicorp/aws".to_owned(),
            type_name: type_name.to_owned(),
            schema_version: 0,
            state,
        }
    }

    #[test]
    fn a_user_of_the_aws_provider_can_be_moved_here() {
        let moved = move_state(&source(
            "aws_iam_user",
            serde_json::json!({
                "arn": "arn:aws:iam::222222222222:user/eng/alice", "name": "alice", "path": "/eng/",
                "unique_id": "AIDA1", "force_destroy": true, "permissions_boundary": "",
                "tags": {"team": "core"},
            }),
        ));
        let state = moved.unwrap().unwrap().state;
        assert_eq!(state.get("id"), &Value::from("222222222222/alice"));
        assert_eq!(state.get("unique_id"), &Value::from("AIDA1"));
        assert_eq!(state.get("force_destroy"), &Value::from(true));
        assert!(state.get("permissions_boundary").is_null());
        assert!(state.is_wholly_known());
    }

    #[test]
    fn no_other_resource_type_can_be_moved_here() {
        assert!(move_state(&source("aws_iam_role", serde_json::json!({}))).is_none());
    }
}
