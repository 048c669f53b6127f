"""What a call meets that comes before a change has spread: the faults `not_visible` and
`newest_not_listed`."""

from __future__ import annotations

from . import kms
from .dispatch import as_json, serialize
from .iam import access_keys, authorization_details, store
from .iam.validation import check_shape
from .request import Call
from .ssm import store as parameters
from .wire import Answer, AwsError, new_request_id, no_such_entity

# Creations see what is there: a name that is taken is taken everywhere.
CREATIONS = {"iam:CreateUser", "ssm:PutParameter"}


def impossible(call: Call) -> set[str]:
    """The kinds of this module that cannot hit the call."""
    return {
        kind
        for kind, possible in (
            ("not_visible", can_be_invisible(call)),
            ("newest_not_listed", bool(listed_keys(call)) or newest_user(call) is not None),
        )
        if not possible
    }


def listed_keys(call: Call) -> list[access_keys.Key]:
    """The keys that `ListAccessKeys` is about, in the order of their creation."""
    if call.action != "iam:ListAccessKeys":
        return []
    user = store.backend(call.account_id).users.get(call.params.get("UserName"))
    return list(user.access_keys) if user else []


def newest_user(call: Call) -> store.StandInUser | None:
    """The user that was made last, where the call is about all users at once."""
    if call.action != "iam:GetAccountAuthorizationDetails":
        return None
    return next(reversed(store.backend(call.account_id).users.values()), None)


def without_newest(call: Call) -> Answer:
    """The list of a place that has not heard of the newest key, or of the newest user."""
    user = newest_user(call)
    if user is not None:
        check_shape("iam", call.operation, call.params)
        result = authorization_details.details(call.account_id, call.params, unheard=user)
        return serialize("iam", call.operation, result, new_request_id())
    keys = [access_keys.listed(key) for key in listed_keys(call)[:-1]]
    result = {"AccessKeyMetadata": keys, "IsTruncated": False}
    return serialize("iam", "ListAccessKeys", result, new_request_id())


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
