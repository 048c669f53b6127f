"""MaxItems and Marker, for lists that moto answers whole."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from ..wire import AwsError


def page(
    params: dict[str, Any], name: str, items: Iterable[Any], key: Callable[[Any], str]
) -> dict[str, Any]:
    """One page in the order of `key`. A marker is the key of the last item, so deletions in
    between lose nothing."""
    ordered = sorted(items, key=key)
    marker = params.get("Marker")
    if marker is not None:
        try:
            last = base64.urlsafe_b64decode(str(marker).encode()).decode()
        except ValueError as error:
            raise AwsError("ValidationError", "Invalid Marker.") from error
        ordered = [item for item in ordered if key(item) > last]
    limit = int(params.get("MaxItems", 100))
    result: dict[str, Any] = {name: ordered[:limit], "IsTruncated": len(ordered) > limit}
    if result["IsTruncated"]:
        result["Marker"] = base64.urlsafe_b64encode(key(ordered[limit - 1]).encode()).decode()
    return result


def with_prefix(params: dict[str, Any], items: Iterable[Any]) -> list[Any]:
    prefix = str(params.get("PathPrefix", "/"))
    return [item for item in items if item.path.startswith(prefix)]
