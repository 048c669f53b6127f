"""`GetAccountAuthorizationDetails`: everything in an account that holds permissions, page by page.

One page can end in one list and the next begin in another: `MaxItems` counts all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import store
from .groups import summary as group_summary
from .paging import page
from .policies import encoded
from .policies import summary as policy_summary
from .registry import IamCall, handles

LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
# The place of an entity among all of them, the list that it is in, and what is told about it.
Entry = tuple[str, str, Callable[[Any], dict[str, Any]], Any]


@handles("GetAccountAuthorizationDetails")
def get_account_authorization_details(call: IamCall) -> dict[str, Any]:
    result = page_of_entries(call)
    lists: dict[str, list[Any]] = {name: [] for name in LISTS}
    for _, name, describe, entity in result.pop("Entries"):
        lists[name].append(describe(entity))
    return {**lists, **result}


def page_of_entries(call: IamCall) -> dict[str, Any]:
    wanted = call.params.get("Filter") or []
    found = [one for one in entries(call.account.account_id, wanted) if one[3] is not call.unheard]
    return page(call, "Entries", found, key=lambda one: one[0])


def entries(account_id: str, wanted: list[str]) -> Iterator[Entry]:
    records = store.backend(account_id)
    if not wanted or "User" in wanted:
        for user in list(records.users.values()):
            yield f"1 {user.name.lower()}", "UserDetailList", user_detail, user
    if not wanted or "Group" in wanted:
        for group in list(records.groups.values()):
            yield f"2 {group.name.lower()}", "GroupDetailList", group_detail, group
    if not wanted or "Role" in wanted:
        for role in list(records.roles.values()):
            yield f"3 {role.name.lower()}", "RoleDetailList", role_detail, role
    for policy in list(records.managed_policies.values()):
        of_aws = policy.arn.startswith("arn:aws:iam::aws:")
        kind = "AWSManagedPolicy" if of_aws else "LocalManagedPolicy"
        # Without a filter, the policies of AWS are those in use.
        used = not of_aws or policy.attachment_count > 0
        if kind in wanted if wanted else used:
            yield f"4 {policy.arn}", "Policies", policy_detail, policy


def inline(entity: Any) -> list[dict[str, str]]:
    return [
        {"PolicyName": name, "PolicyDocument": encoded(document)}
        for name, document in sorted(entity.policies.items())
    ]


def attached(entity: Any) -> list[dict[str, str]]:
    policies = sorted(entity.managed_policies.values(), key=lambda policy: policy.name)
    return [policy_summary(policy) for policy in policies]


def user_detail(user: store.StandInUser) -> dict[str, Any]:
    """A user without `PasswordLastUsed`, which only the other calls tell."""
    found: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": user.create_date,
        "GroupList": sorted(group.name for group in user.groups()),
        "UserPolicyList": inline(user),
        "AttachedManagedPolicies": attached(user),
        "Tags": user.tags or [],
    }
    if user.permissions_boundary:
        found["PermissionsBoundary"] = user.permissions_boundary
    return found


def group_detail(group: Any) -> dict[str, Any]:
    return {
        **group_summary(group),
        "GroupPolicyList": inline(group),
        "AttachedManagedPolicies": attached(group),
    }


def role_detail(role: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.create_date,
        "AssumeRolePolicyDocument": encoded(role.assume_role_policy_document),
        "InstanceProfileList": [],
        "RolePolicyList": inline(role),
        "AttachedManagedPolicies": attached(role),
        "Tags": role.tags or [],
        "RoleLastUsed": {},
    }
    if role.permissions_boundary:
        found["PermissionsBoundary"] = role.permissions_boundary
    return found


def policy_detail(policy: Any) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": policy.attachment_count,
        "PermissionsBoundaryUsageCount": store.boundary_usage(policy.account_id, policy.arn),
        "IsAttachable": True,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
        "PolicyVersionList": [
            {
                "Document": encoded(version.document),
                "VersionId": version.version_id,
                "IsDefaultVersion": version.is_default,
                "CreateDate": version.create_date,
            }
            for version in policy.versions
        ],
    }
