"""A custom resource in the place of the real one: it makes files. What it does wrong is in the property `Do`."""

import http.client
import json
import os
import sys
import time
import urllib.parse
from pathlib import Path

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
THINGS = Path(os.environ["THINGS"])


def api(method, path, body=None):
    connection = http.client.HTTPConnection(API)
    connection.request(method, f"/2018-06-01/runtime/{path}", body)
    response = connection.getresponse()
    return response, response.read()


def put(url, answer, headers):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    body = json.dumps(answer).encode()
    connection.request("PUT", f"{parts.path}?{parts.query}", body, headers)
    return connection.getresponse().status


def first_time(name):
    marker = THINGS / f".{name}"
    if marker.exists():
        return False
    marker.touch()
    return True


def carry_out(event, properties, kind):
    """Makes, replaces or removes a file; its name is the physical id."""
    name = properties["Name"]
    before = event.get("PhysicalResourceId")
    if kind == "Delete":
        (THINGS / before).unlink(missing_ok=True)
        return before
    (THINGS / name).write_text(event["StackId"])
    return name


def handle(event, deadline):
    if event == "environment":
        return dict(os.environ)
    kind, properties = event["RequestType"], event["ResourceProperties"]
    do = properties.get("Do", "").split()
    name = f"{kind}-{event['RequestId']}"
    print("event", kind, json.dumps(properties, sort_keys=True), flush=True)
    print("deadline", deadline, file=sys.stderr, flush=True)
    if f"{kind}:crash" in do:
        os._exit(3)
    if f"{kind}:crash-once" in do and first_time(name):
        os._exit(3)
    if f"{kind}:hang" in do:
        time.sleep(3600)
    if f"{kind}:error" in do:
        raise RuntimeError("no answer")
    if f"{kind}:tell" in do:
        raise RuntimeError(f"no answer about {properties['Name']}")
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    if f"{kind}:fail" in do:
        answer |= {"Status": "FAILED", "Reason": f"{kind} was to fail"}
        answer["PhysicalResourceId"] = event.get("PhysicalResourceId") or "nothing"
    else:
        answer |= {"Status": "SUCCESS", "PhysicalResourceId": carry_out(event, properties, kind)}
        answer["Data"] = {"Name": properties["Name"]}
    if f"{kind}:other-id" in do:
        answer["PhysicalResourceId"] = "another"
    headers = {"Content-Type": "application/json"} if f"{kind}:type" in do else {}
    url = event["ResponseURL"].replace("%7C", "|") if f"{kind}:url" in do else event["ResponseURL"]
    for _ in range(5):
        try:
            if put(url, answer, headers) == 200:
                break
        except (http.client.HTTPException, OSError):
            pass
    else:
        raise RuntimeError("the answer was not taken")
    if f"{kind}:twice" in do:
        put(url, answer | {"Reason": "again"}, headers)
    return {"environment": os.getpid()}


while True:
    head, body = api("GET", "invocation/next")
    request_id = head.headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        result = handle(json.loads(body), head.headers["Lambda-Runtime-Deadline-Ms"])
    except Exception as error:
        told = {"errorType": type(error).__name__, "errorMessage": str(error)}
        api("POST", f"invocation/{request_id}/error", json.dumps(told))
    else:
        api("POST", f"invocation/{request_id}/response", json.dumps(result))
