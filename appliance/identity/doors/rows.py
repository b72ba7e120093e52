"""What stands at the doors: wrong tries, and devices that are known. No person acts here, so there is no permit."""

from __future__ import annotations

from appliance.identity.rules import MAX_DEVICES, Bucket
from appliance.store.database import Transaction

MAX_BUCKETS = 20_000  # rows; about 2 MB. Whoever floods it with names puts out the rows with the fewest tries first
SWEEP = 500  # rows that one sweep puts out at least


def bucket(tx: Transaction, kind: str, key: bytes) -> Bucket:
    row = tx.one("SELECT tries, at FROM throttles WHERE kind = ? AND key = ?", (kind, key))
    return Bucket(row["tries"], row["at"]) if row else Bucket()


def keep_bucket(tx: Transaction, kind: str, key: bytes, new: Bucket) -> None:
    if new.tries == 0:
        tx.execute("DELETE FROM throttles WHERE kind = ? AND key = ?", (kind, key))
        return
    tx.execute("INSERT OR REPLACE INTO throttles VALUES (?, ?, ?, ?)", (kind, key, new.tries, new.at))
    count = tx.one("SELECT count(*) FROM throttles")
    if count is not None and count[0] > MAX_BUCKETS:
        tx.execute(
            "DELETE FROM throttles WHERE rowid IN (SELECT rowid FROM throttles ORDER BY tries, at LIMIT ?)", (SWEEP,)
        )


def newest(tx: Transaction) -> float:
    """Seconds that the box had run when it last noted a try."""
    row = tx.one("SELECT max(at) FROM throttles")
    return float(row[0] or 0.0) if row else 0.0


def device_known(tx: Transaction, digest: bytes, username: str, now: int) -> bool:
    """Whether the person of that account has signed in there before. `now` of the steady clock."""
    found = tx.one(
        "SELECT 1 FROM known_devices d JOIN accounts a ON a.person = d.person"
        " WHERE d.token_hash = ? AND a.username = ? AND a.retired_at IS NULL AND d.expires_at > ?",
        (digest, username, now),
    )
    return found is not None


def remember_device(tx: Transaction, digest: bytes, person: str, expires_at: int) -> None:
    """Known from now on; the ones that would be forgotten first give way."""
    tx.execute("INSERT OR REPLACE INTO known_devices VALUES (?, ?, ?)", (digest, person, expires_at))
    tx.execute(
        "DELETE FROM known_devices WHERE person = ? AND rowid NOT IN"
        " (SELECT rowid FROM known_devices WHERE person = ? ORDER BY expires_at DESC, rowid DESC LIMIT ?)",
        (person, person, MAX_DEVICES),
    )


def forget_devices(tx: Transaction, person: str) -> None:
    tx.execute("DELETE FROM known_devices WHERE person = ?", (person,))
