#!/usr/bin/env python3
"""A client in the clear that talks before it has read a greeting; it waits for the server to hang up."""

import os
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(os.environ.get("PATIENCE", 15))) as it:
    it.sendall(b"EHLO client.example\r\n")
    got = b""
    try:
        while some := it.recv(4096):
            got += some
    except ConnectionResetError:
        pass
    sys.exit(f"the server said {got!r} and closed")
