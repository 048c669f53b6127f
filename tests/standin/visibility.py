"""What a call meets that comes before a change has spread: the faults `not_visible` and
`newest_not_listed`."""

from __future__ import annotations

from typing import Any

from . import authenticate, kms
from .dispatch import as_json
from .iam import access_keys, authorization_details, store
from .iam.registry import IamCall
from .iam.validation import check_shape
from .request import Call
from .ssm import store as parameters
from .state import STATE, Principal
from .wire import Answer, AwsError, no_such_entity

# Creations see what is there: a name that is taken is taken everywhere.
CREATIONS = {"iam:CreateUser", "ssm:PutParameter"}


def impossible(call: Call, principal: Principal) -> set[str]:
    """The kinds of this module that cannot hit the call."""
    return {
        kind
        for kind, possible in (
            ("not_visible", can_be_invisible(call)),
            ("newest_not_listed", newest_listed(call, principal) is not None),
        )
        if not possible
    }


def newest_listed(call: Call, principal: Principal) -> Any:
    """The user or the key that was made last, where the page that is asked for shows it."""
    if call.action not in LISTS:
        return None
    account = STATE.account(call.account_id)
    try:
        check_shape("iam", call.operation, call.params)
        with account.lock:
            made, shown = LISTS[call.action](IamCall(account, principal, call.params))
    except AwsError:
        return None
    return next((one for one in shown if one is made), None)


def keys(call: IamCall) -> tuple[Any, list[Any]]:
    """The newest key of the user, and those on the page."""
    made = call.user().access_keys
    return (made or [None])[-1], access_keys.page_of_keys(call)["AccessKeyMetadata"]


def users(call: IamCall) -> tuple[Any, list[Any]]:
    """The newest user of the account, and who or what is on the page."""
    made = max(call.backend.users.values(), key=lambda user: user.number, default=None)
    page = authorization_details.page_of_entries(call)["Entries"]
    return made, [entity for *_, entity in page]


LISTS = {"iam:ListAccessKeys": keys, "iam:GetAccountAuthorizationDetails": users}


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


def unknown_caller() -> AwsError:
    return AwsError("InvalidClientTokenId", authenticate.INVALID_KEY, 403)


def answer(call: Call) -> Answer:
    """The answer of a place that has not heard of it, to a caller who may call there.

    Raises the error that says so, where the protocol has one.
    """
    if call.service == "iam":
        raise no_such_entity(f"The user with name {call.params.get('UserName')} cannot be found.")
    if call.service == "kms":
        raise kms.not_found(f"Key '{call.params.get('KeyId')}' does not exist")
    if call.operation == "DescribeParameters":
        return as_json({"Parameters": []})
    if "ResourceId" in call.params:
        raise AwsError("InvalidResourceId", "The resource ID is not valid.")
    raise AwsError("ParameterNotFound", "")
