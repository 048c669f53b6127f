"""Lists of parameters: pages and filters."""

from __future__ import annotations

import base64
from typing import Any

from ..request import Call
from ..wire import AwsError, not_implemented
from . import store
from .actions import invalid, required, with_value
from .registry import handles

# Filter keys and the options that each knows, the default first.
OPTIONS = {
    "Name": ("Equals", "BeginsWith", "Contains"),
    "Path": ("OneLevel", "Recursive"),
    "Type": ("Equals", "BeginsWith"),
    "KeyId": ("Equals", "BeginsWith"),
    "Tier": ("Equals",),
    "DataType": ("Equals",),
}


def metadata(parameter: store.Parameter, version: store.Version) -> dict[str, Any]:
    """What can be known without the value."""
    shown = {
        "Name": parameter.name,
        "ARN": parameter.arn,
        "Type": version.kind,
        "LastModifiedDate": version.date,
        "LastModifiedUser": version.user,
        "Version": version.number,
        "Tier": version.tier,
        "Policies": [],
        "DataType": version.data_type,
    }
    if version.key_id is not None:
        shown["KeyId"] = version.key_id
    if version.description:
        shown["Description"] = version.description
    return shown


def matches(parameter: store.Parameter, one: dict[str, Any]) -> bool:
    """Whether one filter holds: one of its values does."""
    key, values = str(one.get("Key", "")), one.get("Values") or []
    if key.startswith("tag:"):
        if one.get("Option", "Equals") != "Equals":
            raise AwsError("InvalidFilterOption", f"Option {one['Option']} is not valid for {key}")
        value = parameter.tags.get(key.removeprefix("tag:"))
        return value is not None and (not values or value in values)
    if key not in OPTIONS:
        raise AwsError("InvalidFilterKey", f"The filter key {key} is not valid.")
    option = one.get("Option", OPTIONS[key][0])
    if option not in OPTIONS[key]:
        raise AwsError("InvalidFilterOption", f"The filter option {option} is not valid for {key}.")
    if not values:
        raise AwsError("InvalidFilterValue", f"The filter {key} has no values.")
    version = parameter.newest
    if key == "Path":
        return any(below(parameter.name, path, option == "Recursive") for path in values)
    own = {
        "Name": parameter.name,
        "Type": version.kind,
        "KeyId": version.key_id or "",
        "Tier": version.tier,
        "DataType": version.data_type,
    }[key]
    if option == "BeginsWith":
        return any(own.startswith(value) for value in values)
    if option == "Contains":
        return any(value in own for value in values)
    # A name is one with and without its leading slash only when that is how it was made.
    return own in values


def below(name: str, path: str, recursive: bool) -> bool:
    if not path.startswith("/"):
        raise invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must "
            'begin with a forward slash "/".'
        )
    prefix = path.rstrip("/") + "/"
    rest = name[len(prefix) :] if name.startswith(prefix) else ""
    return bool(rest) and (recursive or "/" not in rest)


def page(call: Call, items: list[Any], default: int, most: int) -> tuple[list[Any], dict[str, str]]:
    """A part of a list in its order, and `NextToken` when there is more."""
    limit = int(call.params.get("MaxResults", default))
    if not 1 <= limit <= most:
        raise invalid(
            f"1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy "
            f"constraint: Member must have value less than or equal to {most}"
        )
    token = call.params.get("NextToken")
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The specified token isn't valid.") from error
    end = start + limit
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return items[start:end], more


def sorted_parameters(call: Call) -> list[store.Parameter]:
    found = store.parameters(call.account_id, call.region)
    return [found[name] for name in sorted(found)]


@handles("DescribeParameters")
def describe_parameters(call: Call) -> dict[str, Any]:
    """A page is cut before tags are compared, so it can be short or empty with more to come, as
    that of AWS can."""
    if call.params.get("Filters"):
        raise not_implemented("ssm:DescribeParameters with Filters, use ParameterFilters")
    filters = call.params.get("ParameterFilters") or []
    by_tag = [one for one in filters if str(one.get("Key", "")).startswith("tag:")]
    others = [one for one in filters if one not in by_tag]
    found = [p for p in sorted_parameters(call) if all(matches(p, one) for one in others)]
    part, more = page(call, found, default=50, most=50)
    part = [p for p in part if all(matches(p, one) for one in by_tag)]
    return {"Parameters": [metadata(p, p.newest) for p in part], **more}


@handles("GetParametersByPath")
def get_parameters_by_path(call: Call) -> dict[str, Any]:
    path, recursive = str(call.params["Path"]), bool(call.params.get("Recursive"))
    filters = call.params.get("ParameterFilters") or []
    found = [
        p
        for p in sorted_parameters(call)
        if below(p.name, path, recursive) and all(matches(p, one) for one in filters)
    ]
    part, more = page(call, found, default=10, most=10)
    decrypt = bool(call.params.get("WithDecryption"))
    return {"Parameters": [with_value(p, p.newest, decrypt) for p in part], **more}


@handles("GetParameterHistory")
def get_parameter_history(call: Call) -> dict[str, Any]:
    parameter = required(call)
    part, more = page(call, parameter.versions, default=50, most=50)
    decrypt = bool(call.params.get("WithDecryption"))
    shown = []
    for version in part:
        one = metadata(parameter, version)
        del one["ARN"]
        shown.append({**one, "Value": parameter.value(version, decrypt), "Labels": []})
    return {"Parameters": shown, **more}
