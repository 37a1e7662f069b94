"""Cases of an overlay whose apply program expects another bootstrap."""

from case import OLD, SERVICES, UNIT, Case
from sandbox import APPLY, Overlay

LINE = "# apply contract: 1\n"
REFUSED = "^the overlay has apply contract {}, expected 1: rebuild this node and attach its new seed$"


class Contract(Case):
    """The bootstrap and the overlay are of different versions."""

    def test_an_unknown_contract_is_refused_before_anything_changes(self) -> None:
        self.assertEqual(APPLY.count(LINE), 1)
        for found, line in (("2", LINE.replace("1", "2")), ("none", "")):
            with self.subTest(found):
                overlay = Overlay({UNIT: ("web", "new")}, SERVICES, apply=APPLY.replace(LINE, line))
                guest = self.guest()
                guest.volume("CIDATA", overlay.data)
                guest.seed(overlay)
                self.failed(guest, REFUSED.format(found))
                self.nothing_started(guest)
                guest.volume("CIDATA", OLD.data)
                guest.seed(OLD)
                self.ready(guest)

    def test_what_is_applied_is_left_as_it_is_by_a_bootstrap_that_does_not_know_it(self) -> None:
        guest = self.applied()
        guest.write("/usr/lib/imgbuild/apply.sh", APPLY.replace(LINE, LINE.replace("1", "17")))
        self.failed(guest, REFUSED.format("17"))
        self.assertEqual(guest.calls, [])
        self.assertEqual(guest.read(UNIT), "old")
