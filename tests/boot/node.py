"""A node of a built cluster in a virtual machine: its verdicts, and commands on it."""

import json
import pathlib
import re
import subprocess
import tempfile
import time
from typing import Any

from image import Image
from machine import Machine
from outputs import Output
from patience import PATIENCE, patient
from tally import CheckFailed

ADMIN = "vasya"


class Node:
    """A node, from the folder that imgbuild made for it."""

    def __init__(
        self, output: Output, number: int, nice: int, image: Image, folder: pathlib.Path, key: pathlib.Path
    ) -> None:
        self.output = output
        self.name = output.name
        self.address = str(output.address().ip)
        self.machine = Machine(self.name, number, nice, image, folder / f"{self.name}-{number}")
        self.key = key
        self.said = 0  # how much of the console belongs to earlier starts and verdicts
        self.starts = 0

    def start(self, *volumes: pathlib.Path) -> None:
        """Switches it on, with a seed and other images, or without."""
        self.renew()
        self.machine.start(*volumes)

    def start_seeded(self) -> None:
        """Switches it on with the seed that imgbuild made, unchanged."""
        self.start(self.output.file("seed.iso"))

    def shut_down(self) -> None:
        """Switches it off as an administrator does."""
        self.run("sudo systemctl poweroff")
        self.machine.wait_off(PATIENCE)

    def reboot(self) -> None:
        """Restarts it from within."""
        self.run("sudo systemctl reboot")
        self.renew()

    def renew(self) -> None:
        """Forgets what is true of one start alone: what the console said, and the connection."""
        self.said = len(self.machine.console())
        self.starts += 1

    def run(self, command: str, seconds: int = 120) -> subprocess.CompletedProcess[str]:
        """Runs a shell command there as the administrator, over SSH."""
        options = {
            "StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "LogLevel": "ERROR", "BatchMode": "yes",
            "ConnectTimeout": "60", "ServerAliveInterval": "15", "ControlMaster": "auto", "ControlPersist": "600",
            "ControlPath": f"{self.machine.folder}/ssh{self.starts}",
        }  # fmt: skip
        ssh = [
            "ssh",
            "-F",
            "none",
            "-i",
            str(self.key),
            *(f"-o{name}={value}" for name, value in options.items()),
            f"{ADMIN}@{self.address}",
        ]
        # Files, not pipes: the connection that is kept for later commands would hold a pipe open.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            try:
                done = subprocess.run(
                    [*ssh, command],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    timeout=patient(seconds),
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise CheckFailed(f"{self.name}: `{command}` has not ended after {patient(seconds)} s") from None
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, out.read(), err.read())

    def must(self, command: str, seconds: int = 120) -> str:
        """Runs a command that has to succeed, and returns its output."""
        done = self.run(command, seconds)
        if done.returncode != 0:
            raise CheckFailed(f"{self.name}: `{command}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def verdict(self) -> dict[str, Any]:
        """The next verdict that the node gives, awaited on the console and read from the node."""
        end = time.monotonic() + patient(PATIENCE)
        pattern = re.compile(rf"imgbuild: {self.name} (ready|failed: [^\r\n]*)[\r\n]")
        while not (found := pattern.search(self.machine.console(), self.said)):
            if "Kernel panic" in self.machine.console()[self.said :] or not self.machine.running:
                raise CheckFailed(f"{self.name}: {self.machine.fate()}")
            if time.monotonic() > end:
                raise CheckFailed(f"{self.name}: no verdict after {patient(PATIENCE)} s")
            time.sleep(0.5)
        self.said = found.end()
        while time.monotonic() < end:
            done = self.run("cat /var/lib/imgbuild/first-boot.json /proc/sys/kernel/random/boot_id", 180)
            if done.returncode == 0:
                verdict, boot_id = done.stdout.rsplit("}", 1)
                record: dict[str, Any] = json.loads(verdict + "}")
                if record["boot_id"] != boot_id.strip():
                    raise CheckFailed(
                        f"{self.name}: the console has a verdict, the file one of an earlier boot: {record}"
                    )
                return record
            time.sleep(2)
        raise CheckFailed(f"{self.name}: gave a verdict, but one cannot log in to read it")

    def verdict_after(self, earlier: str) -> dict[str, Any]:
        """The next verdict that is not a failure like `earlier`: a try may have begun before its cause was removed."""
        for _ in range(5):
            verdict = self.verdict()
            if verdict["verdict"] != "failed" or not re.search(earlier, verdict["reason"]):
                break
        return verdict

    def expect_ready(self, earlier: str | None = None) -> dict[str, Any]:
        """Waits for a verdict that has to be `ready`, but for failures like `earlier` before it."""
        verdict = self.verdict_after(earlier) if earlier else self.verdict()
        if verdict["verdict"] != "ready":
            raise CheckFailed(f"{self.name}: {verdict}")
        return verdict

    def expect_failed(self, reason: str, earlier: str | None = None) -> dict[str, Any]:
        """Waits for a verdict that has to be `failed` with a reason that matches, but for failures like `earlier` before it."""
        verdict = self.verdict_after(earlier) if earlier else self.verdict()
        if verdict["verdict"] != "failed" or not re.search(reason, verdict["reason"]):
            raise CheckFailed(f"{self.name}: expected a failure like `{reason}`, got {verdict}")
        return verdict

    def last_words(self) -> str:
        """What helps to find out why a check failed: the end of the console, the verdict, the program's journal."""
        lines = [f"---- {self.name}: the end of its console", *self.machine.console().splitlines()[-40:]]
        if self.machine.running:
            try:
                journal = "sudo journalctl -q --no-pager -n 40 -u imgbuild"
                command = f"cat /var/lib/imgbuild/first-boot.json; {journal}; systemctl --failed --no-pager"
                lines += [f"---- {self.name}: its verdict and journal", self.run(command, 60).stdout]
            except CheckFailed as error:
                lines.append(str(error))
        return "\n".join(lines)


def wait_for(what: str, seconds: int, holds: Any) -> None:
    """Asks `holds` until it is true; a CheckFailed that it raises last is the failure."""
    end = time.monotonic() + patient(seconds)
    while True:
        try:
            if holds():
                return
            problem = CheckFailed(f"not so after {patient(seconds)} s: {what}")
        except CheckFailed as error:
            problem = error
        if time.monotonic() > end:
            raise problem
        time.sleep(2)
