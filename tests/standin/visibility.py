"""What a call meets that comes before a change has spread: the fault `not_visible`."""

from __future__ import annotations

from . import kms
from .dispatch import as_json
from .iam import store
from .request import Call
from .ssm import store as parameters
from .wire import Answer, AwsError, no_such_entity

# Creations see what is there: a name that is taken is taken everywhere.
CREATIONS = {"iam:CreateUser", "ssm:PutParameter"}


def can_be_invisible(call: Call) -> bool:
    """Whether the call names something that exists, or lists things."""
    if call.action in CREATIONS:
        return False
    params = call.params
    if call.service == "iam":
        name = params.get("UserName")
        return isinstance(name, str) and name in store.backend(call.account_id).users
    if call.service == "ssm":
        if call.operation == "DescribeParameters":
            return True
        name = params.get("Name") or params.get("ResourceId")
        return parameters.find(call.account_id, call.region, str(name)) is not None
    if call.service == "kms":
        name = params.get("KeyId")
        return kms.find_or_none(call.account_id, call.region, str(name)) is not None
    return call.action == "sts:GetCallerIdentity"


def answer(call: Call) -> Answer:
    """The answer of a place that has not heard of it.

    Raises the error that says so, where the protocol has one.
    """
    if call.service == "iam":
        raise no_such_entity(f"The user with name {call.params.get('UserName')} cannot be found.")
    if call.service == "sts":
        raise AwsError(
            "InvalidClientTokenId", "The security token included in the request is invalid.", 403
        )
    if call.service == "kms":
        raise kms.not_found(f"Key '{call.params.get('KeyId')}' does not exist")
    if call.operation == "DescribeParameters":
        return as_json({"Parameters": []})
    if "ResourceId" in call.params:
        raise AwsError("InvalidResourceId", "The resource ID is not valid.")
    raise AwsError("ParameterNotFound", "")
