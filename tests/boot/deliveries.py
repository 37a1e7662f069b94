"""Scenarios of members that die, each replaced by an empty machine that gets its layers in another way.

They come after those of the whole cluster, whose members they give new ids.
"""

import contextlib
import functools
import http.server
import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator

import builds
import tested
from cluster import ETCDCTL, clean, expect, serves, targets_up
from lab import Lab
from node import Node, wait_for
from outputs import Output
from patience import PATIENCE, patient
from tally import CheckFailed

HERE = "192.168.2.250"
PORT = 8080
URL = f"http://{HERE}:{PORT}"
MIRROR_PORT = 8090


class Vacancy:
    """The place of a member that dies."""

    def __init__(self, lab: Lab, name: str, *delivery: str) -> None:
        """Cuts the power of the member `name` for good. `delivery` is how the one that replaces it is delivered."""
        serves(lab)
        self.lab = lab
        self.name = name
        self.out = lab.scratch / f"replaced-{name}"
        self.command = ["replace", name, *delivery, *builds.options(lab.work, "cluster", self.out)]
        self.others = [member for member in lab.members() if member.name != name]
        lab.nodes[name].machine.kill()
        self.commands = self.ask()
        self.node = lab.machine(Output(self.out / name))

    def ask(self) -> str:
        """What imgbuild says is to be done. While the members look for another leader, none of them is healthy."""
        end = time.monotonic() + patient(PATIENCE)
        while True:
            command: list[str | pathlib.Path] = [tested.imgbuild(), *self.command]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout
            if "healthy" not in done.stderr or time.monotonic() > end:
                raise CheckFailed(f"imgbuild replace {self.name} ended with {done.returncode}:\n{done.stderr}")
            time.sleep(2)

    def tell(self) -> None:
        """Tells the others. A cluster that has just lost its leader takes no new member for some seconds."""
        end = time.monotonic() + patient(PATIENCE)
        while (done := self.others[0].run(f"set -e\n{self.commands}")).returncode != 0:
            if time.monotonic() > end:
                raise CheckFailed(f"{self.commands} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
            time.sleep(2)
            self.commands = self.ask()

    def fill(self, *volumes: pathlib.Path) -> Node:
        """Boots the empty machine with its seed and these volumes, and waits until the cluster is what it was."""
        self.node.start(self.node.output.file("seed.iso"), *volumes)
        self.tell()
        self.node.expect_ready()
        kept = self.others[0].must(f"{ETCDCTL} get boot-test --print-value-only")
        local = self.node.must(f"ETCDCTL_ENDPOINTS=127.0.0.1:2379 {ETCDCTL} get boot-test --print-value-only")
        expect("what the cluster has kept", kept, local)
        self.has_the_files()
        serves(self.lab)
        since = self.lab.value("vector(time())")
        wait_for(
            "every target is up", 180, lambda: self.lab.value("min(timestamp(up))") > since and targets_up(self.lab)
        )
        clean(self.node)
        return self.node

    def has_the_files(self) -> None:
        """The node has the files of the default delivery, and no copy is left of what they came in."""
        expected = listed(self.lab.output("cluster", self.name))
        got = rows(self.node.must("cat /usr/lib/imgbuild/files"))
        expect("its files", sorted(expected), sorted(got))
        sums = self.node.must("sha256sum /usr/local/bin/*")
        for line in sums.splitlines():
            digest, path = line.split()
            expect(path, expected[path][:64], digest)
        self.node.must("! sudo ls -d /var/lib/imgbuild/downloads 2>/dev/null && ! mount | grep /run/imgbuild/volume")


def rows(text: str) -> dict[str, str]:
    """A guest's list of files, by path, without those that a delivery needs itself."""
    lines = [line.split("\t") for line in text.splitlines()]
    return {path: state for owner, state, path in lines if owner != "imgbuild"}


def listed(output: Output) -> dict[str, str]:
    """The list of files in a node's overlay."""
    with tarfile.open(fileobj=io.BytesIO(output.read("overlay.tar.gz"))) as overlay:
        member = overlay.extractfile("usr/lib/imgbuild/files")
        assert member
        return rows(member.read().decode())


def shared(lab: Lab) -> None:
    """The first member is replaced by a machine that gets its layers from the image that all nodes share."""
    vacancy = Vacancy(lab, "ptrn-1", "--delivery", "shared")
    if vacancy.node.output.file("seed.iso").stat().st_size > 1_000_000:
        raise CheckFailed("the seed is as large as if it had everything")
    vacancy.fill(vacancy.out / "shared.iso")


class Serve:
    """`imgbuild serve` on loopback. What it prints over all its starts is in the file `log`."""

    def __init__(self, out: pathlib.Path, log: pathlib.Path, port: int) -> None:
        self.out = out
        self.log = log
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it listens."""
        command: list[str | pathlib.Path] = [
            tested.imgbuild(),
            "serve",
            "--listen",
            f"127.0.0.1:{self.port}",
            "--out",
            self.out,
        ]
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
            expect("the end of imgbuild serve", 0, self.process.wait(patient(PATIENCE)))
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
    """The second gets them from `imgbuild serve`, which is killed halfway and started again: the download goes on."""
    vacancy = Vacancy(lab, "ptrn-2", "--delivery", "http", "--url", URL)
    layers = json.loads(vacancy.node.output.read("manifest.json"))["layers"]
    largest = max(layers, key=lambda layer: layer["size"])
    serve = Serve(vacancy.out, lab.scratch / "serve.log", PORT + 1)
    with road(serve, largest["size"] // 2) as way:
        vacancy.fill()
        expect("that the server was killed", (True, way.refusals), (way.killed, way.refused))
        log = serve.end()
    asked = [line.split() for line in log.splitlines() if f"/layers/{largest['sha256']} " in line]
    expect("the answers that went on with the largest layer", ["206"], [line[3] for line in asked])
    if int(asked[0][4]) >= largest["size"]:
        raise CheckFailed(f"the layer was fetched anew:\n{log}")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server that keeps to itself what it was asked."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def downloaded(lab: Lab) -> None:
    """The third fetches its releases from a mirror by itself."""
    handler = functools.partial(Quiet, directory=str(lab.work / "mirror"))
    with http.server.ThreadingHTTPServer((HERE, MIRROR_PORT), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        vacancy = Vacancy(lab, "ptrn-3", "--delivery", "download", "--mirror", f"http://{HERE}:{MIRROR_PORT}")
        vacancy.fill()
        server.shutdown()


SCENARIOS = (shared, served, downloaded)
