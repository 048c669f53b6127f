"""Control commands about keys, passwords and secrets: what a test must know or arrange and what AWS
would not tell or let anybody do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from . import kms
from .iam import store
from .iam.access_keys import owner_of
from .iam.login import make_password_policy
from .request import Call
from .ssm import actions
from .ssm import store as parameters
from .state import STATE
from .wire import AwsError

DEFAULT_REGION = "us-east-1"
# Reserved tags of the product whose values carry a time.
TAGS_WITH_TIME = ("crossaccount:retiring-key", "crossaccount:key-intent")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)")


def set_key(request: dict[str, Any]) -> None:
    """Changes the dates of an access key; `last_used` null makes it never used."""
    _, key = owner_of(request["account_id"], request["access_key_id"])
    if "create_date" in request:
        key.create_date = store.parse_date(request["create_date"])
    if "last_used" in request:
        used = request["last_used"]
        key.used = None
        if used is not None:
            key.used = (
                store.parse_date(used["date"]),
                used.get("service", "iam"),
                used.get("region", DEFAULT_REGION),
            )


def set_user(request: dict[str, Any]) -> None:
    user = store.get_user(request["account_id"], request["user_name"])
    if "create_date" in request:
        user.create_date = store.parse_date(request["create_date"])
    if "password_last_used" in request:
        user.password_last_used = store.parse_date(request["password_last_used"])
    if "unique_id" in request:
        user.id = request["unique_id"]


def age_user(request: dict[str, Any]) -> None:
    """Lets days pass for one user: everything about it that has a date gets older."""
    account_id = request["account_id"]
    by = timedelta(days=float(request["days"]))
    with STATE.account(account_id).lock:
        user = store.get_user(account_id, request["user_name"])
        user.create_date -= by
        if user.password_last_used:
            user.password_last_used -= by
        if user.login_profile is not None:
            user.login_profile["CreateDate"] -= by
        for key in user.access_keys:
            key.create_date -= by
            if key.used is not None:
                key.used = (key.used[0] - by, *key.used[1:])
        for tag in TAGS_WITH_TIME:
            if tag in user.tag_values:
                user.tag_values[tag] = earlier(user.tag_values[tag], by)


def earlier(text: str, by: timedelta) -> str:
    """The text with the times in it moved back; fractions of a second and offsets stay."""

    def moved(match: re.Match[str]) -> str:
        return (datetime.fromisoformat(match.group(0)) - by).strftime("%Y-%m-%dT%H:%M:%S")

    return TIME.sub(moved, text)


def read_user(request: dict[str, Any]) -> dict[str, Any]:
    """Keys with their secrets, and the console password with its flag."""
    user = store.get_user(request["account_id"], request["user_name"])
    login = None
    if user.login_profile is not None:
        login = {
            "password": user.password,
            "reset_required": user.login_profile["PasswordResetRequired"],
            "create_date": user.login_profile["CreateDate"].isoformat(),
        }
    keys = [
        {
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
            "active": key.status == "Active",
            "create_date": key.create_date.isoformat(),
            "last_used": key.used[0].isoformat() if key.used else None,
        }
        for key in sorted(user.access_keys, key=lambda key: key.create_date)
    ]
    return {"keys": keys, "login": login, "tags": user.tag_values}


def set_password_policy(request: dict[str, Any]) -> None:
    """Named as in `UpdateAccountPasswordPolicy`, whose limits do not hold here: a policy that IAM itself refuses today.
    Null removes it."""
    policy = request["policy"]
    account = STATE.account(request["account_id"])
    account.password_policy = None if policy is None else make_password_policy(policy)


def set_key_delay(request: dict[str, Any]) -> None:
    """The first `uses` calls with each key that is created from now on are refused."""
    account = STATE.account(request["account_id"])
    account.refused_uses_of_new_keys = int(request["uses"])


def shown_parameter(parameter: parameters.Parameter) -> dict[str, Any]:
    newest = parameter.newest
    return {
        "name": parameter.name,
        "value": clear_value(parameter),
        "type": newest.kind,
        "description": newest.description,
        "key_id": newest.key_id,
        "tier": newest.tier,
        "version": newest.number,
        "tags": parameter.tags,
    }


def clear_value(parameter: parameters.Parameter) -> str:
    """Also when the key is disabled or gone: this is not a call of AWS."""
    newest = parameter.newest
    if newest.kind != "SecureString":
        return newest.value
    return kms.vault(parameter.account_id, parameter.region).sealed[newest.value][2]


def list_parameters(request: dict[str, Any]) -> dict[str, Any]:
    """All parameters of an account and region in clear, by name."""
    region = request.get("region", DEFAULT_REGION)
    found = parameters.parameters(request["account_id"], region)
    return {"parameters": [shown_parameter(found[name]) for name in sorted(found)]}


def put_parameter(request: dict[str, Any]) -> None:
    """As `PutParameter` by somebody else: `parameter` is its request."""
    account_id = request["account_id"]
    call = Call({}, "POST", "/", "", {}, b"", region=request.get("region", DEFAULT_REGION))
    call.account_id = account_id
    with STATE.account(account_id).lock:
        actions.put(call, f"arn:aws:iam::{account_id}:user/somebody", request["parameter"])


def create_kms_key(request: dict[str, Any]) -> dict[str, Any]:
    key = kms.create(
        request["account_id"],
        request.get("region", DEFAULT_REGION),
        alias=request.get("alias"),
        spec=request.get("spec", "SYMMETRIC_DEFAULT"),
        usage=kms.USAGES[request.get("spec", "SYMMETRIC_DEFAULT")],
    )
    return {"key_id": key.key_id, "arn": key.arn}


def set_kms_key_state(request: dict[str, Any]) -> None:
    """`key` is an id, an ARN or an alias; `state` is `Enabled`, `Disabled` or `PendingDeletion`."""
    if request["state"] not in ("Enabled", "Disabled", "PendingDeletion"):
        raise AwsError("ValidationException", f"unknown state {request['state']}")
    key = kms.find(request["account_id"], request.get("region", DEFAULT_REGION), request["key"])
    key.state = request["state"]


COMMANDS = {
    "keys/set": set_key,
    "users/set": set_user,
    "users/age": age_user,
    "users/read": read_user,
    "accounts/password-policy": set_password_policy,
    "accounts/key-delay": set_key_delay,
    "parameters/list": list_parameters,
    "parameters/put": put_parameter,
    "kms/create": create_kms_key,
    "kms/state": set_kms_key_state,
}
