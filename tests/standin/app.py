"""The way of a request: read, fault, authenticate, authorise, carry out, log, fault, answer."""

from __future__ import annotations

import sys
import time
import traceback
from contextlib import ExitStack
from typing import Any

from . import authenticate, control, dispatch, faults, sts, visibility
from .authz import iam_resources, other_resources
from .authz.context import global_context, resource_account
from .authz.evaluate import Decision, decide, denial
from .calls import LOG, Record
from .faults import FAULTS, Dropped, Fault
from .iam import store
from .request import Call, read_call
from .state import FORBIDDEN_ACCOUNT, STATE, Principal
from .wire import Answer, AwsError, error_answer, new_request_id, not_implemented

# Allowed to everybody who is known.
UNAUTHORISED_ACTIONS = {"sts:GetCallerIdentity"}


class Application:
    """The WSGI application. State is global: one process is one stand-in."""

    def __init__(self) -> None:
        dispatch.install()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        try:
            if environ["PATH_INFO"].startswith("/_standin/"):
                answer = control.answer(environ)
            else:
                answer = serve(environ)
        except Dropped:
            faults.drop_connection(environ)
            answer = Answer(500)
        headers = list(answer.headers.items())
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} ", headers)
        return [answer.body]


def serve(environ: dict[str, Any]) -> Answer:
    """One AWS call. The record is in the log before the client can see the answer."""
    request_id = new_request_id()
    record = Record(action="", request_id=request_id)
    call: Call | None = None
    hit: list[Fault] = []
    by_hand = False
    try:
        call = read_call(environ)
        record.action = call.action
        record.parameters = call.params
        credential = authenticate.find(call)
        principal = credential.principal
        call.account_id = call.target_account_id = principal.account_id
        call.caller_arn = principal.arn
        if call.action == "sts:AssumeRole":
            call.target_account_id = sts.role_account(call) or principal.account_id
        record.account_id = call.target_account_id
        record.caller_account_id = call.account_id
        record.principal_arn = principal.arn
        record.session_name = principal.session_name
        record.access_key_id = call.access_key_id

        by_hand = credential.by_hand
        if not by_hand:
            hit = FAULTS.choose(call, visibility.impossible(call, principal))
        if hit:
            record.fault = hit[0].fault_id
            record.fault_kind = hit[0].kind
        apply_early(call, hit)
        authenticate.verify(call, credential)
        answer = execute(call, principal, record, hit, by_hand, request_id)
    except Dropped:
        record.error_code = "(connection dropped)"
        LOG.add(record)
        raise
    except AwsError as error:
        service = call.service if call else "iam"
        method = call.method if call else "POST"
        answer = error_answer(service, method, error, request_id)
    except Exception:  # A bug of the stand-in must fail the test that met it, at once.
        traceback.print_exc(file=sys.stderr)
        text = traceback.format_exc().strip().splitlines()[-1]
        error = AwsError("StandInBug", f"the AWS stand-in failed: {text}", 501)
        answer = error_answer(call.service if call else "iam", "POST", error, request_id)
    record.status = answer.status
    record.error_code = answer.error_code
    if not by_hand:
        LOG.add(record)
    apply_late(hit)
    answer.headers["x-amzn-RequestId"] = request_id
    answer.headers["x-amz-request-id"] = request_id
    return answer


def apply_early(call: Call, hit: list[Fault]) -> None:
    """Faults that happen before anything is done."""
    for fault in hit:
        if fault.kind == "latency":
            time.sleep(fault.latency_ms / 1000)
    for fault in hit:
        if fault.kind == "hold_before_commit":
            FAULTS.hold(fault)
        elif fault.kind == "throttle":
            raise faults.throttled(call)
        elif fault.kind == "http_error":
            raise AwsError(fault.code, fault.message, fault.status)
        elif fault.kind == "drop_before_commit":
            raise Dropped
        elif fault.kind == "not_visible" and call.service == "sts":
            # Nobody has heard of the key that signed: there is no caller to authenticate.
            raise visibility.unknown_caller()


def apply_late(hit: list[Fault]) -> None:
    """Faults that happen after the call is done and logged."""
    for fault in hit:
        if fault.kind == "hold_after_commit":
            FAULTS.hold(fault)
    if any(fault.kind == "drop_after_commit" for fault in hit):
        raise Dropped


def execute(
    call: Call,
    principal: Principal,
    record: Record,
    hit: list[Fault],
    by_hand: bool,
    request_id: str,
) -> Answer:
    if call.account_id == FORBIDDEN_ACCOUNT:
        raise not_implemented(f"account {FORBIDDEN_ACCOUNT}")
    with ExitStack() as locks:
        if call.service != "sts":
            owner = call.account_id
            if call.service == "s3" and call.bucket:
                owner = other_resources.bucket_owner(call.bucket) or owner
            locks.enter_context(STATE.account(owner).lock)
            kinds = {fault.kind for fault in hit}
            call.user_is_hidden = "not_visible" in kinds
            authorise(call, principal, record.decisions, by_hand)
            if "not_visible" in kinds:
                return visibility.answer(call)
            if "newest_not_listed" in kinds:
                call.unheard = visibility.newest_listed(call, principal)
        answer = dispatch.carry_out(call, principal, record.decisions, request_id)
    record.committed = answer.status < 400
    return answer


def authorise(
    call: Call, principal: Principal, decisions: list[Decision], by_hand: bool
) -> None:
    if call.action in UNAUTHORISED_ACTIONS or (by_hand and call.service != "s3"):
        return
    context = global_context(call, principal)
    resource_account(context, call.account_id)
    rules = iam_resources if call.service == "iam" else other_resources
    for check in rules.checks(call, principal, context):
        decision = decide(
            principal, check, lambda arn: store.find_policy(principal.account_id, arn)
        )
        decisions.append(decision)
        if not decision.allowed:
            raise denial(principal, decision)
