//! Why an operation is refused, in words that say what to do.

use super::{Proof, Recorded};
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::session::Target;
use crate::user::ownership::MANAGED_BY_TAG;
use crate::user::{Child, ObservedUser, Owner, Ownership};

pub(super) fn replaced(target: &Target, recorded: &Recorded, found: &ObservedUser) -> Error {
    Error::new(
        ErrorKind::Replaced,
        format!(
            "user {} was deleted and created again by somebody else: its unique id is {}, and {} was recorded",
            recorded.name, found.unique_id, recorded.unique_id
        ),
    )
    .in_account(&target.account_id)
    .with_advice(format!(
        "Nothing was changed. If the new user is right, forget the old one and import the new one (id {}/{}); \
         otherwise delete the new user.",
        target.account_id, recorded.name
    ))
}

pub(super) fn owned_by(owner: &str, target: &Target, name: &UserName) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("user {name} is managed by {owner:?} (tag {MANAGED_BY_TAG})"),
    )
    .in_account(&target.account_id)
    .with_advice(
        "Nothing was changed. Two owners would undo each other's work: remove the user there first, or remove the tag \
         if that owner is gone.",
    )
}

pub(super) fn no_user(target: &Target, name: &UserName) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no user {name}"))
        .in_account(&target.account_id)
}

/// Only credentials of our own users are changed or handed out.
pub(super) fn check_ours(
    owner: &Owner,
    target: &Target,
    name: &UserName,
    user: &ObservedUser,
) -> Result<(), Error> {
    match user.ownership(owner) {
        Ownership::Ours => Ok(()),
        Ownership::Other(owner) => Err(owned_by(&owner, target, name)),
        Ownership::Nobody => Err(Error::new(
            ErrorKind::AlreadyExists,
            format!("user {name} is not managed by crossaccount"),
        )
        .in_account(&target.account_id)
        .with_advice("Nothing was changed. Manage the user with this deployment first.")),
    }
}

/// A user that was recorded is changed unless it has another owner by now, or nothing but its tag made it ours.
pub(super) fn check_still_ours(
    owner: &Owner,
    target: &Target,
    recorded: &Recorded,
    user: &ObservedUser,
) -> Result<(), Error> {
    match (user.ownership(owner), recorded.proof) {
        (Ownership::Nobody, Proof::Remembered) => Ok(()),
        _ => check_ours(owner, target, &user.name, user),
    }
}

pub(super) fn obstacles(target: &Target, recorded: &Recorded, foreign: &[Child]) -> Error {
    let names: Vec<String> = foreign.iter().map(ToString::to_string).collect();
    Error::new(
        ErrorKind::Conflict,
        format!(
            "user {} has things that were not created here: {}",
            recorded.name,
            names.join(", ")
        ),
    )
    .in_account(&target.account_id)
    .with_advice(
        "Nothing was changed. Remove them, or set force_destroy = true and apply before the user is destroyed.",
    )
}
