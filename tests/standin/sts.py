"""STS: who am I, and assuming roles with trust policy, limits and session policies."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from .authz.conditions import Context
from .authz.context import global_context, resource_account
from .authz.evaluate import (
    Check,
    Decision,
    boundary_of,
    decide,
    denial,
    find,
    names_directly,
)
from .authz.policy import compile_document
from .iam import store
from .iam.validation import check_tags
from .request import Call
from .state import FORBIDDEN_ACCOUNT, STATE, Credential, Principal, now, secret_text, unique_id
from .wire import AwsError, not_implemented

ROLE_ARN = re.compile(r"arn:aws:iam::(\d{12}):role((?:/[\x21-\x7e]+)?/)([\w+=,.@-]{1,64})\Z")
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}\Z", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}\Z", re.ASCII)
SOURCE_IDENTITY = re.compile(r"[\w+=,.@-]{2,64}\Z", re.ASCII)
CHAINED_MAXIMUM = 3600


def role_account(call: Call) -> str | None:
    """The account of the role that a call wants to assume, for the log and for faults."""
    match = ROLE_ARN.match(str(call.params.get("RoleArn", "")))
    return match.group(1) if match else None


def answer(call: Call, principal: Principal, decisions: list[Decision]) -> dict[str, Any]:
    if call.operation == "GetCallerIdentity":
        return {
            "UserId": principal.user_id,
            "Account": principal.account_id,
            "Arn": principal.arn,
        }
    if call.operation == "AssumeRole":
        return assume_role(call, principal, decisions)
    raise not_implemented(call.action)


def invalid(name: str, value: str, rule: str) -> AwsError:
    return AwsError(
        "ValidationError",
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {rule}",
    )


def validated(call: Call) -> tuple[str, str, int]:
    """Session name, external id and duration; raises for what STS refuses before looking."""
    params = call.params
    arn = str(params.get("RoleArn", ""))
    if not 20 <= len(arn) <= 2048:
        raise invalid("roleArn", arn, "Member must have length between 20 and 2048")
    if not ROLE_ARN.match(arn):
        raise AwsError("ValidationError", f"{arn} is invalid")
    name = str(params.get("RoleSessionName", ""))
    if not SESSION_NAME.match(name):
        raise invalid(
            "roleSessionName",
            name,
            "Member must satisfy regular expression pattern: [\\w+=,.@-]* and have 2 to 64 characters",
        )
    external_id = str(params.get("ExternalId", ""))
    if "ExternalId" in params and not EXTERNAL_ID.match(external_id):
        raise invalid(
            "externalId",
            external_id,
            "Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*",
        )
    text = str(params.get("DurationSeconds", 3600))
    if not text.isdigit() or int(text) < 900:
        raise invalid("durationSeconds", text, "Member must have value greater than or equal to 900")
    if int(text) > 43200:
        raise invalid("durationSeconds", text, "Member must have value less than or equal to 43200")
    identity = str(params.get("SourceIdentity", ""))
    if "SourceIdentity" in params and not SOURCE_IDENTITY.match(identity):
        raise invalid(
            "sourceIdentity", identity, "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        )
    return name, external_id, int(text)


def session_policies(call: Call, account_id: str) -> list[str]:
    texts = []
    inline = call.params.get("Policy")
    if inline is not None:
        if not 1 <= len(inline) <= 2048:
            raise invalid("policy", "...", "Member must have length less than or equal to 2048")
        try:
            json.loads(inline)
        except ValueError as error:
            raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from error
        compile_document(inline)
        texts.append(inline)
    for entry in call.params.get("PolicyArns", []):
        policy = store.find_policy(account_id, entry.get("arn", ""))
        if policy is None:
            raise AwsError("ValidationError", f"Policy {entry.get('arn')} does not exist")
        texts.append(policy.versions[-1].document)
    return texts


def refuse(principal: Principal, action: str, arn: str) -> AwsError:
    return AwsError(
        "AccessDenied",
        f"User: {principal.arn} is not authorized to perform: {action} on resource: {arn}",
        403,
    )


def assume_role(call: Call, principal: Principal, decisions: list[Decision]) -> dict[str, Any]:
    name, external_id, duration = validated(call)
    arn = str(call.params["RoleArn"])
    match = ROLE_ARN.match(arn)
    assert match is not None
    account_id, _, role_name = match.groups()
    known = account_id in STATE.accounts and account_id != FORBIDDEN_ACCOUNT
    role = store.find_role(account_id, role_name) if known else None
    if role is None or role.arn != arn:
        # STS does not tell a missing role from a forbidden one.
        raise refuse(principal, "sts:AssumeRole", arn)
    tags = check_tags(call.params.get("Tags", []))
    transitive = list(call.params.get("TransitiveTagKeys", []))
    identity = str(call.params.get("SourceIdentity", ""))
    if principal.source_identity and identity not in ("", principal.source_identity):
        raise refuse(principal, "sts:SetSourceIdentity", arn)

    context = global_context(call, principal)
    resource_account(context, account_id)
    if identity:
        context["sts:sourceidentity"] = [identity]
    for key, value in tags.items():
        context[f"aws:requesttag/{key.lower()}"] = [value]
    if tags:
        context["aws:tagkeys"] = list(tags)
    if transitive:
        context["sts:transitivetagkeys"] = transitive
    for tag in role.tags or []:
        for prefix in ("aws", "iam"):
            context[f"{prefix}:resourcetag/{tag['Key'].lower()}"] = [tag["Value"]]

    # Two keys belong to AssumeRole alone; the calls that come with it are judged without them.
    of_session: Context = {"sts:rolesessionname": [name]}
    if external_id:
        of_session["sts:externalid"] = [external_id]
    checks = [Check("sts:AssumeRole", arn, {**context, **of_session})]
    if tags:
        checks.append(Check("sts:TagSession", arn, context))
    if identity or principal.source_identity:
        checks.append(Check("sts:SetSourceIdentity", arn, context))
    for check in checks:
        decision = may_assume(principal, role, account_id, check)
        decisions.append(decision)
        if not decision.allowed:
            raise denial(principal, decision)

    chained = principal.kind == "session"
    if chained and duration > CHAINED_MAXIMUM:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    if duration > int(role.max_session_duration or 3600):
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    kept = {
        key: value
        for key, value in principal.session_tags.items()
        if key in principal.transitive_tag_keys
    }
    session = Principal(
        kind="session",
        account_id=account_id,
        arn=f"arn:aws:sts::{account_id}:assumed-role/{role.name}/{name}",
        user_id=f"{role.id}:{name}",
        entity=role,
        session_name=name,
        session_policies=session_policies(call, account_id),
        session_tags={**kept, **tags},
        transitive_tag_keys=[*principal.transitive_tag_keys, *transitive],
        source_identity=identity or principal.source_identity,
        issued=now(),
    )
    credential = Credential(
        access_key_id=unique_id("ASIA", 16),
        secret=secret_text(),
        token="IQoJ" + secret_text(360),
        expires=now() + timedelta(seconds=duration),
        principal=session,
    )
    STATE.add_credential(credential)
    role.last_used = now()
    result: dict[str, Any] = {
        "Credentials": {
            "AccessKeyId": credential.access_key_id,
            "SecretAccessKey": credential.secret,
            "SessionToken": credential.token,
            "Expiration": credential.expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
    }
    if session.source_identity:
        result["SourceIdentity"] = session.source_identity
    return result


def may_assume(principal: Principal, role: Any, account_id: str, check: Check) -> Decision:
    """The trust policy must allow it; and so must the caller's own policies, unless the trust
    policy names a caller of the same account directly."""
    trust = (f"{role.arn} trust policy", role.assume_role_policy_document)
    denied = find([trust], check, allow=False, principal=principal)
    if denied:
        return Decision(check, False, "explicit deny in a resource-based policy", denied)
    trusted = find([trust], check, allow=True, principal=principal)
    if not trusted:
        return Decision(check, False, "no resource-based policy allows it", [])
    if principal.kind == "operator":
        return Decision(check, True, "allowed", trusted)
    own = decide(principal, check, lambda arn: store.find_policy(principal.account_id, arn))
    same_account = principal.account_id == account_id
    if not own.allowed and same_account and own.reason == "no identity-based policy allows it":
        limited = boundary_of(
            principal, lambda arn: store.find_policy(principal.account_id, arn)
        )
        if names_directly(trust[1], principal, check) and not limited:
            return Decision(check, True, "allowed", trusted)
    if not own.allowed:
        return own
    return Decision(check, True, "allowed", [*trusted, *own.statements])
