"""The control interface under `/_standin/`: JSON in, JSON out, for tests only."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from moto.core.base_backend import BackendDict

from . import control_credentials, kms, streams
from .authz.policy import check_identity_document, compile_document
from .calls import LOG
from .faults import FAULTS
from .iam import store
from .state import FORBIDDEN_ACCOUNT, STATE, Credential, now
from .wire import Answer, AwsError


def answer(environ: dict[str, Any]) -> Answer:
    name = environ["PATH_INFO"].removeprefix("/_standin/")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        body = json.loads(environ["wsgi.input"].read(length) or b"{}") if length else {}
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        function = COMMANDS.get(name)
        if function is None:
            return reply(404, {"error": f"there is no command {name}"})
        return reply(200, function({**query, **body}))
    except AwsError as error:
        return reply(400, {"error": f"{error.code}: {error.message}"})
    except (KeyError, TypeError, ValueError) as error:
        return reply(400, {"error": f"{type(error).__name__}: {error}"})


def reply(status: int, value: Any) -> Answer:
    body = json.dumps(value if value is not None else {}).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


def create_account(request: dict[str, Any]) -> dict[str, Any]:
    """Makes the account known and returns two keys with all rights in it. Calls signed with the
    second one are neither logged nor hit by faults. With `kms_alias` it has a KMS key of that name."""
    account_id = request["account_id"]
    if len(account_id) != 12 or not account_id.isdigit():
        raise ValueError("an account id has 12 digits")
    account = STATE.account(account_id)
    if "organization_id" in request:
        account.organization_id = request["organization_id"]
    if "kms_alias" in request:
        kms.create(account_id, control_credentials.DEFAULT_REGION, alias=request["kms_alias"])
    return {
        "credentials": shown(STATE.create_operator(account_id, by_hand=False)),
        "by_hand": shown(STATE.create_operator(account_id, by_hand=True)),
    }


def shown(credential: Credential) -> dict[str, str]:
    return {"access_key_id": credential.access_key_id, "secret_access_key": credential.secret}


def create_role(request: dict[str, Any]) -> dict[str, Any]:
    """`permissions` maps names of inline policies to documents (JSON values)."""
    account_id = request["account_id"]
    with STATE.account(account_id).lock:
        trust = json.dumps(request["trust"])
        compile_document(trust)
        role = store.backend(account_id).create_role(
            role_name=request["name"],
            assume_role_policy_document=trust,
            path=request.get("path", "/"),
            permissions_boundary=request.get("permissions_boundary"),
            description="",
            tags=[{"Key": k, "Value": v} for k, v in request.get("tags", {}).items()],
            max_session_duration=str(request.get("max_session_duration", 3600)),
        )
        for name, document in request.get("permissions", {}).items():
            text = json.dumps(document)
            check_identity_document(text)
            role.policies[name] = text
    return {"arn": role.arn, "role_id": role.id}


def set_quota(request: dict[str, Any]) -> None:
    account = STATE.account(request["account_id"])
    account.quota(request["name"])
    account.changed_quotas[request["name"]] = int(request["value"])


def set_page_size(request: dict[str, Any]) -> None:
    """Lists of IAM give at most `items` in one page from now on, whatever the caller asks for."""
    items = int(request["items"])
    if items < 1:
        raise ValueError("a page has room for one item at least")
    STATE.account(request["account_id"]).most_per_page = items


def expire_sessions(request: dict[str, Any]) -> dict[str, Any]:
    """Ends sessions now: those in one account, or those of one access key."""
    ended = 0
    for credential in list(STATE.credentials.values()):
        if credential.expires is None:
            continue
        if request.get("account_id") not in (None, credential.principal.account_id):
            continue
        if request.get("access_key_id") not in (None, credential.access_key_id):
            continue
        credential.expires = now()
        ended += 1
    return {"expired": ended}


def set_organization(request: dict[str, Any]) -> None:
    STATE.account(request["account_id"]).organization_id = request["organization_id"]


def add_fault(request: dict[str, Any]) -> dict[str, Any]:
    return FAULTS.add(request).as_json()


def list_faults(request: dict[str, Any]) -> dict[str, Any]:
    return {"faults": [fault.as_json() for fault in list(FAULTS.active.values())]}


def clear_faults(request: dict[str, Any]) -> None:
    FAULTS.remove(request.get("account_id"), request.get("id"))


def wait_for_fault(request: dict[str, Any]) -> dict[str, Any]:
    """Waits until the fault has hit `hits` calls, or for holds until so many calls wait."""
    fault = FAULTS.wait_until_hit(
        request["id"], int(request.get("hits", 1)), int(request.get("timeout_ms", 10000)) / 1000
    )
    if fault is None:
        raise ValueError(f"there is no fault {request['id']}")
    return fault.as_json()


def release(request: dict[str, Any]) -> None:
    FAULTS.release(request["id"])


def calls(request: dict[str, Any]) -> dict[str, Any]:
    return {"calls": LOG.find(request.get("account_id"), request.get("action"))}


def clear_calls(request: dict[str, Any]) -> None:
    LOG.clear(request.get("account_id"))


def reset_account(request: dict[str, Any]) -> None:
    """Forgets everything in one account but its operator keys, its log and faults included."""
    account_id = request["account_id"]
    account = STATE.account(account_id)
    with account.lock:
        from moto.s3.models import s3_backends

        for bucket, (_, owner) in list(s3_backends.bucket_accounts.items()):
            if owner == account_id:
                del s3_backends.bucket_accounts[bucket]
        for backend in list(BackendDict._instances):
            backend.pop(account_id, None)
        for credential in STATE.credentials_of(account_id):
            if credential.principal.kind != "operator":
                STATE.remove_credential(credential.access_key_id)
        account.forget()
    LOG.clear(account_id)
    FAULTS.remove(account_id)


def canary(request: dict[str, Any]) -> dict[str, Any]:
    """What moto holds in the account where stray calls would end up: must be nothing."""
    found = []
    for backend in list(BackendDict._instances):
        regions = dict(backend).get(FORBIDDEN_ACCOUNT)
        for region in list(regions.values()) if regions else []:
            for name in ("users", "roles", "groups", "buckets", "_parameters", "keys", "tables"):
                if getattr(region, name, None):
                    found.append(f"{backend.service_name} {name}")
    if FORBIDDEN_ACCOUNT in STATE.accounts:
        found.append("the account is known")
    return {"account_id": FORBIDDEN_ACCOUNT, "empty": not found, "found": found}


COMMANDS = {
    "accounts/create": create_account,
    "accounts/reset": reset_account,
    "accounts/organization": set_organization,
    "accounts/quota": set_quota,
    "accounts/page-size": set_page_size,
    "roles/create": create_role,
    "sessions/expire": expire_sessions,
    "faults/add": add_fault,
    "faults/list": list_faults,
    "faults/clear": clear_faults,
    "faults/wait": wait_for_fault,
    "faults/release": release,
    "calls/list": calls,
    "calls/clear": clear_calls,
    "canary": canary,
    **control_credentials.COMMANDS,
    **streams.COMMANDS,
}
