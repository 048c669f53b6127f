"""Parameter Store, with the rules of its documentation that moto lacks: keys that must work, values
that stay sealed, names and sizes, pages and filters."""

from __future__ import annotations

from . import actions, describe
from .registry import HANDLERS

__all__ = ["HANDLERS", "actions", "describe"]
