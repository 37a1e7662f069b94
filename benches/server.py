"""A server on loopback whose answers share a link of so many bytes a second: server.py FOLDER RATE prints its port."""

import functools
import http.server
import sys
import threading
import time
from typing import Any

PIECE = 64 * 1024


class Link:
    """What all answers go through, one piece after the other."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.lock = threading.Lock()
        self.free_at = 0.0

    def wait(self, size: int) -> None:
        """Waits until the link has taken so many bytes."""
        with self.lock:
            self.free_at = max(self.free_at, time.monotonic()) + size / self.rate
            until = self.free_at
        time.sleep(max(0.0, until - time.monotonic()))


class Handler(http.server.SimpleHTTPRequestHandler):
    """Answers with files, and keeps connections open as web servers do."""

    protocol_version = "HTTP/1.1"
    link: Link

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Sends a file through the link."""
        while piece := source.read(PIECE):
            self.link.wait(len(piece))
            outputfile.write(piece)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    Handler.link = Link(float(sys.argv[2]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
    print(server.server_address[1], flush=True)
    server.serve_forever()
