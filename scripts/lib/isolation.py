"""Runs a program as root in namespaces of its own: its mounts, processes and network end with it, whatever happens."""

import contextlib
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
    made = subprocess.run([SCRIPTS / "guest-tree"], check=False, stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        sys.exit(made.returncode)
    # sudo hands on nothing of the environment by itself.
    kept = [f"{name}={os.environ[name]}" for name in ("IMGBUILD",) if name in os.environ]
    command = ["env", f"{TREE}={made.stdout.strip()}", *kept, "unshare", "--mount", "--pid", "--fork", "--kill-child"]
    command += ["--mount-proc", *namespaces, sys.executable, *sys.argv]
    process = subprocess.Popen(command if os.geteuid() == 0 else ["sudo", "--", *command])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        code = stop(process)
    sys.exit(code)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Tells the copy to end, which unshare would not pass on; ends it with all that it started if it does not."""
    for number in (signal.SIGINT, signal.SIGTERM):  # impatience must not leave the copy alone
        signal.signal(number, signal.SIG_IGN)
    for _ in range(30):  # a copy that has just begun does not listen yet
        with contextlib.suppress(OSError):  # it is gone already, or root's
            for copy in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(copy), signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=1)
    process.kill()
    return process.wait()


def limit(seconds: int) -> None:
    """Makes this isolated program end in good order when it is told to, and after `seconds` by itself."""
    signals = (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)

    def end(number: int, _: object) -> None:
        for other in signals:  # the first is enough; another would cut the cleaning up short
            signal.signal(other, lambda *_: None)
        if number == signal.SIGALRM:
            print(f"error: not finished after {seconds} s", file=sys.stderr, flush=True)
        sys.exit(1)

    for number in signals:
        signal.signal(number, end)
    signal.alarm(seconds)
