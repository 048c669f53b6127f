//! A request of CloudFormation: the envelope, with properties that nobody has looked at yet.

use serde_json::{Map, Value};

/// What CloudFormation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestType {
    /// Make the resource.
    Create,
    /// Change it.
    Update,
    /// Remove it.
    Delete,
    /// Something that the contract did not know when this was written.
    Unknown(String),
}

/// One request, decoded as far as it takes to answer it.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked for.
    pub request_type: RequestType,
    /// The ARN of the stack, as it was sent.
    pub stack_id: String,
    /// The id of the request: the same in every delivery of it.
    pub request_id: String,
    /// The name of the resource in the template.
    pub logical_resource_id: String,
    /// What we answered before, or what CloudFormation made up; absent in a Create.
    pub physical_resource_id: Option<String>,
    /// The properties, `ServiceToken` and `ServiceTimeout` removed.
    pub properties: Map<String, Value>,
    /// The properties before an Update, likewise.
    pub old_properties: Map<String, Value>,
    /// When CloudFormation issued the request, in seconds since 1970: read from the signature of the response URL
    /// (`X-Amz-Date`, else `Expires`), which is the only place that tells. `None` when the URL does not say.
    pub issued_at: Option<i64>,
}
