"""Access keys. Each is also a credential with which the stand-in can be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..state import STATE, Credential, Principal, now, secret_text, unique_id
from ..wire import AwsError, no_such_entity
from . import store
from .paging import page
from .registry import IamCall, handles
from .validation import limit_exceeded


@dataclass(eq=False)
class Key:
    """One access key. `used` is (time, service, region) of the last authenticated call, and
    `refused_uses` how many more calls meet a place that has not heard of the key."""

    access_key_id: str
    secret_access_key: str
    user_name: str
    status: str = "Active"
    create_date: datetime = field(default_factory=now)
    used: tuple[datetime, str, str] | None = None
    refused_uses: int = 0

    @property
    def last_used(self) -> Any:
        """In the form in which moto's reports read it."""
        if self.used is None:
            return None
        from moto.iam.models import AccessKeyLastUsed

        return AccessKeyLastUsed(*self.used)


class UserPrincipal(Principal):
    """A user as caller: name and path are read when needed, because a user can be renamed."""

    def __init__(self, user: store.StandInUser):
        super().__init__("user", user.account_id, "", user.id, user)

    @property  # type: ignore[override]
    def arn(self) -> str:
        return str(self.entity.arn)

    @arn.setter
    def arn(self, value: str) -> None:
        pass


@handles("CreateAccessKey")
def create_access_key(call: IamCall) -> dict[str, Any]:
    user = call.user()
    quota = call.account.quota("AccessKeysPerUserQuota")
    if len(user.access_keys) >= quota:
        raise limit_exceeded(f"Cannot exceed quota for AccessKeysPerUser: {quota}")
    key = Key(unique_id("AKIA", 16), secret_text(), user.name)
    key.refused_uses = call.account.refused_uses_of_new_keys
    user.access_keys.append(key)
    STATE.add_credential(
        Credential(key.access_key_id, key.secret_access_key, None, None, UserPrincipal(user), key)
    )
    return {
        "AccessKey": {
            "UserName": user.name,
            "AccessKeyId": key.access_key_id,
            "Status": key.status,
            "SecretAccessKey": key.secret_access_key,
            "CreateDate": key.create_date,
        }
    }


def find(call: IamCall) -> tuple[store.StandInUser, Key]:
    user = call.user()
    key_id = call.text("AccessKeyId")
    for key in user.access_keys:
        if key.access_key_id == key_id:
            return user, key
    raise no_such_entity(f"The Access Key with id {key_id} cannot be found.")


@handles("ListAccessKeys")
def list_access_keys(call: IamCall) -> dict[str, Any]:
    result = page_of_keys(call)
    result["AccessKeyMetadata"] = [
        {
            "UserName": key.user_name,
            "AccessKeyId": key.access_key_id,
            "Status": key.status,
            "CreateDate": key.create_date,
        }
        for key in result["AccessKeyMetadata"]
    ]
    return result


def page_of_keys(call: IamCall) -> dict[str, Any]:
    return page(
        call,
        "AccessKeyMetadata",
        [key for key in call.user().access_keys if key is not call.unheard],
        key=lambda key: f"{key.create_date.isoformat()} {key.access_key_id}",
    )


@handles("UpdateAccessKey")
def update_access_key(call: IamCall) -> None:
    _, key = find(call)
    key.status = call.text("Status")


@handles("DeleteAccessKey")
def delete_access_key(call: IamCall) -> None:
    user, key = find(call)
    user.access_keys.remove(key)
    STATE.remove_credential(key.access_key_id)


@handles("GetAccessKeyLastUsed")
def get_access_key_last_used(call: IamCall) -> dict[str, Any]:
    key_id = call.text("AccessKeyId")
    try:
        user, key = owner_of(call.account.account_id, key_id)
    except AwsError as error:
        # AWS does not tell an unknown key from one of another account.
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: iam:GetAccessKeyLastUsed on "
            f"resource: access key {key_id}",
            403,
        ) from error
    used = {"ServiceName": "N/A", "Region": "N/A"}
    if key.used is not None:
        date, service, region = key.used
        used = {"LastUsedDate": date, "ServiceName": service, "Region": region}  # type: ignore[dict-item]
    return {"UserName": user.name, "AccessKeyLastUsed": used}


def owner_of(account_id: str, key_id: str) -> tuple[store.StandInUser, Key]:
    """The user of a key, in this account only: keys of other accounts do not exist here."""
    credential = STATE.credentials.get(key_id)
    if credential is None or credential.key is None or credential.principal.account_id != account_id:
        raise no_such_entity(f"The Access Key with id {key_id} cannot be found.")
    return credential.principal.entity, credential.key
