"""One decision: identity policies, permissions boundary, session policies and resource policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..state import Principal
from ..wire import AwsError
from .conditions import Context, conditions_hold
from .policy import Statement, compile_document, matches_resource, wildcard


@dataclass
class Check:
    """May the caller do `action` on `resource`, with this context?"""

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    # (policy name, text) attached to the resource itself, as for a bucket.
    resource_policy: tuple[str, str] | None = None
    resource_account_id: str = ""


@dataclass
class Decision:
    check: Check
    allowed: bool
    reason: str
    statements: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return {
            "action": self.check.action,
            "resource": self.check.resource,
            "allowed": self.allowed,
            "reason": self.reason,
            "statements": self.statements,
        }


def matching_pattern(statement: Statement, check: Check) -> tuple[str, str] | None:
    """The action and resource patterns by which a statement speaks about a check."""
    action = next(
        (p for p in statement.actions if wildcard(p, ignore_case=True).match(check.action)), None
    )
    if (action is None) != statement.not_actions:
        return None
    resource = next(
        (p for p in statement.resources if matches_resource(p, check.resource, check.context)), None
    )
    # A trust policy has no resources: it speaks about the role that holds it.
    if statement.resources and (resource is None) != statement.not_resources:
        return None
    return (
        action if not statement.not_actions else "not " + ", ".join(statement.actions),
        resource if not statement.not_resources else "not " + ", ".join(statement.resources),
    )  # type: ignore[return-value]


def find(
    policies: list[tuple[str, str]], check: Check, allow: bool, principal: Principal | None = None
) -> list[dict[str, Any]]:
    """Statements of one effect that apply; with a principal, those of a resource policy."""
    found = []
    for name, text in policies:
        for statement in compile_document(text):
            if statement.allow != allow:
                continue
            if principal is not None and not names_principal(statement, principal, allow):
                continue
            patterns = matching_pattern(statement, check)
            if patterns is None or not conditions_hold(statement, check.context):
                continue
            found.append(
                {
                    "policy": name,
                    "sid": statement.sid,
                    "index": statement.index,
                    "action": patterns[0],
                    "resource": patterns[1],
                }
            )
    return found


def principal_names(principal: Principal) -> set[str]:
    """Every way in which a Principal element can name this caller itself."""
    names = {principal.arn, principal.principal_arn}
    if principal.kind == "session":
        names.add(principal.entity.id)
    else:
        names.add(principal.user_id)
    return names


def account_names(principal: Principal) -> set[str]:
    return {principal.account_id, f"arn:aws:iam::{principal.account_id}:root"}


def names_principal(statement: Statement, principal: Principal, allow: bool) -> bool:
    """Whether the Principal element covers the caller, by name or through its account."""
    values: set[str] = set()
    for kind, names in statement.principals or ():
        if kind == "AWS":
            values.update(names)
    covered = bool(
        "*" in values
        or values & principal_names(principal)
        or values & account_names(principal)
    )
    return covered != statement.not_principals


def names_directly(text: str, principal: Principal, check: Check) -> bool:
    """Whether an allowing statement names the caller itself, not only its account."""
    for statement in compile_document(text):
        if not statement.allow or statement.not_principals:
            continue
        values = {n for kind, names in statement.principals or () if kind == "AWS" for n in names}
        if (
            values & (principal_names(principal) | {"*"})
            and matching_pattern(statement, check) is not None
            and conditions_hold(statement, check.context)
        ):
            return True
    return False


def policies_of(entity: Any) -> list[tuple[str, str]]:
    """Inline and attached policies of a user (with its groups), a group or a role."""
    found = [(f"{entity.arn} inline {name}", text) for name, text in list(entity.policies.items())]
    for policy in list(entity.managed_policies.values()):
        found.append((policy.arn, default_document(policy)))
    groups = getattr(entity, "groups", None)
    if groups is not None:
        for group in groups():
            found.extend(policies_of(group))
    return found


def default_document(policy: Any) -> str:
    for version in policy.versions:
        if version.version_id == policy.default_version_id:
            return version.document
    raise AwsError("ServiceFailure", f"policy {policy.arn} has no default version", 500)


def boundary_of(principal: Principal, find_policy: Any) -> tuple[str, str] | None:
    arn = getattr(principal.entity, "permissions_boundary_arn", None)
    if not arn:
        return None
    policy = find_policy(arn)
    if policy is None:
        # A boundary whose policy is gone allows nothing.
        return (arn, '{"Version":"2012-10-17","Statement":[]}')
    return (arn, default_document(policy))


def decide(principal: Principal, check: Check, find_policy: Any) -> Decision:
    """The whole decision for one action on one resource."""
    resource_policies = [check.resource_policy] if check.resource_policy else []
    denied = find(resource_policies, check, allow=False, principal=principal)
    if denied:
        return Decision(check, False, "explicit deny in a resource-based policy", denied)
    granted = find(resource_policies, check, allow=True, principal=principal)
    foreign = bool(check.resource_account_id) and check.resource_account_id != principal.account_id
    if principal.kind == "operator":
        if foreign and not granted:
            return Decision(check, False, "no resource-based policy allows it", [])
        return Decision(check, True, "operator", [])

    identity = policies_of(principal.entity)
    layers: list[tuple[str, list[tuple[str, str]]]] = [("identity-based policy", identity)]
    boundary = boundary_of(principal, find_policy)
    if boundary:
        layers.append(("permissions boundary", [boundary]))
    if principal.session_policies:
        session = [("session policy", text) for text in principal.session_policies]
        layers.append(("session policy", session))
    for name, policies in layers:
        denied = find(policies, check, allow=False)
        if denied:
            return Decision(check, False, f"explicit deny in an {name}", denied)
    used: list[dict[str, Any]] = list(granted)
    for name, policies in layers:
        found = find(policies, check, allow=True)
        if not found:
            # Within one account, a resource policy that names the user is enough by itself.
            if name == "identity-based policy" and granted and not foreign:
                continue
            return Decision(check, False, f"no {name} allows it", [])
        used.extend(found)
    if foreign and not granted:
        return Decision(check, False, "no resource-based policy allows it", [])
    return Decision(check, True, "allowed", used)


def denial(principal: Principal, decision: Decision) -> AwsError:
    """The refusal, worded like that of AWS."""
    action = decision.check.action
    if decision.reason.startswith("explicit deny"):
        why = f"with an {decision.reason}"
    else:
        layer = decision.reason.removesuffix(" allows it")
        why = f"because {layer} allows the {action} action"
    message = (
        f"User: {principal.arn} is not authorized to perform: {action} "
        f"on resource: {decision.check.resource} {why}"
    )
    return AwsError("AccessDenied", message, 403)
