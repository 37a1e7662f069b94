"""A guest without a machine: a Debian tree in which the first-boot program can run, be cut off, and run again."""

import gzip
import hashlib
import io
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "src/render/first_boot"
PROGRAM = PROGRAMS / "bootstrap.sh"
APPLY = (PROGRAMS / "apply.sh").read_text()
FETCH = (PROGRAMS / "fetch.py").read_text()
PAUSES, NO_PAUSES = "PAUSES = (2, 5, 10, 20, 0)", "PAUSES = (0.1, 0.1, 0.1, 0.1, 0)"
DOWNLOADS = "/var/lib/imgbuild/downloads"  # by digest, what is not complete yet
TIME_LIMIT = 120  # seconds that one run of the program may take

# Stand-ins for what a chroot has not: a service manager, block devices and their mounts; and for what only takes time.
STAND_INS = {
    "systemctl": """#!/bin/sh
echo "$*" >>/calls
case $1 in is-active)
    eval "unit=\\${$#}"
    if grep -qsx "$unit" /broken; then [ "$2" = -q ] || echo failed; exit 3; fi
    if grep -qsx "$unit" /slow; then sed -i "0,/^$unit\\$/{//d}" /slow; [ "$2" = -q ] || echo activating; exit 3; fi
    [ "$2" = -q ] || echo active
esac
""",
    "sync": "#!/bin/sh\n",
    "sleep": "#!/bin/sh\nexec /usr/bin/sleep 0.1\n",
    "blkid": """#!/bin/sh
eval "label=\\${$#}"
cat "/volumes/${label#LABEL=}" 2>/dev/null || exit 2
""",
    "mount": """#!/bin/sh
eval "target=\\${$#}"
echo "$*" >>/mounted
device=$5
[ -d "$device" ] || { echo "mount: $device: can't read superblock on $device." >&2; exit 32; }
exec /usr/bin/mount --bind "$device" "$target"
""",
    # While anything is merged /usr is read-only, and tells what is.
    "systemd-sysext": """#!/bin/sh
echo "systemd-sysext $*" >>/calls
[ ! -e /broken-sysext ] || { echo 'No space in the sky' >&2; exit 1; }
umount -l /usr 2>/dev/null
rm -f /usr/lib/extension-release.d/*
[ "$1" = refresh ] || exit 0
mkdir -p /usr/lib/extension-release.d
for raw in /var/lib/extensions/*.raw; do
    [ -e "$raw" ] || exit 0
    name=${raw##*/}
    : >"/usr/lib/extension-release.d/extension-release.${name%.raw}"
done
/usr/bin/mount --bind /usr /usr && /usr/bin/mount -o remount,bind,ro /usr
""",
}

# What a run needs around it; the console is a plain file, so that what is said there can be read.
ENTER = """
set -eu
mount -t tmpfs run "$1/run"
mount -t tmpfs dev "$1/dev"
mknod -m 666 "$1/dev/null" c 1 3
mknod -m 666 "$1/dev/urandom" c 1 9
: >"$1/dev/console"
mount -t proc proc "$1/proc"
[ ! -f "$1/mounts" ] || while read -r folder; do mount -t tmpfs -o mode=755 room "$1$folder"; done <"$1/mounts"
ip link set lo up
[ ! -f "$1/server.py" ] || {
    chroot "$1" python3 /server.py &
    while ! grep -q ' 0A ' /proc/net/tcp; do sleep 0.1; done
}
[ ! -e "$1/boot-merges" ] || chroot "$1" systemd-sysext refresh
: >"$1/calls"
code=0
chroot "$1" /usr/local/sbin/imgbuild-first-boot || code=$?
cp "$1/dev/console" "$1/console"
stat -c %a "$1/run/imgbuild" >"$1/run-mode" || :
exit "$code"
"""


def digest(data: bytes) -> str:
    """The SHA-256 digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def fetcher() -> str:
    """The program that fetches, as it is but for its patience."""
    assert PAUSES in FETCH
    return FETCH.replace(PAUSES, NO_PAUSES)


class Overlay:
    """An overlay of plain files, in the form that imgbuild gives it."""

    def __init__(
        self,
        files: dict[str, tuple[str, str]],
        components: dict[str, tuple[str, str, int]] | None = None,
        *,
        sysext: bool = False,
        apply: str = APPLY,
    ) -> None:
        """`files`: path to (component, content), `-> X` being a link; `components`: name to (units, url, seconds)."""
        self.sysext = sysext
        place = "/etc/imgbuild" if sysext else "/usr/lib/imgbuild"
        files = files | {f"{place}/apply.sh": ("imgbuild", apply), f"{place}/fetch.py": ("imgbuild", fetcher())}
        lists = [
            f"{owner}\t{hashlib.sha256(text.encode()).hexdigest()}\t{path}\n" for path, (owner, text) in files.items()
        ]
        contents = {path: text for path, (_, text) in files.items()}
        contents[f"{place}/files"] = "".join(sorted(lists))
        contents[f"{place}/components"] = "".join(
            f"{name}\t{units}\t{url}\t{seconds}\n" for name, (units, url, seconds) in (components or {}).items()
        )
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for folder in sorted({parent for path in contents for parent in pathlib.Path(path).parents}):
                if str(folder) != "/":
                    archive.addfile(self._entry(folder, tarfile.DIRTYPE, 0o755))
            for path, text in sorted(contents.items()):
                entry = self._entry(pathlib.Path(path), tarfile.REGTYPE, 0o644)
                if text.startswith("-> "):
                    entry.type, entry.linkname = tarfile.SYMTYPE, text.removeprefix("-> ")
                    archive.addfile(entry)
                else:
                    entry.size = len(text.encode())
                    archive.addfile(entry, io.BytesIO(text.encode()))
        plain = buffer.getvalue()
        cuts = [0, len(plain) // 3, len(plain) * 2 // 3, len(plain)]
        pieces = [gzip.compress(plain[start:end], mtime=0) for start, end in itertools.pairwise(cuts)]
        self.layers = dict(zip(("web", "base", "ptrn-1"), pieces, strict=True))
        self.data = b"".join(pieces)
        self.sha256 = digest(self.data)

    def listed(self, url: str) -> str:
        """The layers as the list of parts has them, found below a URL, if there is one."""
        return "".join(
            f"{digest(data)}\tthe layer of {name}\t{len(data)}\t{digest(data)}\t{url and f'{url}/{digest(data)}'}\n"
            for name, data in self.layers.items()
        )

    def files(self, *names: str) -> dict[str, bytes]:
        """The layers of these names, or all, as a volume or a server has them."""
        return {digest(self.layers[name]): self.layers[name] for name in names or self.layers}

    @staticmethod
    def _entry(path: pathlib.Path, kind: bytes, mode: int) -> tarfile.TarInfo:
        entry = tarfile.TarInfo(str(path)[1:])
        entry.type, entry.mode = kind, mode
        return entry


class Sandbox:
    """One guest. `run` is one boot's run of the program; what it wrote stays for the next."""

    def __init__(self, tree: pathlib.Path, room: str) -> None:
        """`tree` is the Debian tree, never written to; `room` is the size of the guest's disk, such as `8m`."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="imgbuild-first-boot-"))
        self.guest = self.folder / "guest"
        self.disk = self.folder / "disk"
        self.guest.mkdir()
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "disk", self.disk], check=True)
        for name in ("upper", "work"):
            (self.disk / name).mkdir()
        options = f"lowerdir={tree},upperdir={self.disk}/upper,workdir={self.disk}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "guest", self.guest], check=True)
        self.write("/usr/local/sbin/imgbuild-first-boot", PROGRAM.read_text(), 0o755)
        for name, text in STAND_INS.items():
            self.stand_in(name, text)

    def close(self) -> None:
        """Leaves nothing behind."""
        subprocess.run(["umount", self.guest, self.disk], check=True)
        shutil.rmtree(self.folder)

    def path(self, name: str) -> pathlib.Path:
        """Where the guest's file is on this machine."""
        return self.guest / name.lstrip("/")

    def write(self, name: str, text: str | bytes, mode: int = 0o644) -> None:
        """Writes a file of the guest."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)

    def read(self, name: str) -> str | None:
        """A file of the guest; None if there is none."""
        path = self.path(name)
        return path.read_text() if path.is_file() else None

    def stand_in(self, name: str, text: str) -> None:
        """Puts a program before the real one: the first-boot program looks into /usr/sbin first."""
        target = "/usr/bin/systemctl" if name == "systemctl" else f"/usr/sbin/{name}"
        self.path(target).unlink(missing_ok=True)
        self.write(target, text, 0o755)

    def seed(
        self,
        overlay: Overlay,
        *,
        urls: str = "",
        room: int = 0,
        private: dict[str, tuple[str, str, str]] | None = None,
        layers_url: str | None = None,
    ) -> None:
        """Does what user-data does; `private`: path to (component, owner, content); `layers_url`: "" for no URL."""
        private = private or {}
        shutil.rmtree(self.path("/var/lib/imgbuild/seed"), ignore_errors=True)
        conf = {
            "IMGBUILD_NODE": "ptrn-1",
            "IMGBUILD_OVERLAY_SHA256": overlay.sha256,
            "IMGBUILD_OVERLAY_ROOM": room,
        }
        parts = f"{overlay.sha256}\tthe overlay\t{len(overlay.data)}\toverlay.tar.gz\t{urls}\n"
        self.write("/var/lib/imgbuild/seed/parts", parts if layers_url is None else overlay.listed(layers_url))
        if urls or layers_url:
            self.write("/var/lib/imgbuild/seed/fetch.py", fetcher())
        if overlay.sysext:
            conf |= {"IMGBUILD_FORMAT": "sysext"}
        self.write("/var/lib/imgbuild/seed/node.conf", "".join(f"{name}='{value}'\n" for name, value in conf.items()))
        lines = [f"{component}\t{owner}\t{path}\n" for path, (component, owner, _) in private.items()]
        self.write("/var/lib/imgbuild/seed/private.list", "".join(lines))
        for path, (_, _, content) in private.items():
            self.write(f"/var/lib/imgbuild/seed/private{path}", content, 0o600)

    def volume(self, label: str, *contents: bytes | dict[str, bytes] | None) -> None:
        """Attaches volumes of one label in place of what had it; each holds this overlay.tar.gz, or these files."""
        self.detach(label)
        names = []
        for number, content in enumerate(contents):
            names.append(f"/volumes/{label}.{number}")
            self.path(names[-1]).mkdir(parents=True)
            files = content if isinstance(content, dict) else {"overlay.tar.gz": content} if content else {}
            for name, data in files.items():
                self.write(f"{names[-1]}/{name}", data)
        self.write(f"/volumes/{label}", "\n".join(names) + "\n")

    def detach(self, label: str) -> None:
        """Takes all volumes of a label away."""
        volumes = self.path("/volumes")
        for path in volumes.glob(f"{label}*") if volumes.is_dir() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def run(self) -> int:
        """Runs the program once; returns its exit code. `calls` has what it asked of the service manager."""
        self.path("/calls").unlink(missing_ok=True)
        command = [
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            ENTER,
            "enter",
            str(self.guest),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIME_LIMIT, env={"PATH": os.environ["PATH"]}, check=False
        )
        self.output = done.stdout + done.stderr
        self.calls = (self.read("/calls") or "").splitlines()
        return done.returncode

    def verdict(self) -> dict[str, object]:
        """The verdict that the last run left."""
        verdict: dict[str, object] = json.loads(self.read("/var/lib/imgbuild/first-boot.json") or "{}")
        return verdict
