//! One IAM user: what is wanted, what exists, the difference, and its application.
//!
//! ```text
//! UserSpec ----+
//!              +--> diff() --> Vec<Step> --> apply, one AWS write each --> Outcome
//! observe() ---+    pure
//! ```
//!
//! Decisions ([`diff`], [`removal`]) are pure functions without clock, network or randomness; the
//! same ones serve every face. Calls are made in [`observe`] and [`apply`] only, and [`operations`]
//! puts both together with audit, guardrails and one lock per user.

pub mod access_keys;
mod apply;
mod changes;
pub mod console_access;
mod diff;
mod model;
mod observe;
mod observed;
mod operations;
mod ownership;
mod password_policies;
mod policy_document;
mod quota;
mod removal;
mod spec;
mod step;

pub use access_keys::{
    KeyIntervals, KeyPhase, KeyPolicy, KeyPolicyProblem, KeyStatus, KeyStep, KeyView,
    LONGEST_TRIGGER, LastUsed, MOST_DAYS, NextAction, ObservedKey, StoredKey, TriggerHash,
};
pub use changes::{Changes, Demands, NoCredentials, Places, Refusal, Start, Wish, changes};
pub use console_access::{
    ConsoleAccess, ConsoleStep, GivenPassword, LONGEST_PASSWORD, LoginProfile, ObservedConsole,
    PasswordSource, SHORTEST_PASSWORD, StoredPassword,
};
pub use diff::diff;
pub use observe::{Expected, Parameters, UserPage, UserSummary};
pub use observed::{Facets, ObservedKeys, ObservedUser};
pub use operations::{
    Adoption, HeldKey, HeldPassword, Holder, Limits, Outcome, Proof, Recorded, Removal, Scope,
    Survey, Users, UsersSettings, existing_user_warning,
};
pub use ownership::{
    MANAGED_BY_TAG, Owner, Ownership, QUARANTINE_POLICY, QUARANTINED_TAG, RESERVED_PREFIX,
    is_reserved_tag,
};
pub use policy_document::PolicyDocument;
pub use quota::{Quota, QuotaProblem, Quotas};
pub use removal::{
    Child, ChildKind, Children, DeletionPolicy, OwnCredentials, plan_quarantine, plan_removal,
};
pub use spec::UserSpec;
pub use step::Step;
