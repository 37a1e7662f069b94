"""A release of any size, to see that a build's memory does not grow with it."""

import hashlib
import random
import shutil
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING

from measure import peak, quoted

if TYPE_CHECKING:
    from rows import Bench

PIECE = 1 << 20

COMPONENT = """\
description: a program of any size
release: bulk
install:
  - {from: bulk, to: /usr/local/bin/bulk, mode: "0755"}
"""
PROFILE = """\
cluster: bulk
network: {subnet: 10.0.0.0/24}
roles: {bulk: [bulk]}
nodes: [{name: bulk-1, address: 10.0.0.1, roles: [bulk]}]
"""
RELEASES = """\
releases:
  bulk:
    version: "1"
    url: https://bulk.example/bulk-{{{{ version }}}}.tar.gz
    folder: bulk
    artifacts:
      amd64: {{sha256: {sha256}, size: {size}, source: made by scripts/bench}}
      arm64: {{sha256: {sha256}, size: {size}, source: made by scripts/bench}}
"""


def peak_of(bench: "Bench", megabytes: int) -> float:
    """The peak memory in MB of a build of an artifact that large, from nothing."""
    folder = bench.work / "bulk"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bulk.example").mkdir(parents=True)
    (folder / "overlays/bulk").mkdir(parents=True)
    archive = folder / "bulk.example/bulk-1.tar.gz"
    noise = random.Random(megabytes)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        entry = tarfile.TarInfo("bulk/bulk")
        entry.size = megabytes * PIECE
        tar.addfile(entry, BytesIO(b"".join(noise.randbytes(PIECE) for _ in range(megabytes))))
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    (folder / "overlays/bulk/component.yaml").write_text(COMPONENT)
    (folder / "profile.yaml").write_text(PROFILE)
    (folder / "releases.yaml").write_text(RELEASES.format(sha256=sha256, size=archive.stat().st_size))
    took = peak(
        bench.imgbuild(
            "bulk-1",
            profile=folder / "profile.yaml",
            overlays=folder / "overlays",
            releases=folder / "releases.yaml",
            mirror=folder,
            store=folder / "store",
            out=folder / "out",
        )
    )
    bench.run(quoted("rm", "-rf", folder))
    return took
