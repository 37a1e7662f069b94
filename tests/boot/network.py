"""The network of the machines: a bridge in this program's own network namespace, with nothing behind it."""

import ipaddress
import subprocess

BRIDGE = "nodes"


def ip(*arguments: str) -> None:
    """Changes the network of this namespace."""
    subprocess.run(["ip", *arguments], check=True)


def make(address: ipaddress.IPv4Interface) -> None:
    """Makes the bridge, on which this program has `address`. No router and no name server is there."""
    ip("link", "set", "lo", "up")
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("link", "set", BRIDGE, "up")
    ip("address", "add", str(address), "dev", BRIDGE)


def plug(name: str) -> None:
    """Makes a port of the bridge that a machine can use."""
    ip("tuntap", "add", name, "mode", "tap")
    ip("link", "set", name, "master", BRIDGE, "up")
