"""What imgbuild built for a node, as a folder of files."""

import dataclasses
import ipaddress
import pathlib
import sys
from typing import Any

from guest import read_yaml


@dataclasses.dataclass(frozen=True)
class Output:
    """The folder of one node."""

    folder: pathlib.Path

    @property
    def name(self) -> str:
        """The node's name, which imgbuild gives the folder."""
        return self.folder.name

    def file(self, name: str) -> pathlib.Path:
        """The path of one of its files."""
        return self.folder / name

    def read(self, name: str) -> bytes:
        """The content of one of its files."""
        return self.file(name).read_bytes()

    def bootcmd(self) -> list[str]:
        """The shell programs that cloud-init runs at every boot."""
        commands = read_yaml(self.read("user-data")).get("bootcmd", [])
        return [command if isinstance(command, str) else shell_program(command) for command in commands]

    def ethernets(self) -> list[dict[str, Any]]:
        """The network cards of its network-config, which may be wrapped in `network`."""
        config = read_yaml(self.read("network-config"))
        return list(config.get("network", config)["ethernets"].values())

    def address(self) -> ipaddress.IPv4Interface:
        """Its first IPv4 address."""
        for card in self.ethernets():
            for text in card.get("addresses", []):
                address = ipaddress.ip_interface(text)
                if isinstance(address, ipaddress.IPv4Interface):
                    return address
        raise ValueError(f"the network-config of {self.name} has no IPv4 address")


def shell_program(command: list[str]) -> str:
    """The program in a command `sh -c PROGRAM`, the only other form that this project writes."""
    match command:
        case ["sh" | "/bin/sh", "-c", program]:
            return program
    raise ValueError(f"bootcmd has a command that is not a shell program: {command}")


def outputs(arguments: list[str]) -> list[Output]:
    """Finds the nodes' folders: each argument is one, or holds some."""
    found = []
    for argument in map(pathlib.Path, arguments):
        folders = [argument] if (argument / "user-data").is_file() else sorted(argument.glob("*/user-data"))
        found += [Output((folder if folder.is_dir() else folder.parent).resolve()) for folder in folders]
    if not found:
        sys.exit(f"usage: {sys.argv[0]} OUT...   (no user-data found in {' '.join(arguments) or 'no folders'})")
    return found
