"""The scenario of a node that gets system extensions in place of files below /usr."""

from cluster import clean, expect
from faults import UNIT, well
from lab import Lab
from node import Node
from tally import CheckFailed

RAW = "/var/lib/extensions/node_exporter.raw"
PROGRAM = "/usr/local/bin/node_exporter"


def merged(node: Node) -> None:
    """/usr is read-only, and the program that runs comes out of the extension."""
    options = node.must("findmnt -n -o OPTIONS -M /usr")
    if "ro" not in options.split(","):
        raise CheckFailed(f"/usr can be written to: {options}")
    node.must(f"! sudo touch /usr/local/bin/x 2>/dev/null && test -x {PROGRAM} && sudo test -f {RAW}")
    running = node.must(f"sudo readlink /proc/$(systemctl show -p MainPID --value {UNIT})/exe").strip()
    expect("the program that runs", PROGRAM, running)
    node.must("cut -f3 /var/lib/imgbuild/files | grep -v -E '^/(etc|var/lib/extensions)/' && exit 1 || true")


def sysext(lab: Lab) -> None:
    """A node with system extensions has a read-only /usr, is the same after a reboot, and can go back to plain files."""
    node = lab.node("sysext", "sysext")
    node.start_seeded()
    well(node)
    merged(node)
    clean(node)
    node.reboot()
    expect("attempt", 1, node.expect_ready()["attempt"])
    merged(node)
    node.shut_down()
    node.start(lab.output("lone", node.name).file("seed.iso"))
    well(node)
    node.must(f"! findmnt -M /usr && test -x {PROGRAM} && ! sudo test -e {RAW}")
    clean(node)


LANES = ((sysext,),)
