"""Cases of finding the overlay: what is taken, what is refused, and what is said of it."""

import re

from case import MISSING, NEW, OLD, SERVICES, UNIT, Case
from sandbox import DOWNLOADS, Overlay

CONF = "/var/lib/imgbuild/seed/node.conf"

SERVER = """
import functools, http.server, pathlib, sys
class Ranges(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = pathlib.Path("/served").read_bytes()
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        self.send_response(404 if "missing" in self.path else 206 if start else 200)
        pathlib.Path("/asked").open("a").write(f"{self.path} from {start}\\n")
        pathlib.Path("/who").write_text(self.headers.get("Authorization", ""))
        self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:])
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", 8000), Ranges).serve_forever()
"""


class Finding(Case):
    """The overlay is elsewhere, broken, or too large."""

    def test_an_overlay_with_a_flipped_byte_is_refused_whole(self) -> None:
        guest = self.guest()
        bad = bytearray(OLD.data)
        bad[len(bad) // 2] ^= 1
        guest.volume("CIDATA", bytes(bad))
        guest.seed(OLD)
        self.failed(guest, rf"^the overlay on /volumes/CIDATA.0 has sha256 [0-9a-f]{{64}}, expected {OLD.sha256}$")
        self.nothing_started(guest)

    def test_a_missing_overlay_fails_until_it_appears(self) -> None:
        guest = self.guest()
        guest.seed(OLD)
        self.failed(guest, f"^{re.escape(MISSING)}$")
        self.nothing_started(guest)
        self.failed(guest, "^missing: the overlay ")
        self.assertEqual(guest.verdict()["attempt"], 2)
        guest.volume("IMGBUILD", OLD.data)
        self.ready(guest)
        self.assertEqual(guest.verdict()["attempt"], 3)

    def test_the_matching_one_of_several_volumes_is_taken(self) -> None:
        guest = self.guest()
        guest.volume("CIDATA", None, NEW.data, OLD.data)
        guest.write("/volumes/cidata", "/volumes/unreadable\n")
        guest.seed(OLD)
        self.ready(guest)

    def test_documents_that_ask_for_another_overlay_change_nothing(self) -> None:
        guest = self.applied()
        guest.seed(NEW)
        self.failed(guest, rf"^the overlay on /volumes/CIDATA.0 has sha256 {OLD.sha256}, expected {NEW.sha256}$")
        self.assertEqual(guest.read("/opt/web/conf"), "old")
        self.assertFalse([call for call in guest.calls if call.startswith(("restart", "stop", "disable"))])

    def test_an_unreadable_volume_is_named(self) -> None:
        guest = self.guest()
        guest.write("/volumes/CIDATA", "/volumes/unreadable\n")
        guest.seed(OLD)
        self.failed(guest, "^mount: /volumes/unreadable: can't read superblock")

    def test_a_url_serves_it_resumes_and_stays_secret(self) -> None:
        guest = self.guest()
        guest.write("/server.py", SERVER)
        guest.write("/served", OLD.data)
        guest.seed(OLD, urls="http://me:secret@127.0.0.1:8000/missing?token=secret")
        self.failed(guest, "^cannot fetch the overlay from http://127.0.0.1:8000/missing: .*404")
        self.assertNotIn("secret", guest.output)
        guest.write(f"{DOWNLOADS}/{OLD.sha256}", OLD.data[:100])
        guest.seed(OLD, urls="http://127.0.0.1:8000/missing http://127.0.0.1:8000/a")
        self.ready(guest)
        guest.write(f"{DOWNLOADS}/{NEW.sha256}", OLD.data[:100])
        guest.write("/asked", "")
        guest.write("/served", NEW.data)
        guest.seed(NEW, urls="http://127.0.0.1:8000/a")
        self.failed(guest, "has sha256")
        self.ready(guest)
        self.assertEqual(guest.read("/asked"), "/a from 100\n/a from 0\n")
        self.assertFalse(guest.path(DOWNLOADS).exists())

    def test_the_next_url_is_asked_before_one_is_asked_again(self) -> None:
        guest = self.guest()
        guest.write("/server.py", SERVER)
        guest.write("/served", OLD.data)
        guest.stand_in("sleep", '#!/bin/sh\necho "$1" >>/slept\n')
        guest.seed(OLD, urls="http://127.0.0.1:9/nobody http://127.0.0.1:8000/a")
        self.ready(guest)
        self.assertEqual(guest.read("/asked"), "/a from 0\n")
        self.assertEqual(guest.read("/slept"), "2\n0\n", "the pauses of the health checks alone")

    def test_a_url_that_serves_too_much_is_cut_off(self) -> None:
        guest = self.guest()
        guest.write("/server.py", SERVER)
        guest.write("/served", b"x" * 10_000_000)
        guest.seed(OLD, urls="http://127.0.0.1:8000/a")
        size = len(OLD.data)
        self.failed(guest, f"^the overlay at http://127.0.0.1:8000/a has [0-9]+ bytes, expected {size}$")
        self.assertLess(len(guest.read(f"{DOWNLOADS}/{OLD.sha256}") or ""), 2 * len(OLD.data) + 1024)
        guest.write("/served", OLD.data)
        self.ready(guest)

    def test_a_full_disk_leaves_the_node_as_it_was(self) -> None:
        guest = self.guest(room="4m")
        big = Overlay(
            {UNIT: ("web", "old"), **{f"/opt/{n}": ("web", f"{n}" * 1_000_000) for n in range(1, 9)}}, SERVICES
        )
        guest.volume("CIDATA", big.data)
        guest.seed(big)
        self.failed(guest, "^cannot unpack the overlay: tar: .*No space left on device$")
        self.nothing_started(guest)
        guest.seed(big, room=8000)
        self.failed(guest, "^the overlay needs 8000 KiB in /usr/lib, [0-9]+ are free$")
        self.nothing_started(guest)
        guest.volume("CIDATA", OLD.data)
        guest.seed(OLD, room=100)
        self.ready(guest)

    def test_a_node_without_a_seed_says_so(self) -> None:
        guest = self.guest()
        code = guest.run()
        self.assertEqual(code, 1)
        self.assertEqual(guest.verdict()["reason"], "no /var/lib/imgbuild/seed/node.conf")

    def test_a_seed_without_a_digest_is_no_applied_state(self) -> None:
        guest = self.guest()
        guest.volume("CIDATA", OLD.data)
        guest.seed(OLD)
        for digest in ("", "abc", OLD.sha256.upper()):
            with self.subTest(digest=digest):
                guest.write(CONF, f"IMGBUILD_NODE='ptrn-1'\nIMGBUILD_OVERLAY_SHA256='{digest}'\n")
                self.failed(guest, f"^no digest in {CONF}$")
                self.nothing_started(guest)

    def test_a_seed_sets_nothing_but_what_it_is_to_set(self) -> None:
        guest = self.guest()
        guest.volume("CIDATA", OLD.data)
        guest.seed(OLD)
        guest.write(
            CONF, (guest.read(CONF) or "") + "stage=/opt/stage\nrun=/opt/run\nlists=opt\nstate=/opt\nPATH=/opt\n"
        )
        self.ready(guest)
        self.assertEqual(sorted(path.name for path in guest.path("/opt").iterdir()), ["web"])

    def test_a_lock_that_cannot_be_had_is_told_from_one_that_is_held(self) -> None:
        for name, code in (("flock", 66), ("install", 1)):
            with self.subTest(name):
                guest = self.guest()
                guest.volume("CIDATA", OLD.data)
                guest.seed(OLD)
                guest.stand_in(name, f"#!/bin/sh\nexit {code}\n")
                self.assertEqual((guest.run(), guest.verdict()["verdict"]), (1, "failed"))
                self.assertEqual(guest.verdict()["reason"], "cannot lock /run/imgbuild/lock")
                self.assertIn("failed: cannot lock /run/imgbuild/lock\n", guest.read("/console") or "")
                self.assertNotIn("another run", guest.output)
        guest = self.guest()
        guest.stand_in(
            "flock", '#!/bin/sh\nflock() { /usr/bin/flock "$@"; }\nexec 8>/run/imgbuild/lock; flock 8; flock "$@"\n'
        )
        self.assertEqual((guest.run(), guest.verdict()), (75, {}))
        self.assertIn("imgbuild: another run is at work", guest.output)
