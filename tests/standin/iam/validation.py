"""Input rules: those of the service model that botocore ships, and those that only the docs tell."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from moto.core.utils import get_service_model

from ..wire import AwsError

# Patterns of the model use Unicode classes that Python's `re` does not know.
SEPARATORS = " \u00a0\u2028\u2029\u3000"
NAME_RULE = "It must contain only alphanumeric characters and/or the following: +=,.@_-"


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    if "\\p{" in pattern:
        pattern = pattern.replace("\\p{L}", "\\w").replace("\\p{N}", "\\w")
        pattern = pattern.replace("\\p{Z}", SEPARATORS)
        return re.compile(f"(?:{pattern})\\Z")
    return re.compile(f"(?:{pattern})\\Z", re.ASCII)


def check_shape(service: str, operation: str, params: dict[str, Any]) -> None:
    """Raises `ValidationError` for the first breach of the model."""
    model = get_service_model(service)
    if operation not in model.operation_names:
        return
    shape = model.operation_model(operation).input_shape
    if shape is not None:
        check(shape, params, "")


def refuse(name: str, rule: str) -> AwsError:
    return AwsError(
        "ValidationError",
        f"1 validation error detected: Value at '{name}' failed to satisfy constraint: {rule}",
    )


def check(shape: Any, value: Any, name: str) -> None:
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            raise refuse(name, "Member must be a structure")
        for member in shape.required_members:
            if member not in value:
                raise refuse(path(name, member), "Member must not be null")
        for member, inner in value.items():
            if member in shape.members:
                check(shape.members[member], inner, path(name, member))
        return
    limits = shape.metadata
    if shape.type_name == "list":
        items = value if isinstance(value, list) else []
        check_length(limits, len(items), name)
        for index, item in enumerate(items, 1):
            check(shape.member, item, f"{name}.{index}.member")
        return
    if shape.type_name == "integer":
        if not re.fullmatch(r"-?\d+", str(value)):
            raise AwsError("MalformedInput", f"{value} at {name} is not a number")
        number = int(value)
        if "min" in limits and number < limits["min"]:
            raise refuse(name, f"Member must have value greater than or equal to {limits['min']}")
        if "max" in limits and number > limits["max"]:
            raise refuse(name, f"Member must have value less than or equal to {limits['max']}")
        return
    if shape.type_name == "string":
        check_length(limits, len(value), name)
        if shape.enum and value not in shape.enum:
            raise refuse(name, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
        pattern = limits.get("pattern")
        if pattern is None:
            # moto's Shape drops the pattern; the plain model keeps it.
            pattern = shape._shape_model.get("pattern")
        if pattern and not compiled(pattern).match(value):
            if pattern == "[\\w+=,.@-]+":
                raise AwsError(
                    "ValidationError", f"The specified value for {name} is invalid. {NAME_RULE}"
                )
            raise refuse(name, f"Member must satisfy regular expression pattern: {pattern}")


def check_length(limits: dict[str, Any], length: int, name: str) -> None:
    if "max" in limits and length > limits["max"]:
        raise refuse(name, f"Member must have length less than or equal to {limits['max']}")
    if "min" in limits and length < limits["min"]:
        raise refuse(name, f"Member must have length greater than or equal to {limits['min']}")


def path(prefix: str, member: str) -> str:
    name = member[0].lower() + member[1:]
    return f"{prefix}.{name}" if prefix else name


def check_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    """The tags as a mapping. Keys are compared without regard to case, as IAM does."""
    seen: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            raise AwsError(
                "InvalidInput",
                "Caller is an end user and not allowed to mutate system tags: tag keys that start "
                "with aws: are reserved",
            )
        if key.lower() in seen:
            raise AwsError(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            )
        seen[key.lower()] = key
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def limit_exceeded(message: str) -> AwsError:
    return AwsError("LimitExceeded", message, 409)


def policy_size(text: str) -> int:
    """White space does not count against the size of a policy."""
    return len(re.sub(r"\s", "", text))
