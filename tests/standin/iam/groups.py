"""Groups and who is in them."""

from __future__ import annotations

from typing import Any

from moto.iam.models import Group

from ..authz.policy import check_identity_document
from ..state import now, unique_id
from ..wire import AwsError, no_such_entity
from . import store
from .paging import page, with_prefix
from .registry import IamCall, handles
from .users import summary as user_summary
from .validation import limit_exceeded, policy_size


def summary(group: Group) -> dict[str, Any]:
    return {
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": group.arn,
        "CreateDate": group.create_date,
    }


def refuse_taken_name(call: IamCall, name: str, except_for: Any = None) -> None:
    for group in call.backend.groups.values():
        if group is not except_for and group.name.lower() == name.lower():
            raise AwsError("EntityAlreadyExists", f"Group with name {name} already exists.", 409)


def named_group(call: IamCall) -> Group:
    return store.get_group(call.account.account_id, call.text("GroupName"))


@handles("CreateGroup")
def create_group(call: IamCall) -> dict[str, Any]:
    name = call.text("GroupName")
    refuse_taken_name(call, name)
    group = Group(call.account.account_id, "us-east-1", name, call.text("Path", "/"))
    group.id = unique_id("AGPA")
    group.create_date = now()
    call.backend.groups[name] = group
    return {"Group": summary(group)}


@handles("GetGroup")
def get_group(call: IamCall) -> dict[str, Any]:
    group = named_group(call)
    result = page(call, "Users", group.users, key=lambda user: user.name.lower())
    result["Users"] = [user_summary(user) for user in result["Users"]]
    return {"Group": summary(group), **result}


@handles("ListGroups")
def list_groups(call: IamCall) -> dict[str, Any]:
    groups = with_prefix(call.params, call.backend.groups.values())
    result = page(call, "Groups", groups, key=lambda group: group.name.lower())
    result["Groups"] = [summary(group) for group in result["Groups"]]
    return result


@handles("UpdateGroup")
def update_group(call: IamCall) -> None:
    group = named_group(call)
    name = call.params.get("NewGroupName")
    if name is not None and name != group.name:
        refuse_taken_name(call, name, except_for=group)
        del call.backend.groups[group.name]
        group.name = name
        call.backend.groups[name] = group
    if "NewPath" in call.params:
        group.path = call.text("NewPath")


@handles("DeleteGroup")
def delete_group(call: IamCall) -> None:
    group = named_group(call)
    blockers = [
        (bool(group.users), "must remove users from group first."),
        (bool(group.policies), "must delete policies first."),
        (bool(group.managed_policies), "must detach all policies first."),
    ]
    for blocked, what in blockers:
        if blocked:
            raise AwsError("DeleteConflict", f"Cannot delete entity, {what}", 409)
    del call.backend.groups[group.name]


@handles("AddUserToGroup")
def add_user_to_group(call: IamCall) -> None:
    group = named_group(call)
    user = store.get_user(call.account.account_id, call.text("UserName"))
    if user in group.users:
        return
    quota = call.account.quota("GroupsPerUserQuota")
    if len(user.groups()) >= quota:
        raise limit_exceeded(f"Cannot exceed quota for GroupsPerUser: {quota}")
    group.users.append(user)


@handles("RemoveUserFromGroup")
def remove_user_from_group(call: IamCall) -> None:
    group = named_group(call)
    user = store.get_user(call.account.account_id, call.text("UserName"))
    if user in group.users:
        group.users.remove(user)


@handles("ListGroupsForUser")
def list_groups_for_user(call: IamCall) -> dict[str, Any]:
    user = store.get_user(call.account.account_id, call.text("UserName"))
    result = page(call, "Groups", user.groups(), key=lambda group: group.name.lower())
    result["Groups"] = [summary(group) for group in result["Groups"]]
    return result


@handles("PutGroupPolicy")
def put_group_policy(call: IamCall) -> None:
    group = named_group(call)
    name, document = call.text("PolicyName"), call.text("PolicyDocument")
    check_identity_document(document)
    quota = call.account.quota("GroupPolicySizeQuota")
    others = sum(policy_size(text) for other, text in group.policies.items() if other != name)
    if others + policy_size(document) > quota:
        raise limit_exceeded(f"Maximum policy size of {quota} bytes exceeded for group {group.name}")
    group.policies[name] = document


@handles("AttachGroupPolicy")
def attach_group_policy(call: IamCall) -> None:
    group = named_group(call)
    policy = store.get_attachable_policy(call.account.account_id, call.text("PolicyArn"))
    quota = call.account.quota("AttachedPoliciesPerGroupQuota")
    if policy.arn not in group.managed_policies and len(group.managed_policies) >= quota:
        raise limit_exceeded(f"Cannot exceed quota for PoliciesPerGroup: {quota}")
    policy.attach_to(group)


@handles("DetachGroupPolicy")
def detach_group_policy(call: IamCall) -> None:
    group = named_group(call)
    arn = call.text("PolicyArn")
    if arn not in group.managed_policies:
        raise no_such_entity(f"Policy {arn} was not found.")
    group.managed_policies[arn].detach_from(group)
