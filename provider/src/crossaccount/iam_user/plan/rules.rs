//! What contradicts itself, whatever AWS says.

use crossaccount_core::ids::{AccountId, Partition, PolicyArn, RoleArn};

use crate::crossaccount::iam_user::{IamUserModel, credentials};
use crate::schema::{Diagnostic, Diagnostics, Field};
use crate::value::Path;

/// What contradicts itself in a configuration, whatever AWS says.
pub(in super::super) fn contradictions(config: &IamUserModel) -> Diagnostics {
    let mut found = credentials::contradictions(config);
    let Ok(account_id) = known_account(config) else {
        return found;
    };
    if let Some(arn) = known_as::<RoleArn>(&config.role_arn)
        && let Err(sentence) = arn.check_usable_in(&account_id)
    {
        let place = Path::attribute("role_arn");
        found.error_at(place, "Role of another account", sentence);
    }
    for (name, arn) in policy_arns(config) {
        if let Err(sentence) = arn.check_usable_in(&account_id) {
            found.error_at(Path::attribute(name), "Policy of another account", sentence);
        }
    }
    found
}

/// ARNs of a partition that the hub credentials cannot reach.
pub(super) fn wrong_partition(partition: Partition, planned: &IamUserModel) -> Diagnostics {
    let role = known_as::<RoleArn>(&planned.role_arn)
        .map(|arn| ("role_arn", arn.partition(), arn.to_string()));
    let policies = policy_arns(planned)
        .into_iter()
        .map(|(name, arn)| (name, arn.partition(), arn.to_string()));
    policies
        .chain(role)
        .filter(|(_, found, _)| *found != partition)
        .map(|(name, found, arn)| {
            Diagnostic::error(
                "ARN of another partition",
                format!(
                    "{arn} is in the partition {found}, and the provider's Region in {partition}."
                ),
            )
            .at(Path::attribute(name))
        })
        .collect()
}

fn policy_arns(model: &IamUserModel) -> Vec<(&'static str, PolicyArn)> {
    let boundary = known_as::<PolicyArn>(&model.permissions_boundary);
    let managed = model.managed_policy_arns.known().into_iter().flatten();
    let managed = managed.filter_map(|text| text.parse::<PolicyArn>().ok());
    boundary
        .map(|arn| ("permissions_boundary", arn))
        .into_iter()
        .chain(managed.map(|arn| ("managed_policy_arns", arn)))
        .collect()
}

fn known_as<T: std::str::FromStr>(field: &Field<String>) -> Option<T> {
    field.known()?.parse().ok()
}

pub(super) fn known_account(model: &IamUserModel) -> Result<AccountId, ()> {
    known_as(&model.account_id).ok_or(())
}

#[cfg(test)]
mod tests {
    use crossaccount_core::ids::Partition;

    use super::{IamUserModel, contradictions, wrong_partition};
    use crate::schema::{Diagnostics, Field};

    fn model() -> IamUserModel {
        IamUserModel {
            account_id: Field::Known("222222222222".to_owned()),
            ..IamUserModel::default()
        }
    }

    fn text(text: &str) -> Field<String> {
        Field::Known(text.to_owned())
    }

    fn places(found: &Diagnostics) -> Vec<String> {
        found
            .iter()
            .map(|found| found.attribute.as_ref().unwrap().to_string())
            .collect()
    }

    #[test]
    fn arns_of_another_account_are_refused_on_their_attribute() {
        let config = IamUserModel {
            role_arn: text("arn:aws:iam::333333333333:role/Admin"),
            permissions_boundary: text("arn:aws:iam::333333333333:policy/Boundary"),
            managed_policy_arns: Field::Known(
                ["arn:aws:iam::333333333333:policy/P".to_owned()].into(),
            ),
            ..model()
        };
        assert_eq!(
            places(&contradictions(&config)),
            ["role_arn", "permissions_boundary", "managed_policy_arns"]
        );
    }

    #[test]
    fn policies_of_aws_belong_to_every_account() {
        let config = IamUserModel {
            managed_policy_arns: Field::Known(
                ["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()].into(),
            ),
            ..model()
        };
        assert!(contradictions(&config).is_empty());
    }

    #[test]
    fn an_unknown_account_contradicts_nothing() {
        let config = IamUserModel {
            account_id: Field::Unknown,
            role_arn: text("arn:aws:iam::333333333333:role/Admin"),
            ..IamUserModel::default()
        };
        assert!(contradictions(&config).is_empty());
    }

    #[test]
    fn arns_of_another_partition_are_refused_on_their_attribute() {
        let config = IamUserModel {
            permissions_boundary: text("arn:aws-cn:iam::222222222222:policy/Boundary"),
            role_arn: text("arn:aws:iam::222222222222:role/Admin"),
            ..model()
        };
        assert_eq!(
            places(&wrong_partition(Partition::Aws, &config)),
            ["permissions_boundary"]
        );
        assert_eq!(
            places(&wrong_partition(Partition::China, &config)),
            ["role_arn"]
        );
    }
}
