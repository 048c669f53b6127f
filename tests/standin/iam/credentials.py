"""What else can belong to a user: MFA devices, SSH keys, certificates, service credentials."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from moto.iam.models import MFADevice, SigningCertificate, SshPublicKey, VirtualMfaDevice

from ..state import now, secret_text, unique_id
from ..wire import AwsError, no_such_entity
from . import store
from .paging import page
from .registry import IamCall, handles
from .users import details
from .validation import check_tags, limit_exceeded

SERVICES = {"codecommit.amazonaws.com", "cassandra.amazonaws.com", "bedrock.amazonaws.com"}
CREDENTIALS_PER_SERVICE = 2


# MFA devices.


@handles("CreateVirtualMFADevice")
def create_virtual_mfa_device(call: IamCall) -> dict[str, Any]:
    check_tags(call.params.get("Tags", []))
    path, name = call.text("Path", "/"), call.text("VirtualMFADeviceName")
    device = VirtualMfaDevice(call.account.account_id, "us-east-1", path + name)
    if device.serial_number in call.backend.virtual_mfa_devices:
        raise AwsError(
            "EntityAlreadyExists", "MFADevice entity at the same path and name already exists.", 409
        )
    call.backend.virtual_mfa_devices[device.serial_number] = device
    return {
        "VirtualMFADevice": {
            "SerialNumber": device.serial_number,
            "Base32StringSeed": device.base32_string_seed.encode(),
            "QRCodePNG": device.qr_code_png,
        }
    }


@handles("EnableMFADevice")
def enable_mfa_device(call: IamCall) -> None:
    user = call.user()
    serial = call.text("SerialNumber")
    holders = [u for u in call.backend.users.values() if serial in u.mfa_devices]
    if holders:
        raise AwsError(
            "EntityAlreadyExists", "MFADevice entity at the same path and name already exists.", 409
        )
    device = call.backend.virtual_mfa_devices.get(serial)
    if serial.startswith("arn:") and device is None:
        raise no_such_entity(f"VirtualMFADevice with serial number {serial} doesn't exist.")
    if device is not None:
        device.enable_date = now()
        device.user = user
    user.mfa_devices[serial] = MFADevice(serial, "", "")
    user.mfa_devices[serial].enable_date = now()


@handles("DeactivateMFADevice")
def deactivate_mfa_device(call: IamCall) -> None:
    user = call.user()
    serial = call.text("SerialNumber")
    if serial not in user.mfa_devices:
        raise no_such_entity(f"MFA Device with serial number {serial} cannot be found.")
    device = call.backend.virtual_mfa_devices.get(serial)
    if device is not None:
        device.enable_date = None
        device.user = None
    del user.mfa_devices[serial]


@handles("DeleteVirtualMFADevice")
def delete_virtual_mfa_device(call: IamCall) -> None:
    serial = call.text("SerialNumber")
    device = call.backend.virtual_mfa_devices.get(serial)
    if device is None:
        raise no_such_entity(f"VirtualMFADevice with serial number {serial} doesn't exist.")
    if device.user is not None:
        raise AwsError(
            "DeleteConflict", "Cannot delete entity, must deactivate the MFA device first.", 409
        )
    del call.backend.virtual_mfa_devices[serial]


@handles("ListMFADevices")
def list_mfa_devices(call: IamCall) -> dict[str, Any]:
    user = call.user()
    result = page(
        call, "MFADevices", user.mfa_devices.values(), key=lambda one: one.serial_number
    )
    result["MFADevices"] = [
        {
            "UserName": user.name,
            "SerialNumber": device.serial_number,
            "EnableDate": device.enable_date,
        }
        for device in result["MFADevices"]
    ]
    return result


@handles("ListVirtualMFADevices")
def list_virtual_mfa_devices(call: IamCall) -> dict[str, Any]:
    status = call.text("AssignmentStatus", "Any")
    devices = [
        device
        for device in call.backend.virtual_mfa_devices.values()
        if status == "Any" or (status == "Assigned") == (device.user is not None)
    ]
    result = page(call, "VirtualMFADevices", devices, key=lambda one: one.serial_number)
    shown = []
    for device in result["VirtualMFADevices"]:
        entry: dict[str, Any] = {"SerialNumber": device.serial_number}
        if device.user is not None:
            entry["User"] = details(device.user)
            entry["EnableDate"] = device.enable_date
        shown.append(entry)
    result["VirtualMFADevices"] = shown
    return result


# SSH public keys.


def ssh_key_of(call: IamCall) -> tuple[store.StandInUser, SshPublicKey]:
    user = call.user()
    key_id = call.text("SSHPublicKeyId")
    for key in user.ssh_public_keys:
        if key.ssh_public_key_id == key_id:
            return user, key
    raise no_such_entity(f"The Public Key with id {key_id} cannot be found.")


def ssh_key_details(user: store.StandInUser, key: SshPublicKey) -> dict[str, Any]:
    return {
        "UserName": user.name,
        "SSHPublicKeyId": key.ssh_public_key_id,
        "Fingerprint": key.fingerprint,
        "SSHPublicKeyBody": key.ssh_public_key_body,
        "Status": key.status,
        "UploadDate": key.upload_date,
    }


@handles("UploadSSHPublicKey")
def upload_ssh_public_key(call: IamCall) -> dict[str, Any]:
    user = call.user()
    if len(user.ssh_public_keys) >= 5:
        raise limit_exceeded("Cannot exceed quota for SSHPublicKeysPerUser: 5")
    key = SshPublicKey(user.name, call.text("SSHPublicKeyBody"))
    key.ssh_public_key_id = unique_id("APKA")
    user.ssh_public_keys.append(key)
    return {"SSHPublicKey": ssh_key_details(user, key)}


@handles("GetSSHPublicKey")
def get_ssh_public_key(call: IamCall) -> dict[str, Any]:
    return {"SSHPublicKey": ssh_key_details(*ssh_key_of(call))}


@handles("ListSSHPublicKeys")
def list_ssh_public_keys(call: IamCall) -> dict[str, Any]:
    user = call.user()
    result = page(
        call, "SSHPublicKeys", user.ssh_public_keys, key=lambda one: one.ssh_public_key_id
    )
    result["SSHPublicKeys"] = [ssh_key_details(user, key) for key in result["SSHPublicKeys"]]
    return result


@handles("UpdateSSHPublicKey")
def update_ssh_public_key(call: IamCall) -> None:
    _, key = ssh_key_of(call)
    key.status = call.text("Status")


@handles("DeleteSSHPublicKey")
def delete_ssh_public_key(call: IamCall) -> None:
    user, key = ssh_key_of(call)
    user.ssh_public_keys.remove(key)


# Signing certificates.


def certificate_details(user: store.StandInUser, certificate: SigningCertificate) -> dict[str, Any]:
    return {
        "UserName": user.name,
        "CertificateId": certificate.id,
        "CertificateBody": certificate.body,
        "Status": certificate.status,
        "UploadDate": certificate.upload_date,
    }


def certificate_of(call: IamCall) -> tuple[store.StandInUser, SigningCertificate]:
    user = call.user()
    certificate_id = call.text("CertificateId")
    if certificate_id not in user.signing_certificates:
        raise no_such_entity(f"The Certificate with id {certificate_id} cannot be found.")
    return user, user.signing_certificates[certificate_id]


@handles("UploadSigningCertificate")
def upload_signing_certificate(call: IamCall) -> dict[str, Any]:
    user = call.user()
    body = call.text("CertificateBody")
    if not body.strip().startswith("-----BEGIN CERTIFICATE-----"):
        raise AwsError("MalformedCertificate", "Certificate is malformed", 400)
    quota = call.account.quota("SigningCertificatesPerUserQuota")
    if len(user.signing_certificates) >= quota:
        raise limit_exceeded(f"Cannot exceed quota for CertificatesPerUser: {quota}")
    certificate = SigningCertificate(unique_id("", 24), user.name, body)
    user.signing_certificates[certificate.id] = certificate
    return {"Certificate": certificate_details(user, certificate)}


@handles("ListSigningCertificates")
def list_signing_certificates(call: IamCall) -> dict[str, Any]:
    user = call.user()
    result = page(
        call, "Certificates", user.signing_certificates.values(), key=lambda one: one.id
    )
    result["Certificates"] = [certificate_details(user, one) for one in result["Certificates"]]
    return result


@handles("UpdateSigningCertificate")
def update_signing_certificate(call: IamCall) -> None:
    _, certificate = certificate_of(call)
    certificate.status = call.text("Status")


@handles("DeleteSigningCertificate")
def delete_signing_certificate(call: IamCall) -> None:
    user, certificate = certificate_of(call)
    del user.signing_certificates[certificate.id]


# Service-specific credentials.


def service_credential_of(call: IamCall) -> tuple[store.StandInUser, dict[str, Any]]:
    user = call.user()
    credential_id = call.text("ServiceSpecificCredentialId")
    if credential_id not in user.service_credentials:
        raise no_such_entity(
            f"No such credential {credential_id} exists for user {user.name}"
        )
    return user, user.service_credentials[credential_id]


def without_secret(user: store.StandInUser, credential: dict[str, Any]) -> dict[str, Any]:
    hidden = ("ServicePassword", "ServiceCredentialSecret")
    shown = {name: value for name, value in credential.items() if name not in hidden}
    return {**shown, "UserName": user.name}


@handles("CreateServiceSpecificCredential")
def create_service_specific_credential(call: IamCall) -> dict[str, Any]:
    user = call.user()
    service = call.text("ServiceName")
    if service not in SERVICES:
        raise AwsError("NotSupportedService", f"Service {service} is not supported.", 404)
    present = [c for c in user.service_credentials.values() if c["ServiceName"] == service]
    if len(present) >= CREDENTIALS_PER_SERVICE:
        raise limit_exceeded(
            f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {CREDENTIALS_PER_SERVICE}"
        )
    number = f"+{len(present)}" if present else ""
    credential: dict[str, Any] = {
        "CreateDate": now(),
        "ServiceName": service,
        "ServiceSpecificCredentialId": unique_id("ACCA"),
        "Status": "Active",
    }
    secret = base64.b64encode(hashlib.sha256(secret_text().encode()).digest()).decode()
    if service == "bedrock.amazonaws.com":
        alias = f"{user.name}{number}-at-{call.account.account_id}"
        credential |= {"ServiceCredentialAlias": alias, "ServiceCredentialSecret": secret}
    else:
        name = f"{user.name}{number}-at-{call.account.account_id}"
        credential |= {"ServiceUserName": name, "ServicePassword": secret}
    user.service_credentials[credential["ServiceSpecificCredentialId"]] = credential
    return {"ServiceSpecificCredential": {**credential, "UserName": user.name}}


@handles("ListServiceSpecificCredentials")
def list_service_specific_credentials(call: IamCall) -> dict[str, Any]:
    user = call.user()
    service = call.params.get("ServiceName")
    credentials = [
        one for one in user.service_credentials.values() if service in (None, one["ServiceName"])
    ]
    result = page(
        call,
        "ServiceSpecificCredentials",
        credentials,
        key=lambda one: one["ServiceSpecificCredentialId"],
    )
    result["ServiceSpecificCredentials"] = [
        without_secret(user, one) for one in result["ServiceSpecificCredentials"]
    ]
    return result


@handles("UpdateServiceSpecificCredential")
def update_service_specific_credential(call: IamCall) -> None:
    _, credential = service_credential_of(call)
    credential["Status"] = call.text("Status")


@handles("ResetServiceSpecificCredential")
def reset_service_specific_credential(call: IamCall) -> dict[str, Any]:
    user, credential = service_credential_of(call)
    secret = base64.b64encode(hashlib.sha256(secret_text().encode()).digest()).decode()
    for name in ("ServicePassword", "ServiceCredentialSecret"):
        if name in credential:
            credential[name] = secret
    return {"ServiceSpecificCredential": {**credential, "UserName": user.name}}


@handles("DeleteServiceSpecificCredential")
def delete_service_specific_credential(call: IamCall) -> None:
    user, credential = service_credential_of(call)
    del user.service_credentials[credential["ServiceSpecificCredentialId"]]
