//! `crossaccount_iam_user` through the real Terraform CLI, against the stand-in.

mod adoption;
mod by_hand;
mod changes;
mod deletion;
mod drift;
mod lifecycle;
mod member_role_life_cycle;
mod plan_checks;
mod scene;
