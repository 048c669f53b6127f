"""Resources and condition keys of the services besides IAM and STS."""

from __future__ import annotations

import re
from html import unescape

from .. import kms, s3_actions, streams
from ..request import Call
from ..ssm import store
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
    if call.service == "dynamodb" and call.operation in streams.HANDLERS:
        return [Check(call.action, streams.resource(call), context)]
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
        # Cannot be limited to parameters.
        resources = ["*"]
    else:
        raise not_implemented(f"authorization of ssm:{name}")
    found = [
        Check(f"ssm:{name}", resource, {**own, **parameter_tags(call, resource)})
        for resource in resources
    ]
    if name == "PutParameter" and tags:
        found.append(Check("ssm:AddTagsToResource", resources[0], own))
    found.extend(ssm_key_checks(call, context, resources))
    return found


def parameter_tags(call: Call, resource: str) -> Context:
    """The tags that a parameter has before the call."""
    parameter = store.find(call.account_id, call.region, resource) if resource != "*" else None
    return {
        f"{prefix}:resourcetag/{key.lower()}": [value]
        for key, value in (parameter.tags if parameter else {}).items()
        for prefix in ("aws", "ssm")
    }


def ssm_key_checks(call: Call, context: Context, resources: list[str]) -> list[Check]:
    """SSM uses the caller's own rights on a customer key. The AWS key `alias/aws/ssm` is open to
    everybody in the account."""
    uses: list[tuple[str, str, str]] = []
    before = store.find(call.account_id, call.region, str(call.params.get("Name", "")))
    kind = call.params.get("Type") or (before.newest.kind if before else None)
    if call.operation == "PutParameter" and kind == "SecureString":
        action = "kms:GenerateDataKey" if call.params.get("Tier") == "Advanced" else "kms:Encrypt"
        uses.append((action, str(call.params.get("KeyId") or "alias/aws/ssm"), resources[0]))
    elif call.operation in SSM_READS and call.params.get("WithDecryption"):
        for parameter in store.parameters(call.account_id, call.region).values():
            arn, newest = parameter.arn, parameter.newest
            under = any(arn == one or arn.startswith(one.rstrip("/") + "/") for one in resources)
            exact = call.operation != "GetParametersByPath"
            if (arn in resources if exact else under) and newest.kind == "SecureString":
                uses.append(("kms:Decrypt", str(newest.key_id), arn))
    found = []
    for action, key_id, parameter_name in uses:
        if key_id == "alias/aws/ssm":
            continue
        own = dict(context)
        own["kms:viaservice"] = [f"ssm.{call.region}.amazonaws.com"]
        own["kms:encryptioncontext:parameter_arn"] = [parameter_name]
        own["kms:encryptioncontextkeys"] = ["PARAMETER_ARN"]
        found.append(key_check(call, action, key_id, own))
    return found


def key_check(call: Call, action: str, name: str, context: Context) -> Check:
    """A check on a key, which permissions name by its own ARN and never by an alias. Keys of other
    accounts are refused: their policies are not known here."""
    own = dict(context)
    own["kms:calleraccount"] = [call.account_id]
    if ":alias/" in name or name.startswith("alias/"):
        own["kms:requestalias"] = [name.rpartition(":")[2]]
    key = kms.find_or_none(call.account_id, call.region, name)
    if key is not None:
        own["kms:resourcealiases"] = kms.aliases_of(key)
        return Check(action, key.arn, own)
    if name.startswith("arn:"):
        return Check(action, name, own, resource_account_id=name.split(":")[4])
    kind = "" if name.startswith("alias/") else "key/"
    return Check(action, f"arn:aws:kms:{call.region}:{call.account_id}:{kind}{name}", own)


def kms_checks(call: Call, context: Context) -> list[Check]:
    name, params = call.operation, call.params
    own = dict(context)
    encryption = params.get("EncryptionContext") or {}
    for key, value in encryption.items():
        own[f"kms:encryptioncontext:{key.lower()}"] = [value]
    if encryption:
        own["kms:encryptioncontextkeys"] = list(encryption)
    if name in KMS_ANYWHERE:
        return [Check(f"kms:{name}", "*", own)]
    if name in ("CreateAlias", "DeleteAlias", "UpdateAlias"):
        alias = f"arn:aws:kms:{call.region}:{call.account_id}:{params.get('AliasName', '')}"
        found = [Check(f"kms:{name}", alias, own)]
        if params.get("TargetKeyId"):
            found.append(key_check(call, f"kms:{name}", str(params["TargetKeyId"]), own))
        return found
    if name == "Decrypt" and "KeyId" not in params:
        # The ciphertext says which key it needs.
        sealed = kms.vault(call.account_id, call.region).sealed
        known = sealed.get(str(params.get("CiphertextBlob")))
        return [key_check(call, "kms:Decrypt", known[0] if known else "unknown", own)]
    if name in KMS_ON_KEY and params.get("KeyId"):
        return [key_check(call, f"kms:{name}", str(params["KeyId"]), own)]
    raise not_implemented(f"authorization of kms:{name}")
