"""Names of S3 operations, from the method, the path and the query of a request."""

from __future__ import annotations

# (sub-resource in the query, operation); the first that is present decides.
BUCKET = {
    "GET": [
        ("location", "GetBucketLocation"),
        ("versioning", "GetBucketVersioning"),
        ("policy", "GetBucketPolicy"),
        ("policyStatus", "GetBucketPolicyStatus"),
        ("encryption", "GetBucketEncryption"),
        ("object-lock", "GetObjectLockConfiguration"),
        ("publicAccessBlock", "GetPublicAccessBlock"),
        ("ownershipControls", "GetBucketOwnershipControls"),
        ("lifecycle", "GetBucketLifecycleConfiguration"),
        ("tagging", "GetBucketTagging"),
        ("logging", "GetBucketLogging"),
        ("acl", "GetBucketAcl"),
        ("versions", "ListObjectVersions"),
        ("uploads", "ListMultipartUploads"),
        ("", "ListObjectsV2"),
    ],
    "HEAD": [("", "HeadBucket")],
    "PUT": [
        ("versioning", "PutBucketVersioning"),
        ("policy", "PutBucketPolicy"),
        ("encryption", "PutBucketEncryption"),
        ("object-lock", "PutObjectLockConfiguration"),
        ("publicAccessBlock", "PutPublicAccessBlock"),
        ("ownershipControls", "PutBucketOwnershipControls"),
        ("lifecycle", "PutBucketLifecycleConfiguration"),
        ("tagging", "PutBucketTagging"),
        ("logging", "PutBucketLogging"),
        ("acl", "PutBucketAcl"),
        ("", "CreateBucket"),
    ],
    "DELETE": [
        ("policy", "DeleteBucketPolicy"),
        ("tagging", "DeleteBucketTagging"),
        ("lifecycle", "DeleteBucketLifecycle"),
        ("publicAccessBlock", "DeletePublicAccessBlock"),
        ("", "DeleteBucket"),
    ],
    "POST": [("delete", "DeleteObjects")],
}
OBJECT = {
    "GET": [
        ("tagging", "GetObjectTagging"),
        ("retention", "GetObjectRetention"),
        ("acl", "GetObjectAcl"),
        ("", "GetObject"),
    ],
    "HEAD": [("", "HeadObject")],
    "PUT": [
        ("tagging", "PutObjectTagging"),
        ("retention", "PutObjectRetention"),
        ("acl", "PutObjectAcl"),
        ("partNumber", "UploadPart"),
        ("", "PutObject"),
    ],
    "DELETE": [
        ("tagging", "DeleteObjectTagging"),
        ("uploadId", "AbortMultipartUpload"),
        ("", "DeleteObject"),
    ],
    "POST": [("uploads", "CreateMultipartUpload"), ("uploadId", "CompleteMultipartUpload")],
}


def operation(
    method: str, bucket: str, key: str, query: dict[str, str], headers: dict[str, str]
) -> str:
    """The name as in the API reference, or the method and path when there is none."""
    if not bucket:
        return "ListBuckets" if method == "GET" else f"{method} /"
    if key and method == "PUT" and "x-amz-copy-source" in headers:
        return "CopyObject"
    for name, found in (OBJECT if key else BUCKET).get(method, []):
        if not name or name in query:
            return found
    return f"{method} /{bucket}" + (f"/{key}" if key else "")


# IAM actions that are not called like the operation.
PERMISSIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
SAME_NAME = {
    "GetBucketLocation", "GetBucketVersioning", "GetBucketPolicy", "GetBucketPolicyStatus",
    "GetBucketOwnershipControls", "GetBucketTagging", "GetBucketLogging", "GetBucketAcl",
    "PutBucketVersioning", "PutBucketPolicy", "PutBucketOwnershipControls", "PutBucketTagging",
    "PutBucketLogging", "PutBucketAcl", "CreateBucket", "DeleteBucketPolicy", "DeleteBucket",
    "GetObjectTagging", "GetObjectRetention", "GetObjectAcl", "GetObject", "PutObjectTagging",
    "PutObjectRetention", "PutObjectAcl", "PutObject", "DeleteObjectTagging", "DeleteObject",
    "AbortMultipartUpload",
}  # fmt: skip


def permission(name: str) -> str | None:
    """The IAM action that allows an operation; None when the stand-in does not know it."""
    if name in SAME_NAME:
        return name
    return PERMISSIONS.get(name)
