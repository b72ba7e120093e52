"""HQ's own folder: who may read which key, and which boxes are enrolled.

keys/record.key     opens envelopes. Only `hq open` reads it; it may live on a machine that is never on a network
keys/packs.key      signs packs for boxes. Only `hq publish` and its like read it
keys/receipts.key   signs receipts             keys/tls.key, keys/tls.pem   the listener's identity
hq-public.json      handed to boxes            enrolled/<box>.json          public facts of each box
hq.toml             where objects are kept, when not here      objects/    the envelopes and all else (objects.py)
"""

from __future__ import annotations

import datetime
import shutil
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from sync import keys, suite
from sync.faults import SyncFault
from sync.hq import certificate
from sync.hq.objects import SETTINGS
from sync.keys import BoxFacts, HqFacts
from sync.spool import read_bounded, sync_folder, write_whole

MAX_KEY = 4096  # bytes of a key file
DEFAULT_URL = "https://127.0.0.1:8444"


def init(folder: Path, url: str, now: datetime.datetime, store: str = "") -> HqFacts:
    """Make keys (0600), certificate and hq-public.json: all of it or nothing, whatever is cut short. `store` is what
    hq.toml says of a bucket (bucket.py), "" to keep all in the folder.

    `hq_exists` if there is anything in the folder; ValueError for a bad address.
    """
    if not keys.usable_url(url):
        raise ValueError("the address must look like https://hq.example.org:8444")
    if folder.exists() and any(folder.iterdir()):
        raise SyncFault("hq_exists")
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)  # of an init that was cut short: nobody has seen its keys
    facts = _build(fresh, url, now)
    if store:
        write_whole(fresh / SETTINGS, store.encode())
    fresh.rename(folder)
    sync_folder(folder.parent)
    return facts


def _build(folder: Path, url: str, now: datetime.datetime) -> HqFacts:
    (folder / "keys").mkdir(mode=0o700, parents=True)
    for name in ("enrolled", "objects"):
        (folder / name).mkdir(mode=0o750)
    record, receipts, packs = suite.new_seed(), suite.new_seed(), suite.new_seed()
    tls_key, tls_certificate = certificate.self_signed(urlsplit(url).hostname or "", now)
    for name, secret in (
        ("record.key", record),
        ("receipts.key", receipts),
        ("packs.key", packs),
        ("tls.key", tls_key),
    ):
        write_whole(folder / "keys" / name, secret, mode=0o600)
    write_whole(folder / "keys" / "tls.pem", tls_certificate)
    facts = HqFacts(
        url=url.rstrip("/"),
        record_keys=(suite.RecordKey(record).public,),
        receipt_keys=(suite.SigningKey(receipts).public,),
        tls_certificates=(ssl.PEM_cert_to_DER_cert(tls_certificate.decode("ascii")),),
        pack_keys=(suite.SigningKey(packs).public,),
    )
    write_whole(folder / "hq-public.json", keys.hq_to_json(facts))
    return facts


def public(folder: Path) -> HqFacts:
    """HQ's public facts; `hq_missing` when there is no HQ in the folder."""
    raw = read_bounded(folder / "hq-public.json", keys.MAX_FACTS)
    if raw is None:
        raise SyncFault("hq_missing")
    return keys.hq_from_json(raw)


def receipt_signing_key(folder: Path) -> suite.SigningKey:
    """The key that signs receipts; `bad_key_file`."""
    return suite.SigningKey(_key(folder, "receipts.key"))


def pack_signing_key(folder: Path) -> suite.SigningKey:
    """The key that signs packs; `bad_key_file`. The serving process never calls this: it hands out what was signed."""
    return suite.SigningKey(_key(folder, "packs.key"))


def record_key(folder: Path) -> suite.RecordKey:
    """The key that opens envelopes; `bad_key_file`. The serving process never calls this."""
    return suite.RecordKey(_key(folder, "record.key"))


def tls_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.3 with HQ's certificate; `bad_key_file`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(folder / "keys" / "tls.pem", folder / "keys" / "tls.key")
    except OSError:  # ssl.SSLError is one too
        raise SyncFault("bad_key_file") from None
    return context


def enroll(folder: Path, facts: BoxFacts) -> None:
    """Know a box from now on. The same facts again change nothing; `box_exists` for another key under the same id."""
    public(folder)
    known = enrolled(folder, facts.box)
    if known is not None and known != facts:
        raise SyncFault("box_exists")
    if known is None:
        write_whole(_card(folder, facts.box), keys.box_to_json(facts))


def enrolled(folder: Path, box: bytes) -> BoxFacts | None:
    """The facts of a box, None when it was never enrolled. Read anew each time: enrolling needs no restart."""
    raw = read_bounded(_card(folder, box), keys.MAX_FACTS)
    return None if raw is None else keys.box_from_json(raw)


def all_enrolled(folder: Path) -> list[BoxFacts]:
    """Every enrolled box, by id."""
    boxes = (keys.box_from_text(path.stem) for path in sorted((folder / "enrolled").glob("*.json")))
    facts = (enrolled(folder, box) for box in boxes if box is not None)
    return [one for one in facts if one is not None]


def _card(folder: Path, box: bytes) -> Path:
    return folder / "enrolled" / f"{box.hex()}.json"


def _key(folder: Path, name: str) -> bytes:
    try:
        return read_bounded(folder / "keys" / name, MAX_KEY) or b""
    except OSError:
        raise SyncFault("bad_key_file") from None
