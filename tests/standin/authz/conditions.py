"""Condition blocks. An operator or a key that is not known here stops the call loudly."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import datetime, timezone

from ..wire import not_implemented
from .policy import Statement, substitute, wildcard

Context = dict[str, list[str]]

# Keys that a call may carry. A key that is absent here would silently never match.
KNOWN_KEYS = {
    "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principaltype",
    "aws:userid", "aws:username", "aws:sourceip", "aws:securetransport", "aws:currenttime",
    "aws:epochtime", "aws:requestedregion", "aws:useragent", "aws:multifactorauthpresent",
    "aws:multifactorauthage", "aws:tokenissuetime", "aws:resourceaccount", "aws:resourceorgid",
    "aws:sourceidentity", "aws:viaawsservice", "aws:calledvia", "aws:tagkeys",
    "aws:principalisawsservice", "aws:sourcevpce", "aws:sourcevpc", "aws:sourceaccount",
    "aws:sourcearn", "aws:referer",
    "sts:externalid", "sts:rolesessionname", "sts:sourceidentity", "sts:transitivetagkeys",
    "iam:permissionsboundary", "iam:policyarn", "iam:awsservicename", "iam:passedtoservice",
    "iam:servicespecificcredentialservicename",
    "s3:prefix", "s3:delimiter", "s3:max-keys", "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:x-amz-acl", "s3:if-none-match",
    "s3:if-match", "s3:resourceaccount", "s3:tlsversion", "s3:authtype", "s3:signatureversion",
    "s3:object-lock-mode", "s3:requestobjecttagkeys",
    "ssm:overwrite", "ssm:recursive", "kms:viaservice", "kms:calleraccount",
    "kms:encryptioncontextkeys", "kms:resourcealiases", "kms:requestalias",
}  # fmt: skip
KNOWN_PREFIXES = (
    "aws:requesttag/", "aws:resourcetag/", "aws:principaltag/", "iam:resourcetag/",
    "ssm:resourcetag/", "kms:encryptioncontext:", "s3:requestobjecttag/",
    "s3:existingobjecttag/",
)  # fmt: skip


def arn_like(pattern: str, value: str) -> bool:
    """Each of the six parts is compared on its own, so `*` does not run over a colon."""
    wanted, given = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(given) and all(
        wildcard(part).match(other) for part, other in zip(wanted, given, strict=True)
    )


def moment(text: str) -> datetime:
    if text.replace(".", "", 1).isdigit():
        return datetime.fromtimestamp(float(text), timezone.utc)
    parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def in_network(pattern: str, value: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(pattern, strict=False)


Test = Callable[[str, str], bool]
OPERATORS: dict[str, Test] = {
    "StringEquals": lambda pattern, value: pattern == value,
    "StringEqualsIgnoreCase": lambda pattern, value: pattern.lower() == value.lower(),
    "StringLike": lambda pattern, value: wildcard(pattern).match(value) is not None,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda pattern, value: pattern.lower() == value.lower(),
    "NumericEquals": lambda pattern, value: float(value) == float(pattern),
    "NumericLessThan": lambda pattern, value: float(value) < float(pattern),
    "NumericLessThanEquals": lambda pattern, value: float(value) <= float(pattern),
    "NumericGreaterThan": lambda pattern, value: float(value) > float(pattern),
    "NumericGreaterThanEquals": lambda pattern, value: float(value) >= float(pattern),
    "DateEquals": lambda pattern, value: moment(value) == moment(pattern),
    "DateLessThan": lambda pattern, value: moment(value) < moment(pattern),
    "DateLessThanEquals": lambda pattern, value: moment(value) <= moment(pattern),
    "DateGreaterThan": lambda pattern, value: moment(value) > moment(pattern),
    "DateGreaterThanEquals": lambda pattern, value: moment(value) >= moment(pattern),
    "IpAddress": in_network,
}
# Negated operators: true when no value of the policy matches, and when the key is absent.
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def conditions_hold(statement: Statement, context: Context) -> bool:
    return all(
        condition_holds(operator, key, patterns, context)
        for operator, key, patterns in statement.conditions
    )


def condition_holds(operator: str, key: str, patterns: tuple[str, ...], context: Context) -> bool:
    name = key.lower()
    if name not in KNOWN_KEYS and not name.startswith(KNOWN_PREFIXES):
        raise not_implemented(f"the condition key {key}")
    values = context.get(name)
    set_operator, separator, base = operator.partition(":")
    if not separator:
        set_operator, base = "", operator
    elif set_operator not in ("ForAllValues", "ForAnyValue"):
        raise not_implemented(f"the condition operator {operator}")
    if base == "Null":
        return all((pattern.lower() == "true") == (values is None) for pattern in patterns)
    if_exists = base.endswith("IfExists")
    base = base.removesuffix("IfExists")
    negated = base in NEGATED
    test = OPERATORS.get(NEGATED.get(base, base))
    if test is None:
        raise not_implemented(f"the condition operator {operator}")
    if values is None:
        if set_operator == "ForAllValues":
            return True
        if set_operator == "ForAnyValue":
            return if_exists
        return negated or if_exists
    wanted = [text for pattern in patterns if (text := substitute(pattern, context)) is not None]

    def one(value: str) -> bool:
        return any(test(pattern, value) for pattern in wanted) != negated

    if set_operator == "ForAllValues":
        return all(one(value) for value in values)
    if set_operator == "ForAnyValue":
        return any(one(value) for value in values)
    # Without a set operator a key with several values is outside of what IAM defines.
    return len(values) > 0 and all(one(value) for value in values)
