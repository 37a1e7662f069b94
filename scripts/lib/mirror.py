"""Repacks Debian's packages into a mirror of upstream's release archives; scripts/local-mirror's second half.

python3 mirror.py PACKAGES ARCHITECTURE MIRROR [IMAGE]
"""

import dataclasses
import gzip
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SYNTHETIC = HERE.parent / "synthetic-grafana"
REPACKED = "repacked from the distribution's package by scripts/local-mirror"


@dataclasses.dataclass(frozen=True)
class Package:
    """A Debian package and the files taken from it: path in the package to name in upstream's archive."""

    name: str
    files: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Release:
    """A release as releases.yaml describes it; `{{ version }}`, `{{ arch }}` and `{{ build }}` stand in its templates."""

    name: str
    url: str
    checksums: str
    folder: str
    license: str
    packages: tuple[Package, ...] = ()
    oldest: tuple[int, ...] = ()
    """The oldest version with the options and files of the one pinned in profiles/releases.yaml."""
    programs: tuple[tuple[str, ...], ...] = ()
    """Commands that must print the version: the programs start on this machine, and are what the package says."""
    version: str = ""
    """Given only where no package tells it."""
    build: str = ""


def document(package: str, name: str) -> str:
    """Says where Debian puts a package's documents."""
    return f"usr/share/doc/{package}/{name}"


NODE_EXPORTER = "https://github.com/prometheus/node_exporter/releases/download/v{{ version }}"
PROMETHEUS = "https://github.com/prometheus/prometheus/releases/download/v{{ version }}"
ETCD = "https://github.com/etcd-io/etcd/releases/download/v{{ version }}"
GRAFANA = (
    "https://dl.grafana.com/grafana/release/{{ version }}/grafana_{{ version }}_{{ build }}_linux_{{ arch }}.tar.gz"
)
# Where Ubuntu has its images, under a name that says what this one is.
IMAGE = "https://cloud-images.ubuntu.com/stand-in/debian-{{ version }}-{{ arch }}.img"
RELEASES = (
    Release(
        name="node_exporter",
        url=NODE_EXPORTER + "/node_exporter-{{ version }}.linux-{{ arch }}.tar.gz",
        checksums=NODE_EXPORTER + "/sha256sums.txt",
        folder="node_exporter-{{ version }}.linux-{{ arch }}",
        license="Apache-2.0",
        packages=(
            Package(
                "prometheus-node-exporter",
                {
                    "usr/bin/prometheus-node-exporter": "node_exporter",
                    document("prometheus-node-exporter", "copyright"): "LICENSE",
                    document("prometheus-node-exporter", "NOTICE"): "NOTICE",
                },
            ),
        ),
        oldest=(1, 9),
        programs=(("node_exporter", "--version"),),
    ),
    Release(
        name="etcd",
        url=ETCD + "/etcd-v{{ version }}-linux-{{ arch }}.tar.gz",
        checksums=ETCD + "/SHA256SUMS",
        folder="etcd-v{{ version }}-linux-{{ arch }}",
        license="Apache-2.0",
        packages=(
            Package(
                "etcd-server",
                {
                    "usr/bin/etcd": "etcd",
                    "usr/bin/etcdutl": "etcdutl",
                    document("etcd-server", "README.md"): "README.md",
                },
            ),
            Package("etcd-client", {"usr/bin/etcdctl": "etcdctl"}),
        ),
        oldest=(3, 5),
        programs=(("etcd", "--version"), ("etcdctl", "version"), ("etcdutl", "version")),
    ),
    Release(
        name="prometheus",
        url=PROMETHEUS + "/prometheus-{{ version }}.linux-{{ arch }}.tar.gz",
        checksums=PROMETHEUS + "/sha256sums.txt",
        folder="prometheus-{{ version }}.linux-{{ arch }}",
        license="Apache-2.0",
        packages=(
            Package(
                "prometheus",
                {
                    "usr/bin/prometheus": "prometheus",
                    "etc/prometheus/prometheus.yml": "prometheus.yml",
                    document("prometheus", "copyright"): "LICENSE",
                    document("prometheus", "NOTICE"): "NOTICE",
                },
            ),
            Package("promtool", {"usr/bin/promtool": "promtool"}),
        ),
        oldest=(3, 5),
        programs=(("prometheus", "--version"), ("promtool", "--version")),
    ),
    Release(
        name="grafana",
        url=GRAFANA,
        checksums=GRAFANA + ".sha256",
        folder="grafana-{{ version }}",
        license="AGPL-3.0-only",
        version="12.1.1",
        build="16903967602",
    ),
)


def upstream_version(deb: pathlib.Path) -> str:
    """Reads a package's version without Debian's epoch, revision and marks of repacked sources."""
    full = subprocess.run(["dpkg-deb", "-f", deb, "Version"], check=True, capture_output=True, text=True).stdout
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)+)", full)
    if not found:
        sys.exit(f"mirror: `{deb}` has a version that upstream would not give: {full}")
    return found[1]


def take(release: Release, packages: pathlib.Path, content: pathlib.Path) -> str:
    """Copies a release's files out of its packages and returns its version, on which the packages must agree."""
    versions = set()
    for package in release.packages:
        deb = packages / f"{package.name}.deb"
        versions.add(upstream_version(deb))
        with tempfile.TemporaryDirectory(dir=content.parent) as root:
            subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
            for path, name in package.files.items():
                (pathlib.Path(root) / path).rename(content / name)
    if len(versions) != 1:
        sys.exit(f"mirror: the packages of `{release.name}` differ in version: {versions}; remove {packages}")
    version = versions.pop()
    if tuple(map(int, version.split("."))) < release.oldest:
        sys.exit(f"mirror: `{release.name}` {version} is too old for these tests; remove {packages} to look again")
    return version


def check_programs(release: Release, version: str, content: pathlib.Path) -> None:
    """Starts each program of a release and compares the version it prints."""
    for name, argument in release.programs:
        run = subprocess.run([content / name, argument], capture_output=True, text=True, timeout=60, check=False)
        if run.returncode != 0 or version not in run.stdout + run.stderr:
            sys.exit(f"mirror: `{name} {argument}` is not a working {version}:\n{run.stdout}{run.stderr}")


def synthesise(version: str, content: pathlib.Path) -> None:
    """Copies the stand-in for Grafana."""
    subprocess.run(["cp", "-R", f"{SYNTHETIC}/.", content], check=True)
    (content / "VERSION").write_text(version + "\n")


def normal(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Takes the making machine out of an archive's entry. Upstream's archives name owners of their own, as this does."""
    member.uid, member.gid, member.uname, member.gname = 1001, 1002, "builder", "builder"
    member.mtime = 1_700_000_000
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def pack(content: pathlib.Path, top: str, target: pathlib.Path) -> None:
    """Writes the archive of a release; quickly rather than small, since it never leaves the machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    with (
        partial.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        archive.add(content, top, filter=normal)
    partial.rename(target)


def sha256(path: pathlib.Path) -> str:
    """Computes the digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fill(template: str, values: dict[str, str]) -> str:
    """Fills a template of a release as imgbuild will, so that the mirror's paths and its pins cannot differ."""
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: values[found[1]], template)


def place(template: str, values: dict[str, str], mirror: pathlib.Path) -> pathlib.Path:
    """Says where the mirror keeps what upstream has at a URL."""
    return mirror / fill(template, values).removeprefix("https://")


def publish(release: Release, packages: pathlib.Path, architecture: str, mirror: pathlib.Path) -> str:
    """Makes a release's archive and checksum file in the mirror, and returns its entry for releases.yaml."""
    with tempfile.TemporaryDirectory() as room:
        content = pathlib.Path(room) / "content"
        content.mkdir()
        if release.packages:
            version = take(release, packages, content)
            check_programs(release, version, content)
        else:
            version = release.version
            synthesise(version, content)
        values = {"version": version, "arch": architecture, "build": release.build}
        archive = place(release.url, values, mirror)
        pack(content, fill(release.folder, values), archive)
    digest = sha256(archive)
    # Grafana's checksum files are of one archive and hold the bare digest, the others are lists.
    line = digest if release.checksums.endswith(".sha256") else f"{digest}  {archive.name}\n"
    place(release.checksums, values, mirror).write_text(line)
    print(f"local-mirror: made {archive.relative_to(mirror)}", file=sys.stderr)
    return pin(release, values, digest, archive.stat().st_size)


def pin(release: Release, values: dict[str, str], digest: str, size: int) -> str:
    """Writes the entry of releases.yaml."""
    source = REPACKED if release.packages else "synthetic, made by scripts/local-mirror: not Grafana"
    lines = [
        f"  {release.name}:",
        f'    version: "{values["version"]}"',
        *([f'    build: "{release.build}"'] if release.build else []),
        f"    url: {release.url}",
        f"    checksums: {release.checksums}",
        f"    folder: {release.folder}",
        f"    license: {release.license}",
        "    artifacts:",
        f'      {values["arch"]}: {{sha256: {digest}, size: {size}, source: "{source}"}}',
    ]
    return "\n".join(lines) + "\n"


def made_of(packages: pathlib.Path) -> str:
    """Digests all that a mirror is made of: with the same, the same mirror need not be made again."""
    names = [package.name for release in RELEASES for package in release.packages]
    files = [packages / f"{name}.deb" for name in names]
    files += [pathlib.Path(__file__), *sorted(path for path in SYNTHETIC.rglob("*") if path.is_file())]
    listing = "".join(f"{path.name} {sha256(path)}\n" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def add_image(image: pathlib.Path, architecture: str, mirror: pathlib.Path) -> str:
    """Puts the stand-in for Ubuntu's image into the mirror, and returns its entry for releases.yaml."""
    values = {"version": "13", "arch": architecture}
    target = place(IMAGE, values, mirror)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(image)
    except OSError:  # another file system
        shutil.copyfile(image, target)
    print(f"local-mirror: made {target.relative_to(mirror)}", file=sys.stderr)
    return f"""  ubuntu:
    # {image.name}
    version: "{values["version"]}"
    url: {IMAGE}
    artifacts:
      {architecture}: {{sha256: {sha256(target)}, source: "made by scripts/guest-image: Debian, not Ubuntu"}}
"""


def main(packages: pathlib.Path, architecture: str, mirror: pathlib.Path, image: pathlib.Path | None) -> None:
    """Makes the mirror; its pins come last, so that a mirror with pins is whole."""
    pins = mirror / "releases.yaml"
    heading = f"# Pins of a mirror for tests, made by scripts/local-mirror of {made_of(packages)}\nreleases:\n"
    there = pins.read_text() if pins.exists() else ""
    entries, separator, image_entry = there.partition("  ubuntu:\n")
    image_entry = separator + image_entry
    is_current = entries.startswith(heading)
    if is_current and (image is None or f"# {image.name}\n" in image_entry):
        print(f"local-mirror: {mirror} is up to date", file=sys.stderr)
        return
    pins.unlink(missing_ok=True)
    if not is_current:
        entries = heading + "".join(publish(release, packages, architecture, mirror) for release in RELEASES)
    if image:
        image_entry = add_image(image, architecture, mirror)
    partial = pins.with_name("releases.yaml.partial")
    partial.write_text(entries + image_entry)
    partial.rename(pins)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(
        pathlib.Path(sys.argv[1]),
        sys.argv[2],
        pathlib.Path(sys.argv[3]),
        pathlib.Path(sys.argv[4]) if len(sys.argv) == 5 else None,
    )
