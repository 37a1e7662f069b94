"""Scenarios of one node that meets a fault. Those of a lane follow one another, and may go on with the last one's machine."""

import pathlib
import subprocess

from cluster import expect
from lab import Lab
from node import Node, wait_for
from patience import PATIENCE
from tally import CheckFailed

UNIT = "node_exporter.service"
NO_OVERLAY = "^missing: the overlay .* no volume labelled CIDATA or IMGBUILD has it"
ANOTHER = "has (sha256|[0-9]+ bytes)"
NO_ROOM = "the overlay needs [0-9]+ KiB in /usr/lib, [0-9]+ are free|No space left on device"
# Stops the program as soon as the first file of the overlay is in place, and says so where it can be heard.
WATCH = """sudo setsid sh -c '
until [ -e /usr/local/bin/node_exporter ]; do :; done
echo 1 >/sys/fs/cgroup/system.slice/imgbuild.service/cgroup.freeze
echo "boot-test: frozen" >/dev/console' >/dev/null 2>&1 </dev/null &"""


def image(path: pathlib.Path, label: str, files: dict[str, pathlib.Path]) -> pathlib.Path:
    """Makes a CD-ROM image of these files."""
    graft = [f"/{name}={source}" for name, source in files.items()]
    subprocess.run(
        ["xorriso", "-as", "mkisofs", "-quiet", "-V", label, "-J", "-R", "-graft-points", "-o", path, *graft],
        check=True,
        capture_output=True,
    )
    return path


def seed(lab: Lab, name: str, **other: pathlib.Path | None) -> pathlib.Path:
    """Makes a node's seed with another overlay, or none; its documents are unchanged."""
    output = lab.output("lone", name)
    files = {part: output.file(part) for part in ("user-data", "meta-data", "network-config")}
    overlay = other.get("overlay", output.file("overlay.tar.gz"))
    return image(lab.scratch / f"{name}.iso", "CIDATA", files | ({"overlay.tar.gz": overlay} if overlay else {}))


def volume(lab: Lab, name: str) -> pathlib.Path:
    """Makes a second volume that holds a node's overlay."""
    return image(
        lab.scratch / f"{name}-overlay.iso",
        "IMGBUILD",
        {"overlay.tar.gz": lab.output("lone", name).file("overlay.tar.gz")},
    )


def untouched(node: Node) -> None:
    """Nothing of the overlay is there, nothing of it runs, and cloud-init says that the node is not well."""
    node.must("! ls -d /usr/lib/imgbuild* /usr/local/bin/node_exporter 2>/dev/null")
    expect("the unit's state", "inactive", node.run(f"systemctl is-active {UNIT}").stdout.strip())
    expect("cloud-init status", 1, node.run("cloud-init status --wait", PATIENCE).returncode)


def well(node: Node, earlier: str | None = None) -> None:
    """It is as if nothing had happened; before that it may fail once more like `earlier`."""
    node.expect_ready(earlier)
    node.must(f"systemctl is-active {UNIT} && systemctl is-enabled {UNIT}")
    node.must("! ls -d /usr/lib/imgbuild.new* 2>/dev/null")


def left_by(lab: Lab, scenario: str) -> Node | None:
    """The machine of the scenario before in this lane, if that has succeeded: one boot less."""
    node = lab.nodes.get(scenario)
    return node if node and node.machine.running else None


def flipped(lab: Lab) -> None:
    """An overlay with one flipped byte is refused whole."""
    node = lab.node("lone", "flipped")
    overlay = bytearray(node.output.read("overlay.tar.gz"))
    overlay[len(overlay) // 2] ^= 1
    bad = lab.scratch / "flipped.tar.gz"
    bad.write_bytes(overlay)
    node.start(seed(lab, node.name, overlay=bad))
    node.expect_failed(r"the overlay on /dev/\w+ has sha256 [0-9a-f]{64}, expected [0-9a-f]{64}")
    untouched(node)


def missing(lab: Lab) -> None:
    """A node without its overlay tries on, and succeeds when it appears."""
    node = lab.node("lone", "missing")
    node.start(seed(lab, node.name, overlay=None))
    node.expect_failed(NO_OVERLAY)
    untouched(node)
    node.expect_failed(NO_OVERLAY)
    node.machine.attach(volume(lab, node.name))
    well(node, NO_OVERLAY)


def twins(lab: Lab) -> None:
    """Of two volumes that claim the label, the one with the right overlay is taken; before it is there, none is."""
    node = lab.node("lone", "twins")
    foreign = seed(lab, node.name, overlay=lab.output("other", node.name).file("overlay.tar.gz"))
    node.start(foreign)
    node.expect_failed(ANOTHER)
    untouched(node)
    right = {"overlay.tar.gz": node.output.file("overlay.tar.gz")}
    node.machine.attach(image(lab.scratch / "right.iso", "CIDATA", right))
    well(node, ANOTHER)


def stale(lab: Lab) -> None:
    """New documents beside an old overlay change nothing on a node that runs, and say what is wrong."""
    node = left_by(lab, "twins")
    if not node:
        node = lab.node("lone", "stale")
        node.start_seeded()
        well(node)
    node.shut_down()
    node.start(image(lab.scratch / "stale.iso", "CIDATA", {
        part: lab.output("lone" if part == "overlay.tar.gz" else "other", node.name).file(part)
        for part in ("user-data", "meta-data", "network-config", "overlay.tar.gz")
    }))  # fmt: skip
    node.expect_failed(ANOTHER)
    node.must(f"systemctl is-active {UNIT} && ! grep -r no-such-option /etc/sysconfig /etc/systemd/system")


def full(lab: Lab) -> None:
    """A disk without room for the overlay is left as it was; with room the node gets ready by itself."""
    node = left_by(lab, "flipped")
    if not node:
        node = lab.node("lone", "full")
        node.start(seed(lab, node.name, overlay=None))
        node.expect_failed(NO_OVERLAY)
    node.must("free=$(df -kP / | awk 'END { print $4 }') && sudo fallocate -l $((free - 8000))K /filler")
    node.machine.attach(volume(lab, node.name))
    node.expect_failed(NO_ROOM, f"{NO_OVERLAY}|^the overlay on .* {ANOTHER}")
    untouched(node)
    node.must("sudo rm /filler")
    well(node, NO_ROOM)


def cut(lab: Lab) -> None:
    """When the power is cut while files are put in place, the next boot completes that, without any seed."""
    node = lab.node("lone", "cut")
    node.start(seed(lab, node.name, overlay=None))
    node.expect_failed(NO_OVERLAY)
    node.must(WATCH)
    node.machine.attach(volume(lab, node.name))
    if not node.machine.wait_console("boot-test: frozen", node.said, PATIENCE):
        raise CheckFailed("the overlay is not being applied")
    node.must("test -d /usr/lib/imgbuild.new && ! test -e /var/lib/imgbuild/applied")
    node.machine.kill()
    node.start()
    well(node)


def unplugged(lab: Lab) -> None:
    """A node whose network never comes up is applied and judged like any other, once systemd has given up waiting for it."""
    node = lab.node("lone", "unplugged")
    node.start_seeded()
    node.machine.plug_in(False)
    if not node.machine.wait_console(f"imgbuild: {node.name} ready", node.said, PATIENCE):
        raise CheckFailed("it has not got ready without a network")
    node.machine.plug_in(True)
    wait_for("one can log in", PATIENCE, lambda: node.run("true").returncode == 0)
    node.must(f"systemctl is-active {UNIT} && ! systemctl is-failed {UNIT} imgbuild.service")


def sick(lab: Lab) -> None:
    """A component that does not become healthy is named, and cloud-init reports the failure too."""
    node = lab.node("other", "sick")
    node.start_seeded()
    node.expect_failed("^node_exporter is not healthy after [0-9]+ s: node_exporter.service is ")
    expect("cloud-init status", 1, node.run("cloud-init status --wait", PATIENCE).returncode)


LANES = ((sick,), (unplugged,), (cut,), (twins, stale), (missing,), (flipped, full))
