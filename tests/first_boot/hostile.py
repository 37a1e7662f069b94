"""Cases of people who mean harm: a service's user on the node, and whoever attaches a volume to it."""

import base64
import os
import pathlib
import time

from case import OLD, SERVICES, UNIT, Case
from finding import SERVER
from sandbox import Overlay, Sandbox

VICTIM = "/etc/victim"
FOLDERS = "d /opt/web 0755 web web -\nd /opt/web/data 0700 web web -\n"
USER = {
    UNIT: ("web", "1"),
    "/usr/lib/sysusers.d/web.conf": ("web", "u web - - /opt/web -\n"),
    "/usr/lib/tmpfiles.d/web.conf": ("web", FOLDERS),
}
FOREIGN = r"^not only root can change the way to /opt/web/{} \(drwxr-xr-x web web\): nothing below is touched$"


def facts(folder: pathlib.Path) -> dict[str, tuple[int, int, int, bytes]]:
    """All below a folder: owners, modes, contents."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        status = path.lstat()
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_uid, status.st_gid, status.st_mode, content)
    return found


class Hostile(Case):
    """What they control is not followed."""

    def running(self, files: dict[str, tuple[str, str]]) -> Sandbox:
        """A guest whose service's user owns /opt/web, with these files of the overlay below it."""
        guest = self.applied(Overlay(USER | files, SERVICES))
        guest.write(f"{VICTIM}/conf", "precious")
        guest.write(f"{VICTIM}/folder/x", "precious")
        guest.path(f"{VICTIM}/empty").mkdir()
        return guest

    def swap(self, guest: Sandbox, name: str) -> None:
        """What the service's user does: a link in place of what is in its folder."""
        owner = guest.path("/opt/web").stat()
        self.assertNotEqual(owner.st_uid, 0)
        path = guest.path(name)
        if path.is_dir():
            path.rename(path.with_name("away"))
        else:
            path.unlink()
        path.symlink_to(VICTIM)
        os.lchown(path, owner.st_uid, owner.st_gid)

    def refused(self, guest: Sandbox, overlay: Overlay, reason: str, **seed: object) -> None:
        """The next overlay changes nothing of /etc but by what it brings there, and the verdict says why."""
        before = facts(guest.path(VICTIM))
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay, **seed)  # type: ignore[arg-type]
        for _ in range(2):
            self.failed(guest, reason)
            self.assertEqual(facts(guest.path(VICTIM)), before)

    def test_no_file_is_written_through_a_services_folder(self) -> None:
        guest = self.running({"/opt/web/sub/conf": ("web", "old")})
        self.swap(guest, "/opt/web/sub")
        self.refused(guest, Overlay(USER | {"/opt/web/sub/conf": ("web", "new")}, SERVICES), FOREIGN.format("sub/"))

    def test_no_file_is_removed_through_a_services_folder(self) -> None:
        guest = self.running({"/opt/web/sub/conf": ("web", "old")})
        self.swap(guest, "/opt/web/sub")
        self.refused(guest, Overlay(USER, SERVICES), FOREIGN.format("sub/"))
        guest.path("/opt/web/sub").unlink()
        self.ready(guest)

    def test_no_folder_is_removed_through_a_services_folder(self) -> None:
        guest = self.running({"/opt/web/sub/empty/conf": ("web", "old")})
        guest.path("/opt/web/sub/empty/conf").unlink()
        self.swap(guest, "/opt/web/sub")
        self.refused(guest, Overlay(USER, SERVICES), FOREIGN.format("(sub/)?"))

    def test_no_secret_is_written_or_read_through_a_services_folder(self) -> None:
        guest = self.running({})
        guest.path("/opt/web/sub").mkdir()
        self.swap(guest, "/opt/web/sub")
        for path, way in (("sub/password", "sub/"), ("password", "")):
            private = {f"/opt/web/{path}": ("web", "web:web", "geheim\n")}
            overlay = Overlay({**USER, "/etc/web": ("web", path)}, SERVICES)
            self.refused(guest, overlay, FOREIGN.format(way), private=private)
            self.assertNotIn("geheim", guest.output)

    def test_no_folder_is_made_or_given_away_through_a_services_folder(self) -> None:
        guest = self.running({})
        self.swap(guest, "/opt/web/data")
        before = facts(guest.path(VICTIM))
        guest.write("/etc/motd", "changed")
        self.ready(guest)  # what it made of its own folder is the service's affair
        self.assertEqual(facts(guest.path(VICTIM)), before)
        deeper = {"/usr/lib/tmpfiles.d/web.conf": ("web", FOLDERS + "d /opt/web/data/folder 0700 web web -\n")}
        self.refused(guest, Overlay(USER | deeper, SERVICES), "^systemd-tmpfiles: .*/opt/web/data")

    def test_a_link_that_root_made_is_followed_to_where_root_alone_decides(self) -> None:
        guest = self.running({})
        guest.path("/srv/web").mkdir()
        guest.path("/opt/own").symlink_to("/srv/web")
        overlay = Overlay(USER | {"/opt/own/conf": ("web", "new")}, SERVICES)
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay)
        self.ready(guest)
        self.assertEqual(guest.read("/srv/web/conf"), "new")
        owner = guest.path("/opt/web").stat()
        os.chown(guest.path("/srv/web"), owner.st_uid, owner.st_gid)
        overlay = Overlay(USER | {"/opt/own/conf": ("web", "newer")}, SERVICES)
        self.refused(guest, overlay, r"^not only root can change the way to /opt/own/ \(drwxr-xr-x web web\)")
        self.assertEqual(guest.read("/srv/web/conf"), "new")

    def test_a_volume_has_its_files_and_no_way_to_others(self) -> None:
        for name in ("link", "FIFO", "folder"):
            with self.subTest(name):
                guest = self.guest()
                guest.volume("CIDATA", None)
                path = guest.path("/volumes/CIDATA.0/overlay.tar.gz")
                if name == "link":
                    path.symlink_to("/etc/shadow")
                elif name == "FIFO":
                    os.mkfifo(path)
                else:
                    path.mkdir()
                guest.seed(OLD)
                self.failed(guest, "^the overlay on /volumes/CIDATA.0 is not a regular file$")
                guest.volume("IMGBUILD", OLD.data)
                self.ready(guest)

    def test_what_is_too_large_is_not_read(self) -> None:
        guest = self.guest()
        guest.volume("CIDATA", None)
        with guest.path("/volumes/CIDATA.0/overlay.tar.gz").open("wb") as sparse:
            sparse.truncate(1 << 40)
        guest.seed(OLD)
        began = time.monotonic()
        self.failed(guest, f"^the overlay on /volumes/CIDATA.0 has {1 << 40} bytes, expected {len(OLD.data)}$")
        self.assertLess(time.monotonic() - began, 60, "hashing so much takes hours")

    def test_volumes_are_mounted_so_that_nothing_of_them_can_act(self) -> None:
        guest = self.guest()
        guest.volume("CIDATA", OLD.data)
        guest.seed(OLD)
        self.ready(guest)
        for line in (guest.read("/mounted") or "").splitlines():
            _, types, _, options, *_ = line.split()
            self.assertEqual(types, "iso9660,vfat")
            self.assertLessEqual({"ro", "nosuid", "nodev", "noexec", "nosymfollow"}, set(options.split(",")))
        self.assertEqual(guest.read("/run-mode"), "700\n")

    def test_no_credentials_are_on_a_command_line(self) -> None:
        guest = self.guest()
        guest.stand_in("python3", '#!/bin/sh\necho "$0 $*" >>/ran\nexec /usr/bin/python3 "$@"\n')
        guest.write("/server.py", SERVER)
        guest.write("/served", OLD.data)
        guest.seed(OLD, urls="http://me:s3%40cret@127.0.0.1:8000/a?token=s3cret")
        self.ready(guest)
        self.assertEqual(guest.read("/who"), "Basic " + base64.b64encode(b"me:s3@cret").decode())
        self.assertIn("fetch.py", guest.read("/ran") or "")
        self.assertNotRegex((guest.read("/ran") or "") + guest.output, "s3|cret")

    def test_no_part_of_an_address_that_is_not_understood_is_told(self) -> None:
        guest = self.guest()
        guest.seed(OLD, urls="http://me:s3cret@127.0.0.1:x/a http://me:s3@cret@127.0.0.1:y/b")
        self.failed(guest, "^cannot fetch the overlay from http://127.0.0.1:x/a: .*; .* from http://127.0.0.1:y/b: ")
        self.assertNotRegex(guest.output, "s3|cret")
