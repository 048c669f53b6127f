"""Condition keys that every call carries, whatever it does."""

from __future__ import annotations

from datetime import datetime, timezone

from ..request import Call
from ..state import STATE, Principal
from .conditions import Context


def global_context(call: Call, principal: Principal) -> Context:
    moment = datetime.now(timezone.utc)
    context: Context = {
        "aws:principalarn": [principal.principal_arn],
        "aws:principalaccount": [principal.account_id],
        "aws:principaltype": ["AssumedRole" if principal.kind == "session" else "User"],
        "aws:userid": [principal.user_id],
        "aws:sourceip": ["127.0.0.1"],
        # We speak HTTP on loopback in the place of an AWS endpoint, which is always TLS.
        "aws:securetransport": ["true"],
        "aws:currenttime": [moment.strftime("%Y-%m-%dT%H:%M:%SZ")],
        "aws:epochtime": [str(int(moment.timestamp()))],
        "aws:requestedregion": [call.region],
        "aws:useragent": [call.headers.get("user-agent", "")],
        "aws:viaawsservice": ["false"],
        "aws:principalisawsservice": ["false"],
    }
    organization = STATE.organization_of(principal.account_id)
    if organization:
        context["aws:principalorgid"] = [organization]
    if principal.kind == "session":
        context["aws:multifactorauthpresent"] = ["false"]
        if principal.issued:
            context["aws:tokenissuetime"] = [principal.issued.strftime("%Y-%m-%dT%H:%M:%SZ")]
        for tag in getattr(principal.entity, "tags", None) or []:
            context[f"aws:principaltag/{tag['Key'].lower()}"] = [tag["Value"]]
        for name, value in principal.session_tags.items():
            context[f"aws:principaltag/{name.lower()}"] = [value]
    else:
        context["aws:username"] = [principal.arn.rpartition("/")[2]]
        for tag in getattr(principal.entity, "tags", None) or []:
            context[f"aws:principaltag/{tag['Key'].lower()}"] = [tag["Value"]]
    if principal.source_identity:
        context["aws:sourceidentity"] = [principal.source_identity]
    return context


def resource_account(context: Context, account_id: str) -> None:
    context["aws:resourceaccount"] = [account_id]
    organization = STATE.organization_of(account_id)
    if organization:
        context["aws:resourceorgid"] = [organization]
