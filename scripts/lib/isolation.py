"""Runs a program as root in namespaces of its own: its mounts, processes and network end with it, whatever happens."""

import os
import pathlib
import signal
import subprocess
import sys

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent
TREE = "IMGBUILD_GUEST_TREE"


def guest_tree() -> pathlib.Path:
    """Gives the guest's root tree, to a program that `isolate` let through."""
    return pathlib.Path(os.environ[TREE])


def isolate(*namespaces: str) -> None:
    """Returns in a copy of this program that is isolated, and ends the first when the copy has ended.

    `namespaces` are options of unshare for more than mounts and processes.
    """
    if TREE in os.environ:
        return
    # The tree is made outside: it needs the network, and belongs into the cache of the one who calls.
    tree = subprocess.run([SCRIPTS / "guest-tree"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    command = ["env", f"{TREE}={tree}", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command += [*namespaces, sys.executable, *sys.argv]
    process = subprocess.Popen(command if os.geteuid() == 0 else ["sudo", "--", *command])
    # unshare itself is deaf to SIGTERM; its end takes all that it started along.
    signal.signal(signal.SIGTERM, lambda *_: process.kill())
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.kill()
        code = 130
    sys.exit(code)


def limit(seconds: int) -> None:
    """Ends this isolated program, and with it all that it started, after `seconds`."""

    def stop(*_: object) -> None:
        print(f"error: not finished after {seconds} s", file=sys.stderr, flush=True)
        os._exit(1)

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
