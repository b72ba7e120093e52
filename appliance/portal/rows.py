"""The box's certificate authority in the store. No person acts here, so there is no permit: the box makes its own."""

from __future__ import annotations

from appliance.portal.certificates import Authority
from appliance.store.database import Transaction


def authority(tx: Transaction) -> Authority | None:
    """The authority, or None before the box has made one."""
    row = tx.one("SELECT ca_key, ca_certificate FROM box_tls WHERE id = 1")
    return Authority(bytes(row["ca_key"]), bytes(row["ca_certificate"])) if row else None


def keep_authority(tx: Transaction, made: Authority, at: str) -> None:
    """Keep the authority. There is one; making a second is an IntegrityError."""
    tx.execute("INSERT INTO box_tls VALUES (1, ?, ?, ?)", (made.key, made.certificate, at))
