"""Times first boot's program in the sandbox of its tests, beside the least that could do its work. Needs root.

The sandbox' service manager only writes down when it was asked for what, and no service has a health check: what is timed is
what the program does, from its start to the moment when the last unit was asked to start.
"""

import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests/first_boot"))

from sandbox import Sandbox

RUNS = 7

# Writes down when it was asked; all is active.
SYSTEMCTL = (
    '#!/bin/sh\nread -r now _ </proc/uptime\necho "$now $*" >>/calls\ncase $1 in is-active) echo active ;; esac\n'
)

# What somebody would write who trusts everything and runs it once.
RIVAL = """#!/bin/sh
set -e
tar -xzpf /volumes/CIDATA.0/overlay.tar.gz -C / --no-same-owner
systemd-sysusers
systemd-tmpfiles --create
systemctl daemon-reload
systemctl enable {units}
systemctl start --no-block {units}
"""


def seconds(node: pathlib.Path) -> tuple[float, float]:
    """The median times of the program and of its rival with a node's overlay, taken in turns."""
    made = subprocess.run([ROOT / "scripts/guest-tree"], stdout=subprocess.PIPE, text=True, check=True)
    tree = pathlib.Path(made.stdout.strip())
    text = (node / "user-data").read_text()
    conf = "".join(f"{key}='{value}'\n" for key, value in re.findall(r"^ +([A-Z_0-9]+)='([^']*)'$", text, re.MULTILINE))
    parts = "".join(f"{line}\n" for line in re.findall(r"^ +([0-9a-f]{64}\t.*)$", text, re.MULTILINE))
    overlay = (node / "overlay.tar.gz").read_bytes()
    took: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(RUNS):
        for ours, seconds in took.items():
            seconds.append(once(tree, overlay, {"node.conf": conf, "parts": parts}, ours=ours))
    return statistics.median(took[True]), statistics.median(took[False])


def once(tree: pathlib.Path, overlay: bytes, seed: dict[str, str], *, ours: bool) -> float:
    """One boot of a fresh guest: from the program's start to the last unit's."""
    guest = Sandbox(tree, "1g")
    try:
        guest.stand_in("systemctl", SYSTEMCTL)
        guest.stand_in("curl", "#!/bin/sh\n")  # all is healthy
        for name, content in seed.items():
            guest.write(f"/var/lib/imgbuild/seed/{name}", content)
        guest.volume("CIDATA", overlay)
        program = guest.read("/usr/local/sbin/imgbuild-first-boot") or ""
        if not ours:
            program = RIVAL.format(units="node_exporter.service etcd.service")
        shebang, rest = program.split("\n", 1)
        record = 'read -r now _ </proc/uptime; echo "$now began" >>/calls'
        guest.write("/usr/local/sbin/imgbuild-first-boot", f"{shebang}\n{record}\n{rest}", 0o755)
        began = time.monotonic()
        code = guest.run()
        if code:
            raise SystemExit(f"first boot failed after {time.monotonic() - began:.1f} s: {guest.output}")
        calls = [line.split(" ", 1) for line in guest.calls]
        return float(next(when for when, what in reversed(calls) if what.startswith("start"))) - float(calls[0][0])
    finally:
        guest.close()
