"""A guest without a virtual machine: the root tree with a node's output in it, as a chroot or as a container."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from isolation import guest_tree
from tally import CheckFailed

LIBRARY = pathlib.Path(__file__).resolve().parent
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}
Result = subprocess.CompletedProcess[str]


def must(result: Result) -> str:
    """Returns what a command said, both streams; if it failed that is the failure of the check."""
    said = result.stdout + result.stderr
    if result.returncode != 0:
        raise CheckFailed(f"`{' '.join(map(str, result.args))}` ended with {result.returncode}:\n{said}")
    return said


def quiet(result: Result) -> None:
    """Takes any word of a command for a failure: the tool warns where it does not refuse."""
    # What systemctl says in a chroot, where there is no systemd to speak to.
    said = re.sub(r"^Running in chroot, ignoring .*\n", "", must(result), flags=re.MULTILINE)
    if said.strip():
        raise CheckFailed(f"`{' '.join(map(str, result.args))}` said:\n{said}")


class Guest:
    """Commands in a guest's root, which `root` shows from outside while it is a chroot."""

    def __init__(self, enter: list[str], root: pathlib.Path) -> None:
        self.enter = enter
        self.root = root

    def run(self, *command: str, stdin: bytes = b"", seconds: int = 120) -> Result:
        """Runs a command in the guest, bounded in time; it hears nothing of this program's environment."""
        run = subprocess.run(
            [*self.enter, *command], input=stdin, capture_output=True, env=ENVIRONMENT, timeout=seconds, check=False
        )
        return subprocess.CompletedProcess(
            command, run.returncode, run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace")
        )

    def read(self, path: str) -> str:
        """Reads a text file of the guest."""
        result = self.run("cat", path)
        if result.returncode != 0:
            raise CheckFailed(result.stderr)
        return result.stdout

    def write(self, path: str, content: bytes) -> None:
        """Writes a file of the guest, open to root alone, and the folders above it."""
        must(self.run("sh", "-c", 'umask 077; mkdir -p "${1%/*}"; cat >"$1"', "sh", path, stdin=content))


def read_yaml(text: bytes) -> Any:
    """Reads YAML as cloud-init does: by the PyYAML of the guest, of which it is a part."""
    program = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)"
    result = Guest(["chroot", str(guest_tree())], guest_tree()).run("python3", "-BIc", program, stdin=text)
    must(result)
    return json.loads(result.stdout)


@contextlib.contextmanager
def chroot() -> Iterator[Guest]:
    """A fresh guest as a chroot."""
    folder = tempfile.mkdtemp(prefix="imgbuild-guest-")
    try:
        subprocess.run([LIBRARY / "mount-root", guest_tree(), folder], check=True)
        yield Guest(["chroot", f"{folder}/root"], pathlib.Path(folder, "root"))
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", folder], check=True)
        pathlib.Path(folder).rmdir()


def control_groups() -> pathlib.Path:
    """Finds the unified control groups, which systemd needs a part of for itself."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, path, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(path)
    raise CheckFailed("no cgroup2 file system is mounted here: containers cannot be run")


@contextlib.contextmanager
def container(name: str, network: str) -> Iterator[Guest]:
    """A fresh guest as a container: booted by its own systemd, with the host name `name`, in the network namespace `network`."""
    folder = tempfile.mkdtemp(prefix=f"imgbuild-{name}-")
    group = pathlib.Path(tempfile.mkdtemp(prefix="imgbuild-", dir=control_groups()))
    # systemd takes the group that it is started in for its root, so it must be there before the namespace is made.
    join = f'echo 0 >"{group}/cgroup.procs"; exec "$@"'
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc", "--cgroup"]
    init = [str(LIBRARY / "container-init"), str(guest_tree()), folder, name]
    process = subprocess.Popen(
        ["nsenter", f"--net={network}", "sh", "-c", join, "sh", *unshare, *init], stdin=subprocess.DEVNULL
    )
    try:
        yield Guest(enter_container(name, process), pathlib.Path("/nowhere"))
    finally:
        process.kill()
        process.wait()
        pathlib.Path(folder).rmdir()
        remove_group(group)


def enter_container(name: str, process: subprocess.Popen[bytes]) -> list[str]:
    """Waits until systemd runs in the container, and returns the command that others are run in it with."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children and pathlib.Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd":
            enter = [
                "nsenter",
                f"--target={children[0]}",
                *"--mount --uts --ipc --net --pid --cgroup --root --wd".split(),
            ]
            if Guest(enter, pathlib.Path()).run("test", "-S", "/run/dbus/system_bus_socket").returncode == 0:
                return enter
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise CheckFailed(f"the container of {name} did not come up")


def remove_group(group: pathlib.Path) -> None:
    """Removes a control group and those in it once their processes, which are being killed, have gone."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            for path, _, _ in os.walk(group, topdown=False):
                pathlib.Path(path).rmdir()
            return
        time.sleep(0.05)
