//! Resources whose access keys rotate by age: CloudFormation sends nothing when time passes.

use aws_sdk_dynamodb::types::ReturnValue;
use crossaccount_core::Error;
use crossaccount_core::aws::classify;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::turn::{Lease, refused};
use super::{Item, Ledger, RESOURCE, Turn, attribute, number, text, text_in};

/// A user whose keys have a schedule, as the last request about it left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// The stack.
    pub stack_id: String,
    /// The name of the resource in the template.
    pub logical_resource_id: String,
    /// Its properties.
    pub properties: Map<String, Value>,
    /// The user, as its physical id.
    user: String,
}

impl Ledger {
    /// All users whose keys have a schedule.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn scheduled(&self) -> Result<Vec<Scheduled>, Error> {
        let mut pages = self
            .dynamodb
            .scan()
            .table_name(&self.table)
            .filter_expression("begins_with(#key, :resource)")
            .expression_attribute_names("#key", attribute::KEY)
            .expression_attribute_values(":resource", text(RESOURCE))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let item =
                item.map_err(|error| self.explain(classify(error, "dynamodb:Scan", None)))?;
            found.extend(scheduled(&item));
        }
        Ok(found)
    }

    /// A turn for the schedule of a user, beside the requests of CloudFormation: `None` when one of them is at work,
    /// or has ended the schedule meanwhile.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn enter_scheduled(&self, scheduled: &Scheduled) -> Result<Option<Turn>, Error> {
        let key = format!(
            "{RESOURCE}{}#{}",
            scheduled.stack_id, scheduled.logical_resource_id
        );
        let mut lease = Lease {
            ledger: self.clone(),
            key: text(key),
            user: Some(scheduled.user.clone()),
            request_id: String::new(),
            holder: Uuid::new_v4().to_string(),
        };
        let now = self.now_ms();
        let sent = self
            .update(lease.key.clone())
            .update_expression("SET #holder = :holder, #until = :until")
            .condition_expression(
                "attribute_exists(#rotates) AND (attribute_not_exists(#holder) OR #holder = :holder OR #until < :now)",
            )
            .expression_attribute_names(
                "#rotates",
                format!("{}{}", attribute::ROTATES, scheduled.user),
            )
            .expression_attribute_names("#holder", attribute::HOLDER)
            .expression_attribute_names("#until", attribute::HELD_UNTIL)
            .expression_attribute_values(":holder", text(&lease.holder))
            .expression_attribute_values(":until", number(lease.held_until(now)))
            .expression_attribute_values(":now", number(now))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                let newest = text_in(&item, attribute::REQUEST).unwrap_or_default();
                newest.clone_into(&mut lease.request_id);
                Ok(Some(Turn::begin(lease, &item)))
            }
            Err(error) if refused(error.as_service_error()) => Ok(None),
            Err(error) => Err(self.explain(classify(error, "dynamodb:UpdateItem", None))),
        }
    }
}

fn scheduled(item: &Item) -> Vec<Scheduled> {
    let key = text_in(item, attribute::KEY).and_then(|key| key.strip_prefix(RESOURCE));
    let Some((stack_id, logical_resource_id)) = key.and_then(|key| key.rsplit_once('#')) else {
        return Vec::new();
    };
    let users = item.keys().filter_map(|name| {
        Some(Scheduled {
            stack_id: stack_id.to_owned(),
            logical_resource_id: logical_resource_id.to_owned(),
            properties: serde_json::from_str(text_in(item, name)?).ok()?,
            user: name.strip_prefix(attribute::ROTATES)?.to_owned(),
        })
    });
    users.collect()
}
