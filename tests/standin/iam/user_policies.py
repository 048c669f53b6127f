"""Inline and attached policies of users."""

from __future__ import annotations

from typing import Any

from ..authz.policy import check_identity_document
from ..wire import no_such_entity
from . import store
from .paging import page, with_prefix
from .policies import encoded, summary
from .registry import IamCall, handles
from .validation import limit_exceeded, policy_size


@handles("PutUserPolicy")
def put_user_policy(call: IamCall) -> None:
    user = call.user()
    name, document = call.text("PolicyName"), call.text("PolicyDocument")
    check_identity_document(document)
    quota = call.account.quota("UserPolicySizeQuota")
    others = sum(policy_size(text) for other, text in user.policies.items() if other != name)
    if others + policy_size(document) > quota:
        raise limit_exceeded(f"Maximum policy size of {quota} bytes exceeded for user {user.name}")
    user.policies[name] = document


@handles("GetUserPolicy")
def get_user_policy(call: IamCall) -> dict[str, Any]:
    user = call.user()
    name = call.text("PolicyName")
    if name not in user.policies:
        raise no_such_entity(f"The user policy with name {name} cannot be found.")
    return {
        "UserName": user.name,
        "PolicyName": name,
        "PolicyDocument": encoded(user.policies[name]),
    }


@handles("DeleteUserPolicy")
def delete_user_policy(call: IamCall) -> None:
    user = call.user()
    name = call.text("PolicyName")
    if name not in user.policies:
        raise no_such_entity(f"The user policy with name {name} cannot be found.")
    del user.policies[name]


@handles("ListUserPolicies")
def list_user_policies(call: IamCall) -> dict[str, Any]:
    return page(call, "PolicyNames", call.user().policies, key=str)


@handles("AttachUserPolicy")
def attach_user_policy(call: IamCall) -> None:
    user = call.user()
    policy = store.get_attachable_policy(call.account.account_id, call.text("PolicyArn"))
    quota = call.account.quota("AttachedPoliciesPerUserQuota")
    if policy.arn not in user.managed_policies and len(user.managed_policies) >= quota:
        raise limit_exceeded(f"Cannot exceed quota for PoliciesPerUser: {quota}")
    policy.attach_to(user)


@handles("DetachUserPolicy")
def detach_user_policy(call: IamCall) -> None:
    user = call.user()
    arn = call.text("PolicyArn")
    if arn not in user.managed_policies:
        raise no_such_entity(f"Policy {arn} was not found.")
    user.managed_policies[arn].detach_from(user)


@handles("ListAttachedUserPolicies")
def list_attached_user_policies(call: IamCall) -> dict[str, Any]:
    policies = with_prefix(call.params, call.user().managed_policies.values())
    result = page(call, "AttachedPolicies", policies, key=lambda policy: policy.name)
    result["AttachedPolicies"] = [summary(policy) for policy in result["AttachedPolicies"]]
    return result
