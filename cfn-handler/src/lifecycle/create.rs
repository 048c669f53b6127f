//! Create.

use crossaccount_core::user::ObservedUser;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::begun::{Begun, Keys, Trouble};
use super::reply::{exists, failed};
use super::spelling::in_template_words;
use super::{Handler, OVERTAKEN};
use crate::ledger::Left;
use crate::physical_id::PhysicalId;
use crate::protocol::request::Request;
use crate::protocol::resource::Handled;
use crossaccount_lambda::properties::UserProperties;

impl Handler {
    /// Makes the user. A failed Create leaves nothing, if it can: what it made is removed again, and an id that says
    /// "nothing" goes back, so that the Delete that follows has nothing to do.
    pub(super) async fn create(&self, request: &Request, until: Instant) -> Handled {
        let nothing = PhysicalId::Nothing.to_string();
        let wanted = match self.wanted(request).await {
            Ok(wanted) => wanted,
            Err(reason) => return failed(request, &nothing, reason).into(),
        };
        if let Err(refusal) = self.guardrails.check(&wanted) {
            return failed(request, &nothing, refusal.to_string()).into();
        }
        let user = id_of(&wanted);
        let id = user.to_string();
        let begun = match self.begin(request, &user, until).await {
            Ok(begun) => begun,
            // An earlier delivery of this request may have made something.
            Err(stopped) => return stopped.handled(|reason| failed(request, &id, reason)),
        };
        let made = match begun.make(&wanted).await {
            Ok((user, status, left)) => match begun.overtaken(&wanted, &user, left).await {
                None => {
                    let reply = exists(&begun.users, &wanted.target, &wanted.spec, &user, status);
                    let keys = Keys::Rotate(scheduled(request, &wanted));
                    return begun.end(reply, left, keys).await;
                }
                Some(trouble) => trouble,
            },
            Err(trouble) => trouble,
        };
        let id = match made.left {
            Left::Nothing => nothing,
            Left::Something | Left::Created | Left::Adopted => id,
        };
        let reply = failed(request, &id, made.reason);
        begun.end(reply, made.left, Keys::AsBefore).await
    }
}

impl Begun<'_> {
    /// Removes a user that was made while a newer request came in: it is a Delete, and it waits.
    async fn overtaken(
        &self,
        wanted: &UserProperties,
        user: &ObservedUser,
        left: Left,
    ) -> Option<Trouble> {
        match self.turn.overtaken().await {
            Ok(false) => None,
            // It existed before: it is not removed because a stack is rolled back.
            Ok(true) if left == Left::Adopted => Some(Trouble {
                reason: OVERTAKEN.to_owned(),
                left,
            }),
            Ok(true) => {
                let reason = "a newer request about this resource was seen.".to_owned();
                Some(self.undo(wanted, user, reason).await)
            }
            Err(error) => {
                tracing::warn!(
                    error = in_template_words(&error),
                    "the ledger does not tell whether a newer request was seen"
                );
                None
            }
        }
    }
}

/// The id of a wanted user.
pub(super) fn id_of(wanted: &UserProperties) -> PhysicalId {
    PhysicalId::User {
        account_id: wanted.target.account_id.clone(),
        name: wanted.spec.name.clone(),
    }
}

/// The properties, when they ask for keys that rotate by age.
pub(super) fn scheduled<'a>(
    request: &'a Request,
    wanted: &UserProperties,
) -> Option<&'a Map<String, Value>> {
    wanted
        .spec
        .access_key
        .is_some()
        .then_some(&request.properties)
}
