"""Facts about an account as a whole."""

from __future__ import annotations

from typing import Any

from .registry import IamCall, handles


@handles("GetAccountSummary")
def get_account_summary(call: IamCall) -> dict[str, Any]:
    """Counts and quotas under the names of AWS; quotas can be changed for a test."""
    store = call.backend
    own = [p for p in store.managed_policies.values() if not p.arn.startswith("arn:aws:iam::aws:")]
    counts = {
        "Users": len(store.users),
        "Groups": len(store.groups),
        "Roles": len(store.roles),
        "Policies": len(own),
        "PolicyVersionsInUse": sum(len(p.versions) for p in own),
        "InstanceProfiles": len(store.instance_profiles),
        "ServerCertificates": len(store.certificates),
        "MFADevices": len(store.virtual_mfa_devices),
        "MFADevicesInUse": sum(len(user.mfa_devices) for user in store.users.values()),
        "Providers": len(store.saml_providers) + len(store.open_id_providers),
        "AccountMFAEnabled": 0,
        "AccountAccessKeysPresent": 0,
        "AccountSigningCertificatesPresent": 0,
        "AccountPasswordPresent": 0,
        "GlobalEndpointTokenVersion": 1,
    }
    return {"SummaryMap": {**counts, **call.account.quotas()}}
