//! How many users may still be removed within this hour: one number for all processes.

use aws_sdk_dynamodb::types::ReturnValue;
use crossaccount_core::Error;
use crossaccount_core::aws::classify;

use super::item::{number, refused};
use super::{EXPIRES_AT, Registry};

const REMOVED: &str = "Removed";
/// The place of the account in the key of the number: it is about all of them.
const NO_ACCOUNT: &str = "000000000000";
/// After how many seconds the number of an hour is cleared away.
const CLEARED_AFTER: i64 = 7 * 86_400;

impl Registry {
    /// Takes so many removals out of what is allowed within this hour of the clock, all or none: whether they were there.
    ///
    /// A lost answer may take them twice: then fewer users are removed, never more.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn take_removals(&self, count: u32, per_hour: u32) -> Result<bool, Error> {
        let Some(most_before) = per_hour.checked_sub(count) else {
            return Ok(false);
        };
        let schema = self.schema().await?;
        let now = self.clock.now();
        let hour = now.strftime("removals#%Y-%m-%dT%H").to_string();
        let sent = self
            .update(Self::bookkeeping_key(schema, &hour, NO_ACCOUNT))
            .update_expression("SET #expires = :expires ADD #removed :count")
            .condition_expression("attribute_not_exists(#removed) OR #removed <= :most")
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_names("#removed", REMOVED)
            .expression_attribute_values(":expires", number(now.as_second() + CLEARED_AFTER))
            .expression_attribute_values(":count", number(count.into()))
            .expression_attribute_values(":most", number(most_before.into()))
            .return_values(ReturnValue::None)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if refused(error.as_service_error()) => Ok(false),
            Err(error) => Err(self.explain(classify(error, "dynamodb:UpdateItem", None))),
        }
    }
}
