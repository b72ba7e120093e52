"""The certificate that headquarters got for the box's own name, beside the one of the box's own authority.

    named.pem    key and chain; outside the store for the same reason as portal.pem

Which of the two a browser is shown is decided by the name it asks for (SNI, RFC 6066 section 3), at each handshake: so
`hearth.local` and bare addresses keep theirs, and when HQ's has ended the box's own answers for every name.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509

from appliance import clock
from appliance.packs import rows
from appliance.store.database import Database
from appliance.store.files import write_atomically

NAMED_FILE = "named.pem"


@dataclass(slots=True)
class ByName:
    """What answers by name. `load` after each change of the file; `choose` is the handshake's."""

    names: frozenset[str] = frozenset()
    ends: datetime | None = None
    context: ssl.SSLContext | None = None
    _content: bytes = field(default=b"", repr=False)

    def load(self, folder: Path, fresh: ssl.SSLContext) -> bool:
        """Take the file up into `fresh`; whether there is one that can be used."""
        try:
            content = (folder / NAMED_FILE).read_bytes()
            leaf = x509.load_pem_x509_certificates(content)[0]
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            fresh.load_cert_chain(folder / NAMED_FILE)
        except (OSError, ssl.SSLError, ValueError, IndexError, x509.ExtensionNotFound):
            self.context = None
            return False
        self.names = frozenset(one.lower() for one in names.get_values_for_type(x509.DNSName))
        self.ends, self.context, self._content = leaf.not_valid_after_utc, fresh, content
        return True

    def holds(self, content: bytes) -> bool:
        return self.context is not None and self._content == content

    def choose(self, socket: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        """For `SSLContext.sni_callback`. Says nothing where it has nothing: the box's own certificate answers."""
        if self.context is None or self.ends is None or clock.moment() >= self.ends:
            return
        if name is not None and name.lower() in self.names:
            socket.context = self.context


async def follow(db: Database, folder: Path, by_name: ByName, fresh: ssl.SSLContext) -> bool:
    """Make file and listener say what the store says; whether anything changed. Safe to repeat, also after a crash."""
    kept = await db.read(rows.named)
    if kept is None or by_name.holds(kept.file):
        return False
    await asyncio.to_thread(write_atomically, folder / NAMED_FILE, kept.file)
    return await asyncio.to_thread(by_name.load, folder, fresh)
