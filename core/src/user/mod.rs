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

mod access_keys;
mod apply;
mod diff;
mod model;
mod observe;
mod observed;
mod operations;
mod ownership;
mod policy_document;
mod quota;
mod removal;
mod spec;
mod step;

pub use access_keys::{
    CURRENT_KEY_TAG, CurrentKey, Demand, KEY_INTENT_TAG, KEY_TAGS, KeyDecision, KeyIntervals,
    KeyObstacle, KeyPhase, KeyPolicy, KeyPolicyProblem, KeyStatus, KeyStep, KeyTags, KeyView,
    KeysObserved, LastUsed, NextAction, ObservedKey, RETIRING_KEY_TAG, RetiringKey, StoredKey,
    TriggerHash, decide as decide_keys,
};
pub use diff::diff;
pub use observe::UserSummary;
pub use observed::{Facets, ObservedUser};
pub use operations::{
    Adoption, Limits, Outcome, Recorded, Removal, Users, UsersSettings, existing_user_warning,
};
pub use ownership::{
    MANAGED_BY_TAG, Owner, Ownership, QUARANTINE_POLICY, QUARANTINED_TAG, RESERVED_PREFIX,
    is_reserved_tag,
};
pub use policy_document::PolicyDocument;
pub use quota::{Quota, QuotaProblem, Quotas};
pub use removal::{Child, ChildKind, Children, DeletionPolicy, plan_quarantine, plan_removal};
pub use spec::UserSpec;
pub use step::Step;
