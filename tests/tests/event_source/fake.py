"""A function that works off records of a stream. The attribute `Do` of an item says what goes wrong with it."""

import http.client
import json
import os
import sys
import time
from pathlib import Path

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
MARKERS = Path(os.environ["MARKERS"])


def api(method, path, body=None):
    connection = http.client.HTTPConnection(API)
    connection.request(method, f"/2018-06-01/runtime/{path}", body)
    response = connection.getresponse()
    return response, response.read()


def first_time(number):
    marker = MARKERS / number
    if marker.exists():
        return False
    marker.touch()
    return True


def handle(event):
    failures = []
    for record in event["Records"]:
        change = record["dynamodb"]
        number = change["SequenceNumber"]
        do = change.get("NewImage", {}).get("Do", {}).get("S", "")
        if do == "fail" or (do == "fail-once" and first_time(number)):
            failures.append({"itemIdentifier": number})
        if do == "confuse":
            failures.append({"itemIdentifier": "another"})
        if do == "error":
            raise RuntimeError("no answer")
        if do == "crash-once" and first_time(number):
            os._exit(3)
        if do == "hang-once" and first_time(number):
            time.sleep(3600)
    return {"batchItemFailures": failures}


while True:
    head, body = api("GET", "invocation/next")
    request_id = head.headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        result = handle(json.loads(body))
    except Exception as error:
        told = {"errorType": type(error).__name__, "errorMessage": str(error)}
        api("POST", f"invocation/{request_id}/error", json.dumps(told))
    else:
        api("POST", f"invocation/{request_id}/response", json.dumps(result))
