"""The base disk of the virtual machines: Debian 13 as its packages make it, knowing nothing of imgbuild."""

import dataclasses
import hashlib
import pathlib
import subprocess

from isolation import guest_tree

DISK_ID = "626f6f74"
ROOT_PARTITION = f"{DISK_ID}-01"

# What an image's maker does beside installing packages: what systemd would do at the first start of any image, and one
# kind of SSH host key, since making three takes long without hardware help.
RECIPE = r"""
set -eu
mkdir upper work root
mount -t overlay -o "lowerdir=$1,upperdir=upper,workdir=work" root root
printf 'ssh_genkeytypes: [ed25519]\n' >root/etc/cloud/cloud.cfg.d/90-image.cfg
chroot root journalctl --update-catalog
touch root/etc/.updated root/var/.updated
truncate -s 3G disk
printf 'label: dos\nlabel-id: 0x%s\nstart=2048, type=83\n' "$2" | sfdisk -q disk
mkfs.ext4 -q -F -E offset=$((2048 * 512)) -d root disk 3071M
umount root
qemu-img convert -O qcow2 disk "$3"
"""


@dataclasses.dataclass(frozen=True)
class Image:
    """A disk that machines write copies of, and how they start from it."""

    path: pathlib.Path
    kernel: pathlib.Path | None  # None: the disk has a boot loader

    @property
    def format(self) -> str:
        """The disk's format, as QEMU names it."""
        info = subprocess.run(["qemu-img", "info", str(self.path)], capture_output=True, text=True, check=True).stdout
        return next(line.split(": ")[1] for line in info.splitlines() if line.startswith("file format"))

    def copy(self, to: pathlib.Path) -> None:
        """Makes a disk that holds only what differs from this one."""
        command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", self.path.resolve(), "-F", self.format, to]
        subprocess.run(command, check=True)


def stand_in(scratch: pathlib.Path) -> Image:
    """The image, made in `scratch` and kept beside the tree it is made of until either changes."""
    tree = guest_tree()
    key = hashlib.sha256(f"{tree.name}\n{DISK_ID}\n{RECIPE}".encode()).hexdigest()[:12]
    path = tree.parent.parent / "boot-image" / f"{tree.name}-{key}.qcow2"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        folder = scratch / "image"
        folder.mkdir()
        part = path.with_suffix(".part")
        command = ["sh", "-c", RECIPE, "image", str(tree), DISK_ID, str(part)]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        part.rename(path)
    return Image(path, tree / "vmlinuz")
