"""Our own wheel and those of requirements.lock, laid out as a virtual environment at /opt/hearth of the root.

Every file that comes from the package index is checked against the lock's hashes. What only building needs stays out.
Pip reads a lock's conditions for the Python it runs on itself, so they are read here, for the box's.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from image.targets import PYTHON, Target
from image.tools import CACHE, PROJECT, Step, digest, fresh, run

from packaging.markers import Marker  # isort: skip

# hatchling and what it alone needs.
BUILD_ONLY = frozenset({"hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers", "tomlkit"})
PACKAGES = ("appliance", "media", "sync", "tui")
NOT_COPIED = ("node_modules", "__pycache__", "webclient", "built", "*.pyc", ".*")
HEARTH = """#!/opt/hearth/bin/python -I
import sys

from appliance.__main__ import main

sys.exit(main())
"""


def entries(lock: str) -> Iterator[tuple[str, str, str]]:
    """Name, condition (or nothing), and `name==version` with its hashes, of each entry of a lock file."""
    for text in re.split(r"\n(?=\S)", lock.replace("\\\n", " ")):
        found = re.match(r"([A-Za-z0-9._-]+)==(\S+)\s*(?:;\s*(.*?))?\s*(--hash.*)$", text.strip(), re.S)
        if found:
            name, version, condition, hashes = found.groups()
            yield name.lower(), (condition or "").strip(), f"{name}=={version} {' '.join(hashes.split())}"


def wanted(lock: str, machine: str) -> dict[str, str]:
    """What the box needs of a lock file: name to requirement with hashes."""
    box = {
        **{"python_full_version": f"{PYTHON}.0", "python_version": PYTHON, "implementation_name": "cpython"},
        **{"platform_machine": machine, "sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"},
        "platform_python_implementation": "CPython",
    }
    return {
        name: requirement
        for name, condition, requirement in entries(lock)
        if name not in BUILD_ONLY and (not condition or Marker(condition).evaluate(dict(box)))
    }


def dependencies(target: Target) -> Path:
    """The folder with everything of the lock installed, cached by the lock's content."""
    lock = wanted((PROJECT / "requirements.lock").read_text(), target.machine)
    made = CACHE / f"wheels-{target.name}-{digest(repr(sorted(lock.values())), repr(target.wheels))}"
    if made.exists() and not os.environ.get("FRESH"):
        return made
    CACHE.mkdir(parents=True, exist_ok=True)
    part = fresh(CACHE / f"wheels-{target.name}.part")
    (part / "requirements.txt").write_text("\n".join(lock.values()) + "\n")
    with Step(f"fetching {len(lock)} wheels and checking their hashes"):
        pip = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install")
        kept = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--no-compile", "--ignore-requires-python")
        run(sys.executable, *pip, *kept, *_for(target), "--target", part / "site", "-r", part / "requirements.txt")
    shutil.rmtree(part / "site" / "bin", ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)
    part.rename(made)
    return made


def _for(target: Target) -> list[str]:
    abis = [f"cp{PYTHON.replace('.', '')}", "abi3", "none"]
    flags = ["--implementation", "cp", "--python-version", PYTHON]
    for abi in abis:
        flags += ["--abi", abi]
    for platform in target.wheels:
        flags += ["--platform", platform]
    return flags


def own(version: str, work: Path) -> Path:
    """Our own wheel, unpacked; `version` in place of pyproject's."""
    staged = fresh(work / "source")
    for name in PACKAGES:
        shutil.copytree(PROJECT / name, staged / name, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(PROJECT / name, staged / name)
    project = staged / "pyproject.toml"
    project.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', project.read_text(), count=1))
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", work / "wheel", cwd=staged)
    (wheel,) = (work / "wheel").glob("*.whl")
    site = fresh(work / "own")
    run(sys.executable, "-m", "zipfile", "-e", wheel, site)
    wheel.unlink()
    return site


def install(root: Path, target: Target, version: str, work: Path) -> None:
    """Put /opt/hearth into the root."""
    home = fresh(root / "opt/hearth")
    site = home / f"lib/python{PYTHON}/site-packages"
    shutil.copytree(dependencies(target) / "site", site)
    shutil.copytree(own(version, work), site, dirs_exist_ok=True)
    _plane(site, target)
    for junk in ("*/tests", "*/test", "*.dist-info/RECORD", "*.dist-info/direct_url.json", "*.dist-info/REQUESTED"):
        for found in site.glob(junk):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    (home / "bin").mkdir()
    for name in ("python", "python3"):
        (home / "bin" / name).symlink_to(f"/usr/bin/python{PYTHON}")
    (home / "bin/hearth").write_text(HEARTH)
    (home / "bin/hearth").chmod(0o755)
    lines = ("home = /usr/bin", "include-system-site-packages = false", f"version = {PYTHON}")
    (home / "pyvenv.cfg").write_text("\n".join(lines) + "\n")


def _plane(site: Path, target: Target) -> None:
    """Compile what forwards picture and sound, for the box's processor: its name has a digest of what it is made of."""
    program = (
        "import platform, subprocess, sys\n"
        "platform.machine = lambda: sys.argv[1]\n"
        "from media.native import build\n"
        "made = build.library()\n"
        "made.parent.mkdir(exist_ok=True)\n"
        "sys.exit(subprocess.run(build.command(sys.argv[2], made, f'-ffile-prefix-map={sys.argv[3]}=.')).returncode)\n"
    )
    path = os.pathsep.join([str(site)])
    run(
        *(sys.executable, "-S", "-B", "-c", program, target.machine, target.compiler, site),
        cwd=site,
        PYTHONPATH=path,
    )
