"""What a client asked for: the service, the action and its parameters, read from the HTTP request."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from . import s3_actions
from .wire import AwsError

CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request"
)
JSON_SERVICES = {
    "AmazonSSM": "ssm",
    "TrentService": "kms",
    "DynamoDB_20120810": "dynamodb",
    # Signed and permitted under the name of DynamoDB, too.
    "DynamoDBStreams_20120810": "dynamodb",
    "AWSOrganizationsV20161128": "organizations",
}


@dataclass
class Call:
    """One AWS call. `account_id` is the caller's; `target_account_id` the one it is about."""

    environ: dict[str, Any]
    method: str
    raw_path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    service: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    date_stamp: str = ""
    operation: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    bucket: str = ""
    key: str = ""
    account_id: str = ""
    target_account_id: str = ""
    caller_arn: str = ""
    # The place that answers has not heard of the named user, or of this user or key.
    user_is_hidden: bool = False
    unheard: Any = None

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"


def read_body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return stream.read()
    return stream.read(int(environ.get("CONTENT_LENGTH") or 0))


def read_call(environ: dict[str, Any]) -> Call:
    """Reads the request; an unknown service or a missing signature is left to the caller to judge."""
    raw_uri = environ.get("REQUEST_URI") or environ.get("RAW_URI") or environ["PATH_INFO"]
    raw_path = raw_uri.split("?", 1)[0] or "/"
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    call = Call(
        environ=environ,
        method=environ["REQUEST_METHOD"],
        raw_path=raw_path,
        query_string=environ.get("QUERY_STRING", ""),
        headers=headers,
        body=read_body(environ),
    )
    match = CREDENTIAL.search(headers.get("authorization", ""))
    if match:
        call.access_key_id, call.date_stamp, call.region, call.service = match.groups()
    target = headers.get("x-amz-target", "")
    if target:
        prefix, _, call.operation = target.rpartition(".")
        call.service = JSON_SERVICES.get(prefix, call.service or prefix)
        try:
            call.params = json.loads(call.body or b"{}")
        except ValueError as error:
            raise AwsError("SerializationException", f"the body is not JSON: {error}") from error
    elif call.service in ("iam", "sts"):
        text = call.body.decode() or call.query_string
        flat = dict(parse_qsl(text, keep_blank_values=True))
        call.operation = flat.pop("Action", "")
        flat.pop("Version", None)
        call.params = nest(flat)
    elif call.service == "s3":
        query = dict(parse_qsl(call.query_string, keep_blank_values=True))
        path = unquote(raw_path).lstrip("/")
        call.bucket, _, call.key = path.partition("/")
        call.operation = s3_actions.operation(call.method, call.bucket, call.key, query, headers)
        call.params = {"Bucket": call.bucket, "Key": call.key, **query}
    return call


def nest(flat: dict[str, str]) -> dict[str, Any]:
    """Turns `Tags.member.1.Key=a` into `{"Tags": [{"Key": "a"}]}`."""
    root: dict[str, Any] = {}
    for name, value in flat.items():
        parts = name.split(".")
        node = root
        for part in parts[:-1]:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise AwsError("MalformedInput", f"parameter {name} is both a value and a structure")
        node[parts[-1]] = value
    return {name: fold(value) for name, value in root.items()}


def fold(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"}:
        members = value["member"]
        if not isinstance(members, dict):
            return []
        return [fold(members[index]) for index in sorted(members, key=int)]
    return {name: fold(inner) for name, inner in value.items()}
