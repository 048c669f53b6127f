"""The table of IAM actions that we answer ourselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..state import Account, Principal
from ..wire import AwsError
from . import store


@dataclass
class IamCall:
    """One call, after authentication and authorization, under the lock of its account."""

    account: Account
    principal: Principal
    params: dict[str, Any]
    # A user or a key that lists leave out: it was made a moment ago.
    unheard: Any = None

    @property
    def backend(self) -> Any:
        return store.backend(self.account.account_id)

    def text(self, name: str, default: str = "") -> str:
        return str(self.params.get(name, default))

    def user_name(self) -> str:
        """The named user, or the calling user where the name may be left out."""
        return target_user_name(self.params, self.principal)

    def user(self) -> store.StandInUser:
        return store.get_user(self.account.account_id, self.user_name())


Handler = Callable[[IamCall], dict[str, Any] | None]
HANDLERS: dict[str, Handler] = {}


def handles(name: str) -> Callable[[Handler], Handler]:
    def register(function: Handler) -> Handler:
        HANDLERS[name] = function
        return function

    return register


def target_user_name(params: dict[str, Any], principal: Principal) -> str:
    name = params.get("UserName")
    if name is not None:
        return str(name)
    if principal.kind == "user":
        return str(principal.entity.name)
    raise AwsError(
        "ValidationError", "Must specify userName when calling with non-User credentials"
    )
