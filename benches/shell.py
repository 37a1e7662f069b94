"""What benches/shell-way needs beside it: the archives with their digests, and the files that it does not make itself."""

import hashlib
import json
import pathlib
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rows import Bench


def prepare(bench: "Bench", node: pathlib.Path) -> pathlib.Path:
    """Takes the archives from the mirror and all other files from what imgbuild built; returns where the latter are."""
    archives, files = bench.work / "archives", bench.work / "files"
    for folder in (archives, files):
        shutil.rmtree(folder, ignore_errors=True)
    archives.mkdir()
    lines = []
    for artifact in json.loads((node / "manifest.json").read_text())["artifacts"]:
        source = bench.mirror / artifact["url"].removeprefix("https://")
        shutil.copy(source, archives)
        lines.append(f"{hashlib.sha256(source.read_bytes()).hexdigest()}  {source.name}\n")
    (archives / "SHA256SUMS").write_text("".join(lines))
    root = files / "root"
    root.mkdir(parents=True)
    subprocess.run(["tar", "-xzf", node / "overlay.tar.gz", "-C", root, "--exclude=usr/local/bin/*"], check=True)
    for name in ("meta-data", "user-data", "network-config"):
        shutil.copy(node / name, files)
    return files
