"""Scenarios of one node whose layers are not on its seed. Each must end as the default does."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator

from builds import ROOT
from cluster import expect
from faults import well
from lab import Lab
from node import PATIENCE, Node
from tally import CheckFailed

HERE = "192.168.2.250"
PORT = 8080
URL = f"http://{HERE}:{PORT}"


def as_the_default(lab: Lab, node: Node) -> None:
    """The node has become what the default's overlay makes of it, and no copy of a layer is left."""
    well(node)
    applied = node.must("sudo cat /var/lib/imgbuild/applied").strip()
    whole = json.loads(lab.output("lone", node.name).read("manifest.json"))
    expect("the overlay's digest", whole["outputs"]["overlay.tar.gz"]["sha256"], applied)
    node.must("! sudo ls -d /var/lib/imgbuild/downloads 2>/dev/null && ! mount | grep /run/imgbuild/volume")


def shared(lab: Lab) -> None:
    """A seed of documents and the image that all nodes share make the node that the default makes."""
    node = lab.node("shared", "shared")
    image = node.output.folder.parent / "shared.iso"
    if node.output.file("seed.iso").stat().st_size > 1_000_000:
        raise CheckFailed("the seed is as large as if it had everything")
    node.start(node.output.file("seed.iso"), image)
    as_the_default(lab, node)


class Serve:
    """`imgbuild serve` on loopback. What it prints over all its starts is in the file `log`."""

    def __init__(self, out: pathlib.Path, log: pathlib.Path, port: int) -> None:
        self.out = out
        self.log = log
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it listens."""
        command = [ROOT / "target/debug/imgbuild", "serve", "--listen", f"127.0.0.1:{self.port}", "--out", self.out]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.PIPE, env=os.environ
            )
        assert self.process.stderr
        for line in self.process.stderr:
            if b" on http://" in line:
                return
        raise CheckFailed("imgbuild serve has ended")

    def kill(self) -> None:
        """Ends it as a power cut does."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def end(self) -> str:
        """Ends it as a user does, and gives what it printed."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            expect("the end of imgbuild serve", 0, self.process.wait(PATIENCE))
        return self.log.read_text()


class Road:
    """The way from the nodes to the server, on which it is seen how far a download has come.

    When half of the largest layer has passed, the server is killed. What is asked then finds nobody, until the server is
    started again.
    """

    def __init__(self, serve: Serve, half: int, refusals: int) -> None:
        self.serve = serve
        self.half = half
        self.refusals = refusals  # connections that find nobody before the server is back
        self.refused = 0
        self.killed = False
        self.lock = threading.Lock()

    def run(self, listener: socket.socket) -> None:
        """Takes connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self.pass_on, args=(near,), daemon=True).start()

    def pass_on(self, near: socket.socket) -> None:
        """Passes one request on, and the answer back."""
        with near, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request and (some := near.recv(65536)):
                request += some
            with self.lock:
                if self.killed and self.refused < self.refusals:
                    self.refused += 1
                    if self.refused == self.refusals:
                        self.serve.start()
                    return
            with socket.create_connection(("127.0.0.1", self.serve.port)) as far:
                far.sendall(request)
                passed = 0
                while some := far.recv(65536):
                    near.sendall(some)
                    passed += len(some)
                    if passed > self.half and not self.killed:
                        with self.lock:
                            self.killed = True
                            self.serve.kill()
                        return


@contextlib.contextmanager
def road(serve: Serve, half: int) -> Iterator[Road]:
    """The server behind its road."""
    serve.start()
    way = Road(serve, half, refusals=2)
    try:
        with socket.create_server((HERE, PORT)) as listener:
            threading.Thread(target=way.run, args=(listener,), daemon=True).start()
            yield way
    finally:
        serve.kill()


def served(lab: Lab) -> None:
    """Layers come from `imgbuild serve`, which is killed halfway and started again: the download goes on."""
    node = lab.node("http", "served")
    layers = json.loads(node.output.read("manifest.json"))["layers"]
    largest = max(layers, key=lambda layer: layer["size"])
    serve = Serve(node.output.folder.parent, lab.scratch / "serve.log", PORT + 1)
    with road(serve, largest["size"] // 2) as way:
        node.start(node.output.file("seed.iso"))
        as_the_default(lab, node)
        expect("that the server was killed", (True, way.refusals), (way.killed, way.refused))
        log = serve.end()
    asked = [line.split() for line in log.splitlines() if f"/layers/{largest['sha256']} " in line]
    expect("the answers that went on with the largest layer", ["206"], [line[3] for line in asked])
    if int(asked[0][4]) >= largest["size"]:
        raise CheckFailed(f"the layer was fetched anew:\n{log}")


SCENARIOS = (shared, served)
