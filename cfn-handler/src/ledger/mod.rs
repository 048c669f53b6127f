//! The order of requests, kept in a DynamoDB table.
