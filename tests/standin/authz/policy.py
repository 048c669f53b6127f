"""Policy documents in a form that is quick to evaluate; compiled once per text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..wire import AwsError

ELEMENTS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
    "Resource", "NotResource", "Condition",
}  # fmt: skip
VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Statement:
    """One statement. `conditions` is (operator, key, values) with the key as it was written."""

    index: int
    sid: str
    allow: bool
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    principals: tuple[tuple[str, tuple[str, ...]], ...] | None
    not_principals: bool
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", message, 400)


@lru_cache(maxsize=8192)
def compile_document(text: str) -> tuple[Statement, ...]:
    """Raises `MalformedPolicyDocument` for what AWS would refuse too."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise malformed("This policy contains invalid Json") from error
    if not isinstance(document, dict) or "Statement" not in document:
        raise malformed("Syntax errors in policy.")
    if document.get("Version", "2008-10-17") not in ("2008-10-17", "2012-10-17"):
        raise malformed("The policy document has an invalid Version.")
    return tuple(
        compile_statement(index, statement)
        for index, statement in enumerate(as_list(document["Statement"]))
    )


def compile_statement(index: int, raw: Any) -> Statement:
    if not isinstance(raw, dict) or set(raw) - ELEMENTS:
        raise malformed("Syntax errors in policy.")
    if raw.get("Effect") not in ("Allow", "Deny"):
        raise malformed("Syntax errors in policy.")
    if ("Action" in raw) == ("NotAction" in raw):
        raise malformed("Policy statement must contain actions.")
    principals = raw.get("Principal", raw.get("NotPrincipal"))
    if principals == "*":
        principals = {"AWS": "*"}
    conditions = []
    for operator, entries in (raw.get("Condition") or {}).items():
        if not isinstance(entries, dict):
            raise malformed("Syntax errors in policy.")
        for key, values in entries.items():
            texts = tuple(condition_text(value) for value in as_list(values))
            conditions.append((operator, key, texts))
    return Statement(
        index=index,
        sid=str(raw.get("Sid", "")),
        allow=raw["Effect"] == "Allow",
        actions=tuple(as_list(raw.get("Action", raw.get("NotAction")))),
        not_actions="NotAction" in raw,
        resources=tuple(as_list(raw.get("Resource", raw.get("NotResource", [])))),
        not_resources="NotResource" in raw,
        principals=None
        if principals is None
        else tuple((kind, tuple(as_list(values))) for kind, values in principals.items()),
        not_principals="NotPrincipal" in raw,
        conditions=tuple(conditions),
    )


def condition_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def check_identity_document(text: str) -> None:
    """What the Put and Create calls of identity policies refuse."""
    for statement in compile_document(text):
        if statement.principals is not None:
            raise malformed("Policy document should not specify a principal.")
        if not statement.resources:
            raise malformed("Policy statement must contain resources.")
        for resource in statement.resources:
            if resource != "*" and not resource.startswith(("arn:", "*")):
                raise malformed(
                    f'Resource {resource} must be in ARN format or "*".'
                )
        for action in statement.actions:
            if action != "*" and ":" not in action:
                raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")


@lru_cache(maxsize=16384)
def wildcard(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """`*` is any text, `?` any one character."""
    text = "".join(
        ".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern
    )
    return re.compile(text + r"\Z", re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def substitute(pattern: str, context: dict[str, list[str]]) -> str | None:
    """Puts policy variables in. A variable without a value makes the whole pattern match nothing."""
    if "${" not in pattern:
        return pattern
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = match.group(1).partition(",")
        if name in ("*", "?", "$"):
            return name
        values = context.get(name.strip().lower())
        if values and len(values) == 1:
            return values[0]
        if default:
            return default.strip().strip("'")
        missing = True
        return ""

    text = VARIABLE.sub(value_of, pattern)
    return None if missing else text


def matches_resource(pattern: str, resource: str, context: dict[str, list[str]]) -> bool:
    text = substitute(pattern, context)
    return text is not None and wildcard(text).match(resource) is not None
