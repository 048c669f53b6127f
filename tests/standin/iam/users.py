"""Users themselves: create, read, rename, tag, boundary, delete."""

from __future__ import annotations

from typing import Any

from ..wire import AwsError
from . import store
from .paging import page, with_prefix
from .registry import IamCall, handles
from .validation import check_tags, limit_exceeded

MAXIMUM_TAGS = 50


def summary(user: store.StandInUser) -> dict[str, Any]:
    """A user as lists show it: without tags and boundary."""
    found: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": user.create_date,
    }
    if user.password_last_used:
        found["PasswordLastUsed"] = user.password_last_used
    return found


def details(user: store.StandInUser) -> dict[str, Any]:
    found = summary(user)
    if user.permissions_boundary:
        found["PermissionsBoundary"] = user.permissions_boundary
    if user.tags:
        found["Tags"] = user.tags
    return found


def refuse_taken_name(call: IamCall, name: str, except_for: Any = None) -> None:
    for user in call.backend.users.values():
        if user is not except_for and user.name.lower() == name.lower():
            raise AwsError("EntityAlreadyExists", f"User with name {name} already exists.", 409)


@handles("CreateUser")
def create_user(call: IamCall) -> dict[str, Any]:
    name = call.text("UserName")
    tags = check_tags(call.params.get("Tags", []))
    refuse_taken_name(call, name)
    quota = call.account.quota("UsersQuota")
    if len(call.backend.users) >= quota:
        raise limit_exceeded(f"Cannot exceed quota for UsersPerAccount: {quota}")
    boundary = call.params.get("PermissionsBoundary")
    if boundary is not None:
        store.check_boundary_policy(call.account.account_id, boundary)
    user = store.StandInUser(call.account.account_id, name, call.text("Path", "/"))
    user.tag_values = tags
    user.permissions_boundary_arn = boundary
    call.backend.users[name] = user
    return {"User": details(user)}


@handles("GetUser")
def get_user(call: IamCall) -> dict[str, Any]:
    return {"User": details(call.user())}


@handles("ListUsers")
def list_users(call: IamCall) -> dict[str, Any]:
    users = with_prefix(call.params, call.backend.users.values())
    result = page(call, "Users", users, key=lambda user: user.name.lower())
    result["Users"] = [summary(user) for user in result["Users"]]
    return result


@handles("UpdateUser")
def update_user(call: IamCall) -> None:
    user = call.user()
    name = call.params.get("NewUserName")
    if name is not None and name != user.name:
        refuse_taken_name(call, name, except_for=user)
        del call.backend.users[user.name]
        user.name = name
        call.backend.users[name] = user
        for owned in (*user.access_keys, *user.ssh_public_keys, *user.signing_certificates.values()):
            owned.user_name = name
    if "NewPath" in call.params:
        user.path = call.text("NewPath")


@handles("DeleteUser")
def delete_user(call: IamCall) -> None:
    user = store.get_user(call.account.account_id, call.text("UserName"))
    blockers = [
        (user.login_profile is not None, "must delete login profile first."),
        (bool(user.access_keys), "must delete access keys first."),
        (bool(user.groups()), "must remove users from group first."),
        (bool(user.mfa_devices), "must delete MFA device first."),
        (bool(user.signing_certificates), "must delete signing certificate first."),
        (bool(user.ssh_public_keys), "must delete SSH Public Keys first."),
        (bool(user.service_credentials), "must delete service specific credentials first."),
        (bool(user.policies), "must delete policies first."),
        (bool(user.managed_policies), "must detach all policies first."),
    ]
    for blocked, what in blockers:
        if blocked:
            raise AwsError("DeleteConflict", f"Cannot delete entity, {what}", 409)
    del call.backend.users[user.name]


@handles("TagUser")
def tag_user(call: IamCall) -> None:
    user = store.get_user(call.account.account_id, call.text("UserName"))
    added = check_tags(call.params.get("Tags", []))
    lower = {key.lower() for key in added}
    # A key in another case replaces the tag: keys are one regardless of case.
    kept = {key: value for key, value in user.tag_values.items() if key.lower() not in lower}
    if len(kept) + len(added) > MAXIMUM_TAGS:
        raise limit_exceeded(
            f"The number of tags has reached the maximum limit of {MAXIMUM_TAGS} tags."
        )
    user.tag_values = {**kept, **added}


@handles("UntagUser")
def untag_user(call: IamCall) -> None:
    user = store.get_user(call.account.account_id, call.text("UserName"))
    removed = {key.lower() for key in call.params.get("TagKeys", [])}
    user.tag_values = {k: v for k, v in user.tag_values.items() if k.lower() not in removed}


@handles("ListUserTags")
def list_user_tags(call: IamCall) -> dict[str, Any]:
    user = store.get_user(call.account.account_id, call.text("UserName"))
    return page(call, "Tags", user.tags or [], key=lambda tag: tag["Key"])


@handles("PutUserPermissionsBoundary")
def put_boundary(call: IamCall) -> None:
    user = store.get_user(call.account.account_id, call.text("UserName"))
    arn = call.text("PermissionsBoundary")
    store.check_boundary_policy(call.account.account_id, arn)
    user.permissions_boundary_arn = arn


@handles("DeleteUserPermissionsBoundary")
def delete_boundary(call: IamCall) -> None:
    user = store.get_user(call.account.account_id, call.text("UserName"))
    if user.permissions_boundary_arn is None:
        raise AwsError(
            "NoSuchEntity", f"User {user.name} does not have a permissions boundary.", 404
        )
    user.permissions_boundary_arn = None
