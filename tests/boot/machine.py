"""One virtual machine: QEMU without hardware help, its console, its plugs."""

import json
import pathlib
import socket
import subprocess
import time
from typing import Any

import network
from image import Image
from patience import patient


class Machine:
    """A machine with one disk that lasts. `start` after `kill` or `wait_off` is the next time that its power is on."""

    def __init__(self, name: str, number: int, nice: int, image: Image, folder: pathlib.Path) -> None:
        """`number` tells its network card from the others', `nice` is how far it gives way to others; `folder` gets its files."""
        self.name = name
        self.number = number
        self.nice = nice
        self.image = image
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.attached = 0
        folder.mkdir()
        image.copy(folder / "disk")
        network.plug(f"vm{number}")

    def start(self, *volumes: pathlib.Path) -> None:
        """Switches it on, with these images: a seed, what it shares with others, or none."""
        command = [
            "nice", "-n", str(self.nice), "qemu-system-x86_64", "-name", self.name, "-accel", "tcg,tb-size=512", "-cpu", "Nehalem", "-m", "1024",
            "-nodefaults", "-display", "none", "-device", "virtio-rng-pci", "-device", "virtio-scsi-pci",
            "-chardev", f"file,id=console,path={self.folder}/console,append=on", "-serial", "chardev:console",
            "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
            "-netdev", f"tap,id=net,ifname=vm{self.number},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=net,mac=52:54:00:00:00:{self.number:02x}",
            "-drive", f"if=none,id=disk,file={self.folder}/disk,cache=unsafe", "-device", "nvme,drive=disk,serial=disk,bootindex=0",
        ]  # fmt: skip
        for count, volume in enumerate(volumes):
            command += [
                "-drive",
                f"if=none,id=volume{count},file={volume},format=raw,read-only=on",
                "-device",
                f"nvme,drive=volume{count},serial=volume{count}",
            ]
        with (self.folder / "qemu").open("ab") as said:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    @property
    def running(self) -> bool:
        """Whether its power is on."""
        return self.process is not None and self.process.poll() is None

    def fate(self) -> str:
        """Why it does not run any more, as far as QEMU and the kernel have said."""
        if self.running:
            return "its kernel has panicked"
        code = self.process.returncode if self.process else None
        return f"QEMU has ended with {code}: {(self.folder / 'qemu').read_text(errors='replace')[-500:]}"

    def kill(self) -> None:
        """Cuts its power."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def wait_off(self, seconds: int) -> None:
        """Waits until it has switched itself off; raises TimeoutExpired."""
        if self.process:
            self.process.wait(patient(seconds))

    def attach(self, volume: pathlib.Path) -> None:
        """Inserts a CD-ROM while the machine runs."""
        self.attached += 1
        name = f"cd{self.attached}"
        self.ask(
            "blockdev-add",
            {
                "driver": "raw",
                "node-name": name,
                "read-only": True,
                "file": {"driver": "file", "filename": str(volume)},
            },
        )
        self.ask("device_add", {"driver": "scsi-cd", "drive": name, "id": f"drive-{name}"})

    def plug_in(self, is_in: bool) -> None:
        """Plugs its network cable in, or pulls it."""
        self.ask("set_link", {"name": "net", "up": is_in})

    def ask(self, what: str, arguments: dict[str, Any]) -> None:
        """Tells QEMU to do something; raises RuntimeError where it will not."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            for left in reversed(range(100)):  # QEMU may have only just been started
                try:
                    connection.connect(f"{self.folder}/qmp")
                    break
                except OSError:
                    if not left:
                        raise
                    time.sleep(0.1)
            with connection.makefile("rwb") as stream:
                stream.readline()
                for command in ({"execute": "qmp_capabilities"}, {"execute": what, "arguments": arguments}):
                    stream.write(json.dumps(command).encode() + b"\n")
                    stream.flush()
                    while "return" not in (answer := json.loads(stream.readline())):
                        if "error" in answer:
                            raise RuntimeError(f"{what}: {answer['error']['desc']}")

    def console(self) -> str:
        """What it has said on its serial console, over all its starts."""
        path = self.folder / "console"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_console(self, text: str, after: int, seconds: int) -> bool:
        """Waits until `text` is said beyond position `after`; false if time is up or power is off."""
        end = time.monotonic() + patient(seconds)
        while time.monotonic() < end and self.running:
            if text in self.console()[after:]:
                return True
            time.sleep(0.5)
        return False
