"""PROTOCOL.md and the code say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from media import limits, messages
from media.faults import SENTENCES, MediaFault
from media.messages import Kind, Permission
from media.outputs import EventName
from media.room.capabilities import CODECS, EXTENSIONS, RTX_PAYLOAD_TYPE
from media.room.signalling import METHODS
from media.room.tracks import Reason
from media.sealed import MAX_LEAF, TAG_LENGTH, key_id
from media.sframe import read_header, write_header
from media.vp8 import clear_length

MEDIA = Path(__file__).parents[3] / "media"
SOURCES = [*MEDIA.glob("*.py"), *MEDIA.glob("room/*.py")]
DOCUMENT = (MEDIA / "PROTOCOL.md").read_text()


def section(number: int) -> str:
    return re.split(r"^## \d+\. .*$", DOCUMENT, flags=re.MULTILINE)[number]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `(\w+)`", text, flags=re.MULTILINE)


def test_every_method_is_described_once() -> None:
    assert first_cells(section(3)) == list(METHODS)


def test_every_event_is_described_and_every_described_event_is_sent() -> None:
    assert set(first_cells(section(4))) == set(get_args(EventName))
    source = "".join(path.read_text() for path in SOURCES if path.name != "outputs.py")
    for event in get_args(EventName):
        assert f'"{event}"' in source, event


def test_every_reason_for_no_picture_is_described() -> None:
    row = next(line for line in section(4).splitlines() if line.startswith("| `downTrackPaused`"))
    assert all(f"`{reason}`" in row for reason in get_args(Reason))


def test_every_header_extension_and_codec_is_named() -> None:
    for uri in {uri for _, uri, _, _ in EXTENSIONS}:
        assert uri in DOCUMENT or f"`…:{uri.partition('hdrext:')[2]}`" in DOCUMENT, uri
    for codec in CODECS.values():
        assert f"{codec.payload_type} {codec.mime_type.partition('/')[2].replace('opus', 'Opus')}" in section(5)
    assert f"{RTX_PAYLOAD_TYPE} RTX" in section(5)


def test_every_fault_code_is_described_once_and_raised_somewhere() -> None:
    assert first_cells(section(7)) == sorted(SENTENCES)
    source = "".join(path.read_text() for path in SOURCES if path.name != "faults.py")
    for code in SENTENCES:
        assert f'"{code}"' in source, code


def test_every_line_of_relay_sock_is_described() -> None:
    text = section(6)
    for union in (messages.ToRelay, messages.FromRelay):
        for kind in union.__args__:
            tag = kind.__struct_config__.tag
            assert f'"type": "{tag}"' in text or f"| `{tag}` |" in text, tag
            if tag in first_cells(text):
                row = next(line for line in text.splitlines() if line.startswith(f"| `{tag}`"))
                assert re.findall(r"`(\w+)`", row.split("|")[2]) == list(kind.__struct_fields__)


def test_the_limits_in_the_document_are_the_limits_in_the_code() -> None:
    for sentence in (
        f"{limits.MAX_LINE // 1024} KiB at most",
        f"a `request` {limits.MAX_REQUEST // 1024} KiB",
        f"**{limits.CONSENT_TIMEOUT:.0f} s**",
        f"{limits.VIDEO_CACHE_PACKETS} packets",
        f"{limits.AUDIO_CACHE_PACKETS} of audio",
        f"`last_n`, {limits.LAST_N} if",
        f"{limits.TILE_WIDTH} by {limits.TILE_HEIGHT}",
        f"every {limits.TALK_TIME_INTERVAL:.0f} s while anybody speaks",
        f"{limits.MAX_TRANSPORTS_PER_MEMBER} transports, {limits.MAX_UP_TRACKS_PER_KIND} up tracks of each kind, "
        f"{limits.MAX_DOWN_TRACKS_PER_MEMBER} down tracks",
        f"{limits.MAX_MEMBERS_PER_ROOM} members",
        f"{limits.MAX_ROOMS} rooms",
        f"{limits.MAX_KEY_FRAME_ASKS} times at most",
        f"until {limits.SEALED_AGAIN} sealed frames have come in a row",
        f"leaf {MAX_LEAF} at most, and at least {TAG_LENGTH} bytes after it",
    ):
        assert " ".join(sentence.split()) in " ".join(DOCUMENT.split()), sentence


def test_the_headers_in_the_document_are_headers_of_what_it_says() -> None:
    rows = re.findall(r"^\| `([0-9a-f]+)` \| (\w+)(?:, leaf (\d+), epoch (\d+).*, counter (\d+))?", section(9), re.M)
    assert len(rows) == 5
    for header, name, leaf, epoch, counter in rows:
        kind: Kind | None = {"sound": "audio", "picture": "video"}.get(name)  # type: ignore[assignment]
        if kind is None:
            assert name == "refused"
            with pytest.raises(MediaFault):
                read_header(bytes.fromhex(header))
        else:
            assert write_header(key_id(kind, int(leaf), int(epoch)), int(counter)).hex() == header


def test_the_clear_bytes_in_the_document_are_those_in_the_code() -> None:
    assert f"the first {clear_length(0)} bytes of a key frame, the first {clear_length(1)} of a delta frame" in section(
        9
    )


def test_the_fields_of_a_permission_are_described() -> None:
    for name in Permission.__struct_fields__:
        assert f"`{name}`" in section(6)


@pytest.mark.parametrize("example", re.findall(r"^    (?:→|←) (\{.*\})", DOCUMENT, flags=re.MULTILINE))
def test_every_example_of_a_line_is_a_line(example: str) -> None:
    msgspec.json.decode(example, type=messages.ToRelay | messages.FromRelay)


def test_every_limit_names_its_unit_or_reason() -> None:
    source = (MEDIA / "limits.py").read_text()
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            above = node.lineno - 2
            while not lines[above].startswith("#"):
                assert " = " in lines[above], f"line {node.lineno} of limits.py has no comment"
                above -= 1
