"""Between SDP, which WebRTC stacks speak, and the dictionaries of PROTOCOL.md. Just what these tests need.

A stack offers, and `answer` writes what the relay would say if it spoke SDP: ICE-lite, DTLS-passive, one media section
for each that was offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

CODECS = {"audio": ("audio/opus", "opus/48000/2"), "video": ("video/VP8", "VP8/90000")}
CLOCK = {"audio": 48_000, "video": 90_000}
_FEEDBACK = {"audio": ("nack",), "video": ("nack", "nack pli", "ccm fir")}


class Section(NamedTuple):
    """One media section of an offer. `payload_type`: that of Opus or VP8. `ssrc`: the first; None for a receiver."""

    kind: str
    mid: str
    payload_type: int
    ssrc: int | None


def sections(offer: str) -> list[Section]:
    return [_section(block) for block in offer.replace("\r", "").split("\nm=")[1:]]


def _section(block: str) -> Section:
    lines = block.split("\n")
    kind = lines[0].split(" ")[0]
    wanted = CODECS[kind][1].lower()
    mapped = [line[9:].split(" ") for line in lines if line.startswith("a=rtpmap:")]
    payload_type = next(int(number) for number, codec in mapped if wanted.startswith(codec.lower()))
    ssrcs = [int(line[7:].split(" ")[0]) for line in lines if line.startswith("a=ssrc:")]
    return Section(kind, attribute(block, "mid"), payload_type, ssrcs[0] if ssrcs else None)


def attribute(text: str, name: str) -> str:
    """The first `a=name:` in the text."""
    return next(line[3 + len(name) :] for line in text.replace("\r", "").split("\n") if line.startswith(f"a={name}:"))


def dtls(offer: str) -> dict[str, Any]:
    """The stack's fingerprint, and that it is to begin the handshake."""
    algorithm, value = attribute(offer, "fingerprint").split(" ")
    return {"role": "client", "fingerprints": [{"algorithm": algorithm.lower(), "value": value}]}


def rtp_parameters(section: Section) -> dict[str, Any]:
    """For `sendTrack`."""
    codec = {"mimeType": CODECS[section.kind][0], "payloadType": section.payload_type, "clockRate": CLOCK[section.kind]}
    return {"codecs": [codec], "encodings": [{"ssrc": section.ssrc}], "mid": section.mid}


def answer(offer: str, created: Mapping[str, Any], downs: Mapping[str, Mapping[str, Any]], host: str) -> str:
    """`created` answered createTransport. `downs`: by kind the rtpParameters that the stack is to receive; for a kind
    without, the relay receives. `host`: the address of the relay."""
    found = sections(offer)
    head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite"]
    head += ["a=group:BUNDLE " + " ".join(section.mid for section in found), "a=msid-semantic:WMS *"]
    for section in found:
        head += _answered(section, created, downs.get(section.kind), host)
    return "\r\n".join([*head, ""])


def _answered(section: Section, created: Mapping[str, Any], down: Mapping[str, Any] | None, host: str) -> list[str]:
    ice, (fingerprint, *_) = created["iceParameters"], created["dtlsParameters"]["fingerprints"]
    number = down["codecs"][0]["payloadType"] if down else section.payload_type
    lines = [f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {number}", "c=IN IP4 0.0.0.0", "a=rtcp-mux", "a=rtcp-rsize"]
    lines += [f"a=mid:{section.mid}", f"a=ice-ufrag:{ice['usernameFragment']}", f"a=ice-pwd:{ice['password']}"]
    lines += [f"a=fingerprint:{fingerprint['algorithm']} {fingerprint['value']}", "a=setup:passive"]
    lines += [f"a=rtpmap:{number} {CODECS[section.kind][1]}"]
    lines += [f"a=rtcp-fb:{number} {one}" for one in (_agreed(down) if down else _FEEDBACK[section.kind])]
    lines += _stream(down) if down else ["a=recvonly"]
    lines += [
        f"a=candidate:{one['foundation']} 1 udp {one['priority']} {host} {one['port']} typ host"
        for one in created["iceCandidates"]
    ]
    return [*lines, "a=end-of-candidates"]


def _agreed(down: Mapping[str, Any]) -> list[str]:
    return [f"{one['type']} {one.get('parameter', '')}".strip() for one in down["codecs"][0]["rtcpFeedback"]]


def _stream(down: Mapping[str, Any]) -> list[str]:
    ssrc, name = down["encodings"][0]["ssrc"], down["rtcp"]["cname"]
    extensions = [f"a=extmap:{one['id']} {one['uri']}" for one in down["headerExtensions"]]
    return ["a=sendonly", *extensions, f"a=msid:{name} {ssrc}", f"a=ssrc:{ssrc} cname:{name}"]
