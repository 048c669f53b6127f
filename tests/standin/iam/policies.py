"""Managed policies: how lists show them, and the call where moto forgets what still uses them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..authz.policy import check_identity_document
from ..wire import AwsError, no_such_entity
from . import store
from .registry import IamCall, handles
from .validation import limit_exceeded, policy_size


def summary(policy: Any) -> dict[str, str]:
    """A policy as the lists of those show it to whom it is attached."""
    return {"PolicyName": policy.name, "PolicyArn": policy.arn}


def encoded(document: str) -> str:
    """Documents are percent-encoded as RFC 3986 says."""
    return quote(document, safe="")


@handles("DeletePolicy")
def delete_policy(call: IamCall) -> None:
    arn = call.text("PolicyArn")
    policy = call.backend.managed_policies.get(arn)
    if policy is None:
        raise no_such_entity(f"Policy {arn} was not found.")
    if arn.startswith("arn:aws:iam::aws:"):
        raise AwsError("AccessDenied", "Cannot delete an AWS managed policy.", 403)
    if policy.attachment_count > 0 or store.boundary_usage(call.account.account_id, arn):
        message = "Cannot delete a policy attached to entities."
        raise AwsError("DeleteConflict", message, 409)
    if len(policy.versions) > 1:
        message = "This policy has more than one version. Before you delete a policy, you must delete the policy's versions."
        raise AwsError("DeleteConflict", message, 409)
    del call.backend.managed_policies[arn]


def check_managed_document(call: IamCall) -> None:
    document = call.text("PolicyDocument")
    check_identity_document(document)
    quota = call.account.quota("PolicySizeQuota")
    if policy_size(document) > quota:
        raise limit_exceeded(f"Cannot exceed quota for PolicySize: {quota}")
