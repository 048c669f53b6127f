//! Requests and their answers.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use crossaccount_core::Error;
use crossaccount_core::aws::classify;

use super::{Ledger, attribute, flag_in, request_key, text, text_in};
use crate::protocol::request::Request;
use crate::protocol::resource::Earlier;

impl Ledger {
    /// What became of an earlier delivery of the same request.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn earlier(&self, request: &Request) -> Result<Earlier, Error> {
        let found = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .key(attribute::KEY, request_key(request))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.explain(classify(error, "dynamodb:GetItem", None)))?;
        let Some(item) = found.item else {
            return Ok(Earlier::Nothing);
        };
        Ok(match text_in(&item, attribute::ANSWER) {
            _ if flag_in(&item, attribute::DELIVERED) == Some(true) => Earlier::Delivered,
            Some(answer) => Earlier::Answered(answer.to_owned()),
            None => Earlier::Nothing,
        })
    }

    /// Remembers the answer to a request. Idempotent.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn answering(&self, request: &Request, body: &str) -> Result<(), Error> {
        self.note(request, attribute::ANSWER, text(body)).await
    }

    /// Remembers that CloudFormation has the answer. Idempotent.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn delivered(&self, request: &Request) -> Result<(), Error> {
        self.note(request, attribute::DELIVERED, AttributeValue::Bool(true))
            .await
    }

    async fn note(
        &self,
        request: &Request,
        name: &str,
        value: AttributeValue,
    ) -> Result<(), Error> {
        self.update(request_key(request))
            .update_expression("SET #name = :value, #expires = :expires")
            .expression_attribute_names("#name", name)
            .expression_attribute_names("#expires", attribute::EXPIRES_AT)
            .expression_attribute_values(":value", value)
            .expression_attribute_values(":expires", self.expiry())
            .send()
            .await
            .map(drop)
            .map_err(|error| self.explain(classify(error, "dynamodb:UpdateItem", None)))
    }

    pub(super) fn update(&self, key: AttributeValue) -> UpdateItemFluentBuilder {
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .key(attribute::KEY, key)
    }

    /// Says which table, and what to check.
    pub(super) fn explain(&self, error: Error) -> Error {
        error.while_doing(format_args!("ledger table {}", self.table)).with_advice(
            "Nothing was changed without the ledger. Check that the table exists in the Region of the function, and that \
             its role may call dynamodb:GetItem and dynamodb:UpdateItem on it.",
        )
    }
}
