"""The log of calls: what tests ask when they prove what was called, allowed and answered."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .authz.evaluate import Decision


@dataclass
class Record:
    """One call. `account_id` is the account that the call is about: for AssumeRole, the role's."""

    action: str
    account_id: str = ""
    caller_account_id: str = ""
    principal_arn: str = ""
    session_name: str = ""
    access_key_id: str = ""
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    parameters: dict[str, Any] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    status: int = 0
    error_code: str | None = None
    request_id: str = ""
    fault: str | None = None
    fault_kind: str | None = None
    committed: bool = False
    number: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "time": self.time.isoformat(),
            "account_id": self.account_id,
            "caller_account_id": self.caller_account_id,
            "action": self.action,
            "principal_arn": self.principal_arn,
            "session_name": self.session_name,
            "access_key_id": self.access_key_id,
            "resources": sorted({d.check.resource for d in self.decisions}),
            "parameters": self.parameters,
            "allowed": all(d.allowed for d in self.decisions),
            "decisions": [d.as_json() for d in self.decisions],
            "status": self.status,
            "error_code": self.error_code,
            "request_id": self.request_id,
            "fault": self.fault,
            "fault_kind": self.fault_kind,
            "committed": self.committed,
        }


SECRET_PARAMETERS = {"Password", "OldPassword", "NewPassword", "Value", "Plaintext"}


class CallLog:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.by_account: dict[str, list[Record]] = defaultdict(list)
        self.count = 0

    def add(self, record: Record) -> None:
        record.parameters = {
            name: "(secret)" if name in SECRET_PARAMETERS else value
            for name, value in record.parameters.items()
        }
        with self.lock:
            self.count += 1
            record.number = self.count
            self.by_account[record.account_id].append(record)

    def find(self, account_id: str | None, action: str | None) -> list[dict[str, Any]]:
        with self.lock:
            if account_id is not None:
                records = list(self.by_account.get(account_id, []))
            else:
                records = [one for several in self.by_account.values() for one in several]
        records.sort(key=lambda record: record.number)
        return [one.as_json() for one in records if action in (None, one.action)]

    def clear(self, account_id: str | None) -> None:
        with self.lock:
            if account_id is None:
                self.by_account.clear()
            else:
                self.by_account.pop(account_id, None)


LOG = CallLog()
