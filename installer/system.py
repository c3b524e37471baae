"""Debian and Ubuntu packages: which are needed, which are missing, how they are called here, and their installation."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from installer.messages import SetupError, say, warn
from installer.process import Outcome, clean_environment, quiet


@dataclass(frozen=True)
class Need:
    """One system library, and the names it goes by: the newest release's first, the oldest last."""

    names: tuple[str, ...]

    def met_by(self, installed: Collection[str]) -> bool:
        """Whether any of the names is installed."""
        return any(name in installed for name in self.names)

    def name_here(self, known: Collection[str]) -> str:
        """Return the name that this release's package lists know, else the oldest (newer releases provide it)."""
        return next((name for name in self.names if name in known), self.names[-1])


def _needs(*names: str) -> tuple[Need, ...]:
    return tuple(Need(tuple(name.split("|"))) for name in names)


# Qt without a display: what PySide6's libraries load at import and when drawing into memory.
QT = _needs(
    "libgl1",
    "libegl1",
    "libxkbcommon0",
    "libglib2.0-0t64|libglib2.0-0",
    "libfreetype6",
    "libfontconfig1",
    "libdbus-1-3",
)
# What Qt's xcb plugin loads for a window on an X display.
WINDOW = _needs(
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
)
# A display in memory, for the tests of the real window.
VIRTUAL_DISPLAY = _needs("xvfb", "xauth")


def needs(*, tests: bool, display: bool, venv: bool) -> tuple[Need, ...]:
    """List the needs of a command.

    Parameters
    ----------
    tests : bool
        The tests will run: also a virtual display.
    display : bool
        There is a display to open a window on.
    venv : bool
        This Python can make virtual environments (on Debian a package of its own).
    """
    wanted = QT
    if tests or display:
        wanted += WINDOW
    if tests:
        wanted += VIRTUAL_DISPLAY
    if not venv:
        wanted += _needs(f"python{sys.version_info.major}.{sys.version_info.minor}-venv|python3-venv")
    return wanted


def is_debian(os_release: str) -> bool:
    """Tell from the text of /etc/os-release whether this is Debian, Ubuntu or a relative."""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    words = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").split()
    return "debian" in words or "ubuntu" in words


def parse_status(text: str) -> set[str]:
    """Return the installed packages of `dpkg-query -W -f '${Package} ${db:Status-Status}\\n'`."""
    rows = (line.split() for line in text.splitlines())
    return {row[0] for row in rows if len(row) == 2 and row[1] == "installed"}


def parse_policy(text: str) -> set[str]:
    """Return the packages of `apt-cache policy` that have a version to install."""
    known: set[str] = set()
    name = ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            name = line.rstrip(":")
        elif line.strip().startswith("Candidate:") and "(none)" not in line:
            known.add(name)
    return known


def can_make_venv() -> bool:
    """Whether this Python has `ensurepip`, which Debian takes out of its own Python."""
    return importlib.util.find_spec("ensurepip") is not None


def provide(wanted: Sequence[Need]) -> bool:
    """Install what is missing, where that is possible; else say how.

    Returns
    -------
    bool
        True if all is there, or if this is no Debian and nothing can be told.
    """
    if not _has_dpkg():
        return True
    lacking = [need for need in wanted if not need.met_by(_installed(wanted))]
    if not lacking:
        return True
    if os.geteuid() != 0:
        warn(f"system libraries are missing; this installs them: {by_hand(lacking, _known(lacking))}")
        return False
    return _install(lacking)


def by_hand(lacking: Sequence[Need], known: Collection[str]) -> str:
    """Return the one line that installs the missing packages."""
    return "sudo apt-get install -y " + " ".join(need.name_here(known) for need in lacking)


def _has_dpkg() -> bool:
    release = Path("/etc/os-release")
    if not (sys.platform == "linux" and release.is_file() and shutil.which("dpkg-query") and shutil.which("apt-get")):
        return False
    return is_debian(release.read_text(encoding="utf-8", errors="replace"))


def _installed(wanted: Sequence[Need]) -> set[str]:
    names = [name for need in wanted for name in need.names]
    # Exit status 1 only says that some of the names are unknown.
    return parse_status(quiet(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]).text)


def _known(lacking: Sequence[Need]) -> set[str]:
    names = [name for need in lacking for name in need.names]
    return parse_policy(quiet(["apt-cache", "policy", *names]).text)


def _install(lacking: Sequence[Need]) -> bool:
    say("System libraries: apt-get update")
    updated = _apt("update")
    names = [need.name_here(_known(lacking)) for need in lacking]
    say(f"System libraries: apt-get install {' '.join(names)}")
    done = _apt("install", "-y", "--no-install-recommends", *names)
    if done.code == 0:
        return True
    reason = explain_apt(updated if updated.code else done)
    warn(f"the system libraries could not be installed ({reason}); this does it by hand: {by_hand(lacking, names)}")
    return False


def _apt(*arguments: str) -> Outcome:
    environment = clean_environment(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
    # Another apt may be at work on a fresh machine (unattended upgrades): wait for it instead of failing.
    return quiet(["apt-get", "-o", "DPkg::Lock::Timeout=120", *arguments], env=environment)


def explain_apt(outcome: Outcome) -> str:
    """Return apt-get's own word on its failure, in one line."""
    lines = [line.strip() for line in outcome.text.splitlines() if line.startswith(("E:", "Err:", "dpkg: error"))]
    return lines[-1] if lines else f"apt-get ended with status {outcome.code}"


def require_venv() -> None:
    """Refuse clearly where this Python cannot make a virtual environment."""
    if can_make_venv():
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    raise SetupError(
        f"this Python ({sys.executable}) cannot make virtual environments; "
        f"on Debian and Ubuntu `sudo apt-get install -y {package}` adds that"
    )
