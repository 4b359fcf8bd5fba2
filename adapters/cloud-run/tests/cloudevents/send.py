"""Sends CloudEvents that Python's SDK makes: to the port that is the first argument, one after the other.

From standard input it reads a list of sendings, `{"mode", "events"}`, and answers on standard output with a list of what became of
each: `{"status"}`, or `{"error"}` where it could not be sent. The second argument says which of the SDK's two interfaces makes them:
`core`, or `v1`, which is the older one.
"""

import base64
import http.client
import json
import sys
from datetime import datetime

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v03.event import CloudEvent as Event03
from cloudevents.core.v1.event import CloudEvent as Event1
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent as OldEvent

BATCH = "application/cloudevents-batch+json"


def data_of(event):
    if "base64" in event:
        return base64.b64decode(event["base64"])
    return event.get("text", event.get("json"))


def core(mode, events):
    made = []
    for event in events:
        attributes = dict(event["attributes"])
        if "time" in attributes:
            attributes["time"] = datetime.fromisoformat(attributes["time"])
        kind = Event03 if attributes.get("specversion") == "0.3" else Event1
        made.append(kind(attributes, data_of(event)))
    if mode == "batch":
        # The SDK makes the parts, and has nothing that joins them.
        parts = b",".join(JSONFormat().write(event) for event in made)
        return {"content-type": BATCH}, b"[" + parts + b"]"
    make = {"binary": to_binary_event, "structured": to_structured_event}[mode]
    [event] = made
    message = make(event)
    return message.headers, message.body


def old(mode, events):
    make = {"binary": to_binary, "structured": to_structured}[mode]
    [event] = events
    return make(OldEvent(event["attributes"], data_of(event)))


def send(port, make, sending):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers, body = make(sending["mode"], sending["events"])
        connection.request("POST", "/", body=body, headers=headers)
        response = connection.getresponse()
        response.read()
        return {"status": response.status}
    except UnicodeEncodeError as error:
        return {"error": str(error)}
    finally:
        connection.close()


port, interface = int(sys.argv[1]), {"core": core, "v1": old}[sys.argv[2]]
sendings = json.loads(sys.stdin.buffer.read())
json.dump([send(port, interface, sending) for sending in sendings], sys.stdout)
