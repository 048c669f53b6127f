//! Sessions with member accounts: one pool of connections, one hub, and clients for each
//! (account, role, access) that are made once even when ten requests arrive at once.
//!
//! What this module deliberately does not do: read environment variables or profiles (the face hands
//! over base credentials), retry calls (the SDK does, see `connection`), or know what a call means.

mod accounts;
mod assume;
mod clients;
mod connection;
mod credentials;
mod endpoints;
mod flights;
mod hub;
mod member;
mod observe;
mod pace;
mod sessions;
mod settings;
#[cfg(test)]
mod tests;
mod verify;

pub use accounts::AccountFilter;
pub use connection::{Base, http_client};
pub use endpoints::{Endpoint, Endpoints};
pub(crate) use flights::Flights;
pub use hub::HubIdentity;
pub use member::{Access, Session};
pub(crate) use observe::BeyondAccess;
pub use observe::Statistics;
pub use sessions::{Sessions, Target};
pub use settings::{
    Attempts, ExternalId, MaxConcurrency, SessionDuration, SessionName, SessionPolicies,
    SessionSettings, SessionTags, SourceIdentity,
};
