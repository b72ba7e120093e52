"""The relay forwards what it cannot read: no codec is loaded, and no payload is written anywhere."""

from __future__ import annotations

import ast
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import aiortc

from tests.fakes.participant import Participant
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


async def test_the_process_of_a_relay_at_work_holds_no_codec_library_and_writes_no_file() -> None:
    async with clinic(stderr=asyncio.subprocess.DEVNULL) as box:
        pages = [await box.enter("room", name, "audio", "video") for name in ("anna", "berta")]
        await until(lambda: all(received(page) > 20 for page in pages))
        process = Path(f"/proc/{there(box.process).pid}")
        before, had = written(process), [received(page) for page in pages]
        assert_no_codec_and_no_file(process)
        # Some hundred packets of sealed sound and picture later.
        await until(lambda: all(received(page) > count + 100 for page, count in zip(pages, had, strict=True)))
        assert_no_codec_and_no_file(process)
        assert written(process) == before
        assert (await box.client.counts())["dropped"]["not_sealed"] == 0


def received(page: Participant) -> int:
    return sum(item.packets for item in page.received.values())


def written(process: Path) -> int:
    """Bytes this process has had written to any disk (proc(5), `write_bytes`)."""
    lines = (process / "io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def assert_no_codec_and_no_file(process: Path) -> None:
    maps = (process / "maps").read_text()
    for library in ("avcodec", "avformat", "libvpx", "opus", "/av/"):
        assert library not in maps
    # No file is mapped so that what is put there goes back to it: fields are addresses, permissions, ..., path.
    shared = [line for line in maps.splitlines() if line.split()[1][1::2] == "ws"]
    assert [line for line in shared if line.split()[-1].startswith("/") and not _of_libffi(line)] == []
    # Only sockets, pipes and the event loop are open: no file could hold a payload. The one exception is libffi's own:
    # an unlinked file of a few pages with the code of callbacks.
    for entry in (process / "fd").iterdir():
        target = str(entry.readlink())
        harmless = target.startswith(("socket:", "pipe:", "anon_inode:", "/dev/null", "/dev/urandom"))
        unlinked = target.endswith(" (deleted)") and entry.stat().st_size <= 65_536 and int(entry.name) > 2
        assert harmless or unlinked, target


def _of_libffi(line: str) -> bool:
    return line.endswith(" (deleted)")


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
