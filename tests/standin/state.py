"""Accounts, credentials and principals that the stand-in knows, beside what moto stores."""

from __future__ import annotations

import random
import string
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

FORBIDDEN_ACCOUNT = "123456789012"
MOST_PER_PAGE = 1000
ID_ALPHABET = string.ascii_uppercase + "234567"


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def unique_id(prefix: str, length: int = 17) -> str:
    """An id in the style of IAM: `AIDA` and 17 upper-case characters."""
    return prefix + "".join(random.choices(ID_ALPHABET, k=length))


def secret_text(length: int = 40) -> str:
    return "".join(random.choices(string.ascii_letters + string.digits, k=length))


@dataclass
class Principal:
    """Who is calling.

    `kind` is `operator` (all rights, the hands of a test), `user` or `session`. `entity` is moto's
    user or role object, so that its policies are read when they are needed and not before.
    """

    kind: str
    account_id: str
    arn: str
    user_id: str
    entity: Any = None
    session_name: str = ""
    session_policies: list[str] = field(default_factory=list)
    session_tags: dict[str, str] = field(default_factory=dict)
    transitive_tag_keys: list[str] = field(default_factory=list)
    source_identity: str = ""
    issued: datetime | None = None

    @property
    def principal_arn(self) -> str:
        """The value of `aws:PrincipalArn`: the role's own ARN for a session."""
        return self.entity.arn if self.kind == "session" else self.arn


@dataclass
class Credential:
    """Something that signs calls. `key` is the access key record of a user."""

    access_key_id: str
    secret: str
    token: str | None
    expires: datetime | None
    principal: Principal
    key: Any = None
    # The hands of a test: not in the call log and never hit by a fault.
    by_hand: bool = False


QUOTAS = {
    "UsersQuota": 5000,
    "GroupsQuota": 300,
    "RolesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicyVersionsInUseQuota": 10000,
    "VersionsPerPolicyQuota": 5,
    "InstanceProfilesQuota": 1000,
    "ServerCertificatesQuota": 20,
    "GroupsPerUserQuota": 10,
    "AccessKeysPerUserQuota": 2,
    "SigningCertificatesPerUserQuota": 2,
    "AttachedPoliciesPerUserQuota": 10,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "UserPolicySizeQuota": 2048,
    "GroupPolicySizeQuota": 5120,
    "RolePolicySizeQuota": 10240,
    "PolicySizeQuota": 6144,
    "AssumeRolePolicySizeQuota": 2048,
}


class Account:
    """What one account has beyond moto's records, and its lock."""

    def __init__(self, account_id: str):
        self.account_id = account_id
        self.lock = threading.RLock()
        self.organization_id: str | None = None
        # How many calls with a new access key are refused before it has spread everywhere.
        self.refused_uses_of_new_keys = 0
        # How many items a page of a list has at most, whatever the caller asks for.
        self.most_per_page = MOST_PER_PAGE
        # By region: what `kms` and `ssm` keep.
        self.vaults: dict[str, Any] = {}
        self.parameters: dict[str, dict[str, Any]] = {}
        self.forget()

    def forget(self) -> None:
        """Empties what the account has beyond moto's records and its credentials."""
        self.password_policy: dict[str, Any] | None = None
        self.changed_quotas: dict[str, int] = {}
        self.refused_uses_of_new_keys = 0
        self.most_per_page = MOST_PER_PAGE
        self.vaults.clear()
        self.parameters.clear()

    def quota(self, name: str) -> int:
        return self.changed_quotas.get(name, QUOTAS[name])

    def quotas(self) -> dict[str, int]:
        return {**QUOTAS, **self.changed_quotas}


class State:
    """All accounts and credentials. Changes of the two tables are guarded by one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.accounts: dict[str, Account] = {}
        self.credentials: dict[str, Credential] = {}

    def account(self, account_id: str) -> Account:
        account = self.accounts.get(account_id)
        if account is None:
            if account_id == FORBIDDEN_ACCOUNT:
                raise ValueError(f"account {FORBIDDEN_ACCOUNT} is the canary and must stay empty")
            with self.lock:
                account = self.accounts.setdefault(account_id, Account(account_id))
        return account

    def organization_of(self, account_id: str) -> str | None:
        account = self.accounts.get(account_id)
        return account.organization_id if account else None

    def add_credential(self, credential: Credential) -> None:
        with self.lock:
            self.credentials[credential.access_key_id] = credential

    def remove_credential(self, access_key_id: str) -> None:
        with self.lock:
            self.credentials.pop(access_key_id, None)

    def credentials_of(self, account_id: str) -> list[Credential]:
        with self.lock:
            return [c for c in self.credentials.values() if c.principal.account_id == account_id]

    def create_operator(self, account_id: str, by_hand: bool) -> Credential:
        """A key with all rights in one account. Its user is not listed by IAM."""
        self.account(account_id)
        principal = Principal(
            kind="operator",
            account_id=account_id,
            arn=f"arn:aws:iam::{account_id}:user/stand-in/operator",
            user_id=unique_id("AIDA"),
        )
        credential = Credential(
            unique_id("AKIA", 16), secret_text(), None, None, principal, by_hand=by_hand
        )
        self.add_credential(credential)
        return credential


STATE = State()
