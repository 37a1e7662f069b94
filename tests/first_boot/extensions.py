"""Cases of an overlay that brings system extensions: /usr is read-only while they are merged."""

from case import SERVICES, UNIT, Case
from sandbox import Overlay, Sandbox

RAW = "/var/lib/extensions/web.raw"
PLAIN = Overlay(
    {"/usr/local/bin/web": ("web", "plain"), "/etc/web.conf": ("web", "one"), UNIT: ("web", "unit")}, SERVICES
)
ETC_UNIT = "/etc/systemd/system/web.service"


def merged(raw: str, conf: str) -> Overlay:
    """An overlay with an extension."""
    files = {RAW: ("web", raw), "/etc/web.conf": ("web", conf), ETC_UNIT: ("web", "unit")}
    return Overlay(files, SERVICES, sysext=True)


class Extensions(Case):
    """Extensions come, change and go."""

    def apply(self, guest: Sandbox, overlay: Overlay) -> list[str]:
        """Seeds a guest anew; returns what was asked of systemd-sysext."""
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay)
        self.ready(guest)
        return [call.removeprefix("systemd-sysext ") for call in guest.calls if call.startswith("systemd-sysext ")]

    def test_an_extension_is_merged_before_anything_starts(self) -> None:
        guest = self.guest()
        self.assertEqual(self.apply(guest, merged("image", "one")), ["refresh"])
        merge, start = (guest.calls.index(call) for call in ("systemd-sysext refresh", "start --no-block web.service"))
        self.assertLess(merge, start)
        self.assertIn("enable --no-reload systemd-sysext.service", guest.calls)
        self.assertFalse(guest.path("/var/lib/imgbuild/new").exists())

    def test_it_is_merged_anew_when_it_changed_or_is_not_merged(self) -> None:
        guest = self.guest()
        self.apply(guest, merged("image", "one"))
        guest.write("/boot-merges", "")
        self.assertEqual(self.apply(guest, merged("image", "one")), [])
        self.assertEqual(self.apply(guest, merged("image", "two")), [])
        self.assertIn("restart --no-block web.service", guest.calls)
        self.assertEqual(self.apply(guest, merged("newer", "two")), ["refresh"])
        self.assertIn("restart --no-block web.service", guest.calls)
        guest.path("/boot-merges").unlink()
        guest.path("/usr/lib/extension-release.d/extension-release.web").unlink()
        self.assertEqual(self.apply(guest, merged("newer", "two")), ["refresh"])

    def test_a_node_goes_from_plain_files_to_extensions_and_back(self) -> None:
        guest = self.guest()
        self.assertEqual(self.apply(guest, PLAIN), [])
        self.assertEqual(self.apply(guest, merged("image", "one")), ["refresh"])
        for gone in ("/usr/local/bin/web", UNIT, "/usr/lib/imgbuild.new"):
            self.assertFalse(guest.path(gone).exists(), gone)
        guest.write("/boot-merges", "")
        self.assertEqual(self.apply(guest, PLAIN), ["unmerge", "refresh"])
        self.assertEqual(guest.read("/usr/local/bin/web"), "plain")
        self.assertFalse(guest.path(RAW).exists())
        self.assertEqual(self.apply(guest, PLAIN), [])

    def test_what_somebody_else_has_merged_is_merged_again(self) -> None:
        guest = self.guest()
        guest.write("/var/lib/extensions/theirs.raw", "image")
        guest.write("/boot-merges", "")
        self.assertEqual(self.apply(guest, PLAIN), ["unmerge", "refresh"])
        self.assertTrue(guest.path("/usr/lib/extension-release.d/extension-release.theirs").exists())
        guest.seed(Overlay({"/etc/web.conf": ("web", "two")}, SERVICES))
        self.failed(guest, "has [0-9]+ bytes, expected")
        self.assertTrue(guest.path("/usr/lib/extension-release.d/extension-release.theirs").exists())

    def test_a_merge_that_fails_is_told_and_tried_again(self) -> None:
        guest = self.guest()
        overlay = merged("image", "one")
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay)
        guest.write("/broken-sysext", "")
        self.failed(guest, "^cannot merge the extensions: No space in the sky$")
        self.assertFalse(any("start" in call for call in guest.calls))
        guest.path("/broken-sysext").unlink()
        guest.detach("CIDATA")
        self.ready(guest)
        self.assertIn("systemd-sysext refresh", guest.calls)
