"""The base disk of the virtual machines: Debian 13 as its packages make it, knowing nothing of imgbuild."""

import dataclasses
import os
import pathlib
import subprocess

from isolation import SCRIPTS, guest_tree


@dataclasses.dataclass(frozen=True)
class Image:
    """A disk with a boot loader, that machines write copies of."""

    path: pathlib.Path

    @property
    def format(self) -> str:
        """The disk's format, as QEMU names it."""
        info = subprocess.run(["qemu-img", "info", str(self.path)], capture_output=True, text=True, check=True).stdout
        return next(line.split(": ")[1] for line in info.splitlines() if line.startswith("file format"))

    def copy(self, to: pathlib.Path) -> None:
        """Makes a disk that holds only what differs from this one."""
        command: list[str | pathlib.Path] = [
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            self.path.resolve(),
            "-F",
            self.format,
            to,
        ]
        subprocess.run(command, check=True)


def stand_in() -> Image:
    """The image of Debian 13, from the cache in which the guest's tree is."""
    environment = os.environ | {"IMGBUILD_TEST_CACHE": str(guest_tree().parent.parent)}
    made = subprocess.run([SCRIPTS / "guest-image"], check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return Image(pathlib.Path(made.stdout.strip()))
