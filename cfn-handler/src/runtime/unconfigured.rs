//! What serves when the settings are wrong: stacks get an answer, and it says what to repair.

use tokio::time::Instant;
use tracing::error;

use crate::lifecycle::ATTRIBUTES;
use crate::physical_id::PhysicalId;
use crate::protocol::answer::Reply;
use crate::protocol::request::{Request, RequestType};
use crate::protocol::resource::{Earlier, Handled, Resource};

/// Refuses every request with the same message and calls nobody. Only the Delete of what was never made succeeds, so that
/// the stack of a refused Create can roll back.
#[derive(Debug)]
pub struct Unconfigured {
    message: String,
}

impl Unconfigured {
    /// `message` says what is wrong with the settings, and is logged.
    pub fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        error!("every request will be refused: {message}");
        Self { message }
    }

    /// What is wrong with the settings.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    fn reply(request: &Request, result: Result<(), String>) -> Reply {
        let incoming = request.physical_resource_id.clone();
        Reply {
            result,
            physical_resource_id: incoming.unwrap_or_else(|| PhysicalId::Nothing.to_string()),
            data: ATTRIBUTES.map(|name| (name, String::new())).into(),
        }
    }
}

impl Resource for Unconfigured {
    async fn earlier(&self, _: &Request) -> Earlier {
        Earlier::Nothing
    }

    async fn handle(&self, request: Request, _: Instant) -> Handled {
        let id = request
            .physical_resource_id
            .as_deref()
            .map(PhysicalId::read);
        let result = match (&request.request_type, id) {
            (RequestType::Delete, Some(PhysicalId::Nothing)) => Ok(()),
            _ => Err(format!(
                "The function of Custom::CrossAccountIamUser is not configured, so nothing was done. {}",
                self.message
            )),
        };
        Self::reply(&request, result).into()
    }

    async fn answering(&self, _: &Request, _: &str) {}

    async fn delivered(&self, _: &Request) {}

    fn broken(&self, request: &Request, reason: String) -> Reply {
        Self::reply(request, Err(reason))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;
    use tokio::time::Instant;

    use super::Unconfigured;
    use crate::protocol::request::{Request, RequestType};
    use crate::protocol::resource::{Handled, Resource as _};

    const REFUSED: &str = "The function of Custom::CrossAccountIamUser is not configured, so nothing was done. \
        CROSSACCOUNT_LEDGER_TABLE: is missing.";

    #[rstest::rstest]
    #[case(RequestType::Create, None, Err(REFUSED), "crossaccount:v1:nothing")]
    #[case(
        RequestType::Update,
        Some("crossaccount:v1:222222222222:alice"),
        Err(REFUSED),
        "crossaccount:v1:222222222222:alice"
    )]
    #[case(
        RequestType::Delete,
        Some("crossaccount:v1:222222222222:alice"),
        Err(REFUSED),
        "crossaccount:v1:222222222222:alice"
    )]
    #[case(
        RequestType::Delete,
        Some("people-Alice-1AB2C3D4"),
        Err(REFUSED),
        "people-Alice-1AB2C3D4"
    )]
    #[case(RequestType::Delete, Some("crossaccount:v1:nothing"), Ok(()), "crossaccount:v1:nothing")]
    #[case(
        RequestType::Update,
        Some("crossaccount:v1:nothing"),
        Err(REFUSED),
        "crossaccount:v1:nothing"
    )]
    #[tokio::test]
    async fn everything_is_refused_but_the_delete_of_nothing(
        #[case] request_type: RequestType,
        #[case] incoming: Option<&str>,
        #[case] result: Result<(), &str>,
        #[case] id: &str,
    ) {
        let request = Request {
            request_type,
            stack_id: "stack".to_owned(),
            request_id: "request".to_owned(),
            logical_resource_id: "Alice".to_owned(),
            physical_resource_id: incoming.map(str::to_owned),
            properties: Map::new(),
            old_properties: Map::new(),
            issued_at: None,
        };
        let unconfigured = Unconfigured::new("CROSSACCOUNT_LEDGER_TABLE: is missing.");
        let Handled::Reply(reply) = unconfigured.handle(request, Instant::now()).await else {
            panic!("nothing is remembered without a ledger");
        };
        assert_eq!(reply.result, result.map_err(str::to_owned));
        assert_eq!(reply.physical_resource_id, id);
        assert_eq!(reply.data.len(), 8);
        assert!(reply.data.values().all(String::is_empty));
    }
}
