"""Writes the corpus that is made by hand: `python -m tests.fuzz.make_corpus`. The same bytes each time.

Names begin with `made-`. Beside them lie `captured-` (of Chromium and Firefox in a room with 5 % loss, after SRTP was
taken off; frames are sealed with keys that nobody has) and `once-` (what broke something); this leaves those alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aioice import stun

from media import limits, rtcp
from media.bandwidth import twcc
from media.rtp import write_header
from tests.fakes.sealed_frames import picture, sealed
from tests.fuzz import make_bodies, make_sync
from tests.fuzz.forwarding import DOWN_SSRC
from tests.fuzz.packets import PASSWORD
from tests.fuzz.targets import CORPUS, TARGETS

_HEADER = write_header(False, True, 96, 7, 90_000, 1)
_EXTENDED = bytes([_HEADER[0] | 0x10]) + _HEADER[1:]
_BLOCKS = {
    "one-byte": bytes.fromhex("bede0003 1030 40 85 51 1234 00000000 00"),
    "two-byte": bytes.fromhex("10000002 0101 30 05 02 1234 00 00"),
    "reserved": bytes.fromhex("bede0001 f0000000"),
    "too-long": bytes.fromhex("bede0001 1f000000"),
    "other-profile": bytes.fromhex("abcd0001 10300000"),
    "empty": bytes.fromhex("bede0000"),
}
_BLOCK = rtcp.ReportBlock(1, 25, -3, 0x10007, 120, 5, 6)


def rtp() -> dict[str, bytes]:
    made = {f"extended-{name}": _EXTENDED + block + b"payload" for name, block in _BLOCKS.items()}
    made["plain"] = _HEADER + b"payload"
    made["sources"] = bytes([_HEADER[0] | 2]) + _HEADER[1:] + bytes(8) + b"payload"
    made["padding"] = bytes([_HEADER[0] | 0x20]) + _HEADER[1:] + b"payload" + b"\0\0\3"
    made["padding-alone"] = bytes([_HEADER[0] | 0x20]) + _HEADER[1:] + bytes(254) + b"\xff"
    return made


def extensions() -> dict[str, bytes]:
    return {name: block + b"payload" for name, block in _BLOCKS.items()}


def rtcp_packets() -> dict[str, bytes]:
    sender = rtcp.write_sender_report(rtcp.SenderReport(1, 1 << 63, 90_000, 10, 1000, (_BLOCK,)))
    return {
        "compound": sender + rtcp.write_source_name(1, "name"),
        "receiver": rtcp.write_receiver_report(2, [_BLOCK] * 3),
        "goodbye": rtcp.write_goodbye([1, 2]),
        "nack": rtcp.write_nack(1, 2, [1, 2, 3, 17, 18, 65535, 0]),
        "nack-long": rtcp.write_nack(1, 2, list(range(0, 5000, 17))),
        "pli": rtcp.write_picture_loss(1, 2),
        "fir": bytes.fromhex("84ce0004 00000001 00000000 00000002 05000000"),
        "padding": bytes.fromhex("a0cb0002 00000001 00000004"),
        # draft-alvestrand-rmcat-remb-03 section 2.2 and draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1
        "remb": bytes.fromhex("8fce0005 00000001 00000000 52454d42 010a8000 00000002"),
        "feedback-run": bytes.fromhex("8fcd0006 00000001 00000002 00010004 00000a00 2004 0410 10200000"),
        "feedback-vector": bytes.fromhex("8fcd0006 00000001 00000002 fffe0007 00000a01 b540 0410 00080410"),
        "feedback-two-bits": bytes.fromhex("8fcd0006 00000001 00000002 00010007 00000a02 d910 0410 8000 0410"),
    }


def stun_messages() -> dict[str, bytes]:
    asked: dict[str, Any] = {"USERNAME": "ours:theirs", "PRIORITY": 1, "ICE-CONTROLLING": 5, "USE-CANDIDATE": None}
    right = _check(asked)
    without = {name: value for name, value in asked.items() if name != "USERNAME"}
    return {
        "check": right,
        "not-nominated": _check({name: value for name, value in asked.items() if name != "USE-CANDIDATE"}),
        "no-username": _check(without),
        "wrong-password": right[:-20] + bytes(12) + right[-8:],
        "response": bytes(_message(stun.Class.RESPONSE, {"XOR-MAPPED-ADDRESS": ("192.0.2.1", 40000)})),
        "bare": bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST, b"\1" * 12)),
        "cut": right[:-5],
    }


def _message(kind: stun.Class, attributes: dict[str, Any]) -> stun.Message:
    message = stun.Message(stun.Method.BINDING, kind, b"\1" * 12, attributes)
    message.add_message_integrity(PASSWORD.encode())
    return message


def _check(attributes: dict[str, Any]) -> bytes:
    return bytes(_message(stun.Class.REQUEST, attributes))


_DESCRIPTORS = {"plain": "10", "short-id": "908005", "long-id": "9080c123", "all": "90f0812345e6", "rest": "00"}


def vp8() -> dict[str, bytes]:
    made = {f"key-{name}": bytes.fromhex(start) + picture(key=True) for name, start in _DESCRIPTORS.items()}
    made |= {f"delta-{name}": bytes.fromhex(start) + picture(key=False) for name, start in _DESCRIPTORS.items()}
    longest = bytes.fromhex(_DESCRIPTORS["all"])
    made |= {f"cut-{length}": longest[:length] for length in range(1, len(longest))}
    return made | {f"cut-{name}": bytes.fromhex(start) for name, start in _DESCRIPTORS.items()}


def sframe() -> dict[str, bytes]:
    known = (
        "a0010005",
        "a7013fff",
        "a802020508",
        "a9020100012c",
        "aa02010000012c",
        "00",
        "ff" + "01" * 16,
        "f0" + "01" * 7,
    )
    return {name: bytes([1]) + bytes.fromhex(name) for name in known}


def sealed_frames() -> dict[str, bytes]:
    def row(*payloads: tuple[int, bytes]) -> bytes:
        return b"".join(bytes([len(payload) + 1, at]) + payload for at, payload in payloads)

    frames = [b"\x10" + picture(16, key=number == 0, counter=number) for number in range(10)]
    return {
        "picture": row(*enumerate(frames)),
        "continued": row((1, frames[0][:40]), (1, b"\0" + frames[0][40:]), (2, b"\0late")),
        "doubt": row((0, b"\x10plain picture"), *enumerate(frames, 1)),
        "sound": row(*((at, sealed("audio", 20, counter=at)) for at in range(10))),
        "unsealed-sound": row((0, b"\x78plain sound"), *((at, sealed("audio", 20)) for at in range(9))),
    }


def feedback() -> dict[str, bytes]:
    return {
        name.removeprefix("feedback-"): data[12:]
        for name, data in rtcp_packets().items()
        if name.startswith("feedback")
    } | {
        "written": twcc.write_feedback(65_530, 3, [0, 4, None, 300, 299, *range(300, 900, 7), None, 9_000]),
        "run-of-lost": twcc.write_feedback(7, 255, [5, *[None] * 200, 6]),
    }


def room() -> dict[str, bytes]:
    """Chunks of way, time and packet (`forwarding.py`): pictures, sound, gaps, repair, feedback of both sides."""

    def chunk(way: int, packet: bytes, pause: int = 5) -> bytes:
        return bytes([len(packet) + 2, way, pause]) + packet

    def shown(number: int, key: bool = False, size: int = 20) -> bytes:
        head = write_header(False, True, 96, number & 0xFFFF, 3000 * number, 2)
        block = bytes.fromhex("bede0001 51") + (number & 0xFFFF).to_bytes(2, "big") + b"\0"
        payload = b"\x90\x80" + (number & 0x7F).to_bytes(1, "big") + picture(size, key=key, counter=number)
        return bytes([head[0] | 0x10]) + head[1:] + block + payload

    def heard(number: int) -> bytes:
        head = write_header(False, False, 111, number, 960 * number, 1)
        return (
            bytes([head[0] | 0x10])
            + head[1:]
            + bytes.fromhex("bede0001 40a30000")
            + sealed("audio", 20, counter=number)
        )

    def repaired(number: int) -> bytes:
        again = shown(number)
        return write_header(False, True, 97, 50 + number, 3000 * number, 3) + number.to_bytes(2, "big") + again[20:]

    flow = chunk(0, shown(1, key=True)) + b"".join(chunk(0, shown(number)) for number in range(2, 8))
    talk = b"".join(chunk(0, heard(number)) for number in range(1, 12))
    lossy = [shown(1, key=True), shown(2), shown(5), repaired(3), shown(4)]
    said = [data for data in rtcp_packets().values() if len(data) < 250]
    nack = rtcp.write_nack(1, DOWN_SSRC, list(range(26, 30)))
    return {
        "flow": flow,
        "talk": talk,
        "lossy": b"".join(chunk(0, packet) for packet in lossy),
        "around": chunk(0, shown(65_534, key=True)) + b"".join(chunk(0, shown(65_534 + more)) for more in range(1, 5)),
        "reports": flow + b"".join(chunk(way, data, 200) for way in (1, 2) for data in said),
        "nacks": flow + chunk(2, nack) + chunk(2, nack) + chunk(2, rtcp.write_picture_loss(1, DOWN_SSRC)),
        "padding": flow + chunk(0, write_header(True, False, 97, 9, 0, 3) + b"\0" * 99 + b"\x64"),
        "early": chunk(0, shown(1)) + chunk(1, rtcp.write_goodbye([2])) + chunk(0, shown(3, key=True)),
    }


_ALL = {"send": ["audio", "video"], "receive": True, "sealed": True}
_CODECS = [
    {"mimeType": "audio/opus", "clockRate": 48000, "payloadType": 111, "channels": 2},
    {"mimeType": "video/VP8", "clockRate": 90000, "payloadType": 96},
    {"mimeType": "video/rtx", "clockRate": 90000, "payloadType": 97, "parameters": {"apt": 96}},
]
_DTLS = {"role": "client", "fingerprints": [{"algorithm": "sha-256", "value": "00"}]}
_MID = {"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 1}
_RID = {"uri": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "id": 2}
# (method as its place in words._METHODS, data)
_REQUESTS: dict[str, tuple[int, Any]] = {
    "create": (0, {"direction": "send"}),
    "connect": (1, {"transport": "@up", "dtlsParameters": _DTLS}),
    "send-sound": (
        2,
        {"transport": "@up", "kind": "audio", "rtpParameters": {"codecs": _CODECS[:1], "encodings": [{"ssrc": 9}]}},
    ),
    "send-picture": (
        2,
        {
            "transport": "@up",
            "kind": "video",
            "rtpParameters": {"codecs": _CODECS[1:], "encodings": [{"ssrc": 9, "rtx": {"ssrc": 10}}]},
        },
    ),
    "send-layers": (
        2,
        {
            "transport": "@up",
            "kind": "video",
            "rtpParameters": {
                "codecs": _CODECS[1:],
                "mid": "0",
                "headerExtensions": [_MID, _RID],
                "encodings": [{"rid": name, "maxBitrate": 100000, "scaleResolutionDownBy": 4} for name in "qhf"],
            },
        },
    ),
    "receive": (3, {"track": "@track", "transport": "@receive", "rtpCapabilities": {"codecs": _CODECS}}),
    "resume": (4, {"downTrack": "@down"}),
    "close": (5, {"downTrack": "@down"}),
    "pause-foreign": (6, {"track": "@track"}),
    "join": (9, {}),
    "resync": (10, {}),
    "show": (11, {"downTrack": "@down", "width": 320, "height": 240}),
    "restart": (12, {"transport": "@up"}),
}


def requests() -> dict[str, bytes]:
    return {name: bytes([method]) + json.dumps(data).encode() for name, (method, data) in _REQUESTS.items()}


def relay_lines() -> dict[str, bytes]:
    def line(kind: str, **fields: Any) -> bytes:
        return json.dumps({"type": kind, "id": 1, **fields}).encode() + b"\n"

    permit = line("permit", room="r", member="a", permission=_ALL) + line(
        "permit", room="r", member="b", permission=_ALL
    )
    ask = {"room": "r", "member": "a", "method": "join", "data": {}}
    return {
        "life": permit + line("request", **ask) + line("leave", room="r", member="a") + line("closeRoom", room="r"),
        "transport": permit
        + line("request", **ask)
        + line("request", **{**ask, "method": "createTransport", "data": {"direction": "send"}}),
        "truth": line("admitted", rooms={"r": {"a": _ALL, "b": {"send": [], "receive": True}}}) + line("counts"),
        "remove": permit + line("request", **ask) + line("remove", room="r", member="a"),
        "fits": line("fits", room="r"),
        "wrong": b'{"type":"nothing","id":3}\n{"id":4}\n[]\nnot json\n\xff\n{"type":"hello","version":1}\n',
        "deep": b"[" * 600,
        "large-number": b'{"type":"permit","id":' + b"9" * 400 + b"}\n",
    }


def frames() -> dict[str, bytes]:
    return {
        "join": b'{"type":"request","id":1,"method":"join","data":{}}',
        "wrong": b'{"type":"event","event":"x"}',
        "surrogate": b'{"type":"request","id":1,"method":"\xed\xa0\x80","data":{}}',
        "large-id": b'{"type":"request","id":9007199254740993,"method":"join","data":{}}',
    }


MAKERS = {
    "rtp": rtp,
    "extensions": extensions,
    "rtcp": rtcp_packets,
    "stun": stun_messages,
    "vp8": vp8,
    "sframe": sframe,
    "sealed": sealed_frames,
    "twcc": feedback,
    "room": room,
    "request": requests,
    "relay_sock": relay_lines,
    "frame": frames,
    **make_bodies.MAKERS,
    **make_sync.MAKERS,
}
assert MAKERS.keys() == TARGETS.keys() and len(PASSWORD) == limits.PASSWORD_LENGTH


def main(corpus: Path = CORPUS) -> None:
    for target, maker in MAKERS.items():
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in maker().items():
            (folder / f"made-{name}").write_bytes(data)


if __name__ == "__main__":
    main()
