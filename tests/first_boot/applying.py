"""Cases of applying the overlay: what changes, what stays, what is left of an interrupted run."""

from case import NEW, OLD, SERVICES, UNIT, Case
from finding import SERVER
from sandbox import Overlay

# Does what the program does up to a point, and cuts the power there.
CUT = '#!/bin/sh\n[ ! -e /cut ] || exec {real} "$@"\n: >/cut\n{first}\nkill -9 -1\n'


class Applying(Case):
    """The overlay is there."""

    def test_a_first_run_applies_and_starts_and_a_second_changes_nothing(self) -> None:
        guest = self.applied()
        self.assertEqual(guest.read("/opt/web/conf"), "old")
        self.assertIn("restart --no-block web.service", guest.calls)
        self.assertEqual(guest.calls[:2], ["enable --no-reload web.service", "daemon-reload"])
        self.assertEqual(guest.calls.count("daemon-reload"), 1)
        before = guest.path("/opt/web/conf").stat()
        guest.detach("CIDATA")
        self.ready(guest)
        self.assertEqual(guest.path("/opt/web/conf").stat().st_ino, before.st_ino)
        self.assertNotIn("daemon-reload", guest.calls)
        self.assertIn("start --no-block web.service", guest.calls)
        self.assertFalse([call for call in guest.calls if call.startswith("restart")])

    def test_a_new_overlay_changes_what_changed_and_removes_what_is_gone(self) -> None:
        guest = self.applied()
        guest.write("/opt/web/data", "mine")
        guest.volume("CIDATA", NEW.data)
        guest.seed(NEW)
        self.ready(guest)
        self.assertEqual(guest.read("/opt/web/conf"), "new")
        self.assertFalse(guest.path("/opt/web/gone").exists())
        self.assertEqual(guest.read("/opt/web/data"), "mine")
        self.assertIn("daemon-reload", guest.calls)
        self.assertIn("restart --no-block web.service", guest.calls)

    def test_a_component_that_goes_away_is_stopped_and_its_data_stays(self) -> None:
        both = Overlay(
            {UNIT: ("web", "1"), "/opt/db/bin": ("db", "1")}, SERVICES | {"db": ("db.service,db.timer", "-", 5)}
        )
        guest = self.applied(both)
        guest.write("/opt/db/data/rows", "mine")
        one = Overlay({UNIT: ("web", "1")}, SERVICES)
        guest.volume("CIDATA", one.data)
        guest.seed(one)
        self.ready(guest)
        self.assertEqual(guest.calls[0], "disable --now db.service db.timer")
        self.assertFalse(guest.path("/opt/db/bin").exists())
        self.assertEqual(guest.read("/opt/db/data/rows"), "mine")
        self.assertFalse([call for call in guest.calls if call.startswith("restart")], "web did not change")

    def test_a_path_may_change_between_file_folder_and_link(self) -> None:
        shapes = [
            {"/opt/a/x": ("web", "file"), "/opt/a/y/z": ("web", "1")},
            {"/opt/a/x/in": ("web", "1"), "/opt/a/y": ("web", "-> x")},
            {"/opt/a/x": ("web", "-> y"), "/opt/a/y": ("web", "file")},
        ]
        guest = self.applied(Overlay(shapes[0], SERVICES))
        for shape in (*shapes[1:], shapes[0]):
            overlay = Overlay(shape, SERVICES)
            guest.volume("CIDATA", overlay.data)
            guest.seed(overlay)
            self.ready(guest)
        self.assertEqual((guest.read("/opt/a/x"), guest.read("/opt/a/y/z")), ("file", "1"))

    def test_folders_of_the_guest_keep_their_owners_and_modes(self) -> None:
        guest = self.guest()
        guest.path("/opt/web").mkdir()
        guest.path("/opt/web").chmod(0o710)
        guest.volume("CIDATA", OLD.data)
        guest.seed(OLD)
        self.ready(guest)
        self.assertEqual(guest.path("/opt/web").stat().st_mode & 0o777, 0o710)
        self.assertEqual(guest.path("/opt/web/gone").stat().st_mode & 0o777, 0o755)

    def test_another_file_system_and_a_linked_folder_get_copies(self) -> None:
        guest = self.guest()
        guest.write("/mounts", "/opt\n")
        guest.path("/etc/web").symlink_to("/srv")
        overlay = Overlay(
            {"/opt/web/a": ("web", "a"), "/etc/web/b": ("web", "b"), "/etc/c": ("web", "-> /opt/web/a")}, SERVICES
        )
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay)
        guest.write("/broken", "web.service\n")
        self.failed(guest, "web is not healthy")
        self.assertEqual(guest.read("/srv/b"), "b")
        self.assertTrue(guest.path("/etc/web").is_symlink())
        self.assertTrue(guest.path("/etc/c").is_symlink())

    def test_power_cuts_are_survived_without_the_seed(self) -> None:
        half = 'find . -name conf | while read -r f; do /usr/bin/ln -f "$f" "/$f"; done'
        cuts = {
            "while staging": ("tar", '/usr/bin/tar "$@"'),
            "while linking": ("cp", half),
            "while removing": ("rmdir", ""),
            "while starting": ("systemctl", ""),
        }
        for name, (program, first) in cuts.items():
            with self.subTest(name):
                guest = self.applied()
                guest.volume("CIDATA", NEW.data)
                guest.seed(NEW)
                original = guest.read("/usr/bin/systemctl") if program == "systemctl" else None
                if original:
                    guest.write("/usr/bin/systemctl.real", original, 0o755)
                real = "/usr/bin/systemctl.real" if original else f"/usr/bin/{program}"
                guest.stand_in(program, CUT.format(real=real, first=first))
                self.assertEqual(guest.run(), 137, guest.output)
                if program != "tar":
                    guest.detach("CIDATA")
                self.ready(guest)
                self.assertEqual(guest.read("/opt/web/conf"), "new")
                self.assertFalse(guest.path("/opt/web/gone").exists())
                self.assertIn("restart --no-block web.service", guest.calls)
                self.assertFalse(list(guest.path("/usr/lib").glob("imgbuild.new*")))

    def test_a_third_overlay_after_a_cut_leaves_nothing_of_the_second(self) -> None:
        second = Overlay({UNIT: ("web", "2"), "/opt/web/second": ("web", "2")}, SERVICES)
        guest = self.applied()
        guest.volume("CIDATA", second.data)
        guest.seed(second)
        guest.stand_in("cp", CUT.format(real="/usr/bin/cp", first='/usr/bin/cp "$@"'))
        self.assertEqual(guest.run(), 137)
        self.assertEqual(guest.read("/opt/web/second"), "2")
        guest.volume("CIDATA", OLD.data)
        guest.seed(OLD)
        self.ready(guest)
        self.assertIsNone(guest.read("/opt/web/second"))
        self.assertEqual((guest.read(UNIT), guest.read("/opt/web/gone/file")), ("old", "old"))
        self.assertIn("restart --no-block web.service", guest.calls)

    def test_users_folders_and_private_files_come_in_that_order(self) -> None:
        files = {
            UNIT: ("web", "1"),
            "/usr/lib/sysusers.d/web.conf": ("web", 'u web - "Web" /opt/web -\n'),
            "/usr/lib/tmpfiles.d/web.conf": ("web", "d /opt/web_data 0700 web web -\n"),
        }
        overlay = Overlay(files, SERVICES)
        guest = self.guest()
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay, private={"/etc/web/password": ("web", "web:web", "geheim\n")})
        self.ready(guest)
        password, data = guest.path("/etc/web/password").stat(), guest.path("/opt/web_data").stat()
        self.assertEqual((password.st_mode & 0o7777, data.st_mode & 0o7777), (0o600, 0o700))
        self.assertEqual(password.st_uid, data.st_uid)
        self.assertNotEqual(data.st_uid, 0)
        self.ready(guest)
        self.assertFalse([call for call in guest.calls if call.startswith("restart")])
        guest.detach("CIDATA")
        guest.seed(overlay, private={"/etc/web/password": ("web", "web:web", "neu\n")})
        self.ready(guest)
        self.assertIn("restart --no-block web.service", guest.calls)
        self.assertNotIn("neu", guest.output)
        guest.seed(overlay)
        self.ready(guest)
        self.assertIsNone(guest.read("/etc/web/password"))
        self.assertEqual(guest.read(UNIT), "1")

    def test_a_cut_leaves_no_secret_of_an_earlier_seed(self) -> None:
        path = "/etc/web/password"
        overlay = Overlay({UNIT: ("web", "1")}, SERVICES)
        for name, later in (("changed", {path: ("web", "root:root", "neu\n")}), ("gone", {})):
            with self.subTest(name):
                guest = self.guest()
                guest.volume("CIDATA", overlay.data)
                guest.seed(overlay, private={path: ("web", "root:root", "geheim\n")})
                guest.stand_in("chown", CUT.format(real="/usr/bin/chown", first=""))
                self.assertEqual(guest.run(), 137, guest.output)
                guest.seed(overlay, private=later)
                self.ready(guest)
                self.assertEqual(guest.read(path), "neu\n" if later else None)
                left = [found for found in guest.path("/etc/web").iterdir() if "geheim" in found.read_text()]
                self.assertEqual(left, [])

    def test_a_unit_without_an_address_is_waited_for(self) -> None:
        guest = self.guest()
        guest.write("/slow", "web.service\n" * 6)
        guest.volume("CIDATA", OLD.data)
        guest.seed(OLD)
        self.ready(guest)
        self.assertEqual(guest.read("/slow"), "")

    def test_what_is_not_healthy_is_named(self) -> None:
        sick = SERVICES | {"db": ("db.service", "-", 3), "api": ("api.service", "http://127.0.0.1:9/health", 3)}
        overlay = Overlay({UNIT: ("web", "1")}, sick)
        guest = self.guest()
        guest.write("/broken", "db.service\n")
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay)
        self.failed(
            guest,
            "^db is not healthy after 3 s: db.service is failed; "
            "api is not healthy after 3 s: http://127.0.0.1:9/health: ",
        )
        self.assertEqual(guest.verdict()["overlay_sha256"], overlay.sha256)

    def test_health_is_asked_for_without_curl_too(self) -> None:
        sick = SERVICES | {"api": ("-", "http://127.0.0.1:8000/missing", 3), "web": ("-", "http://127.0.0.1:8000/a", 5)}
        guest = self.guest()
        guest.path("/usr/bin/curl").unlink()
        guest.write("/server.py", SERVER)
        guest.write("/served", "well")
        overlay = Overlay({"/etc/motd": ("web", "1")}, sick)
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay)
        self.failed(guest, "^api is not healthy after 3 s: http://127.0.0.1:8000/missing: HTTP Error 404: Not Found$")
