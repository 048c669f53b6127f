"""Console passwords and the password policy of an account."""

from __future__ import annotations

import string
from typing import Any

from ..state import now
from ..wire import AwsError, no_such_entity
from . import store
from .registry import IamCall, handles

POLICY_DEFAULTS = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
}
SYMBOLS = set("!@#$%^&*()_+-=[]{}|'")


def is_true(text: Any) -> bool:
    return str(text).lower() == "true"


def check_password(call: IamCall, password: str) -> None:
    """The account's own policy, or the one that AWS applies when there is none."""
    policy = call.account.password_policy
    kinds = {
        "RequireUppercaseCharacters": any(c in string.ascii_uppercase for c in password),
        "RequireLowercaseCharacters": any(c in string.ascii_lowercase for c in password),
        "RequireNumbers": any(c in string.digits for c in password),
        "RequireSymbols": any(c in SYMBOLS for c in password),
    }
    if policy is None:
        good = len(password) >= 8 and sum(kinds.values()) >= 3
    else:
        good = len(password) >= policy["MinimumPasswordLength"]
        good = good and all(held for name, held in kinds.items() if policy[name])
    if not good:
        raise AwsError(
            "PasswordPolicyViolation",
            "Password does not conform to the account password policy.",
            400,
        )


def profile_of(call: IamCall) -> tuple[store.StandInUser, dict[str, Any]]:
    user = call.user()
    if user.login_profile is None:
        raise no_such_entity(f"Login Profile for User {user.name} cannot be found.")
    return user, user.login_profile


def shown(user: store.StandInUser) -> dict[str, Any]:
    profile = user.login_profile or {}
    return {
        "LoginProfile": {
            "UserName": user.name,
            "CreateDate": profile["CreateDate"],
            "PasswordResetRequired": profile["PasswordResetRequired"],
        }
    }


@handles("CreateLoginProfile")
def create_login_profile(call: IamCall) -> dict[str, Any]:
    user = call.user()
    if user.login_profile is not None:
        raise AwsError(
            "EntityAlreadyExists", f"Login Profile for user {user.name} already exists.", 409
        )
    if "Password" not in call.params:
        raise AwsError("ValidationError", "Must specify password")
    check_password(call, call.text("Password"))
    user.login_profile = {
        "CreateDate": now(),
        "PasswordResetRequired": is_true(call.params.get("PasswordResetRequired", False)),
    }
    user.password = call.text("Password")
    return shown(user)


@handles("GetLoginProfile")
def get_login_profile(call: IamCall) -> dict[str, Any]:
    user, _ = profile_of(call)
    return shown(user)


@handles("UpdateLoginProfile")
def update_login_profile(call: IamCall) -> None:
    user, profile = profile_of(call)
    if "Password" in call.params:
        check_password(call, call.text("Password"))
        user.password = call.text("Password")
    if "PasswordResetRequired" in call.params:
        profile["PasswordResetRequired"] = is_true(call.params["PasswordResetRequired"])


@handles("DeleteLoginProfile")
def delete_login_profile(call: IamCall) -> None:
    user, _ = profile_of(call)
    user.login_profile = None
    user.password = None


@handles("ChangePassword")
def change_password(call: IamCall) -> None:
    if call.principal.kind != "user":
        raise AwsError("InvalidUserType", "Only IAM Users can change their own password.", 400)
    user = call.principal.entity
    if user.login_profile is None or user.password != call.text("OldPassword"):
        raise AwsError("AccessDenied", "The old password was incorrect.", 403)
    check_password(call, call.text("NewPassword"))
    user.password = call.text("NewPassword")
    user.login_profile["PasswordResetRequired"] = False


@handles("UpdateAccountPasswordPolicy")
def update_account_password_policy(call: IamCall) -> None:
    policy = make_password_policy(call.params)
    if not 6 <= policy["MinimumPasswordLength"] <= 128:
        raise AwsError("ValidationError", "Value at 'minimumPasswordLength' is out of range")
    call.account.password_policy = policy


def make_password_policy(params: dict[str, Any]) -> dict[str, Any]:
    """The whole policy: what is not named goes back to its default."""
    policy: dict[str, Any] = dict(POLICY_DEFAULTS)
    for name in POLICY_DEFAULTS:
        if name in params:
            value = params[name]
            policy[name] = int(value) if name == "MinimumPasswordLength" else is_true(value)
    for name in ("MaxPasswordAge", "PasswordReusePrevention"):
        if int(params.get(name, 0)):
            policy[name] = int(params[name])
    if "HardExpiry" in params:
        policy["HardExpiry"] = is_true(params["HardExpiry"])
    policy["ExpirePasswords"] = "MaxPasswordAge" in policy
    return policy


@handles("GetAccountPasswordPolicy")
def get_account_password_policy(call: IamCall) -> dict[str, Any]:
    if call.account.password_policy is None:
        raise no_such_entity(
            f"The Password Policy with domain name {call.account.account_id} cannot be found."
        )
    return {"PasswordPolicy": call.account.password_policy}


@handles("DeleteAccountPasswordPolicy")
def delete_account_password_policy(call: IamCall) -> None:
    if call.account.password_policy is None:
        raise no_such_entity("The account policy with name PasswordPolicy cannot be found.")
    call.account.password_policy = None
