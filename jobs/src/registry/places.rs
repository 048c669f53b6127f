//! Where the registry has users, for accounts that no list names: a user whose row is gone would never be found otherwise.
//!
//! Each place is an item beside the rows. It is written before the first user is made there, and cleared away when the
//! schedule finds none of ours any more.

use crossaccount_core::Error;
use crossaccount_core::aws::classify;
use crossaccount_core::session::Target;

use super::item::{refused, text};
use super::{Item, Registry, USER_NAME};

const PLACE: &str = "place#";
/// When the place was first written: for people who look at the table.
const SINCE: &str = "Since";

impl Registry {
    /// Remembers that the registry has users in an account, seen through a role. Idempotent.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn remember_place(&self, target: &Target) -> Result<(), Error> {
        let sent = self
            .update(self.place_key(target).await?)
            .update_expression("SET #since = :now")
            // The stream need not hear of what is there already.
            .condition_expression("attribute_not_exists(#name)")
            .expression_attribute_names("#name", USER_NAME)
            .expression_attribute_names("#since", SINCE)
            .expression_attribute_values(":now", text(&format!("{:.0}", self.clock.now())))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if refused(error.as_service_error()) => Ok(()),
            Err(error) => Err(self.explain(classify(error, "dynamodb:UpdateItem", None))),
        }
    }

    /// Forgets a place. Idempotent.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn forget_place(&self, target: &Target) -> Result<(), Error> {
        let key = self.place_key(target).await?;
        self.dynamodb
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .send()
            .await
            .map(drop)
            .map_err(|error| self.explain(classify(error, "dynamodb:DeleteItem", None)))
    }

    async fn place_key(&self, target: &Target) -> Result<Item, Error> {
        let schema = self.schema().await?;
        let account_id = target.account_id.as_str();
        Ok(Self::bookkeeping_key(schema, &name(target), account_id))
    }
}

/// The name of the item: `place#ACCOUNT`, with `#ROLE_ARN` behind it for another role than the usual one.
fn name(target: &Target) -> String {
    match &target.role_arn {
        None => format!("{PLACE}{}", target.account_id),
        Some(role_arn) => format!("{PLACE}{}#{role_arn}", target.account_id),
    }
}

/// The place that an item of this name stands for. `None`: it is another item.
pub(super) fn read(name: &str) -> Option<Target> {
    let place = name.strip_prefix(PLACE)?;
    let (account_id, role_arn) = match place.split_once('#') {
        None => (place, None),
        Some((account_id, role_arn)) => (account_id, Some(role_arn.parse().ok()?)),
    };
    Some(Target {
        account_id: account_id.parse().ok()?,
        role_arn,
    })
}

#[cfg(test)]
mod tests {
    use crossaccount_core::session::Target;

    use super::{name, read};

    #[rstest::rstest]
    #[case(None)]
    #[case(Some("arn:aws:iam::222222222222:role/teams/UserAdmin"))]
    fn a_place_reads_back_from_the_name_of_its_item(#[case] role_arn: Option<&str>) {
        let place = Target {
            account_id: "222222222222".parse().unwrap(),
            role_arn: role_arn.map(|arn| arn.parse().unwrap()),
        };
        assert_eq!(read(&name(&place)), Some(place));
    }

    #[rstest::rstest]
    #[case("alice")]
    #[case("lease#222222222222#alice")]
    #[case("place#2222")]
    #[case("place#222222222222#no-arn")]
    fn other_items_are_no_places(#[case] name: &str) {
        assert_eq!(read(name), None);
    }
}
