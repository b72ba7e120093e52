"""The SDP that the bench speaks with Janus: an offer of what one person sends, an answer to what one receives. Pure.

One BUNDLE of all m-lines, as browsers do (RFC 9143). SSRCs are announced, so MID need not be in the packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from media.bench.profiles import Sending
from media.room.capabilities import LEVEL, TRANSPORT_SEQUENCE

_CODECS = {
    "audio": ("111", ("rtpmap:111 opus/48000/2", "fmtp:111 minptime=10;useinbandfec=1", "rtcp-fb:111 transport-cc")),
    "video": (
        "96 97",
        (
            "rtpmap:96 VP8/90000",
            "rtcp-fb:96 nack",
            "rtcp-fb:96 nack pli",
            "rtcp-fb:96 ccm fir",
            "rtcp-fb:96 transport-cc",
            "rtpmap:97 rtx/90000",
            "fmtp:97 apt=96",
        ),
    ),
}


@dataclass(frozen=True)
class Own:
    """Our end of the bundle."""

    username: str
    password: str
    fingerprint: str  # of SHA-256, as RFC 8122 section 5 writes it
    address: str
    port: int


@dataclass
class Section:
    """One m-line of Janus'."""

    kind: str
    first: str
    lines: list[str] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [line[len(name) + 1 :] for line in self.lines if line.startswith(name + ":")]

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def sequence_id(self) -> int:
        """Id of the transport-wide number; 0 if it was not agreed."""
        for line in self.all("extmap"):
            id, uri = line.split()[:2]
            if uri == TRANSPORT_SEQUENCE:
                return int(id.partition("/")[0])
        return 0


def read(sdp: str) -> tuple[Section, list[Section]]:
    """What stands before the first m-line, and the m-lines; attributes without their `a=`."""
    session = Section("", "")
    sections: list[Section] = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            sections.append(Section(line[2:].split()[0], line[2:]))
        elif line.startswith("a="):
            (sections[-1] if sections else session).lines.append(line[2:])
    return session, sections


def find(sdp: str, name: str) -> str:
    """The first attribute of this name, wherever it stands."""
    session, sections = read(sdp)
    return next((value for part in (session, *sections) if (value := part.one(name))), "")


def candidate(sdp: str) -> tuple[str, int]:
    """Address and port of the first UDP host candidate."""
    session, sections = read(sdp)
    for part in (session, *sections):
        for line in part.all("candidate"):
            words = line.split()
            if words[2].lower() == "udp":
                return words[4], int(words[5])
    raise ValueError("no candidate")


def offer(own: Own, sendings: Sequence[Sending]) -> str:
    lines = _head(len(sendings))
    for mid, item in enumerate(sendings):
        kind = item.stream.kind
        lines += _section(own, kind, f"{kind} 9 UDP/TLS/RTP/SAVPF {_CODECS[kind][0]}", str(mid), "sendonly")
        lines += [f"a={line}" for line in _CODECS[kind][1]]
        lines += [f"a=extmap:5 {TRANSPORT_SEQUENCE}"] + ([f"a=extmap:4 {LEVEL}"] if kind == "audio" else [])
        if kind == "video":
            lines.append(f"a=ssrc-group:FID {item.ssrc} {item.ssrc + 1}")
        lines += [f"a=ssrc:{ssrc} cname:p{item.person}" for ssrc in (item.ssrc, item.ssrc + 1)[: 1 + (kind == "video")]]
    return "\r\n".join(lines) + "\r\n"


def answer(own: Own, sdp: str) -> str:
    """Yes to all that Janus offers."""
    _, sections = read(sdp)
    lines = _head(len(sections), [section.one("mid") for section in sections])
    for section in sections:
        lines += _section(own, section.kind, section.first, section.one("mid"), "recvonly")
        for name in ("rtpmap", "fmtp", "rtcp-fb", "extmap"):
            lines += [f"a={name}:{value}" for value in section.all(name)]
    return "\r\n".join(lines) + "\r\n"


def _head(count: int, mids: Sequence[str] = ()) -> list[str]:
    names = " ".join(mids or map(str, range(count)))
    return ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {names}"]


def _section(own: Own, kind: str, first: str, mid: str, direction: str) -> list[str]:
    return [
        f"m={first}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=setup:active",
        f"a=ice-ufrag:{own.username}",
        f"a=ice-pwd:{own.password}",
        f"a=fingerprint:sha-256 {own.fingerprint}",
        f"a=candidate:1 1 udp 2130706431 {own.address} {own.port} typ host",
        "a=end-of-candidates",
    ]
