"""A real SeaweedFS on the loopback: one master, several volume servers, filers with an S3 gateway each, data fsynced.

Filers share one PostgreSQL, which decides what is there; each key has one owner among the filers, which decides races.
With `shared=False` there is one filer with a database file of its own; two of those are not safe (sync/hq/README.md).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.fakes.postgres import binaries

WEED = Path(sys.executable).with_name("weed")
POSTGRES = binaries() or Path("/usr/lib/postgresql")  # none: then nothing is there that is asked for
KEYS = {"AWS_ACCESS_KEY_ID": "test-hq", "AWS_SECRET_ACCESS_KEY": "of this test alone"}
BUCKET = "hearth"
START_SECONDS = 30.0
WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")  # nothing of this stays when the tests are killed

_IDENTITIES = """{"identities": [{"name": "hq", "actions": ["Admin", "Read", "Write", "List"],
 "credentials": [{"accessKey": "test-hq", "secretKey": "of this test alone"}]}]}"""
_FILER = """[postgres]
enabled = true
createTable = true
hostname = "127.0.0.1"
port = %d
username = "weed"
database = "postgres"
sslmode = "disable"
connection_max_idle = 20
connection_max_open = 20
"""
# Two filers decide a race while they agree on who owns the key; for a second after one came or went they may not. Then
# the database decides: an envelope's row is never changed, nor who has taken a code until that is cleared away.
KEEP = """
CREATE FUNCTION hearth_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.directory ~ '^/buckets/.*/(boxes|packs)/[0-9a-f]{32}$' THEN
    RAISE EXCEPTION 'an envelope is never changed';
  END IF;
  IF TG_OP = 'UPDATE' AND OLD.directory ~ '^/buckets/.*/taken$' THEN
    RAISE EXCEPTION 'a code is taken once';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hearth_keep BEFORE UPDATE OR DELETE ON filemeta FOR EACH ROW EXECUTE FUNCTION hearth_keep();
"""
_LOCAL = '[leveldb2]\nenabled = true\ndir = "."\n'


@dataclass
class Cluster:
    """`endpoints`: one S3 gateway for each filer. `processes` by name ("filer0"): `kill` and `start` take them."""

    root: Path
    endpoints: list[str] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a process (again), in a folder of its own, with the arguments it had."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        with (folder / "log").open("ab") as log:
            environment = {**os.environ, "HOME": str(folder)}
            self.processes[name] = subprocess.Popen(
                [*WITH_US, *self.commands[name]],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """SIGKILL, to this process alone."""
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()


@contextmanager
def running(
    root: Path, *, volumes: int = 2, filers: int = 2, shared: bool = True, keep: bool = True
) -> Iterator[Cluster]:
    """A cluster with an empty bucket in which every write is fsynced, each on two volume servers if there are two."""
    cluster = Cluster(root)
    root.mkdir(parents=True, exist_ok=True)
    with _postgres() if shared else _nothing() as database:
        try:
            _start(cluster, volumes, filers, database, keep)
            yield cluster
        finally:
            cluster.stop()


def _start(cluster: Cluster, volumes: int, filers: int, database: int, keep: bool) -> None:
    root = cluster.root
    ports = iter(free_ports(2 + 2 * volumes + 4 * filers))
    (root / "s3.json").write_text(_IDENTITIES)
    master, master_grpc = next(ports), next(ports)
    masters = f"127.0.0.1:{master}.{master_grpc}"
    here = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    copies = "001" if volumes > 1 else "000"
    _add(cluster, "master", "master", *here, f"-port={master}", f"-port.grpc={master_grpc}", "-mdir=.", "-peers=none",
         "-telemetry=false", "-volumeSizeLimitMB=256", f"-defaultReplication={copies}")  # fmt: skip
    for n in range(volumes):
        _add(cluster, f"volume{n}", "volume", *here, f"-port={next(ports)}", f"-port.grpc={next(ports)}", "-dir=.",
             f"-mserver={masters}", "-max=20", "-preStopSeconds=0", "-minFreeSpace=1")  # fmt: skip
    known = []
    for n in range(filers):
        filer, grpc = next(ports), next(ports)
        known.append(f"127.0.0.1:{filer}.{grpc}")
        _add(cluster, f"filer{n}", "filer", *here, f"-port={filer}", f"-port.grpc={grpc}", f"-master={masters}",
             f"-defaultReplicaPlacement={copies}", "-localSocket=filer.sock")  # fmt: skip
        (root / f"filer{n}").mkdir(exist_ok=True)
        (root / f"filer{n}" / "filer.toml").write_text(_FILER % database if database else _LOCAL)
    for n in range(filers):
        s3, s3_grpc = next(ports), next(ports)
        _add(cluster, f"gateway{n}", "s3", *here, f"-port={s3}", f"-port.grpc={s3_grpc}",
             f"-filer={','.join(known[n:] + known[:n])}", "-config=../s3.json", "-localSocket=s3.sock",
             "-port.iceberg=0", "-port.lance=0", "-iam=false")  # fmt: skip
        cluster.endpoints.append(f"http://127.0.0.1:{s3}")
    for name, command in cluster.commands.items():
        cluster.start(name)
        if not name.startswith("volume"):  # the rest needs the ones before; two filers would both make the tables
            _until(partial(_listens, command))
        if name == "filer0" and database and keep:
            psql = [
                str(POSTGRES / "psql"),
                "-h",
                "127.0.0.1",
                "-p",
                str(database),
                "-U",
                "weed",
                "-qc",
                KEEP,
                "postgres",
            ]
            subprocess.run(psql, check=True, capture_output=True)
    _make_bucket(root, masters)


def _add(cluster: Cluster, name: str, *arguments: str) -> None:
    cluster.commands[name] = [str(WEED), "-v=0", *arguments]


def _listens(command: list[str]) -> bool:
    port = next(word for word in command if word.startswith("-port=")).removeprefix("-port=")
    return _accepts(int(port))


def _make_bucket(root: Path, masters: str) -> None:
    words = f"s3.bucket.create -name {BUCKET}\nfs.configure -locationPrefix=/buckets/{BUCKET}/ -fsync -apply\n"

    def made() -> bool:
        done = subprocess.run(
            [str(WEED), "shell", f"-master={masters}"], input=words.encode(), capture_output=True, cwd=root, timeout=30
        )
        (root / "shell.log").write_bytes(done.stdout + done.stderr)
        return re.search(rb'"fsync":\s*true', done.stdout) is not None

    _until(made)


@contextmanager
def _postgres() -> Iterator[int]:
    """The port of a PostgreSQL of this rig alone, durable as by default. It refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="hearth-postgres-"))
    as_other = list(WITH_US)
    if os.getuid() == 0:
        as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *WITH_US]
        subprocess.run(["chown", "postgres", str(folder)], check=True)
    data = folder / "data"
    (port,) = free_ports(1)
    initdb = [str(POSTGRES / "initdb"), "-D", str(data), "-U", "weed", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*as_other, *initdb], check=True, capture_output=True, cwd="/")
    run = [POSTGRES / "postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", folder, "-c", "max_connections=100"]
    with (folder / "log").open("wb") if os.getuid() else Path(os.devnull).open("wb") as log:
        process = subprocess.Popen([*as_other, *map(str, run)], stdout=log, stderr=log, cwd="/", start_new_session=True)
    try:
        _until(lambda: _accepts(port))
        yield port
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _nothing() -> Iterator[int]:
    yield 0


def free_ports(count: int) -> list[int]:
    """Ports on the loopback that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _accepts(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("SeaweedFS did not start; its logs are in its folder")
        time.sleep(0.05)
