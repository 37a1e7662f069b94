"""Checks network-config by each renderer that cloud-init has, since guests differ in what manages their network."""

import functools
import pathlib
import re
import subprocess

from guest import Guest, chroot, must, quiet
from tally import CheckFailed, Tally
from tested import ROOT, imgbuild

# For each renderer a distribution that has it, and where it writes the name of the interface.
RENDERERS = {
    "networkd": ("debian", "^Name=ens18$"),
    "network-manager": ("debian", "^interface-name=ens18$"),
    "eni": ("debian", "^iface ens18 inet6? static$"),
    "sysconfig": ("rhel", "^DEVICE=ens18$"),
    "netplan": ("ubuntu", "^ +ens18:$"),
}
DEFAULT_ROUTE = {"0.0.0.0/0": "default|0.0.0.0/0|GATEWAY=", "::/0": "default|::/0|IPV6_DEFAULTGW="}


def document(profile: str) -> bytes:
    """The network-config of the node in a profile of tests/network."""
    command: list[str | pathlib.Path] = [
        imgbuild(),
        "show",
        "n1",
        "network-config",
        "--quiet",
        "--profile",
        ROOT / "tests/network" / profile,
    ]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60).stdout


def render(guest: Guest, config: bytes, renderer: str) -> None:
    """Renders a document, and looks in all that was written for what it says."""
    distribution, name = RENDERERS[renderer]
    # What netplan reads must be where netplan looks for it.
    folder = "/" if renderer == "netplan" else f"/tmp/{renderer}"
    found = guest.root / ("etc/netplan" if renderer == "netplan" else f"tmp/{renderer}")
    guest.write("/tmp/network-config", config)
    convert = f"cloud-init devel net-convert --kind yaml --output-kind {renderer} --distro {distribution}".split()
    must(guest.run(*convert, "--network-data", "/tmp/network-config", "--directory", folder))
    files = sorted(path for path in found.rglob("*") if path.is_file())
    written = "\n".join(path.read_text() for path in files)
    text = config.decode()
    expected = [
        re.escape(value) for value in re.findall(r"^ +(?:- |via: |macaddress: )\"?([0-9a-f.:]{4,})", text, re.MULTILINE)
    ]
    expected += [pattern for route, pattern in DEFAULT_ROUTE.items() if f'to: "{route}"' in text]
    # A MAC address leads to the interface's name only where the interface is.
    expected += [] if "macaddress" in text else [name]
    missing = [value for value in expected if not re.search(value, written, re.MULTILINE)]
    if missing or len(expected) < 4:
        raise CheckFailed(f"expected {expected}, missing {missing} in\n{written}")


def rendered(guest: Guest, config: bytes, renderer: str) -> None:
    """Renders a document, and lets netplan generate from what cloud-init makes of it for netplan."""
    render(guest, config, renderer)
    if renderer != "netplan":
        return
    quiet(guest.run("netplan", "generate"))
    networks = list(guest.root.glob("run/systemd/network/*.network"))
    if len(networks) != 1:
        raise CheckFailed(f"netplan generated {len(networks)} .network files")


def check(tally: Tally) -> None:
    """Checks each profile of tests/network by each renderer."""
    profiles = sorted(path.name for path in (ROOT / "tests/network").glob("*.yaml"))
    if not profiles:
        raise SystemExit("error: tests/network has no profile")
    for profile in profiles:
        config = document(profile)
        with chroot() as guest:
            for renderer in RENDERERS:
                name = f"cloud-init renders network-config for {renderer}"
                tally.check(profile, name, functools.partial(rendered, guest, config, renderer))
