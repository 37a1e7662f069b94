"""Cuts the power of a file system at random moments of builds: what has a name afterwards is whole, old or new, and what a
build has called done is there. The same without fsync(2) loses builds, or this would prove nothing.

    tests/power_cut.py IMGBUILD [SEED]

An ext4 in a file is mounted through a loop device and shut down as xfstests does it: from that moment on nothing that the
kernel still holds gets there. Then it is mounted again. Needs root, loop devices, mkfs.ext4 and strace.
"""

import fcntl
import hashlib
import io
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from typing import Any

# _IOR('X', 125, __u32) and its flag for "without bringing the journal to the disk" (fs/ext4/ioctl.c).
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
CUTS = 20
NODES = ("one", "two", "three")
# What strace makes of a system call that brings nothing anywhere.
NO_SYNC = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync,fdatasync,syncfs:retval=0")


def run(*words: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Runs a command that must succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
    return done


class Disk:
    """A file system whose power can be cut."""

    def __init__(self, work: pathlib.Path) -> None:
        self.image, self.root = work / "image", work / "disk"
        self.root.mkdir()

    def make(self) -> None:
        """Makes and mounts an empty one. Every second names come to the disk, with or without the bytes that they lead to."""
        with self.image.open("wb") as image:
            image.truncate(128 << 20)
        run("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    def mount(self) -> None:
        """Mounts it: what the journal has is done."""
        run("mount", "-o", "loop,commit=1", self.image, self.root)

    def cut(self) -> None:
        """Takes the power away."""
        folder = os.open(self.root, os.O_RDONLY)
        fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(folder)

    def unmount(self) -> None:
        """Takes it away."""
        run("umount", self.root)


class Cluster:
    """A small cluster whose release no compression makes smaller, and the program that builds it."""

    def __init__(self, program: pathlib.Path, work: pathlib.Path) -> None:
        self.program, self.work = program, work
        archive, noise = io.BytesIO(), random.Random(7).randbytes(2 << 20)
        with tarfile.open(fileobj=archive, mode="w:gz") as file:
            member = tarfile.TarInfo("thing-1/thing")
            member.size, member.mode = len(noise), 0o755
            file.addfile(member, io.BytesIO(noise))
        sha256 = hashlib.sha256(archive.getvalue()).hexdigest()
        nodes = "".join(
            f"  - {{name: {name}, address: 10.0.0.{at}, roles: [all]}}\n" for at, name in enumerate(NODES, 1)
        )
        pin = f"{{version: '1', url: 'https://h.invalid/t.tar.gz', folder: thing-1, artifacts: {{amd64: {{sha256: {sha256}, source: x}}}}}}"
        contents: dict[str, str | bytes] = {
            "mirror/h.invalid/t.tar.gz": archive.getvalue(),
            "releases.yaml": f"releases: {{thing: {pin}}}\n",
            "profile.yaml": f"cluster: small\nnetwork: {{subnet: 10.0.0.0/24}}\nroles: {{all: [thing]}}\nnodes:\n{nodes}",
            "overlays/thing/component.yaml": "description: x\nrelease: thing\ninstall: [{from: thing, to: /usr/bin/thing, mode: '0755'}]\n",
        }
        for path, content in contents.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_bytes(content if isinstance(content, bytes) else content.encode())

    def words(self, *words: object) -> list[str]:
        """A command of the program."""
        options = {"profile": "profile.yaml", "overlays": "overlays", "releases": "releases.yaml", "mirror": "mirror"}
        return [
            str(self.program),
            *map(str, words),
            "--quiet",
            *(f"--{name}={self.work / value}" for name, value in options.items()),
        ]

    def environment(self) -> dict[str, str]:
        """One that has nothing of ours."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.work)}

    def build(self, out: pathlib.Path, turn: int, before: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
        """Starts the build of a turn: each has files of its own, and every second one new instances."""
        again = ["--reprovision"] if turn and turn % 2 else []
        words = self.words("--all", *again, f"--out={out}", f"--source-date-epoch={turn}")
        return subprocess.Popen(
            [*before, *words], env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def verify(self, path: pathlib.Path) -> str:
        """What is wrong with what was built."""
        done = subprocess.run(
            [self.program, "verify", path], env=self.environment(), capture_output=True, text=True, check=False
        )
        return "" if done.returncode == 0 else f"{path.name}: {done.stdout}{done.stderr}"


def state(out: pathlib.Path) -> dict[str, bytes]:
    """The manifests of all nodes, which name the digests of all other files."""
    paths = {name: out / name / "manifest.json" for name in NODES}
    return {name: path.read_bytes() if path.exists() else b"" for name, path in paths.items()}


def faults(
    cluster: Cluster, out: pathlib.Path, old: dict[str, bytes], new: dict[str, bytes], *, is_done: bool
) -> list[str]:
    """What is neither old nor new, or not whole, after a power cut; all is new if the build was done."""
    found = []
    for name, manifest in state(out).items():
        if manifest not in ((new[name],) if is_done else (old[name], new[name])):
            found.append(f"{name} is {'not new' if is_done else 'neither old nor new'}: {manifest[:60]!r}")
        elif manifest and (fault := cluster.verify(out / name)):
            found.append(fault)
    return found


def cut_builds(cluster: Cluster, disk: Disk, seed: random.Random) -> tuple[int, int, list[str]]:
    """Builds in turn; cuts each at a random moment, or after it is done. Says how many were done and how many cut off."""
    reference, out = cluster.work / "reference", disk.root / "deep/out"
    disk.make()
    done, cut, found, took = 0, 0, [], 1.0
    for turn in range(CUTS):
        shutil.rmtree(reference, ignore_errors=True)
        if out.exists():
            shutil.copytree(out, reference)
        old = state(out)
        again = turn if any(old.values()) else 0
        started = time.monotonic()
        if cluster.build(reference, again).wait():
            raise SystemExit("a build fails")
        took = max(0.2, time.monotonic() - started)
        build = cluster.build(out, again)
        try:
            is_done = build.wait(seed.uniform(0, 1.3 * took)) == 0
        except subprocess.TimeoutExpired:
            is_done = False
        if is_done and seed.random() < 0.5:
            time.sleep(1.5)
        disk.cut()
        build.kill()
        # It may have ended by itself right before that.
        is_done = is_done or build.wait() == 0
        done, cut = done + is_done, cut + (not is_done)
        disk.unmount()
        disk.mount()
        found += [f"turn {turn}: {fault}" for fault in faults(cluster, out, old, state(reference), is_done=is_done)]
    # Whatever was cut off: the next build clears it away.
    if cluster.build(out, 0).wait():
        found.append("the next build fails")
    found += [f"{path.name} is left" for path in out.glob(".imgbuild-*")]
    disk.unmount()
    return done, cut, found


def cut_after(cluster: Cluster, disk: Disk, before: tuple[str, ...], wait: float) -> list[str]:
    """Builds once and bundles once, and cuts the power when that is done."""
    disk.make()
    out, bundle = disk.root / "out", disk.root / "bundle"
    if cluster.build(out, 0, before).wait():
        raise SystemExit("a build fails")
    run(*before, *cluster.words("bundle", "-o", bundle), env=cluster.environment())
    time.sleep(wait)
    new = {} if not out.exists() else state(out)
    disk.cut()
    disk.unmount()
    disk.mount()
    found = faults(cluster, out, new, new, is_done=True) + [fault for fault in [cluster.verify(bundle)] if fault]
    disk.unmount()
    return found


def main() -> int:
    """Runs all of it."""
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    if os.geteuid() != 0:
        sys.stderr.write("skipped: needs root\n")
        return 1 if os.environ.get("CI") == "true" else 0
    if "APART" not in os.environ:
        # A mount that somebody else's namespace has a copy of would keep the file system from ending.
        words = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv[:2], str(seed)]
        os.execvpe(words[0], words, os.environ | {"APART": "yes"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work = pathlib.Path(folder)
        cluster, disk = Cluster(pathlib.Path(sys.argv[1]).resolve(), work), Disk(work)
        done, cut, found = cut_builds(cluster, disk, random.Random(seed))
        found += [f"at once: {fault}" for fault in cut_after(cluster, disk, (), 0)]
        found += [f"later: {fault}" for fault in cut_after(cluster, disk, (), 2)]
        lost = [wait for wait in (0, 2) if cut_after(cluster, disk, NO_SYNC, wait)]
    if len(lost) != 2:
        found.append(f"without fsync the power cut loses nothing: only {lost}")
    sys.stdout.write("".join(f"{fault}\n" for fault in found))
    sys.stdout.write(
        f"seed {seed}: {done} builds were done and {cut} cut off, {len(found)} faults; without fsync builds are lost\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
