"""Items are what ITEMS.md says, at HQ and on the box alike; whatever else comes is a fault of ours and nothing more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.packs import rules
from sync import items
from sync.content import MAX_CONTENT, Record, framed_size
from sync.faults import SyncFault

PAGE = (Path(items.__file__).parents[1] / "appliance" / "packs" / "ITEMS.md").read_text()
AT = "2026-03-04T05:06:07Z"
EN = items.Text(language="en", title="Rules", body="Be kind.")
GOOD: list[items.Item] = [
    items.Policy(version=1, hold_back=("audit_checkpoint",)),
    items.Agreement(version=1, texts=(EN,)),
    items.Resource(version=1, id="calm", title="Calm", text="Breathe."),
    items.Resource(version=2, id="calm", removed=True),
    items.ResourcePart(version=1, digest="0" * 64, part=0, data="QUJD"),
    items.Roster(version=1, staff=()),
    items.Revocations(version=1, everybody=True),
    items.TlsName(version=1, name="box7.clinic.example"),
    items.TlsCertificate(version=1, chain="-----BEGIN CERTIFICATE-----\n"),
    items.Update(version=1, release="0.6.0", since="2026-03-01", url="https://hq.example.org/r/0.6.0"),
    items.Void(version=1, numbers=(1,)),
]


@pytest.mark.parametrize("item", GOOD, ids=lambda one: type(one).__name__)
def test_what_is_encoded_is_decoded(item: items.Item) -> None:
    assert items.decode(items.kind_of(item), items.encode(item)) == item


@pytest.mark.parametrize("kind", items.KINDS)
def test_every_kind_and_field_is_described(kind: str) -> None:
    (line,) = re.findall(rf"^\| `{kind}` \|.*$", PAGE, re.M)
    for field in msgspec.structs.fields(items.KINDS[kind].struct):
        assert field.name in ("format", "version") or f"`{field.name}`" in line, field.name


def colleague(**changed: Any) -> items.Colleague:
    facts: dict[str, Any] = {"id": "a", "name": "Ann", "username": "ann", "role": "operator", "state": "active"}
    return items.Colleague(**{**facts, **changed})


BAD: list[items.Item] = [
    items.Policy(version=0),
    items.Policy(version=1, hear_within_days=0),
    items.Policy(version=1, hold_back=("Bad class",)),
    items.Agreement(version=1, texts=()),
    items.Agreement(version=1, texts=(EN, EN)),
    items.Agreement(version=1, texts=(items.Text(language="es", title="Reglas", body="Sea amable."),)),
    items.Agreement(version=1, texts=(items.Text(language="en", title="a\u202eb", body="x"),)),
    items.Resource(version=1, id="../up", title="x", text="x"),
    items.Resource(version=1, id="x", title="", text="x"),
    items.Resource(version=1, id="x", title="x", kind="document", media_type="text/html", digest="0" * 64, size=1),
    items.Resource(version=1, id="x", title="x", kind="audio", media_type="audio/mpeg", digest="0" * 64, size=2**40),
    items.ResourcePart(version=1, digest="0" * 64, part=items.MAX_PARTS, data="QUJD"),
    items.ResourcePart(version=1, digest="0" * 64, part=0, data="?"),
    items.Roster(version=1, staff=(colleague(), colleague())),
    items.Roster(version=1, staff=(colleague(), colleague(id="b", username="ANN"))),
    items.Roster(version=1, staff=(colleague(username="a b"),)),
    items.Revocations(version=1),
    items.TlsName(version=1, name="localhost"),
    items.TlsName(version=1, name="*.clinic.example"),
    items.TlsCertificate(version=1, chain="-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"),
    items.Update(version=1, release="latest", since="2026-03-01"),
    items.Update(version=1, release="0.6.0", since="soon"),
    items.Update(version=1, release="0.6.0", since="2026-03-01", url="http://hq.example.org"),
    items.Void(version=1, numbers=(0,)),
    items.Policy(version=1, hold_back=("session_ended\n",)),
    items.Resource(version=1, id="x\n", title="x", text="x"),
    items.Resource(version=1, id="x", title="x", text="x", language="en\n"),
    items.Resource(version=1, id="x", title="x", text="x", language="en" + 8 * "-latn"),
    items.TlsName(version=1, name="box.example\n"),
    items.TlsName(version=1, name="hearth.local"),
    items.Update(version=1, release="0.6.0\n", since="2026-03-01"),
]


@pytest.mark.parametrize("item", BAD, ids=lambda one: type(one).__name__)
def test_what_does_not_fit_is_refused_on_both_sides(item: items.Item) -> None:
    with pytest.raises(SyncFault, match="malformed_item"):
        items.encode(item)
    with pytest.raises(SyncFault, match="malformed_item"):
        items.decode(items.kind_of(item), msgspec.json.encode(item))


@given(st.sampled_from([*items.KINDS, "later_kind"]), st.binary(max_size=300))
def test_any_bytes_are_an_item_or_a_fault(kind: str, body: bytes) -> None:
    try:
        items.decode(kind, body)
    except SyncFault as fault:
        assert fault.code in ("malformed_item", "unsupported_version", "malformed_facts")


@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=30))
def test_packs_keep_the_order_and_never_hold_too_much(sizes: list[int]) -> None:
    some = [items.Resource(version=1, id="x", title="x", text="x" + "a" * min(size, 39_999)) for size in sizes]
    packs = items.cut(some, AT)
    assert [id(one) for pack in packs for one in pack] == [id(one) for one in some]
    for pack in packs:
        records = [Record(1, items.kind_of(one), AT, items.encode(one)) for one in pack]
        assert sum(map(framed_size, records)) <= MAX_CONTENT


@given(st.integers(0, 200_000))
def test_a_file_is_its_parts_in_order(size: int) -> None:
    raw = bytes(range(251)) * (size // 251 + 1)
    raw = raw[:size]
    parts = items.parts_of(raw, 1)
    assert b"".join(part.raw for part in parts) == raw
    assert [part.part for part in parts] == list(range(len(parts)))
    assert all(len(items.encode(part)) <= 65_536 for part in parts)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_hqs_agreement_always_becomes_the_newest(newest: int, wanted: int) -> None:
    assert rules.agreement_version(newest, wanted) > newest


def test_who_reads_more_reads_all_that_others_read() -> None:
    order: list[rules.Reader] = ["anyone", "patients", "staff"]
    for place, reader in enumerate(order):
        assert [one for one in order if rules.may_read(one, reader)] == order[: place + 1]
