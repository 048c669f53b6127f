"""Faults on purpose, limited to an account, an action and certain occurrences.

Kinds: `latency`, `throttle`, `http_error`, `drop_before_commit`, `drop_after_commit`,
`not_visible`, `newest_not_listed`, `hold_before_commit`, `hold_after_commit`.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .request import Call
from .wire import AwsError

KINDS = {
    "latency", "throttle", "http_error", "drop_before_commit", "drop_after_commit", "not_visible",
    "newest_not_listed", "hold_before_commit", "hold_after_commit",
}  # fmt: skip
THROTTLE_CODES = {
    "iam": ("Throttling", 400, "Rate exceeded"),
    "sts": ("Throttling", 400, "Rate exceeded"),
    "s3": ("SlowDown", 503, "Please reduce your request rate."),
    "dynamodb": ("ProvisionedThroughputExceededException", 400, "Rate exceeded"),
    "organizations": ("TooManyRequestsException", 400, "Rate exceeded"),
}


class Dropped(Exception):
    """The connection is closed without an answer."""


@dataclass
class Fault:
    """Applies to matching calls number `first` to `first + count - 1`; no count means all."""

    fault_id: str
    kind: str
    action: str = "*"
    account_id: str | None = None
    contains: str | None = None
    first: int = 1
    count: int | None = 1
    latency_ms: int = 0
    status: int = 500
    code: str = "ServiceFailure"
    message: str = "a fault of the stand-in"
    seen: int = 0
    hits: int = 0
    waiting: int = 0
    released: bool = False

    def matches(self, call: Call) -> bool:
        if self.account_id not in (None, call.target_account_id):
            return False
        if not fnmatchcase(call.action, self.action):
            return False
        return self.contains is None or self.contains in json.dumps(call.params)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.fault_id,
            "kind": self.kind,
            "action": self.action,
            "account_id": self.account_id,
            "seen": self.seen,
            "hits": self.hits,
            "waiting": self.waiting,
            "released": self.released,
        }


@dataclass
class Faults:
    condition: threading.Condition = field(default_factory=threading.Condition)
    active: dict[str, Fault] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def add(self, request: dict[str, Any]) -> Fault:
        if request.get("kind") not in KINDS:
            raise ValueError(f"unknown kind of fault {request.get('kind')!r}")
        fault = Fault(fault_id=f"fault-{next(self.numbers)}", **request)
        with self.condition:
            self.active[fault.fault_id] = fault
        return fault

    def choose(self, call: Call, impossible: set[str]) -> list[Fault]:
        """Faults that hit this call. Each counts the calls that match it and that its kind can hit."""
        chosen = []
        with self.condition:
            for fault in self.active.values():
                if not fault.matches(call):
                    continue
                if fault.kind in impossible:
                    continue
                fault.seen += 1
                last = None if fault.count is None else fault.first + fault.count - 1
                if fault.seen >= fault.first and (last is None or fault.seen <= last):
                    fault.hits += 1
                    chosen.append(fault)
            self.condition.notify_all()
        return chosen

    def remove(self, account_id: str | None, fault_id: str | None = None) -> None:
        """Also releases what is held."""
        with self.condition:
            for fault in list(self.active.values()):
                if fault_id not in (None, fault.fault_id):
                    continue
                if account_id not in (None, fault.account_id):
                    continue
                fault.released = True
                del self.active[fault.fault_id]
            self.condition.notify_all()

    def hold(self, fault: Fault) -> None:
        with self.condition:
            fault.waiting += 1
            self.condition.notify_all()
            self.condition.wait_for(lambda: fault.released)
            fault.waiting -= 1

    def release(self, fault_id: str) -> None:
        with self.condition:
            fault = self.active.get(fault_id)
            if fault is not None:
                fault.released = True
            self.condition.notify_all()

    def wait_until_hit(self, fault_id: str, hits: int, timeout: float) -> Fault | None:
        """Waits until a fault has hit so often; for holds, until that many calls wait."""
        with self.condition:
            fault = self.active.get(fault_id)
            if fault is None:
                return None

            def reached() -> bool:
                done = fault.waiting if fault.kind.startswith("hold") else fault.hits
                return done >= hits

            self.condition.wait_for(reached, timeout)
            return fault


def throttled(call: Call) -> AwsError:
    code, status, message = THROTTLE_CODES.get(
        call.service, ("ThrottlingException", 400, "Rate exceeded")
    )
    return AwsError(code, message, status)


def drop_connection(environ: dict[str, Any]) -> None:
    """Shuts the socket down. Closing it would leave the client waiting."""
    try:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


FAULTS = Faults()
