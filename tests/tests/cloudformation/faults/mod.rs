//! Every AWS call of an operation of a stack fails in every way, and whatever CloudFormation and its user do next ends in
//! exactly the wanted state.
//!
//! [`place`] names calls and the ways in which they fail, [`Case`] is one set of accounts with a stack in it, `outcome`
//! says what must be true of users and credentials, and [`table`] makes each call of a clean run fail in a case of its
//! own. Races of a Create and its Delete, deadlines, and answers that do not arrive have modules of their own.

mod answers;
mod case;
mod deadline;
mod ledger_down;
mod outcome;
mod place;
mod race;
mod table;

pub(super) use case::{Case, PATIENCE};
pub(super) use place::{Failure, Place, places};
