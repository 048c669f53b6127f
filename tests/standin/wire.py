"""Errors and answers in the formats of the AWS protocols."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

QUERY_NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
JSON_TARGETS = {"ssm", "kms", "dynamodb", "organizations"}

# The same refusal has a different code in every protocol.
JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "ExpiredToken": "ExpiredTokenException",
    "ValidationError": "ValidationException",
    "Throttling": "ThrottlingException",
}
S3_CODES = {
    "InvalidClientTokenId": "InvalidAccessKeyId",
    "Throttling": "SlowDown",
    "ValidationError": "InvalidRequest",
}


class AwsError(Exception):
    """An error that the client sees as one of AWS: code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def no_such_entity(message: str) -> AwsError:
    return AwsError("NoSuchEntity", message, 404)


def not_implemented(what: str) -> AwsError:
    """501 is not retried by any SDK, so a gap of the stand-in fails a test at once."""
    return AwsError("NotImplemented", f"the AWS stand-in does not implement {what}", 501)


@dataclass
class Answer:
    """One HTTP answer, before the headers that every answer carries."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error_code: str | None = None


def new_request_id() -> str:
    return str(uuid.uuid4())


def error_code_for(service: str, code: str) -> str:
    if service == "s3":
        return S3_CODES.get(code, code)
    if service in JSON_TARGETS:
        return JSON_CODES.get(code, code)
    return code


def error_answer(service: str, method: str, error: AwsError, request_id: str) -> Answer:
    code = error_code_for(service, error.code)
    status = error.status
    if service in JSON_TARGETS:
        # The JSON protocols answer 400 where the XML ones use 403, 404 and 409.
        status = status if status >= 500 else 400
        body = json.dumps({"__type": code, "message": error.message}).encode()
        return Answer(status, {"Content-Type": "application/x-amz-json-1.1"}, body, code)
    if service == "s3":
        if code == "SlowDown":
            status = 503
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(code)}</Code>'
            f"<Message>{escape(error.message)}</Message><RequestId>{request_id}</RequestId></Error>"
        ).encode()
        if method == "HEAD":
            body = b""
        return Answer(status, {"Content-Type": "application/xml"}, body, code)
    namespace = QUERY_NAMESPACES.get(service, QUERY_NAMESPACES["iam"])
    fault = "Receiver" if status >= 500 else "Sender"
    body = (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{fault}</Type>'
        f"<Code>{escape(code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
    return Answer(status, {"Content-Type": "text/xml"}, body, code)
