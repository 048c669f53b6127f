"""Which resource and which condition keys an IAM call is authorised with.

From the Service Authorization Reference of IAM. A user, group or role that does not exist has no
known path, so the call is judged on the name below `/`, as the refusals of IAM show. So it is where
a place has not heard of a user that exists.
"""

from __future__ import annotations

from typing import Any

from ..iam import store
from ..iam.registry import target_user_name
from ..request import Call
from ..state import Principal
from ..wire import AwsError, not_implemented
from .conditions import Context
from .evaluate import Check

USER_ACTIONS = {
    "ChangePassword", "CreateAccessKey", "CreateLoginProfile", "CreateServiceSpecificCredential",
    "DeactivateMFADevice", "DeleteAccessKey", "DeleteLoginProfile", "DeleteSSHPublicKey",
    "DeleteServiceSpecificCredential", "DeleteSigningCertificate", "DeleteUser",
    "DeleteUserPermissionsBoundary", "DeleteUserPolicy", "AttachUserPolicy", "DetachUserPolicy",
    "EnableMFADevice", "GetLoginProfile", "GetSSHPublicKey", "GetUser", "GetUserPolicy",
    "ListAccessKeys", "ListAttachedUserPolicies", "ListGroupsForUser", "ListMFADevices",
    "ListSSHPublicKeys", "ListServiceSpecificCredentials", "ListSigningCertificates",
    "ListUserPolicies", "ListUserTags", "PutUserPermissionsBoundary", "PutUserPolicy",
    "ResetServiceSpecificCredential", "TagUser", "UntagUser", "UpdateAccessKey",
    "UpdateLoginProfile", "UpdateSSHPublicKey", "UpdateServiceSpecificCredential",
    "UpdateSigningCertificate", "UploadSSHPublicKey", "UploadSigningCertificate",
}  # fmt: skip
GROUP_ACTIONS = {
    "AddUserToGroup", "AttachGroupPolicy", "DeleteGroup", "DeleteGroupPolicy", "DetachGroupPolicy",
    "GetGroup", "GetGroupPolicy", "ListAttachedGroupPolicies", "ListGroupPolicies",
    "PutGroupPolicy", "RemoveUserFromGroup",
}  # fmt: skip
ROLE_ACTIONS = {
    "AttachRolePolicy", "DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy",
    "DetachRolePolicy", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole", "ListRolePolicies", "ListRoleTags",
    "PutRolePermissionsBoundary", "PutRolePolicy", "TagRole", "UntagRole",
    "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription",
}  # fmt: skip
POLICY_ACTIONS = {
    "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "GetPolicy", "GetPolicyVersion",
    "ListEntitiesForPolicy", "ListPolicyTags", "ListPolicyVersions", "SetDefaultPolicyVersion",
    "TagPolicy", "UntagPolicy",
}  # fmt: skip
ACCOUNT_ACTIONS = {
    "CreateAccountAlias", "DeleteAccountAlias", "DeleteAccountPasswordPolicy",
    "GenerateCredentialReport", "GetAccountAuthorizationDetails", "GetAccountPasswordPolicy",
    "GetAccountSummary", "GetCredentialReport", "ListAccountAliases", "ListVirtualMFADevices",
    "UpdateAccountPasswordPolicy",
}  # fmt: skip
MAKES_WITH_PATH = {"CreateUser": "user", "CreateGroup": "group", "CreateRole": "role",
                   "CreatePolicy": "policy"}  # fmt: skip
LISTS_BY_PATH = {"ListUsers": "user", "ListGroups": "group", "ListRoles": "role",
                 "ListPolicies": "policy"}  # fmt: skip
# What must be allowed besides, when the creation carries tags.
TAG_ON_CREATE = {"CreateUser": "iam:TagUser", "CreateRole": "iam:TagRole",
                 "CreatePolicy": "iam:TagPolicy", "CreateVirtualMFADevice": "iam:TagMFADevice"}  # fmt: skip
BOUNDARY_OF_REQUEST = {"CreateUser", "CreateRole", "PutUserPermissionsBoundary",
                       "PutRolePermissionsBoundary"}  # fmt: skip
BOUNDARY_OF_ENTITY = {
    "AttachUserPolicy", "DetachUserPolicy", "PutUserPolicy", "DeleteUserPolicy",
    "DeleteUserPermissionsBoundary", "AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy",
    "DeleteRolePolicy", "DeleteRolePermissionsBoundary",
}  # fmt: skip
POLICY_ARN_ACTIONS = {
    "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy",
    "AttachRolePolicy", "DetachRolePolicy",
}  # fmt: skip


def required(params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        label = name[0].lower() + name[1:]
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value null at '{label}' failed to satisfy constraint: "
            "Member must not be null",
        )
    return value


def arn(account_id: str, kind: str, path: str, name: str) -> str:
    return f"arn:aws:iam::{account_id}:{kind}{path}{name}"


def user_of(call: Call, name: str) -> store.StandInUser | None:
    """The user, where it is known."""
    return None if call.user_is_hidden else store.backend(call.account_id).users.get(name)


def entity_for(call: Call, principal: Principal) -> tuple[str, Any]:
    """The ARN that the call names, and the record when it exists."""
    name, params, account_id = call.operation, call.params, call.account_id
    records = store.backend(account_id)
    if name in USER_ACTIONS:
        user_name = target_user_name(params, principal)
        user = user_of(call, user_name)
        return (user.arn if user else arn(account_id, "user", "/", user_name)), user
    if name in GROUP_ACTIONS:
        group_name = required(params, "GroupName")
        group = records.groups.get(group_name)
        return (group.arn if group else arn(account_id, "group", "/", group_name)), group
    if name in ROLE_ACTIONS:
        role_name = required(params, "RoleName")
        role = store.find_role(account_id, role_name)
        return (role.arn if role else arn(account_id, "role", "/", role_name)), role
    if name in POLICY_ACTIONS:
        policy_arn = required(params, "PolicyArn")
        return policy_arn, store.find_policy(account_id, policy_arn)
    if name in MAKES_WITH_PATH:
        kind = MAKES_WITH_PATH[name]
        named = required(params, f"{kind.capitalize()}Name")
        return arn(account_id, kind, params.get("Path", "/"), named), None
    if name in LISTS_BY_PATH:
        return arn(account_id, LISTS_BY_PATH[name], params.get("PathPrefix", "/"), ""), None
    if name in ACCOUNT_ACTIONS:
        return "*", None
    raise not_implemented(f"authorization of iam:{name}")


def special(call: Call, principal: Principal) -> list[tuple[str, Any]] | None:
    """Calls that name more than one resource, or name it in their own way."""
    name, params, account_id = call.operation, call.params, call.account_id
    records = store.backend(account_id)
    if name == "UpdateUser":
        old_name = target_user_name(params, principal)
        user = user_of(call, old_name)
        old = user.arn if user else arn(account_id, "user", "/", old_name)
        path = params.get("NewPath", user.path if user else "/")
        new = arn(account_id, "user", path, params.get("NewUserName", old_name))
        return [(old, user)] if old == new else [(old, user), (new, user)]
    if name == "UpdateGroup":
        old_name = required(params, "GroupName")
        group = records.groups.get(old_name)
        old = group.arn if group else arn(account_id, "group", "/", old_name)
        path = params.get("NewPath", group.path if group else "/")
        new = arn(account_id, "group", path, params.get("NewGroupName", old_name))
        return [(old, None)] if old == new else [(old, None), (new, None)]
    if name == "CreateVirtualMFADevice":
        device = required(params, "VirtualMFADeviceName")
        return [(arn(account_id, "mfa", params.get("Path", "/"), device), None)]
    if name == "DeleteVirtualMFADevice":
        return [(required(params, "SerialNumber"), None)]
    if name == "GetAccessKeyLastUsed":
        from ..iam.access_keys import owner_of

        try:
            user, _ = owner_of(account_id, required(params, "AccessKeyId"))
        except AwsError as error:
            if error.code != "NoSuchEntity":
                raise
            # The owner of an unknown key is unknown too.
            return [("*", None)]
        return [(user.arn, user)]
    return None


def checks(call: Call, principal: Principal, context: Context) -> list[Check]:
    name, params = call.operation, call.params
    found = special(call, principal)
    targets = found if found is not None else [entity_for(call, principal)]
    tags = params.get("Tags") if isinstance(params.get("Tags"), list) else None
    result = []
    for resource, entity in targets:
        own = dict(context)
        for tag in getattr(entity, "tags", None) or []:
            if isinstance(tag, dict):
                for prefix in ("aws", "iam"):
                    own[f"{prefix}:resourcetag/{tag['Key'].lower()}"] = [tag["Value"]]
        if tags:
            for tag in tags:
                own[f"aws:requesttag/{tag.get('Key', '').lower()}"] = [tag.get("Value", "")]
            own["aws:tagkeys"] = [tag.get("Key", "") for tag in tags]
        if isinstance(params.get("TagKeys"), list):
            own["aws:tagkeys"] = list(params["TagKeys"])
        if name in POLICY_ARN_ACTIONS:
            own["iam:policyarn"] = [required(params, "PolicyArn")]
        if name in BOUNDARY_OF_REQUEST and params.get("PermissionsBoundary"):
            own["iam:permissionsboundary"] = [params["PermissionsBoundary"]]
        elif name in BOUNDARY_OF_ENTITY:
            boundary = getattr(entity, "permissions_boundary_arn", None)
            if boundary:
                own["iam:permissionsboundary"] = [boundary]
        if name == "CreateServiceSpecificCredential" and params.get("ServiceName"):
            own["iam:servicespecificcredentialservicename"] = [params["ServiceName"]]
        result.append(Check(f"iam:{name}", resource, own))
        if tags and name in TAG_ON_CREATE:
            result.append(Check(TAG_ON_CREATE[name], resource, own))
    return result
