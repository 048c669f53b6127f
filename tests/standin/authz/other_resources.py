"""Resources and condition keys of the services besides IAM and STS."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from .. import s3_actions
from ..request import Call
from ..state import Principal
from ..wire import not_implemented
from .conditions import Context
from .context import resource_account
from .evaluate import Check

SSM_PARAMETER = {
    "PutParameter", "GetParameter", "DeleteParameter", "GetParameterHistory",
    "LabelParameterVersion", "UnlabelParameterVersion",
}  # fmt: skip
SSM_PARAMETERS = {"GetParameters", "DeleteParameters"}
SSM_TAGS = {"AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource"}
SSM_READS = {"GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory"}
KMS_ON_KEY = {
    "CancelKeyDeletion", "CreateGrant", "Decrypt", "DescribeKey", "DisableKey",
    "DisableKeyRotation", "EnableKey", "EnableKeyRotation", "Encrypt", "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext", "GetKeyPolicy", "GetKeyRotationStatus",
    "ListResourceTags", "PutKeyPolicy", "ReEncrypt", "ScheduleKeyDeletion", "TagResource",
    "UntagResource", "UpdateKeyDescription",
}  # fmt: skip
KMS_ANYWHERE = {"CreateKey", "ListKeys", "ListAliases"}
DYNAMODB_TABLE = {
    "CreateTable", "DeleteItem", "DeleteTable", "DescribeTable", "DescribeTimeToLive", "GetItem",
    "PutItem", "Query", "Scan", "UpdateItem", "UpdateTable", "UpdateTimeToLive",
}  # fmt: skip
ORGANIZATIONS = {
    "CreateAccount", "CreateOrganization", "CreateOrganizationalUnit", "DescribeAccount",
    "DescribeCreateAccountStatus", "DescribeOrganization", "DescribeOrganizationalUnit",
    "ListAccounts", "ListAccountsForParent", "ListChildren", "ListOrganizationalUnitsForParent",
    "ListParents", "ListRoots", "ListTagsForResource", "MoveAccount", "TagResource",
}  # fmt: skip


def checks(call: Call, principal: Principal, context: Context) -> list[Check]:
    if call.service == "s3":
        return s3_checks(call, context)
    if call.service == "ssm":
        return ssm_checks(call, context)
    if call.service == "kms":
        return kms_checks(call, context)
    if call.service == "dynamodb" and call.operation in DYNAMODB_TABLE:
        table = call.params.get("TableName", "")
        resource = f"arn:aws:dynamodb:{call.region}:{call.account_id}:table/{table}"
        return [Check(call.action, resource, context)]
    if call.service == "organizations" and call.operation in ORGANIZATIONS:
        return [Check(call.action, "*", context)]
    raise not_implemented(f"authorization of {call.action}")


def bucket_owner(bucket: str) -> str | None:
    from moto.s3.models import s3_backends

    found = s3_backends.bucket_accounts.get(bucket)
    return found[1] if found else None


def bucket_policy(bucket: str) -> tuple[str, str] | None:
    owner = bucket_owner(bucket)
    if owner is None:
        return None
    from moto.s3.models import s3_backends

    record = s3_backends[owner]["aws"].buckets.get(bucket)
    if record is None or not record.policy:
        return None
    text = record.policy.decode() if isinstance(record.policy, bytes) else str(record.policy)
    return f"bucket policy of {bucket}", text


def s3_checks(call: Call, context: Context) -> list[Check]:
    permission = s3_actions.permission(call.operation)
    if permission is None:
        raise not_implemented(f"authorization of s3:{call.operation}")
    if not call.bucket:
        return [Check(f"s3:{permission}", "arn:aws:s3:::*", context)]
    own = dict(context)
    owner = bucket_owner(call.bucket) or ""
    if owner:
        resource_account(own, owner)
        own["s3:resourceaccount"] = [owner]
    for header in (
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-acl",
    ):
        if header in call.headers:
            own[f"s3:{header}"] = [call.headers[header]]
    for header in ("if-none-match", "if-match"):
        if header in call.headers:
            own[f"s3:{header}"] = [call.headers[header].strip('"')]
    for name in ("prefix", "delimiter", "max-keys"):
        if name in call.params:
            own[f"s3:{name}"] = [call.params[name]]
    own["s3:tlsversion"] = ["1.3"]
    resource = f"arn:aws:s3:::{call.bucket}"
    if call.operation == "DeleteObjects":
        return s3_delete_objects(call, own, owner)
    on_object = bool(call.key)
    if on_object:
        resource += f"/{call.key}"
    found = [Check(f"s3:{permission}", resource, own, bucket_policy(call.bucket), owner)]
    if call.operation == "PutObject" and "x-amz-tagging" in call.headers:
        found.append(
            Check("s3:PutObjectTagging", resource, own, bucket_policy(call.bucket), owner)
        )
    if call.operation == "CopyObject":
        raise not_implemented("authorization of s3:CopyObject")
    return found


def s3_delete_objects(call: Call, context: Context, owner: str) -> list[Check]:
    keys = re.findall(r"<Key>(.*?)</Key>", call.body.decode(), re.DOTALL)
    policy = bucket_policy(call.bucket)
    return [
        Check("s3:DeleteObject", f"arn:aws:s3:::{call.bucket}/{unescape(key)}", context, policy, owner)
        for key in keys
    ]


def parameter_arn(call: Call, name: str) -> str:
    if name.startswith("arn:"):
        return name
    # A version or label selector is not part of the name.
    plain = name.split(":", 1)[0].lstrip("/")
    return f"arn:aws:ssm:{call.region}:{call.account_id}:parameter/{plain}"


def ssm_checks(call: Call, context: Context) -> list[Check]:
    name, params = call.operation, call.params
    own = dict(context)
    tags = params.get("Tags") or []
    for tag in tags:
        own[f"aws:requesttag/{tag['Key'].lower()}"] = [tag["Value"]]
    if tags:
        own["aws:tagkeys"] = [tag["Key"] for tag in tags]
    if name == "PutParameter":
        own["ssm:overwrite"] = ["true" if params.get("Overwrite") else "false"]
    if name == "GetParametersByPath":
        own["ssm:recursive"] = ["true" if params.get("Recursive") else "false"]
    if name in SSM_PARAMETER:
        resources = [parameter_arn(call, str(params.get("Name", "")))]
    elif name in SSM_PARAMETERS:
        resources = [parameter_arn(call, str(one)) for one in params.get("Names", [])]
    elif name in SSM_TAGS and params.get("ResourceType") == "Parameter":
        resources = [parameter_arn(call, str(params.get("ResourceId", "")))]
    elif name == "GetParametersByPath":
        resources = [parameter_arn(call, str(params.get("Path", "/")))]
    elif name == "DescribeParameters":
        resources = [f"arn:aws:ssm:{call.region}:{call.account_id}:*"]
    else:
        raise not_implemented(f"authorization of ssm:{name}")
    found = [Check(f"ssm:{name}", resource, own) for resource in resources]
    if name == "PutParameter" and tags:
        found.append(Check("ssm:AddTagsToResource", resources[0], own))
    found.extend(ssm_key_checks(call, context, resources))
    return found


def ssm_key_checks(call: Call, context: Context, resources: list[str]) -> list[Check]:
    """SSM uses the caller's own rights on a customer key. The AWS key `alias/aws/ssm` is open to
    everybody in the account."""
    from moto.ssm.models import ssm_backends

    uses: list[tuple[str, str, str]] = []
    if call.operation == "PutParameter" and call.params.get("Type") == "SecureString":
        action = "kms:GenerateDataKey" if call.params.get("Tier") == "Advanced" else "kms:Encrypt"
        uses.append((action, str(call.params.get("KeyId") or "alias/aws/ssm"), resources[0]))
    elif call.operation in SSM_READS and call.params.get("WithDecryption"):
        stored = ssm_backends[call.account_id][call.region]._parameters
        for name in list(stored):
            arn = parameter_arn(call, name)
            under = any(arn == one or arn.startswith(one.rstrip("/") + "/") for one in resources)
            exact = call.operation != "GetParametersByPath"
            if (arn in resources if exact else under) and stored[name]:
                newest = stored[name][-1]
                if newest.parameter_type == "SecureString":
                    uses.append(("kms:Decrypt", str(newest.keyid), arn))
    found = []
    for action, key_id, parameter in uses:
        if key_id == "alias/aws/ssm":
            continue
        own = dict(context)
        own["kms:viaservice"] = [f"ssm.{call.region}.amazonaws.com"]
        own["kms:encryptioncontext:parameter_arn"] = [parameter]
        own["kms:encryptioncontextkeys"] = ["PARAMETER_ARN"]
        own["kms:calleraccount"] = [call.account_id]
        found.append(Check(action, key_arn(call, key_id), own))
    return found


def key_arn(call: Call, key_id: str) -> str:
    """The key's own ARN: permissions name keys, never aliases."""
    base = f"arn:aws:kms:{call.region}:{call.account_id}:"
    if key_id.startswith("arn:") and ":alias/" not in key_id:
        return key_id
    from moto.kms.models import kms_backends

    backend: Any = kms_backends[call.account_id][call.region]
    name = key_id.rpartition(":")[2] if key_id.startswith("arn:") else key_id
    if name.startswith("alias/"):
        found = backend.get_key_id_from_alias(name)
        return f"{base}key/{found}" if found else f"{base}{name}"
    return f"{base}key/{name}"


def kms_checks(call: Call, context: Context) -> list[Check]:
    name, params = call.operation, call.params
    own = dict(context)
    own["kms:calleraccount"] = [call.account_id]
    for key, value in (params.get("EncryptionContext") or {}).items():
        own[f"kms:encryptioncontext:{key.lower()}"] = [value]
    if name in KMS_ANYWHERE:
        return [Check(f"kms:{name}", "*", own)]
    if name in ("CreateAlias", "DeleteAlias", "UpdateAlias"):
        alias = f"arn:aws:kms:{call.region}:{call.account_id}:{params.get('AliasName', '')}"
        found = [Check(f"kms:{name}", alias, own)]
        if params.get("TargetKeyId"):
            found.append(Check(f"kms:{name}", key_arn(call, params["TargetKeyId"]), own))
        return found
    if name in KMS_ON_KEY and params.get("KeyId"):
        return [Check(f"kms:{name}", key_arn(call, str(params["KeyId"])), own)]
    raise not_implemented(f"authorization of kms:{name}")
