"""What the scenarios share: the built outputs, the machines that run, and one cluster."""

import itertools
import json
import pathlib
import threading
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from image import Image
from node import Node
from outputs import Output
from patience import patient
from tally import CheckFailed

MEMBERS = ("ptrn-1", "ptrn-2", "ptrn-3")
OBSERVER = "prmt-1"

# Machines that take turns on a core find its caches full of each other: four that boot side by side take half as long again
# as two and then two. So two members come before all others.
NICE = {"ptrn-1": 0, "ptrn-2": 0}
NICE_OTHERS = 10


class Lab:
    """One run's machines. `work` has what was built, `scratch` gets what the machines write."""

    def __init__(self, work: pathlib.Path, scratch: pathlib.Path, image: Image) -> None:
        self.work = work
        self.scratch = scratch
        self.image = image
        self.numbers = itertools.count(1)
        self.nodes: dict[str, Node] = {}
        self.lock = threading.Lock()
        self.lost = False  # whether the cluster has failed to come up

    def output(self, build: str, name: str) -> Output:
        """What imgbuild made for a node."""
        return Output(self.work / build / name)

    def node(self, build: str, name: str) -> Node:
        """A new machine for a node; it is off."""
        return self.machine(self.output(build, name))

    def machine(self, output: Output) -> Node:
        """A new machine with an empty disk for a node, also in the place of an earlier one; it is off."""
        with self.lock:
            nice = NICE.get(output.name, NICE_OTHERS)
            node = Node(output, next(self.numbers), nice, self.image, self.scratch, self.work / "key")
            self.nodes[node.name] = node
        return node

    def cluster(self) -> dict[str, Node]:
        """The cluster, booted from its seeds by the first who asks."""
        names = (*MEMBERS, OBSERVER)
        if self.lost:
            raise CheckFailed("the cluster has not come up")
        if OBSERVER not in self.nodes:
            self.lost = True
            for name in names:
                self.node("cluster", name).start_seeded()
            with ThreadPoolExecutor(len(names)) as pool:
                for verdict in pool.map(lambda name: self.nodes[name].expect_ready(), names):
                    print(
                        f"      {verdict['node']}: ready {verdict['uptime']} s after its kernel's start, {verdict['seconds']} s of it ours",
                        flush=True,
                    )
            self.lost = False
        return {name: self.nodes[name] for name in names}

    def members(self) -> list[Node]:
        """The members of the etcd cluster."""
        cluster = self.cluster()
        return [cluster[name] for name in MEMBERS]

    def ask(self, path: str, **query: str) -> Any:
        """Asks Prometheus' API, as anybody in the network can."""
        address = self.cluster()[OBSERVER].address
        url = f"http://{address}:9090/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=patient(60)) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise CheckFailed(f"Prometheus: {path} {query}: {error.read().decode()}") from error
        except OSError as error:
            raise CheckFailed(f"Prometheus: {path} {query}: {error}") from error

    def value(self, query: str) -> float:
        """The value of a query that gives one sample; 0 if it gives none."""
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else 0.0

    def stop(self, names: list[str]) -> None:
        """Cuts the power of machines that nobody needs any more."""
        for name in names:
            if node := self.nodes.get(name):
                node.machine.kill()
