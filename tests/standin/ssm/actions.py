"""Writing, reading, tagging and deleting parameters."""

from __future__ import annotations

import re
from typing import Any

from ..request import Call
from ..state import now
from ..wire import AwsError, not_implemented
from . import store
from .registry import handles

NAME = re.compile(r"[a-zA-Z0-9_.\-/]+\Z")
LONGEST_NAME = 1011
DEEPEST_LEVEL = 15
MOST_TAGS = 50
LIMITS = {"Standard": 4096, "Advanced": 8192}


def invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def check_name(call: Call, name: str) -> None:
    """The rules for the name of a new parameter."""
    first = name.lstrip("/").partition("/")[0].lower()
    if name.lower().startswith("/aws/") or name.lower() == "/aws":
        raise AwsError("AccessDenied", f"No access to reserved parameter name: {name}.")
    if first.startswith(("aws", "ssm")) or not NAME.match(name) or "//" in name or name[-1] == "/":
        prefix = "aws" if first.startswith("aws") else "ssm"
        raise invalid(
            f'Parameter name: can\'t be prefixed with "{prefix}" (case-insensitive). If formed as a '
            "path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed "
            "as a mix of letters, numbers and the following 3 symbols .-_"
        )
    if "/" in name and not name.startswith("/"):
        raise invalid("Parameter name must be a fully qualified name.")
    arn = f"arn:aws:ssm:{call.region}:{call.account_id}:parameter/"
    if len(arn) + len(name.lstrip("/")) > LONGEST_NAME:
        raise invalid("Parameter name: too long.")
    if name.lstrip("/").count("/") + 1 > DEEPEST_LEVEL:
        raise AwsError(
            "HierarchyLevelLimitExceededException",
            f"The hierarchy has more than {DEEPEST_LEVEL} levels.",
        )


def check_value(value: str, tier: str) -> None:
    if not value:
        raise invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member "
            "must have length greater than or equal to 1"
        )
    if len(value.encode()) > LIMITS[tier]:
        raise invalid(
            f"{tier} tier parameters support a maximum parameter value of {LIMITS[tier]} characters."
        )


def tags_of(tags: list[dict[str, str]]) -> dict[str, str]:
    found = {}
    for tag in tags:
        if tag["Key"].lower().startswith("aws:"):
            raise invalid(f"Tag key {tag['Key']} is reserved for AWS")
        if tag["Key"] in found:
            raise invalid(f"Duplicate tag key {tag['Key']}")
        found[tag["Key"]] = tag["Value"]
    return found


def put(
    call: Call, user: str, params: dict[str, Any]
) -> tuple[store.Parameter, store.Version]:
    """Makes a parameter, or a new version of one."""
    for name in ("AllowedPattern", "Policies"):
        if name in params:
            raise not_implemented(f"ssm:PutParameter with {name}")
    name, overwrite = str(params["Name"]), bool(params.get("Overwrite"))
    tags = tags_of(params.get("Tags") or [])
    if tags and overwrite:
        raise invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with "
            "tags, please remove overwrite flag. To update tags for an existing parameter, please use "
            "AddTagsToResource or RemoveTagsFromResource."
        )
    check_name(call, name)
    parameters = store.parameters(call.account_id, call.region)
    parameter = parameters.get(name)
    before = parameter.newest if parameter else None
    if before and not overwrite:
        raise AwsError(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the "
            "request to true.",
        )
    kind = params.get("Type") or (before.kind if before else None)
    if kind is None:
        raise invalid("A parameter type is required when you create a parameter.")
    if before and kind != before.kind:
        raise AwsError(
            "HierarchyTypeMismatchException",
            "Parameter Store doesn't support changing a parameter type in a hierarchy.",
        )
    tier = params.get("Tier") or (before.tier if before else "Standard")
    if tier not in LIMITS:
        raise not_implemented(f"the parameter tier {tier}")
    if before and (before.tier, tier) == ("Advanced", "Standard"):
        raise invalid("This parameter uses the advanced-parameter tier. You can't downgrade it.")
    value = str(params["Value"])
    check_value(value, tier)
    key_id = params.get("KeyId")
    if key_id and kind != "SecureString":
        raise invalid("KeyId is not required for non-SecureString type parameter.")
    if kind == "SecureString" and not key_id:
        key_id = "alias/aws/ssm"
    if parameter is None:
        parameter = store.Parameter(call.account_id, call.region, name, tags=tags)
    version = parameter.add(
        store.Version(
            number=before.number + 1 if before else 1,
            value="",
            kind=kind,
            description=params.get("Description", before.description if before else ""),
            key_id=key_id,
            tier=tier,
            user=user,
            date=now(),
            data_type=params.get("DataType", "text"),
        ),
        value,
    )
    # Only now: a key that does not work leaves nothing behind.
    parameters[name] = parameter
    return parameter, version


@handles("PutParameter")
def put_parameter(call: Call) -> dict[str, Any]:
    _, version = put(call, call.caller_arn, call.params)
    return {"Version": version.number, "Tier": version.tier}


def not_found() -> AwsError:
    # AWS says no more than the code.
    return AwsError("ParameterNotFound", "")


def required(call: Call) -> store.Parameter:
    parameter = store.find(call.account_id, call.region, str(call.params["Name"]))
    if parameter is None:
        raise not_found()
    return parameter


def with_value(
    parameter: store.Parameter, version: store.Version, decrypt: bool
) -> dict[str, Any]:
    return {
        "Name": parameter.name,
        "ARN": parameter.arn,
        "Type": version.kind,
        "Value": parameter.value(version, decrypt),
        "Version": version.number,
        "LastModifiedDate": version.date,
        "DataType": version.data_type,
    }


@handles("GetParameter")
def get_parameter(call: Call) -> dict[str, Any]:
    found = store.find_version(call.account_id, call.region, str(call.params["Name"]))
    if found is None:
        raise not_found()
    return {"Parameter": with_value(*found, bool(call.params.get("WithDecryption")))}


@handles("GetParameters")
def get_parameters(call: Call) -> dict[str, Any]:
    names = [str(name) for name in call.params["Names"]]
    if len(names) > 10:
        raise invalid("Value at 'names' failed to satisfy constraint: Member must have at most 10")
    found, unknown = [], []
    for name in names:
        one = store.find_version(call.account_id, call.region, name)
        if one is None:
            unknown.append(name)
        else:
            found.append(with_value(*one, bool(call.params.get("WithDecryption"))))
    return {"Parameters": found, "InvalidParameters": unknown}


@handles("DeleteParameter")
def delete_parameter(call: Call) -> None:
    parameter = required(call)
    del store.parameters(call.account_id, call.region)[parameter.name]


@handles("DeleteParameters")
def delete_parameters(call: Call) -> dict[str, Any]:
    deleted, unknown = [], []
    parameters = store.parameters(call.account_id, call.region)
    for name in call.params["Names"]:
        (unknown if parameters.pop(name, None) is None else deleted).append(name)
    return {"DeletedParameters": deleted, "InvalidParameters": unknown}


def tagged(call: Call) -> store.Parameter:
    if call.params.get("ResourceType") != "Parameter":
        raise not_implemented(f"tags of an SSM {call.params.get('ResourceType')}")
    parameter = store.find(call.account_id, call.region, str(call.params["ResourceId"]))
    if parameter is None:
        raise AwsError(
            "InvalidResourceId",
            "The resource ID is not valid. Verify that you entered the correct ID and try again.",
        )
    return parameter


@handles("AddTagsToResource")
def add_tags(call: Call) -> None:
    parameter = tagged(call)
    tags = {**parameter.tags, **tags_of(call.params["Tags"])}
    if len(tags) > MOST_TAGS:
        raise AwsError("TooManyTagsError", f"A parameter can have at most {MOST_TAGS} tags.")
    parameter.tags = tags


@handles("RemoveTagsFromResource")
def remove_tags(call: Call) -> None:
    parameter = tagged(call)
    for key in call.params["TagKeys"]:
        parameter.tags.pop(key, None)


@handles("ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    tags = tagged(call).tags
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}
