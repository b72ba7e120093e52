"""C16: nothing in the relay can write a payload down. Every call that opens or writes a file is named here, with why.

The check reads the source of `media/` for the ways out that Python has. It finds what somebody adds, not what somebody
hides; `test_never_decodes.py` looks at the running process as well.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from media.native.build import library

MEDIA = Path(__file__).parents[2] / "media"
WIRE = (MEDIA / "native" / "wire.c").read_text()

# Modules through which bytes reach a disk or another process, or code that this check has not read.
FILES = {"bz2", "codecs", "csv", "dbm", "fileinput", "gzip", "io", "lzma", "marshal", "mmap", "pickle", "shelve"}
FILES |= {"shutil", "sqlite3", "tarfile", "tempfile", "wave", "zipfile"}
PROCESSES = {"multiprocessing", "nt", "posix", "pty", "subprocess", "syslog"}
UNREAD = {"builtins", "cffi", "ctypes", "importlib", "runpy"}
# Names that open or write files, start processes, or get at such names by their text; called, or only handed on.
WORDS = {"FileIO", "TextIOWrapper", "fdopen", "memfd_create", "mkfifo", "mknod", "open", "open_code", "print", "touch"}
WORDS |= {"copy_file_range", "dump", "dump_traceback", "ftruncate", "link", "pwrite", "pwritev", "rename", "sendfile"}
WORDS |= {"splice", "symlink", "truncate", "write", "write_bytes", "write_text", "writelines", "writev"}
WORDS |= {"BufferedWriter", "FileHandler", "RotatingFileHandler", "SocketHandler", "SysLogHandler", "addHandler"}
WORDS |= {"NamedTemporaryFile", "SpooledTemporaryFile", "TemporaryFile", "mkstemp"}
WORDS |= {"Popen", "connect_write_pipe", "create_subprocess_exec", "create_subprocess_shell", "execv", "execve", "fork"}
WORDS |= {"popen", "posix_spawn", "spawnv", "subprocess_exec", "subprocess_shell", "system"}
WORDS |= {"__builtins__", "__dict__", "__getattribute__", "__import__", "attrgetter", "compile", "eval", "exec"}
WORDS |= {"globals", "import_module", "locals", "methodcaller", "vars"}
# A log goes to standard error, and from there to the journal, which is on the disk.
LOGGING = {"debug", "info", "warning", "error", "critical", "exception", "log", "basicConfig"}

# Everything of that kind in media/, each with its reason. What is not here fails, and so does what is here and gone.
ALLOWED = {
    ("__main__.py", "print('ready', flush=True)"): "the parent waits for this line",
    ("__main__.py", "print(sentence, file=sys.stderr)"): "why the relay did not start; fixed sentences",
    (
        "__main__.py",
        "logging.basicConfig(stream=sys.stderr, level=logging.INFO, "
        "format='%(asctime)s %(levelname)s %(name)s %(message)s')",
    ): "what the log calls below say goes to standard error",
    ("measure.py", "import subprocess"): "names the pipe of the relay that is measured",
    ("measure.py", "import tempfile"): "folder for the socket of the relay that is measured",
    (
        "measure.py",
        "asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)",
    ): "the relay that is measured; the packets are made up",
    ("measure.py", "print(json.dumps(carries(Budget(wanted.kbps, wanted.packets), wanted.last_n)))"): "its figures",
    ("measure.py", "print(json.dumps(uvloop.run(measure())))"): "its figures",
    (
        "measure.py",
        "print(f'The relay could not be measured: {type(problem).__name__}.', file=sys.stderr)",
    ): "the kind of an error",
    ("client.py", 'log.info("the relay\'s connection ended (%s)", type(error).__name__)'): "the kind of an error",
    (
        "client.py",
        "log.warning('the relay refused something nobody waits for: %s', message.code)",
    ): "a code of PROTOCOL.md section 7",
    (
        "client.py",
        "writer.write(self._encoder.encode(messages.Hello(limits.SOCKET_VERSION)) + b'\\n')",
    ): "a line on relay.sock",
    ("client.py", "writer.write(self._encoder.encode(messages.Admitted(rooms)) + b'\\n')"): "a line on relay.sock",
    ("client.py", "writer.write(self._encoder.encode(message) + b'\\n')"): "a line on relay.sock",
    ("client.py", "self._writer.write(line)"): "a line on relay.sock",
    ("control.py", 'log.info("appliance\'s connection ended (%s)", type(error).__name__)'): "the kind of an error",
    ("control.py", "log.info('an appliance is connected, %d rooms', len(truth.rooms))"): "a number of rooms",
    (
        "control.py",
        "log.warning('the appliance does not read; its connection is closed')",
    ): "a fixed sentence",
    (
        "control.py",
        "writer.write(self._encoder.encode(message) + b'\\n')",
    ): "a line on relay.sock; messages hold no RTP",
    ("native/build.py", "getattr(limits, name)"): "a number of limits.py",
    ("native/build.py", "getattr(bandwidth, name)"): "a number of bandwidth/limits.py",
    ("native/build.py", "import shutil"): "finds the compiler",
    ("native/build.py", "import subprocess"): "runs it",
    ("native/build.py", "made.rename(target)"): "the library that was compiled; before the relay starts",
    (
        "native/build.py",
        "print('There is no C compiler: the relay will run on its Python twin.')",
    ): "what set-up says",
    ("native/library.py", "getattr(loaded, name)"): "a function of the library, to say its types",
    ("native/library.py", "import ctypes"): "loads the plane in C; the next test looks at what that one calls",
    (
        "native/library.py",
        "from ctypes import POINTER, Structure, c_int, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p",
    ): "the types of its functions",
    ("native/plane.py", "import ctypes"): "calls it",
    ("native/wire.py", "import ctypes"): "calls it",
    ("control.py", 'log.warning("another user\'s process was refused")'): "a fixed sentence",
    (
        "wire.py",
        "log.warning('the plane in C was not built here: forwarding in Python, for about half as many people')",
    ): "a fixed sentence",
    ("relay.py", "self.paths.open(output)"): "our own: begins a transport",
    ("ice.py", "struct.error"): "the class of an exception",
    ("transport.py", "import importlib.util"): "loads aiortc's DTLS without its codecs, once, at the start",
    ("transport.py", "importlib.import_module('aiortc.rtcdtlstransport')"): "that one",
    ("transport.py", "av.__dict__"): "gives the stand-in for PyAV the one name that is asked for",
    ("transport.py", "task.exception()"): "how a task ended",
    ("transport.py", "log.warning('a DTLS handshake broke (%s)', type(error).__name__)"): "the kind of an error",
}


def ways_to_write(source: str) -> Iterator[str]:
    """Each import, call or mention in a source through which a payload could be written down."""
    tree = ast.parse(source)
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found = _imports_a_way_out(node)
        elif isinstance(node, ast.Name | ast.Attribute):
            found = _is_a_way_out(node, calls.get(id(node)))
        else:
            found = isinstance(node, ast.Constant) and node.value in WORDS
        if found:
            yield ast.unparse(calls.get(id(node), node))


def _imports_a_way_out(node: ast.Import | ast.ImportFrom) -> bool:
    names = {name.name for name in node.names}
    modules = {node.module or ""} if isinstance(node, ast.ImportFrom) else names
    taken = names if isinstance(node, ast.ImportFrom) else set()
    tops = {module.split(".")[0] for module in modules}
    return bool(tops & (FILES | PROCESSES | UNREAD) or taken & (WORDS | LOGGING) or "logging.handlers" in modules)


def _is_a_way_out(node: ast.Name | ast.Attribute, call: ast.Call | None) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in WORDS | LOGGING
    if node.id == "getattr":  # with a literal name it is seen like any other mention; otherwise nobody can tell
        return call is None or not isinstance(call.args[1], ast.Constant)
    return node.id in WORDS


def test_nothing_in_the_relay_can_write_a_payload_down() -> None:
    found = {
        (path.relative_to(MEDIA).as_posix(), way)
        for folder in ("", "bandwidth", "native", "plane", "room")
        for path in (MEDIA / folder).glob("*.py")
        for way in ways_to_write(path.read_text())
    }
    assert found == set(ALLOWED)
    assert all(ALLOWED.values())


# What the plane in C may call besides libsrtp. `write` is for an eventfd alone: eight bytes that say "look".
OF_C = {"aligned_alloc", "calloc", "free", "malloc", "memcpy", "memmove", "memset", "realloc"}
OF_C |= {"pthread_create", "pthread_join", "pthread_setname_np", "pthread_sigmask", "sigfillset"}
OF_C |= {"pthread_mutex_destroy", "pthread_mutex_init", "pthread_mutex_lock", "pthread_mutex_unlock"}
OF_C |= {"clock_gettime", "close", "eventfd", "nanosleep", "ppoll", "read", "recvmmsg", "sendmmsg", "sendmsg"}
OF_C |= {"setsockopt", "write"}
# What the compiler adds by itself, and errno.
OF_C |= {"_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__cxa_finalize", "__errno_location"}
OF_C |= {"__gmon_start__", "__memcpy_chk", "__memmove_chk", "__stack_chk_fail"}


@pytest.mark.skipif(shutil.which("nm") is None or not library().exists(), reason="no compiler here")
def test_the_plane_in_c_can_open_no_file() -> None:
    listed = subprocess.run(["nm", "-D", "--undefined-only", library()], check=True, capture_output=True, text=True)
    symbols = {line.split()[-1].partition("@")[0] for line in listed.stdout.splitlines()}
    assert symbols <= OF_C
    assert "write(wire->wake" in WIRE and "write(wire->stop" in WIRE and WIRE.count("write(") == 2


@pytest.mark.parametrize(
    "recorder",
    [
        "open('/var/tmp/call', 'ab').write(payload)",
        "with open(path, 'wb') as file: pass",
        "keep = open",
        "Path('call.ivf').write_bytes(payload)",
        "path.open('ab')",
        "os.write(os.open('call', os.O_WRONLY), payload)",
        "os.pwrite(number, payload, 0)",
        "from os import write as seal",
        "import io",
        "import sqlite3",
        "from sqlite3 import connect",
        "import shelve, dbm.dumb",
        "import mmap",
        "from tempfile import TemporaryFile",
        "import logging.handlers",
        "logging.FileHandler('call')",
        "log.info('%s', payload)",
        "log.debug(packet.hex())",
        "self._log.error('malformed: %r', datagram)",
        "print(payload)",
        "sys.stdout.buffer.write(payload)",
        "import subprocess; subprocess.run(['tee', 'call'], input=payload)",
        "tempfile.TemporaryFile()",
        "await asyncio.create_subprocess_exec('tee', 'call')",
        "os.system('cat')",
        "getattr(os, 'write')(3, payload)",
        "getattr(os, name)(3, payload)",
        "vars(os)['wri' + 'te'](3, payload)",
        "say = log.info",
        "from logging import warning",
        "__import__('os')",
        "exec(text)",
        "import ctypes",
        "json.dump(payload, file)",
        "socket.socket.sendfile(udp, file)",
    ],
)
def test_the_check_finds_a_recorder(recorder: str) -> None:
    source = (MEDIA / "rtp.py").read_text() + f"\nasync def record(payload):\n    {recorder}\n"
    assert {("rtp.py", way) for way in ways_to_write(source)} - set(ALLOWED)
