"""Checks that a request is signed with the secret it claims: Signature Version 4, header form.

Streaming chunk signatures and presigned URLs are not checked: nothing under test uses them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote

from .request import Call

PARTS = re.compile(r"SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)")


@lru_cache(maxsize=4096)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def canonical_query(text: str) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def is_valid(call: Call, secret: str) -> bool:
    match = PARTS.search(call.headers.get("authorization", ""))
    if not match:
        return False
    signed_headers, signature = match.groups()
    # S3 signs the path as it was sent; the other services encode it a second time.
    path = call.raw_path if call.service == "s3" else quote(call.raw_path, safe="/-_.~")
    payload = call.headers.get("x-amz-content-sha256")
    if payload is None or call.service != "s3":
        payload = hashlib.sha256(call.body).hexdigest()
    elif re.fullmatch(r"[0-9a-f]{64}", payload):
        if payload != hashlib.sha256(call.body).hexdigest():
            return False
    names = signed_headers.split(";")
    headers = "".join(
        f"{name}:{re.sub(' +', ' ', call.headers.get(name, '').strip())}\n" for name in names
    )
    request = "\n".join(
        (call.method, path, canonical_query(call.query_string), headers, signed_headers, payload)
    )
    scope = f"{call.date_stamp}/{call.region}/{call.service}/aws4_request"
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            call.headers.get("x-amz-date", ""),
            scope,
            hashlib.sha256(request.encode()).hexdigest(),
        )
    )
    key = signing_key(secret, call.date_stamp, call.region, call.service)
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)
