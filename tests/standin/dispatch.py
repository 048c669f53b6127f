"""Carries a call out: by our own handlers, or by moto in this process."""

from __future__ import annotations

import importlib
import io
import json
import re
from functools import lru_cache
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.request import Request
from moto.core.serialize import DefaultAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.iam.responses import IamResponse
from werkzeug.exceptions import HTTPException

from . import iam, kms, ssm, streams, sts
from .authz.evaluate import Decision
from .iam import policies, store
from .iam.registry import IamCall
from .iam.validation import check_shape
from .request import Call
from .state import STATE, Principal
from .wire import Answer, AwsError, not_implemented

# Imported when they are first called: most tests never need them, and they cost a second.
RESPONSES = {
    "iam": ("moto.iam.responses", "IamResponse"),
    "organizations": ("moto.organizations.responses", "OrganizationsResponse"),
    "dynamodb": ("moto.dynamodb.responses", "DynamoHandler"),
    "s3": ("moto.s3.responses", "S3Response"),
}
JSON_HANDLERS = {"ssm": ssm.HANDLERS, "kms": kms.HANDLERS}
CHECKS = {
    "CreatePolicy": policies.check_managed_document,
    "CreatePolicyVersion": policies.check_managed_document,
}
REQUEST_ID = re.compile(rb"(?<=<RequestId>)[^<]*(?=</RequestId>)")
CODE = re.compile(rb"<Code>([^<]*)</Code>")
JSON_CODE = re.compile(rb'"__type":\s*"(?:[^"#]*#)?([^"]*)"')


def install() -> None:
    store.install()


@lru_cache(maxsize=16)
def response_class(service: str) -> Any:
    """Moto's entry to a service."""
    if service not in RESPONSES:
        raise not_implemented(f"the service {service}")
    module, name = RESPONSES[service]
    found = getattr(importlib.import_module(module), name)
    if service == "s3":
        from moto.s3.models import FakeBucket

        # Bucket policies are evaluated by our own rules, which know conditions.
        FakeBucket.get_permission = lambda self, action, resource: None  # type: ignore[method-assign]
    if service == "dynamodb":
        streams.install()
    return found


def carry_out(call: Call, principal: Principal, decisions: list[Decision], request_id: str) -> Answer:
    if call.service == "sts":
        return serialize("sts", call.operation, sts.answer(call, principal, decisions), request_id)
    if call.service == "iam":
        check_shape("iam", call.operation, call.params)
        handler = iam.HANDLERS.get(call.operation)
        iam_call = IamCall(STATE.account(call.account_id), principal, call.params, call.unheard)
        if handler is not None:
            return serialize("iam", call.operation, handler(iam_call), request_id)
        check = CHECKS.get(call.operation)
        if check is not None:
            check(iam_call)
    if call.service == "dynamodb" and call.operation in streams.HANDLERS:
        check_shape("dynamodbstreams", call.operation, call.params)
        return as_json(streams.HANDLERS[call.operation](call))
    handlers = JSON_HANDLERS.get(call.service)
    if handlers is not None:
        own = handlers.get(call.operation)
        if own is None:
            raise not_implemented(call.action)
        check_shape(call.service, call.operation, call.params)
        return as_json(own(call))
    return by_moto(call, request_id)


def as_json(result: dict[str, Any] | None) -> Answer:
    """The JSON protocol: dates are seconds, and no result is an empty structure."""
    body = json.dumps(result or {}, default=lambda date: date.timestamp()).encode()
    return Answer(200, {"Content-Type": "application/x-amz-json-1.1"}, body)


@lru_cache(maxsize=256)
def serializer_parts(service: str, operation: str) -> tuple[Any, Any]:
    model = get_service_model(service).operation_model(operation)
    return get_serializer_class(service, "query"), model


def serialize(service: str, operation: str, result: Any, request_id: str) -> Answer:
    serializer_class, model = serializer_parts(service, operation)
    serializer = serializer_class(
        operation_model=model, pretty_print=False, value_picker=DefaultAttributePicker()
    )
    done = serializer.serialize(result)
    body = done["body"].encode() if isinstance(done["body"], str) else done["body"]
    return Answer(
        done["status_code"],
        {"Content-Type": "text/xml"},
        REQUEST_ID.sub(request_id.encode(), body),
    )


def by_moto(call: Call, request_id: str) -> Answer:
    environ = dict(call.environ)
    environ["wsgi.input"] = io.BytesIO(call.body)
    environ["CONTENT_LENGTH"] = str(len(call.body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ.pop("wsgi.input_terminated", None)
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account_id
    environ.setdefault("RAW_URI", environ.get("REQUEST_URI", ""))
    request = Request(environ)
    try:
        if call.service == "s3":
            response = s3_response(call, request)
        else:
            handler = response_class(call.service)
            if call.service == "iam" and not hasattr(IamResponse, snake(call.operation)):
                raise not_implemented(call.action)
            response = handler.dispatch(request, request.raw_url, request.headers)
    except NotImplementedError as error:
        raise not_implemented(call.action) from error
    except ServiceException as error:
        raise AwsError(error.code, error.message) from error
    except HTTPException as error:
        response = (error.code or 400, dict(error.get_headers()), error.get_body())
    status, headers, body = response
    content = body.encode() if isinstance(body, str) else bytes(body or b"")
    content = REQUEST_ID.sub(request_id.encode(), content)
    kept = {
        name: str(value)
        for name, value in headers.items()
        if name.lower() not in ("status", "content-length", "x-amzn-requestid", "x-amz-request-id",
                                "server", "date", "connection")
    }  # fmt: skip
    answer = Answer(int(status), kept, content)
    if status >= 400:
        match = CODE.search(content) or JSON_CODE.search(content)
        answer.error_code = match.group(1).decode() if match else str(status)
        if call.method == "HEAD":
            answer.body = b""
    return answer


def s3_response(call: Call, request: Request) -> Any:
    handler = response_class("s3")
    if call.key:
        return handler.key_dispatch(request, request.raw_url, request.headers)
    if call.bucket:
        return handler.ambiguous_dispatch(request, request.raw_url, request.headers)
    return handler.bucket_dispatch(request, request.raw_url, request.headers)


def snake(name: str) -> str:
    from moto.core.utils import camelcase_to_underscores

    return camelcase_to_underscores(name)
