"""Starts the stand-in on a free loopback port and serves until standard input closes.

The parent process keeps our standard input open: when it dies, however it dies, the pipe closes
and the stand-in goes with it. `READY <port>` on standard output is the only line printed there.
"""

from __future__ import annotations

import os
import sys
import threading

# Set before moto and boto are imported, which read them once.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "stand-in")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "stand-in")
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
for name in ("MOTO_ACCOUNT_ID", "MOTO_IAM_LOAD_MANAGED_POLICIES", "AWS_PROFILE"):
    os.environ.pop(name, None)


def main() -> None:
    from werkzeug.serving import WSGIRequestHandler, make_server

    from .app import Application

    class QuietHandler(WSGIRequestHandler):
        """The call log says more than a line per request on standard error would."""

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = make_server(
        "127.0.0.1", 0, Application(), threaded=True, request_handler=QuietHandler
    )
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"READY {server.server_port}", flush=True)
    while sys.stdin.buffer.read(4096):
        pass
    # Threads may be waiting in a held call; nothing is worth waiting for them.
    os._exit(0)


main()
