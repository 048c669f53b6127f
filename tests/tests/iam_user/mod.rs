//! `crossaccount_iam_user` through the real Terraform CLI, against the stand-in.

mod accounts;
mod adoption;
mod audit;
mod by_hand;
mod changes;
mod credential_refusals;
mod credentials;
mod deletion;
mod drift;
mod ephemeral_cli;
pub(super) mod faults;
mod faults_cli;
pub(crate) mod host;
mod interrupts;
mod leaks;
mod lifecycle;
mod member_role_life_cycle;
mod moves;
mod plan_checks;
mod scene;
pub(crate) mod subject;
mod terraform_1_14;
