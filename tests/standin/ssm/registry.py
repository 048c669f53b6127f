"""The table of SSM actions that the stand-in answers. Others fail loudly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..request import Call

Handler = Callable[[Call], dict[str, Any] | None]
HANDLERS: dict[str, Handler] = {}


def handles(name: str) -> Callable[[Handler], Handler]:
    def register(function: Handler) -> Handler:
        HANDLERS[name] = function
        return function

    return register
