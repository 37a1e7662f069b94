"""The base disk of the virtual machines: Debian 13 as its packages make it, knowing nothing of imgbuild."""

import dataclasses
import hashlib
import pathlib
import subprocess

from isolation import guest_tree

DISK_ID = "626f6f74"

# The kernel has NVMe and ext4 built in, so that it needs no initial RAM disk. Which of two NVMe drives is found first is
# not said: the root is named by its partition. On a busy host the kernel's check of its timer fails, and services need
# longer to start than systemd gives them on real machines.
BOOT_LOADER = f"""
linux (hd0,msdos1)/vmlinuz root=PARTUUID={DISK_ID}-01 rootwait rw console=ttyS0 quiet mitigations=off no_timer_check highres=off \
    systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900
boot
"""

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
# GRUB lies between the partition table and the first partition, where its first part looks for the rest.
printf %s "$4" >grub.cfg
grub-mkimage -O i386-pc -p /none -c grub.cfg -o core biosdisk part_msdos ext2 linux
[ "$(stat -c %s core)" -lt $((2047 * 512)) ]
dd status=none conv=notrunc of=disk if=/usr/lib/grub/i386-pc/boot.img bs=440 count=1
dd status=none conv=notrunc of=disk if=core bs=512 seek=1
qemu-img convert -O qcow2 disk "$3"
"""


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
        command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", self.path.resolve(), "-F", self.format, to]
        subprocess.run(command, check=True)


def stand_in(scratch: pathlib.Path) -> Image:
    """The image, made in `scratch` and kept beside the tree it is made of until either changes."""
    tree = guest_tree()
    key = hashlib.sha256(f"{tree.name}\n{BOOT_LOADER}\n{RECIPE}".encode()).hexdigest()[:12]
    path = tree.parent.parent / "boot-image" / f"{tree.name}-{key}.qcow2"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        folder = scratch / "image"
        folder.mkdir()
        part = path.with_suffix(".part")
        command = ["sh", "-c", RECIPE, "image", str(tree), DISK_ID, str(part), BOOT_LOADER]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        part.rename(path)
    return Image(path)
