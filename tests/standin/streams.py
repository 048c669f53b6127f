"""DynamoDB streams as a consumer sees them: moto's tables with a shard of our own.

What moto does otherwise: an `UpdateItem` that makes an item writes two records, a write that
changes nothing writes one, sequence numbers have no gaps and always the same length, items never
expire, every Region is us-east-1, and unknown streams, shards and iterators end in HTTP 500.
There is one shard per stream, and it keeps its records for ever.
"""

from __future__ import annotations

import copy
import itertools
import json
from datetime import datetime
from typing import Any

from .request import Call
from .state import STATE, now
from .wire import AwsError

# A page of GetRecords at most.
LARGEST_PAGE = 1000
# Who deletes what has expired.
EXPIRY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def sequence_number(position: int) -> int:
    """Growing, with gaps, and soon of another length: whoever sorts them as texts is wrong."""
    return (position + 1) * 100_000_000_000_000_000_000 + 499_659 + 7 * position


class Shard:
    """The one shard of a stream, in the place of moto's."""

    def __init__(self, account_id: str, table: Any):
        self.account_id = account_id
        self.table = table
        self.id = "shardId-00000001541626099285-f35f62ef"
        self.created_on: datetime = now()
        self.records: list[dict[str, Any]] = []
        # The item before the operation that moto is carrying out in several steps.
        self.during: list[Any] = []

    def add(self, old: Any, new: Any, identity: dict[str, str] | None = None) -> None:
        """One change of one item; a change that changes nothing is none."""
        if self.during:
            return
        before, after = image(old), image(new)
        if before is not None and after is not None and normal(before) == normal(after):
            return
        kind = self.table.stream_specification["StreamViewType"]
        either = before if after is None else after
        change: dict[str, Any] = {
            "ApproximateCreationDateTime": now(),
            "Keys": {name: either[name] for name in key_names(self.table)},
            "SequenceNumber": str(sequence_number(len(self.records))),
            "StreamViewType": kind,
        }
        if after is not None and kind in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["NewImage"] = after
        if before is not None and kind in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["OldImage"] = before
        change["SizeBytes"] = sum(
            size(change[part]) for part in ("Keys", "NewImage", "OldImage") if part in change
        )
        event = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        record = {
            "eventID": f"{len(self.records):032x}",
            "eventName": event,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": region_of(self.table),
            "dynamodb": change,
        }
        if identity is not None:
            record["userIdentity"] = identity
        self.records.append(record)


def region_of(table: Any) -> str:
    return str(table.table_arn).split(":")[3]


def key_names(table: Any) -> list[str]:
    return [name for name in (table.hash_key_attr, table.range_key_attr) if name]


def image(item: Any) -> dict[str, Any] | None:
    """The item as it is now: moto changes items in place."""
    return None if item is None else json.loads(json.dumps(item.to_json()["Attributes"]))


def normal(value: Any) -> Any:
    """For comparison: sets have no order."""
    if isinstance(value, dict):
        if len(value) == 1:
            [(kind, inner)] = value.items()
            if kind in ("SS", "NS", "BS") and isinstance(inner, list):
                return {kind: sorted(map(str, inner))}
        return {name: normal(inner) for name, inner in value.items()}
    return [normal(inner) for inner in value] if isinstance(value, list) else value


def size(attributes: dict[str, Any]) -> int:
    """Roughly as DynamoDB counts: names, and values as they are stored."""
    return sum(len(name.encode()) + value_size(value) for name, value in attributes.items())


def value_size(value: dict[str, Any]) -> int:
    [(kind, inner)] = value.items()
    if kind == "M":
        return 3 + size(inner) + len(inner)
    if kind == "L":
        return 3 + sum(value_size(one) + 1 for one in inner)
    if kind in ("SS", "NS", "BS"):
        return sum(value_size({kind[0]: one}) for one in inner)
    if kind == "N":
        return (len(str(inner).lstrip("-").replace(".", "")) + 1) // 2 + 1
    return 1 if kind in ("BOOL", "NULL") else len(str(inner).encode())


def install() -> None:
    """Puts our shard into moto's tables, and makes `UpdateItem` one change. Moto's tables are
    imported when they are first used: it takes a second."""
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models import table as tables

    tables.StreamShard = Shard  # type: ignore[misc, assignment]
    update = DynamoDBBackend.update_item

    def update_item(
        self: Any, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        table = self.get_table(table_name)
        shard = table.stream_shard
        if shard is None:
            return update(self, table_name, key, *args, **kwargs)
        names = key_names(table)
        whole = all(name in key for name in names)
        values = [tables.DynamoType(key[name]) for name in names] if whole else []
        before = copy.deepcopy(table.get_item(*values)) if whole else None
        shard.during.append(before)
        try:
            item = update(self, table_name, key, *args, **kwargs)
        finally:
            shard.during.pop()
        shard.add(before, item)
        return item

    DynamoDBBackend.update_item = update_item  # type: ignore[method-assign]


# ---- The API -------------------------------------------------------------------------------------


def not_found(what: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Requested resource not found: {what} not found")


def table_of(call: Call, arn: str) -> Any:
    """The table of a stream of the caller's account."""
    for table in tables_of(call.account_id, call.region):
        if table.stream_shard is not None and stream_arn(table) == arn:
            return table
    raise not_found(f"Stream: {arn}")


def tables_of(account_id: str, region: str) -> list[Any]:
    return list(backend(account_id, region).tables.values())


def backend(account_id: str, region: str) -> Any:
    from moto.dynamodb.models import dynamodb_backends

    return dynamodb_backends[account_id][region]


def stream_arn(table: Any) -> str:
    return f"{table.table_arn}/stream/{table.latest_stream_label}"


def describe_stream(call: Call) -> dict[str, Any]:
    arn = call.params["StreamArn"]
    table = table_of(call, arn)
    shard = {
        "ShardId": table.stream_shard.id,
        "SequenceNumberRange": {"StartingSequenceNumber": str(sequence_number(0))},
    }
    return {
        "StreamDescription": {
            "StreamArn": arn,
            "StreamLabel": table.latest_stream_label,
            "StreamStatus": "ENABLED",
            "StreamViewType": table.stream_specification["StreamViewType"],
            "CreationRequestDateTime": table.stream_shard.created_on,
            "TableName": table.name,
            "KeySchema": table.schema,
            "Shards": [] if "ExclusiveStartShardId" in call.params else [shard],
        }
    }


def list_streams(call: Call) -> dict[str, Any]:
    name = call.params.get("TableName")
    found = [
        {"StreamArn": stream_arn(one), "TableName": one.name, "StreamLabel": one.latest_stream_label}
        for one in tables_of(call.account_id, call.region)
        if one.stream_shard is not None and name in (None, one.name)
    ]
    return {"Streams": found}


ITERATORS = itertools.count(1)
# By iterator: the stream, and the position of the next record.
POSITIONS: dict[str, tuple[str, int]] = {}


def iterator(arn: str, position: int) -> str:
    name = f"{arn}|1|{next(ITERATORS):012}"
    POSITIONS[name] = (arn, position)
    return name


def get_shard_iterator(call: Call) -> dict[str, Any]:
    arn, kind = call.params["StreamArn"], call.params["ShardIteratorType"]
    shard = table_of(call, arn).stream_shard
    if call.params["ShardId"] != shard.id:
        raise not_found(f"Shard: {call.params['ShardId']} in Stream: {arn}")
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in shard.records]
    if kind == "TRIM_HORIZON":
        position = 0
    elif kind == "LATEST":
        position = len(numbers)
    else:
        given = call.params.get("SequenceNumber")
        if given is None:
            raise AwsError("ValidationException", f"{kind} needs a SequenceNumber")
        after = kind == "AFTER_SEQUENCE_NUMBER"
        position = sum(1 for one in numbers if one < int(given) or (after and one == int(given)))
    return {"ShardIterator": iterator(arn, position)}


def get_records(call: Call) -> dict[str, Any]:
    known = POSITIONS.get(call.params["ShardIterator"])
    if known is None:
        raise AwsError("ExpiredIteratorException", "Iterator expired.")
    arn, position = known
    records = table_of(call, arn).stream_shard.records
    end = position + int(call.params.get("Limit", LARGEST_PAGE))
    found = records[position:end]
    return {"Records": found, "NextShardIterator": iterator(arn, position + len(found))}


HANDLERS = {
    "DescribeStream": describe_stream,
    "GetRecords": get_records,
    "GetShardIterator": get_shard_iterator,
    "ListStreams": list_streams,
}


def resource(call: Call) -> str:
    """What a call is authorised on. An iterator names its stream."""
    if call.operation == "ListStreams":
        return "*"
    named = str(call.params.get("StreamArn") or call.params.get("ShardIterator") or "")
    return named.split("|", 1)[0]


# ---- What a test must be able to do --------------------------------------------------------------


def expire(request: dict[str, Any]) -> dict[str, Any]:
    """Deletes what has expired, as DynamoDB does some day. How many items there were."""
    account_id = request["account_id"]
    with STATE.account(account_id).lock:
        table = backend(account_id, request.get("region", "us-east-1")).get_table(request["table"])
        if table.ttl.get("TimeToLiveStatus") != "ENABLED":
            raise ValueError(f"items of {table.name} do not expire")
        name, moment = table.ttl["AttributeName"], now().timestamp()
        old = [item for item in table.all_items() if is_over(item.attrs.get(name), moment)]
        for item in old:
            shard, table.stream_shard = table.stream_shard, None
            table.delete_item(item.hash_key, item.range_key)
            table.stream_shard = shard
            if shard is not None:
                shard.add(item, None, EXPIRY)
    return {"expired": len(old)}


def is_over(attribute: Any, moment: float) -> bool:
    """Only a number is a time."""
    return attribute is not None and attribute.type == "N" and float(attribute.value) < moment


COMMANDS = {"tables/expire": expire}
