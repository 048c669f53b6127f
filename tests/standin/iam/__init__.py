"""IAM calls about users and groups, kept in moto's records with the rules that moto lacks.

Calls that no module here handles (roles, policies, providers) go to moto unchanged.
"""

from __future__ import annotations

from . import (
    access_keys,
    account,
    authorization_details,
    credentials,
    groups,
    login,
    policies,
    user_policies,
    users,
)
from .registry import HANDLERS

__all__ = [
    "HANDLERS", "access_keys", "account", "authorization_details", "credentials", "groups", "login",
    "policies", "user_policies", "users",
]  # fmt: skip
