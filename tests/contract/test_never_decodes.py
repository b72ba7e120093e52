"""The relay forwards what it cannot read: no codec is loaded, and no payload is written anywhere."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import aiortc

from tests.fakes.relay_process import clinic
from tests.fakes.waiting import there, until

MEDIA = Path(__file__).parents[2] / "media"
ALLOWED_THIRD_PARTY = {"aioice", "msgspec", "pylibsrtp", "uvloop", "psutil"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_relay_imports_nothing_that_could_decode() -> None:
    for path in MEDIA.glob("*.py"):
        for name in imports(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names | ALLOWED_THIRD_PARTY | {"media"}, f"{path.name} imports {name}"


def test_only_transport_knows_aiortc() -> None:
    for path in MEDIA.glob("*.py"):
        assert ("aiortc" in path.read_text().replace('"""', "").split("import", 1)[-1]) <= (path.name == "transport.py")


async def test_the_process_of_a_relay_at_work_holds_no_codec_library() -> None:
    async with clinic() as box:
        await box.enter("room", "anna", "audio", "video")
        berta = await box.enter("room", "berta")
        await until(lambda: sum(item.packets for item in berta.received.values()) > 20)
        assert_no_codec_and_no_file(Path(f"/proc/{there(box.process).pid}"))


def assert_no_codec_and_no_file(process: Path) -> None:
    maps = (process / "maps").read_text()
    for library in ("avcodec", "avformat", "libvpx", "opus", "/av/"):
        assert library not in maps
    # Only sockets, pipes and the event loop are open: no file could hold a payload. The one exception is libffi's own:
    # an unlinked file of a few pages with the code of callbacks.
    for entry in (process / "fd").iterdir():
        target = str(entry.readlink())
        harmless = target.startswith(("socket:", "pipe:", "anon_inode:", "/dev/null", "/dev/urandom"))
        assert harmless or (target.endswith(" (deleted)") and entry.stat().st_size <= 65_536), target


def test_loading_the_relays_part_of_aiortc_leaves_the_real_package_alone() -> None:
    import media.transport

    assert "RTCPeerConnection" in vars(aiortc)
    assert media.transport._aiortc.RTCDtlsTransport is not aiortc.RTCDtlsTransport


def test_the_private_names_we_use_of_aiortc_are_there() -> None:
    import media.transport

    certificate = media.transport.Certificate()
    path = media.transport._Path("server", lambda datagram: None)
    dtls = media.transport._aiortc.RTCDtlsTransport(path, [certificate.made])
    for name in ("_srtp_profiles", "_rx_srtp", "_tx_srtp", "remove_all_listeners"):
        assert hasattr(dtls, name)
    assert [name for name, _ in certificate.fingerprints] == ["sha-256"]
