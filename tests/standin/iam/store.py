"""Moto's IAM records with what they lack: boundaries, tags that survive a rename, credentials."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import moto.iam.models as models
from moto.iam.models import AWSManagedPolicy, Group, ManagedPolicy, User, iam_backends

from ..state import now, unique_id
from ..wire import AwsError, no_such_entity

MANAGED_POLICIES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "managed_policies.json").read_text(encoding="utf-8")
)
NUMBERS = itertools.count(1)


class StandInUser(User):
    """A user that owns its tags, boundary and credentials."""

    def __init__(self, account_id: str, name: str, path: str):
        super().__init__(account_id, "us-east-1", name, path)
        self.id = unique_id("AIDA")
        self.create_date = now()
        # Dates are of whole seconds, and a rename changes the place among the others.
        self.number = next(NUMBERS)
        self.tag_values: dict[str, str] = {}
        self.permissions_boundary_arn: str | None = None
        self.login_profile: dict[str, Any] | None = None
        self.service_credentials: dict[str, dict[str, Any]] = {}

    # Moto's serializer derives these two from the name of its own class.
    @property
    def user_name(self) -> str:
        return self.name

    @property
    def user_id(self) -> str:
        return self.id

    @property
    def tags(self) -> list[dict[str, str]] | None:  # type: ignore[override]
        return [{"Key": k, "Value": v} for k, v in self.tag_values.items()] or None

    @property
    def permissions_boundary(self) -> dict[str, str] | None:
        if not self.permissions_boundary_arn:
            return None
        return {
            # The enumeration of the API says `PermissionsBoundaryPolicy`; IAM answers `Policy`.
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": self.permissions_boundary_arn,
        }

    def groups(self) -> list[Group]:
        return [group for group in list(backend(self.account_id).groups.values()) if self in group.users]


def backend(account_id: str) -> Any:
    return iam_backends[account_id]["aws"]


def get_user(account_id: str, name: str) -> StandInUser:
    user = backend(account_id).users.get(name)
    if user is None:
        raise no_such_entity(f"The user with name {name} cannot be found.")
    return user


def get_group(account_id: str, name: str) -> Group:
    group = backend(account_id).groups.get(name)
    if group is None:
        raise no_such_entity(f"The group with name {name} cannot be found.")
    return group


def find_policy(account_id: str, arn: str) -> ManagedPolicy | None:
    return backend(account_id).managed_policies.get(arn)


def find_role(account_id: str, name: str) -> Any:
    for role in list(backend(account_id).roles.values()):
        if role.name == name:
            return role
    return None


def get_attachable_policy(account_id: str, arn: str) -> ManagedPolicy:
    if not arn.startswith("arn:"):
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.", 400)
    policy = find_policy(account_id, arn)
    if policy is None:
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    return policy


def check_boundary_policy(account_id: str, arn: str) -> None:
    if not arn.startswith("arn:aws:iam::") or ":policy/" not in arn:
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.", 400)
    if find_policy(account_id, arn) is None:
        raise no_such_entity(f"Scope ARN: {arn} does not exist or is not attachable.")


def boundary_usage(account_id: str, arn: str) -> int:
    store = backend(account_id)
    holders = [*store.users.values(), *store.roles.values()]
    return sum(1 for one in holders if getattr(one, "permissions_boundary_arn", None) == arn)


def install() -> None:
    """Patches moto where a patch is smaller than an own handler."""

    def few_managed_policies(self: Any) -> list[ManagedPolicy]:
        return [
            AWSManagedPolicy.from_data(name, self.account_id, self.region_name, data)
            for name, data in MANAGED_POLICIES.items()
        ]

    def attach_to(self: ManagedPolicy, entity: Any) -> None:
        if self.arn not in entity.managed_policies:
            self.attachment_count += 1
            entity.managed_policies[self.arn] = self

    models.IAMBackend._init_aws_policies = few_managed_policies  # type: ignore[method-assign]
    models.ManagedPolicy.attach_to = attach_to  # type: ignore[method-assign]
    models.random_policy_id = lambda: unique_id("ANPA")  # type: ignore[assignment]
    models.random_role_id = lambda account_id: unique_id("AROA")  # type: ignore[assignment]


def parse_date(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
