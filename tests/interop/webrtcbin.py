"""One end of one transport in GStreamer: webrtcbin, with real encoders or decoders behind sealed frames.

    /usr/bin/python3 webrtcbin.py send|receive LEAF BASE_KEY

Takes JSON lines on stdin and answers each on stdout:
    {"do": "offer"}                     {"sdp": …}    webrtcbin always offers: so it is the controlling side of ICE
    {"do": "answer", "sdp": …}          {}
    {"do": "counts"}                    {"video": {"packets", "opened", "decoded", "distinct"}, "audio": …}

It runs under the system's Python, which has GStreamer's bindings.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import gi

for _name in ("Gst", "GstWebRTC", "GstSdp", "GstApp"):
    gi.require_version(_name, "1.0")
from gi.repository import GLib, Gst, GstApp, GstSdp, GstWebRTC  # noqa: E402, F401  GstApp: pull-sample and push-buffer

sys.path.insert(0, str(Path(__file__).parent))
from frames import Frames, Opener, Packets, Sealer  # noqa: E402

SSRC = {"audio": 0x1A0D10, "video": 0x71DE0}
CAPS = {
    "audio": "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,encoding-params=(string)2",
    "video": "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
}
RATE = {"audio": 48_000, "video": 90_000}
PAYLOAD_TYPE = {"audio": 111, "video": 96}
FROM_DEVICE = {
    "audio": "audiotestsrc is-live=true wave=ticks ! opusenc frame-size=20 inband-fec=true name=audioenc",
    "video": "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1"
    " ! vp8enc name=videoenc deadline=1 keyframe-max-dist=2000 target-bitrate=400000 end-usage=cbr",
}
FRAMES = {"audio": "audio/x-opus,channels=2,rate=48000,channel-mapping-family=0", "video": "video/x-vp8"}
DECODER = {"audio": "opusdec", "video": "vp8dec"}
RTC = "webrtcbin name=rtc bundle-policy=max-bundle"
KEY_FRAME = "GstForceKeyUnit, all-headers=(boolean)true"


class End:
    def __init__(self, way: str, leaf: int, base_key: bytes) -> None:
        self._way, self._leaf, self._base_key = way, leaf, base_key
        self._ready = threading.Event()
        self._counts = {kind: {"packets": 0, "opened": 0, "decoded": 0, "key_frames_asked": 0} for kind in CAPS}
        self._pictures: dict[str, set[bytes]] = {kind: set() for kind in CAPS}
        self._pipeline = Gst.parse_launch(
            f"pipeline. ( webrtcbin name=rtc bundle-policy=max-bundle {self._branches()} )"
        )
        self._rtc = self._pipeline.get_by_name("rtc")
        self._rtc.connect("on-negotiation-needed", lambda _: self._ready.set())
        if way == "send":
            for kind in CAPS:
                self._send(kind)
        else:
            self._rtc.connect("pad-added", self._receive)
            for caps in CAPS.values():
                only = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
                self._rtc.emit("add-transceiver", only, Gst.Caps.from_string(caps)).set_property("do-nack", True)

    def _branches(self) -> str:
        if self._way == "receive":
            return ""
        return " ".join(
            f"{FROM_DEVICE[kind]} ! appsink name={kind}frames emit-signals=true sync=false async=false max-buffers=50 "
            f"appsrc name={kind}out is-live=true format=time do-timestamp=true "
            f'caps="{CAPS[kind]},ssrc=(uint){SSRC[kind]}" ! rtc.'
            for kind in CAPS
        )

    # --- sending ---------------------------------------------------------------------------------------------------

    def _send(self, kind: str) -> None:
        out, encoder = self._pipeline.get_by_name(f"{kind}out"), self._pipeline.get_by_name(f"{kind}enc")
        sealer, packets = Sealer(self._base_key, kind, self._leaf), Packets(kind, PAYLOAD_TYPE[kind], SSRC[kind])

        def frame(sink: Any) -> Any:
            buffer = sink.emit("pull-sample").get_buffer()
            sealed = sealer.seal(buffer.extract_dup(0, buffer.get_size()))
            for packet in packets.of(sealed, buffer.pts * RATE[kind] // Gst.SECOND):
                self._counts[kind]["packets"] += 1
                out.emit("push-buffer", Gst.Buffer.new_wrapped(packet))
            return Gst.FlowReturn.OK

        def asked() -> None:
            self._counts[kind]["key_frames_asked"] += 1
            encoder.get_static_pad("src").send_event(_key_frame())

        self._pipeline.get_by_name(f"{kind}frames").connect("new-sample", frame)
        out.get_static_pad("src").add_probe(Gst.PadProbeType.EVENT_UPSTREAM, _on_key_frame(asked))

    # --- receiving -------------------------------------------------------------------------------------------------

    def _receive(self, _: Any, pad: Any) -> None:
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        screen = Gst.parse_bin_from_description(
            "appsink name=in emit-signals=true sync=false async=false "
            f'appsrc name=frames is-live=true format=time do-timestamp=true caps="{FRAMES[kind]}"'
            f" ! {DECODER[kind]} ! appsink name=out emit-signals=true sync=false async=false",
            False,
        )
        self._pipeline.add(screen)
        sink = screen.get_by_name("in")
        self._into(kind, pad, sink, screen.get_by_name("frames"))
        screen.get_by_name("out").connect("new-sample", lambda out: self._seen(kind, out.emit("pull-sample")))
        screen.add_pad(Gst.GhostPad.new("sink", sink.get_static_pad("sink")))
        screen.sync_state_with_parent()
        pad.link(screen.get_static_pad("sink"))

    def _into(self, kind: str, pad: Any, sink: Any, decoder: Any) -> None:
        frames, opener, counts = Frames(kind), Opener(self._base_key, kind), self._counts[kind]

        def lost() -> None:
            counts["key_frames_asked"] += 1
            pad.send_event(_key_frame())

        def packet(_: Any) -> Any:
            buffer = sink.emit("pull-sample").get_buffer()
            counts["packets"] += 1
            was_lacking = frames.lacking
            frame = frames.add(buffer.extract_dup(0, buffer.get_size()))
            if frames.lacking and not was_lacking:
                lost()
            opened = opener.open(frame) if frame is not None else None
            if opened is not None:
                counts["opened"] += 1
                decoder.emit("push-buffer", Gst.Buffer.new_wrapped(opened))
            return Gst.FlowReturn.OK

        sink.connect("new-sample", packet)
        decoder.get_static_pad("src").add_probe(Gst.PadProbeType.EVENT_UPSTREAM, _on_key_frame(lost))

    def _seen(self, kind: str, sample: Any) -> Any:
        buffer = sample.get_buffer()
        self._counts[kind]["decoded"] += 1
        if len(self._pictures[kind]) < 1000:
            self._pictures[kind].add(sha256(buffer.extract_dup(0, buffer.get_size())).digest())
        return Gst.FlowReturn.OK

    # --- what is asked of it ---------------------------------------------------------------------------------------

    def offer(self) -> dict[str, Any]:
        self._pipeline.set_state(Gst.State.PLAYING)
        assert self._ready.wait(10), "webrtcbin has nothing to negotiate"
        promise = Gst.Promise.new()
        self._rtc.emit("create-offer", None, promise)
        promise.wait()
        reply = promise.get_reply()  # owns what is taken out of it
        offer = reply.get_value("offer")
        self._rtc.emit("set-local-description", offer, Gst.Promise.new())
        return {"sdp": offer.sdp.as_text()}

    def answer(self, sdp: str) -> dict[str, Any]:
        _, message = GstSdp.SDPMessage.new_from_text(sdp)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        promise = Gst.Promise.new()
        self._rtc.emit("set-remote-description", answer, promise)
        promise.wait()
        for line in sdp.splitlines():
            if line.startswith("a=candidate:"):
                self._rtc.emit("add-ice-candidate", 0, line[2:])
        return {}

    def counts(self) -> dict[str, Any]:
        states = {
            name: self._rtc.get_property(name).value_nick for name in ("connection-state", "ice-connection-state")
        }
        return {kind: {**self._counts[kind], "distinct": len(self._pictures[kind])} for kind in CAPS} | states


def _on_key_frame(call: Any) -> Any:
    """A probe that calls when somebody downstream wants a key frame."""

    def probe(_: Any, info: Any) -> Any:
        said = info.get_event().get_structure()
        if said is not None and said.get_name() == "GstForceKeyUnit":
            call()
        return Gst.PadProbeReturn.OK

    return probe


def _key_frame() -> Any:
    return Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, Gst.Structure.new_from_string(KEY_FRAME))


def main(way: str, leaf: int, base_key: bytes) -> None:
    Gst.init(None)
    threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
    end = End(way, leaf, base_key)
    for line in sys.stdin:
        asked = json.loads(line)
        do = asked.pop("do")
        doings: dict[str, Callable[..., dict[str, Any]]] = {
            "offer": end.offer,
            "answer": end.answer,
            "counts": end.counts,
        }
        print(json.dumps(doings[do](**asked)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3]))
