"""Finds out who calls, and refuses credentials as AWS does."""

from __future__ import annotations

from datetime import datetime, timezone

from . import signature
from .request import Call
from .state import STATE, Credential, now
from .wire import AwsError

INVALID_KEY = "The security token included in the request is invalid."


def find(call: Call) -> Credential:
    if not call.access_key_id:
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    credential = STATE.credentials.get(call.access_key_id)
    if credential is None:
        raise AwsError("InvalidClientTokenId", INVALID_KEY, 403)
    return credential


def verify(call: Call, credential: Credential) -> None:
    """Refuses inactive keys, wrong tokens, expired sessions, wrong secrets and keys that have not
    spread yet, in this order."""
    if credential.key is not None and credential.key.status != "Active":
        raise AwsError("InvalidClientTokenId", INVALID_KEY, 403)
    token = call.headers.get("x-amz-security-token")
    if token != credential.token:
        raise AwsError("InvalidClientTokenId", INVALID_KEY, 403)
    if credential.expires is not None and credential.expires <= datetime.now(timezone.utc):
        message = "The security token included in the request is expired"
        raise AwsError("ExpiredToken", message, 400 if call.service == "s3" else 403)
    if not signature.is_valid(call, credential.secret):
        message = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
        raise AwsError("SignatureDoesNotMatch", message, 403)
    if credential.key is not None:
        if credential.key.refused_uses > 0:
            credential.key.refused_uses -= 1
            raise AwsError("InvalidClientTokenId", INVALID_KEY, 403)
        credential.key.used = (now(), call.service, call.region)
