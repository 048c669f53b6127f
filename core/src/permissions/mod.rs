//! Which AWS permission each feature needs, and every policy document that follows from it.
//!
//! There is one table ([`required_actions`] lists it). From it come the member role's permissions
//! ([`member_role_policy`]) and the session policies that narrow a session to reading
//! ([`read_session_policy`]), to the writes that we make ([`write_session_policy`]) or to reading
//! secrets ([`secrets_session_policy`]). A call that is
//! not in the table is refused by our own session policy, so the table cannot fall behind the code
//! unnoticed. [`member_role_trust_policy`] says who may assume the role.
//!
//! [`secret_store_policy`] is what the hub's own credentials need when secrets are kept in the hub
//! account. What else they need (assuming member roles, writing audit records) is deliberately not
//! here. Everything is pure: no AWS call, no clock.

mod features;
mod hub;
mod member;
mod patterns;
mod sessions;
mod table;
mod trust;

pub use features::{Access, Feature};
pub use hub::{SecretStorePolicy, secret_store_policy};
pub use member::{MemberRolePolicy, POLICY_SIZE_LIMIT, PolicyTarget, member_role_policy};
pub use patterns::{ExternalId, GroupPattern, OrganizationId, PolicyPattern, PrincipalPattern};
pub use sessions::{
    SESSION_POLICY_SIZE_LIMIT, inventory_session_policy, read_session_policy,
    secrets_session_policy, write_session_policy,
};
pub use table::{RequiredAction, Scope, required_actions};
pub use trust::{MemberRoleTrust, SessionProperty, member_role_trust_policy};

/// The version of the policy language: the only one with policy variables.
const POLICY_VERSION: &str = "2012-10-17";
