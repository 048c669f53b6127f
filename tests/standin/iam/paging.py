"""MaxItems and Marker, for lists that moto answers whole."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from ..wire import AwsError
from .registry import IamCall


def page(
    call: IamCall, name: str, items: Iterable[Any], key: Callable[[Any], str]
) -> dict[str, Any]:
    """One page in the order of `key`. A marker is the key of the last item, so deletions in
    between lose nothing. IAM may give fewer items than asked for and say that there are more."""
    ordered = sorted(items, key=key)
    marker = call.params.get("Marker")
    if marker is not None:
        try:
            last = base64.urlsafe_b64decode(str(marker).encode()).decode()
        except ValueError as error:
            raise AwsError("ValidationError", "Invalid Marker.") from error
        ordered = [item for item in ordered if key(item) > last]
    limit = min(int(call.params.get("MaxItems", 100)), call.account.most_per_page)
    result: dict[str, Any] = {name: ordered[:limit], "IsTruncated": len(ordered) > limit}
    if result["IsTruncated"]:
        result["Marker"] = base64.urlsafe_b64encode(key(ordered[limit - 1]).encode()).decode()
    return result


def with_prefix(params: dict[str, Any], items: Iterable[Any]) -> list[Any]:
    prefix = str(params.get("PathPrefix", "/"))
    return [item for item in items if item.path.startswith(prefix)]
