"""What schemathesis has to be told of this API: how a message is sent as the body of a request."""

import schemathesis


@schemathesis.serializer("message/rfc822", "message/global")
def message(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
