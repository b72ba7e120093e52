"""Janus 1.x with its VideoRoom as a peer of the bench: Debian's package `janus`, configured in a folder of its own.

Set up to do what our relay does and no more: ICE lite, no recording, no level events, no bitrate limit, no plugin but
VideoRoom, no transport but a WebSocket on loopback. One publisher and one multistream subscription for each person.
libnice takes no loopback address, so media goes to the machine's own; the kernel loops it back all the same.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from media.addresses import own_addresses
from media.bench import janus_sdp
from media.bench.end import End
from media.bench.generator import LOSE, Line, Load, Numbers
from media.bench.janus_api import Handle, JanusSession
from media.bench.peer import Missing, Wiring, ended, started
from media.bench.profiles import PEOPLE, Sending
from media.transport import Certificate

_CONFIG = """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{modules}/plugins"
  transports_folder = "{modules}/transports"
  events_folder = "{folder}"
  loggers_folder = "{folder}"
  debug_level = 1
  session_timeout = 0
  server_name = "bench"
  {event_loops}
}}
nat: {{ ice_lite = true, ice_enforce_list = "{address}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
_WEBSOCKETS = 'general: {{ json = "compact", ws = true, ws_port = {port}, ws_ip = "127.0.0.1" }}\n'
_ROOM = {
    "publishers": PEOPLE,
    "bitrate": 0,
    "audiocodec": "opus",
    "videocodec": "vp8",
    "audiolevel_ext": False,
    "audiolevel_event": False,
    "videoorient_ext": False,
    "playoutdelay_ext": False,
    "record": False,
    "notify_joining": False,
}


def program() -> tuple[str, Path]:
    """Janus and the folder of its modules. Raises Missing."""
    found = shutil.which("janus")
    folders = [folder for folder in Path("/usr/lib").glob("*/janus") if (folder / "plugins").is_dir()]
    if found is None or not folders:
        raise Missing("Janus is not installed (sudo apt install --no-install-recommends janus).")
    return found, folders[0]


class Janus:
    """`event_loops`: 0 for a thread of each handle, which is Janus' default, or how many share all handles."""

    name = "janus"

    def __init__(self, event_loops: int = 0) -> None:
        self.pid = 0
        self._event_loops = event_loops
        self._process: asyncio.subprocess.Process | None = None
        self._session: JanusSession | None = None
        self._address = own_addresses()[0]
        self._certificate = Certificate()
        self._ends: list[End] = []

    async def start(self, folder: Path) -> None:
        janus, modules = program()
        folder = folder / "janus"
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self._configure(folder, modules, port)
        words = [janus, "--configs-folder", str(folder), "--config", str(folder / "janus.jcfg"), "--disable-colors"]
        self._process = await started(words, "", "Janus")
        self.pid = self._process.pid
        self._drain = asyncio.create_task(_drain(self._process))
        self._session = await JanusSession.open(port)

    def _configure(self, folder: Path, modules: Path, port: int) -> None:
        def others(kind: str, wanted: str) -> str:
            return ",".join(file.name for file in (modules / kind).glob("*.so") if file.name != wanted)

        config = _CONFIG.format(
            folder=folder,
            modules=modules,
            event_loops=f"event_loops = {self._event_loops}" if self._event_loops else "",
            address=self._address,
            plugins=others("plugins", "libjanus_videoroom.so"),
            transports=others("transports", "libjanus_websockets.so"),
        )
        (folder / "janus.jcfg").write_text(config)
        (folder / "janus.transport.websockets.jcfg").write_text(_WEBSOCKETS.format(port=port))
        (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")

    async def connect(self, load: Load, sendings: list[Sending], rooms: int) -> Wiring:
        wiring = Wiring(numbers=Numbers(level=0))
        for room in range(rooms):
            manager = await self.session.attach()
            await manager.ask({"request": "create", "room": room + 1, **_ROOM})
            for person in range(PEOPLE):
                mine = [item for item in sendings if (item.room, item.person) == (room, person)]
                wiring.senders.append(await self._publish(load, room, person, mine, wiring.numbers))
        for room in range(rooms):
            for person in range(PEOPLE):
                watched = [item for item in sendings if item.room == room and person in item.watchers]
                wiring.receivers.append(await self._subscribe(load, room, watched))
        lines = [load.lines[number] for number in wiring.receivers]
        wiring.words = {
            "srtp": self._ends[-1].srtp_profile,
            "version": await asyncio.to_thread(_version),
            "event_loops": self._event_loops,
            "transport_wide_numbers_to_receivers": all(line.sequence for line in lines),
        }
        return wiring

    async def _publish(self, load: Load, room: int, person: int, mine: list[Sending], numbers: Numbers) -> int:
        handle = await self.session.attach()
        await handle.ask({"request": "join", "ptype": "publisher", "room": room + 1, "id": person + 1})
        own, bound = self._own()
        answer = await handle.negotiate({"request": "publish"}, "offer", janus_sdp.offer(own, mine))
        number = load.add_line(Line(*await self._connect(own, bound, answer)))
        for item in mine:
            load.add_source(item, number, numbers)
        return number

    async def _subscribe(self, load: Load, room: int, watched: list[Sending]) -> int:
        handle: Handle = await self.session.attach()
        streams = [{"feed": item.person + 1, "mid": str(item.number)} for item in watched]
        wanted = {"request": "join", "ptype": "subscriber", "room": room + 1, "streams": streams}
        offer = await handle.negotiate(wanted)
        own, bound = self._own()
        await handle.negotiate({"request": "start"}, "answer", janus_sdp.answer(own, offer), expect_sdp=False)
        _, sections = janus_sdp.read(offer)
        sequence = max(section.sequence_id for section in sections)
        return load.add_line(Line(*await self._connect(own, bound, offer), sequence, LOSE))

    def _own(self) -> tuple[janus_sdp.Own, socket.socket]:
        ((_, fingerprint),) = self._certificate.fingerprints
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind((self._address, 0))
        own = janus_sdp.Own(secrets.token_hex(4), secrets.token_hex(12), fingerprint, *bound.getsockname())
        return own, bound

    async def _connect(self, own: janus_sdp.Own, bound: socket.socket, sdp: str) -> tuple[int, Any, Any]:
        address, port = janus_sdp.candidate(sdp)
        algorithm, fingerprint = janus_sdp.find(sdp, "fingerprint").split()
        ice = {"usernameFragment": janus_sdp.find(sdp, "ice-ufrag"), "password": janus_sdp.find(sdp, "ice-pwd")}
        created = {
            "transport": "",
            "iceParameters": ice,
            "iceCandidates": [{"address": address, "port": port}],
            "dtlsParameters": {"fingerprints": [{"algorithm": algorithm, "value": fingerprint}]},
        }
        end = End(created, certificate=self._certificate)
        end.go_by(own.username, own.password, bound)
        self._ends.append(end)
        await end.connect(_nothing)
        return end.hand_over()

    async def counts(self) -> dict[str, Any]:
        return {}

    async def stop(self) -> None:
        for end in self._ends:
            end.vanish()
        if self._session is not None:
            await self._session.close()
        await ended(self._process)

    @property
    def session(self) -> JanusSession:
        if self._session is None:
            raise RuntimeError("not started")
        return self._session


async def _nothing(method: str, data: dict[str, Any]) -> dict[str, Any]:
    """Janus was told all it needs in the SDP."""
    return {}


async def _drain(process: asyncio.subprocess.Process) -> None:
    """What Janus prints is read, so that it never waits for us."""
    while process.stdout is not None and await process.stdout.readline():
        pass


def _version() -> str:
    janus, _ = program()
    said = subprocess.run([janus, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    return said.strip().splitlines()[0] if said.strip() else ""
