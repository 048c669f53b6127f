"""KMS: keys, aliases and encryption, as far as Parameter Store and checks before it need them.

Nothing is really encrypted: a ciphertext is a random text, and what it stands for is kept beside it.
Key policies are not evaluated: every key is open to the IAM policies of its own account.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .request import Call
from .state import STATE, now, secret_text
from .wire import AwsError

KEY_ID = re.compile(r"(mrk-)?[0-9a-f-]{32,36}\Z")
ARN = re.compile(r"arn:aws:kms:([a-z0-9-]+):(\d{12}):(key/.+|alias/.+)\Z")
USAGES = {"SYMMETRIC_DEFAULT": "ENCRYPT_DECRYPT", "RSA_2048": "ENCRYPT_DECRYPT",
          "ECC_NIST_P256": "SIGN_VERIFY", "HMAC_256": "GENERATE_VERIFY_MAC"}  # fmt: skip


@dataclass(eq=False)
class Key:
    """One key. `state` is `Enabled`, `Disabled` or `PendingDeletion`."""

    account_id: str
    region: str
    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    manager: str = "CUSTOMER"
    description: str = ""
    state: str = "Enabled"
    deletion_date: datetime | None = None
    created: datetime = field(default_factory=now)
    key_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account_id}:key/{self.key_id}"

    def metadata(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "AWSAccountId": self.account_id,
            "KeyId": self.key_id,
            "Arn": self.arn,
            "CreationDate": self.created,
            "Enabled": self.state == "Enabled",
            "Description": self.description,
            "KeyUsage": self.usage,
            "KeyState": self.state,
            "Origin": "AWS_KMS",
            "KeyManager": self.manager,
            "KeySpec": self.spec,
            "CustomerMasterKeySpec": self.spec,
            "MultiRegion": False,
        }
        if self.usage == "ENCRYPT_DECRYPT":
            shown["EncryptionAlgorithms"] = (
                ["SYMMETRIC_DEFAULT"] if self.spec == "SYMMETRIC_DEFAULT" else ["RSAES_OAEP_SHA_256"]
            )
        if self.deletion_date is not None:
            shown["DeletionDate"] = self.deletion_date
        return shown


@dataclass
class Vault:
    """The keys of one account in one region."""

    keys: dict[str, Key] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    # Ciphertext: (key id, encryption context, plaintext).
    sealed: dict[str, tuple[str, dict[str, str], str]] = field(default_factory=dict)


def vault(account_id: str, region: str) -> Vault:
    return STATE.account(account_id).vaults.setdefault(region, Vault())


def not_found(message: str) -> AwsError:
    return AwsError("NotFoundException", message)


def find(account_id: str, region: str, name: str) -> Key:
    """The key of an id, a key ARN, an alias or an alias ARN, of this account and region only."""
    own = vault(account_id, region)
    match = ARN.match(name)
    if match:
        if match.group(2) != account_id:
            raise AwsError(
                "AccessDenied",
                f"The key {name} does not exist in this Region, or no resource-based policy allows "
                "its use from another account",
            )
        if match.group(1) != region:
            raise not_found(f"Invalid arn {match.group(1)}")
        name = match.group(3).removeprefix("key/")
    if name.startswith("alias/"):
        if name not in own.aliases and name.startswith("alias/aws/"):
            # AWS makes its own key of a service when somebody first asks for it.
            create(account_id, region, alias=name, manager="AWS")
        if name not in own.aliases:
            raise not_found(f"Alias arn:aws:kms:{region}:{account_id}:{name} is not found.")
        name = own.aliases[name]
    elif not KEY_ID.match(name):
        raise not_found(f"Invalid keyId '{name}'")
    key = own.keys.get(name)
    if key is None:
        raise not_found(f"Key 'arn:aws:kms:{region}:{account_id}:key/{name}' does not exist")
    return key


def find_or_none(account_id: str, region: str, name: str) -> Key | None:
    try:
        return find(account_id, region, name)
    except AwsError:
        return None


def aliases_of(key: Key) -> list[str]:
    own = vault(key.account_id, key.region)
    return [alias for alias, key_id in own.aliases.items() if key_id == key.key_id]


def create(
    account_id: str, region: str, alias: str | None = None, **properties: Any
) -> Key:
    key = Key(account_id, region, **properties)
    own = vault(account_id, region)
    own.keys[key.key_id] = key
    if alias is not None:
        own.aliases[alias] = key.key_id
    return key


def check_usable(key: Key) -> None:
    """What every cryptographic operation refuses."""
    if key.state == "Disabled":
        raise AwsError("DisabledException", f"{key.arn} is disabled.")
    if key.state == "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if key.usage != "ENCRYPT_DECRYPT":
        raise AwsError(
            "InvalidKeyUsageException", f"{key.arn} key usage is {key.usage} which is not valid."
        )


def seal(key: Key, context: dict[str, str], plaintext: str) -> str:
    """Encrypts: the result tells nothing of the plaintext."""
    check_usable(key)
    text = base64.b64encode(f"sealed-{secret_text(60)}".encode()).decode()
    vault(key.account_id, key.region).sealed[text] = (key.key_id, dict(context), plaintext)
    return text


def unseal(account_id: str, region: str, ciphertext: str, context: dict[str, str]) -> tuple[Key, str]:
    found = vault(account_id, region).sealed.get(ciphertext)
    if found is None or found[1] != context:
        raise AwsError("InvalidCiphertextException", "")
    key = find(account_id, region, found[0])
    check_usable(key)
    return key, found[2]


Handler = Callable[[Call], dict[str, Any] | None]
HANDLERS: dict[str, Handler] = {}


def handles(name: str) -> Callable[[Handler], Handler]:
    def register(function: Handler) -> Handler:
        HANDLERS[name] = function
        return function

    return register


def key_of(call: Call) -> Key:
    return find(call.account_id, call.region, str(call.params["KeyId"]))


@handles("CreateKey")
def create_key(call: Call) -> dict[str, Any]:
    params = call.params
    spec = params.get("KeySpec") or params.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    if spec not in USAGES:
        raise AwsError("UnsupportedOperationException", f"KeySpec {spec} is not supported")
    usage = params.get("KeyUsage", "ENCRYPT_DECRYPT")
    if usage != USAGES[spec] and not (spec == "RSA_2048" and usage == "SIGN_VERIFY"):
        raise AwsError("ValidationException", f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    key = create(
        call.account_id,
        call.region,
        spec=spec,
        usage=usage,
        description=params.get("Description", ""),
    )
    return {"KeyMetadata": key.metadata()}


@handles("DescribeKey")
def describe_key(call: Call) -> dict[str, Any]:
    return {"KeyMetadata": key_of(call).metadata()}


@handles("DisableKey")
def disable_key(call: Call) -> None:
    change_state(call, "Disabled")


@handles("EnableKey")
def enable_key(call: Call) -> None:
    change_state(call, "Enabled")


def change_state(call: Call, state: str) -> None:
    key = key_of(call)
    if key.state == "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    key.state = state


@handles("ScheduleKeyDeletion")
def schedule_key_deletion(call: Call) -> dict[str, Any]:
    key = key_of(call)
    if key.state == "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    days = int(call.params.get("PendingWindowInDays", 30))
    key.state, key.deletion_date = "PendingDeletion", now() + timedelta(days=days)
    return {
        "KeyId": key.arn,
        "DeletionDate": key.deletion_date,
        "KeyState": key.state,
        "PendingWindowInDays": days,
    }


@handles("CancelKeyDeletion")
def cancel_key_deletion(call: Call) -> dict[str, Any]:
    key = key_of(call)
    if key.state != "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    key.state, key.deletion_date = "Disabled", None
    return {"KeyId": key.arn}


@handles("CreateAlias")
def create_alias(call: Call) -> None:
    alias = str(call.params["AliasName"])
    if not alias.startswith("alias/"):
        raise AwsError("ValidationException", "Invalid identifier")
    if alias.startswith("alias/aws/"):
        raise AwsError("NotAuthorizedException", "")
    own = vault(call.account_id, call.region)
    if alias in own.aliases:
        arn = f"arn:aws:kms:{call.region}:{call.account_id}:{alias}"
        raise AwsError("AlreadyExistsException", f"An alias with the name {arn} already exists")
    own.aliases[alias] = find(call.account_id, call.region, str(call.params["TargetKeyId"])).key_id


@handles("DeleteAlias")
def delete_alias(call: Call) -> None:
    alias = str(call.params["AliasName"])
    if vault(call.account_id, call.region).aliases.pop(alias, None) is None:
        arn = f"arn:aws:kms:{call.region}:{call.account_id}:{alias}"
        raise not_found(f"Alias {arn} is not found.")


@handles("Encrypt")
def encrypt(call: Call) -> dict[str, Any]:
    key = key_of(call)
    blob = seal(key, call.params.get("EncryptionContext") or {}, str(call.params["Plaintext"]))
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}


@handles("Decrypt")
def decrypt(call: Call) -> dict[str, Any]:
    key, plaintext = unseal(
        call.account_id,
        call.region,
        str(call.params["CiphertextBlob"]),
        call.params.get("EncryptionContext") or {},
    )
    return {"Plaintext": plaintext, "KeyId": key.arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
