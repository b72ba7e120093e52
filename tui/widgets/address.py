"""Where the portal is, as text and as a QR code beside it, for pages that people see before they sign in."""

from __future__ import annotations

from textual.widgets import Static

from tui.widgets.invitation import qr_lines

LONGEST = 60  # characters of an address with a code that fits 80x24


class AddressCode(Static):
    """The QR code of one address; nothing where there is none, or too little room."""

    DEFAULT_CSS = """
    AddressCode {
        width: auto;
        height: auto;
        color: ansi_bright_white;
        background: ansi_black;
    }
    """

    def __init__(self, address: str = "") -> None:
        super().__init__(markup=False, classes="address-code")
        self.show(address)

    def show(self, address: str) -> None:
        """Another address."""
        self._address = address
        known = 0 < len(address) <= LONGEST and "//localhost" not in address
        self.update("\n".join(qr_lines(address)) if known else "")
        self.display = known
