"""The records of Parameter Store: parameters, their versions and tags, per account and region."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from .. import kms
from ..state import STATE
from ..wire import AwsError

KEPT_VERSIONS = 100


@dataclass(frozen=True)
class Version:
    """One version. `value` is a ciphertext for a `SecureString`."""

    number: int
    value: str
    kind: str
    description: str
    key_id: str | None
    tier: str
    user: str
    date: datetime
    data_type: str = "text"


@dataclass(eq=False)
class Parameter:
    """`name` is as it was given at creation: with or without the leading slash."""

    account_id: str
    region: str
    name: str
    versions: list[Version] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:ssm:{self.region}:{self.account_id}:parameter/{self.name.lstrip('/')}"

    @property
    def newest(self) -> Version:
        return self.versions[-1]

    @property
    def context(self) -> dict[str, str]:
        """The encryption context of Parameter Store."""
        return {"PARAMETER_ARN": self.arn}

    def add(self, version: Version, clear: str) -> Version:
        """Appends a version with this value; it is sealed first when it is a secret."""
        if version.kind == "SecureString":
            key = secret_key(self.account_id, self.region, version.key_id)
            clear = usable(lambda: kms.seal(key, self.context, clear))
        self.versions.append(replace(version, value=clear))
        del self.versions[:-KEPT_VERSIONS]
        return self.newest

    def value(self, version: Version, decrypt: bool) -> str:
        if version.kind != "SecureString" or not decrypt:
            return version.value
        found = usable(
            lambda: kms.unseal(self.account_id, self.region, version.value, self.context)
        )
        return found[1]


def usable(action: Any) -> Any:
    """Refusals of KMS reach the caller of SSM as `InvalidKeyId`, with the text of KMS inside."""
    try:
        return action()
    except AwsError as error:
        message = f"{error.message} (Service: AWSKMS; Status Code: 400; Error Code: {error.code})"
        raise AwsError("InvalidKeyId", message) from error


def secret_key(account_id: str, region: str, name: str | None) -> kms.Key:
    """The key for new values; asymmetric keys are refused as those that do not exist."""
    wanted = name or "alias/aws/ssm"
    key = usable(lambda: kms.find(account_id, region, wanted))
    if key.spec != "SYMMETRIC_DEFAULT":
        raise AwsError("InvalidKeyId", f"Invalid keyId {wanted}")
    return key


def parameters(account_id: str, region: str) -> dict[str, Parameter]:
    return STATE.account(account_id).parameters.setdefault(region, {})


def find(account_id: str, region: str, name: str) -> Parameter | None:
    """By name or by ARN."""
    own = parameters(account_id, region)
    if name.startswith("arn:"):
        return next((one for one in own.values() if one.arn == name), None)
    return own.get(name)


def find_version(account_id: str, region: str, name: str) -> tuple[Parameter, Version] | None:
    """A parameter and one version, for a name that may end in `:<number>`; otherwise the newest."""
    parameter = find(account_id, region, name)
    if parameter is not None:
        return parameter, parameter.newest
    plain, _, selector = name.rpartition(":")
    parameter = find(account_id, region, plain)
    if parameter is None:
        return None
    for version in parameter.versions:
        if str(version.number) == selector:
            return parameter, version
    raise AwsError(
        "ParameterVersionNotFound",
        f"Systems Manager could not find version {selector} of {plain}. Verify the version and try again.",
    )
