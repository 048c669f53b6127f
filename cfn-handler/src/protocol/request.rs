//! A request of CloudFormation: the envelope first, the properties second.
//!
//! Whatever is wrong with an event, it is answered as long as its envelope says whom to answer. So every part is read
//! on its own, and a part that cannot be read takes no other with it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::response_url::{InvalidResponseUrl, ResponseUrl};

/// What CloudFormation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestType {
    /// Make the resource.
    Create,
    /// Change it.
    Update,
    /// Remove it.
    Delete,
    /// Something that the contract did not know when this was written. Answered with a failure; no
    /// [`Resource`](super::resource::Resource) is asked to handle it.
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
    /// The properties before an Update, likewise. Empty when they cannot be read: they may be of any age and shape.
    pub old_properties: Map<String, Value>,
    /// When CloudFormation issued the request, in seconds since 1970: read from the signature of the response URL
    /// (`X-Amz-Date`, else `Expires`), which is the only place that tells. `None` when the URL does not say.
    pub issued_at: Option<i64>,
}

/// An event that can be answered.
#[derive(Debug)]
pub struct Event {
    /// The request.
    pub request: Request,
    /// Where its answer goes.
    pub response_url: ResponseUrl,
    /// Why nothing can be done but to answer with a failure: a text for people, which quotes no property.
    pub problem: Option<String>,
}

/// Why an event cannot be answered. Says nothing of its contents, which may hold the response URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswerable {
    /// It is no JSON object.
    #[error("the event is not a request of CloudFormation: it is not a JSON object")]
    NotAnObject,
    /// An id that has to be in the answer is missing, or is nothing that CloudFormation would send.
    #[error("the event is not a request of CloudFormation: {0} is missing or not an id")]
    NoId(&'static str),
    /// There is no URL to answer to.
    #[error("the event is not a request of CloudFormation: ResponseURL is missing or not a text")]
    NoUrl,
    /// The URL cannot be used.
    #[error("the event cannot be answered: its ResponseURL cannot be used, {0}")]
    Url(#[from] InvalidResponseUrl),
}

/// What a text has to be to go into the answer as it came. Real ones are shorter, and hold nothing that JSON escapes.
const LONGEST_ID: usize = 512;

/// Reads an event.
///
/// # Errors
/// When nothing in it says whom to answer, and what about.
pub fn decode(event: &str) -> Result<Event, NotAnswerable> {
    let envelope = Envelope::read(event).ok_or(NotAnswerable::NotAnObject)?;
    let response_url: String = envelope.field("ResponseURL").ok_or(NotAnswerable::NoUrl)?;
    let response_url = ResponseUrl::read(&response_url)?;
    let stack_id = envelope.id("StackId")?;
    let request_id = envelope.id("RequestId")?;
    let logical_resource_id = envelope.id("LogicalResourceId")?;

    let mut problem = None;
    let request_type = match envelope.field::<String>("RequestType").as_deref() {
        Some("Create") => RequestType::Create,
        Some("Update") => RequestType::Update,
        Some("Delete") => RequestType::Delete,
        other => {
            let other = other.unwrap_or_default();
            problem = Some(format!(
                "the RequestType is {other:?}; this version of the function knows Create, Update and Delete"
            ));
            RequestType::Unknown(other.to_owned())
        }
    };
    let physical_resource_id: Option<String> = envelope
        .field("PhysicalResourceId")
        .filter(|id: &String| !id.is_empty());
    if matches!(request_type, RequestType::Update | RequestType::Delete)
        && physical_resource_id.is_none()
    {
        problem.get_or_insert_with(|| "the request has no PhysicalResourceId".to_owned());
    }
    let properties = envelope
        .properties("ResourceProperties")
        .unwrap_or_else(|| {
            problem.get_or_insert_with(|| {
                "the ResourceProperties are missing, or are not an object that can be read"
                    .to_owned()
            });
            Map::new()
        });
    let old_properties = envelope
        .properties("OldResourceProperties")
        .unwrap_or_default();

    let issued_at = response_url.signed_at();
    Ok(Event {
        request: Request {
            request_type,
            stack_id,
            request_id,
            logical_resource_id,
            physical_resource_id,
            properties,
            old_properties,
            issued_at,
        },
        response_url,
        problem,
    })
}

/// The fields of an event, none of them looked into.
struct Envelope<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Envelope<'a> {
    fn read(event: &'a str) -> Option<Self> {
        serde_json::from_str(event).ok().map(Self)
    }

    fn field<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    fn id(&self, name: &'static str) -> Result<String, NotAnswerable> {
        self.field(name)
            .filter(|id: &String| {
                (1..=LONGEST_ID).contains(&id.len())
                    && !id.contains(|c: char| c.is_control() || c == '"' || c == '\\')
            })
            .ok_or(NotAnswerable::NoId(name))
    }

    /// Properties without what CloudFormation adds to them for itself.
    fn properties(&self, name: &str) -> Option<Map<String, Value>> {
        let mut properties: Map<String, Value> = self.field(name)?;
        for added in ["ServiceToken", "ServiceTimeout"] {
            properties.remove(added);
        }
        Some(properties)
    }
}

#[cfg(test)]
mod tests;
