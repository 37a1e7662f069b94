"""Cases of an overlay that comes as a list of layers: on volumes that nodes share, and over HTTP."""

from case import NEW, OLD, Case
from sandbox import DOWNLOADS, Sandbox, digest

URL = "http://127.0.0.1:8000/layers"
WEB, BASE, OWN = (digest(OLD.layers[name]) for name in ("web", "base", "ptrn-1"))

# Serves /served/*. /plan says of each request, in their order, after how many bytes of the body the connection is cut
# (the last line holds for all that follow). A server that is gone is a closed port: `down` for some requests.
SERVER = """
import http.server, os, pathlib
plan = [line.strip() for line in open("/plan")]
class Layers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        cut = plan.pop(0) if len(plan) > 1 else plan[0]
        path = pathlib.Path("/served") / self.path.rpartition("/")[2]
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        open("/asked", "a").write(f"{path.name} from {start}\\n")
        if cut == "gone":
            return
        if not path.is_file():
            return self.send_error(404)
        data = path.read_bytes()
        self.send_response(206 if start else 200)
        self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:][:int(cut) if cut else None])
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", 8000), Layers).serve_forever()
"""


class Layers(Case):
    """The layers are here and there, broken, or on the way."""

    def is_applied(self, guest: Sandbox) -> None:
        """The guest has all of OLD, and nothing is left of how it came."""
        self.ready(guest)
        self.assertEqual(guest.read("/opt/web/conf"), "old")
        self.assertEqual(guest.read("/etc/motd"), "old")
        self.assertEqual(guest.verdict()["overlay_sha256"], OLD.sha256)
        self.assertFalse(guest.path(DOWNLOADS).exists())

    def test_a_shared_volume_and_the_seed_together_have_all(self) -> None:
        for shared, own in (
            (("web", "base"), ("ptrn-1",)),
            (("web", "base", "ptrn-1"), ()),
            (("base",), ("web", "ptrn-1")),
        ):
            with self.subTest(shared=shared, own=own):
                guest = self.guest()
                guest.volume("IMGBUILD", NEW.files("web"), OLD.files(*shared))
                guest.volume("CIDATA", OLD.files(*own) if own else None)
                guest.seed(OLD, layers_url="")
                self.is_applied(guest)

    def test_a_flipped_layer_is_named_and_nothing_is_applied(self) -> None:
        guest = self.guest()
        bad = bytearray(OLD.layers["base"])
        bad[-9] ^= 1
        guest.volume("IMGBUILD", OLD.files() | {BASE: bytes(bad)})
        guest.seed(OLD, layers_url="")
        self.failed(
            guest, rf"^the layer of base on /volumes/IMGBUILD.0 has sha256 {digest(bytes(bad))}, expected {BASE}$"
        )
        self.nothing_started(guest)
        guest.volume("imgbuild", OLD.files("base"))
        self.is_applied(guest)

    def test_missing_layers_are_named_until_they_appear(self) -> None:
        guest = self.guest()
        guest.volume("CIDATA", OLD.files("ptrn-1"))
        guest.seed(OLD, layers_url="")
        place = r"\(no URL is set, and no volume labelled CIDATA or IMGBUILD has it\)$"
        self.failed(guest, f"^missing: the layer of web, the layer of base {place}")
        self.nothing_started(guest)
        guest.volume("IMGBUILD", OLD.files("web"))
        self.failed(guest, f"^missing: the layer of base {place}")
        self.nothing_started(guest)
        guest.volume("IMGBUILD", OLD.files())
        self.is_applied(guest)

    def test_layers_that_are_another_overlay_are_refused(self) -> None:
        guest = self.guest()
        guest.volume("IMGBUILD", OLD.files())
        guest.seed(OLD, layers_url="")
        conf = guest.read("/var/lib/imgbuild/seed/node.conf") or ""
        guest.write(
            "/var/lib/imgbuild/seed/node.conf",
            conf.replace(f"IMGBUILD_OVERLAY_SHA256='{OLD.sha256}'", f"IMGBUILD_OVERLAY_SHA256='{NEW.sha256}'"),
        )
        self.failed(guest, f"^the overlay has sha256 {OLD.sha256}, expected {NEW.sha256}$")
        self.nothing_started(guest)

    def served(self, guest: Sandbox, plan: str, files: dict[str, bytes]) -> None:
        """Puts a server into the guest."""
        guest.write("/server.py", SERVER)
        guest.write("/plan", plan)
        guest.write("/asked", "")
        for name, data in files.items():
            guest.write(f"/served/{name}", data)

    def test_a_download_that_is_cut_off_is_gone_on_with(self) -> None:
        guest = self.guest()
        self.served(guest, "\n40\ngone\n30\n\n", OLD.files())
        guest.seed(OLD, layers_url=URL)
        self.is_applied(guest)
        asked = [f"{WEB} from 0", *(f"{BASE} from {start}" for start in (0, 40, 40, 70)), f"{OWN} from 0"]
        self.assertEqual((guest.read("/asked") or "").splitlines(), asked)

    def test_what_was_fetched_is_kept_while_the_server_is_away(self) -> None:
        guest = self.guest()
        self.served(guest, "\n40\ngone\n", OLD.files())
        guest.seed(OLD, layers_url=URL)
        self.failed(
            guest, f"^cannot fetch the layer of base from {URL}/{BASE}: Remote end closed connection without response$"
        )
        self.nothing_started(guest)
        self.served(guest, "\n", OLD.files())
        self.is_applied(guest)
        self.assertEqual((guest.read("/asked") or "").splitlines(), [f"{BASE} from 40", f"{OWN} from 0"])

    def test_what_a_server_has_not_or_has_wrong_is_named(self) -> None:
        guest = self.guest()
        self.served(guest, "\n", OLD.files("web", "ptrn-1"))
        guest.seed(OLD, layers_url=URL)
        self.failed(guest, f"^cannot fetch the layer of base from {URL}/{BASE}: .*404")
        self.served(guest, "\n", {BASE: NEW.layers["base"]})
        self.failed(
            guest, f"^the layer of base at {URL}/{BASE} has sha256 {digest(NEW.layers['base'])}, expected {BASE}$"
        )
        self.nothing_started(guest)
        guest.volume("IMGBUILD", OLD.files("base"))
        self.is_applied(guest)
