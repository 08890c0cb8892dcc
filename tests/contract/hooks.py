"""What schemathesis has to be told of this API: how a message is sent as the body of a request, and not to wait for long."""

import schemathesis


@schemathesis.serializer("message/rfc822", "message/global")
def message(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def before_call(context, case, kwargs):
    """A wait in vain ends with 408 after a second, too: with ten seconds for each they would be most of this suite."""
    if case.operation.path == "/api/messages/wait" and (case.query or {}).get("timeout", "10s") == "10s":
        case.query = {**(case.query or {}), "timeout": "1s"}
