"""Who works on a project: a running program, told from one that died by host, process number and start."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Session:
    """A running (or dead) program.

    Attributes
    ----------
    host, user : str
    pid : int
    started : str
        Mark of the start of the process, so that a number used again by another program is not taken for this one;
        "" where the system does not tell.
    when : str
        ISO 8601 time (UTC) at which this was noted.
    """

    host: str
    pid: int
    started: str = ""
    user: str = ""
    when: str = ""

    @property
    def running(self) -> bool | None:
        """Whether the program still runs; None where it is on another host, so that nobody here can tell."""
        if self.host != host():
            return None
        return process_exists(self.pid) and (not self.started or self.started == start_mark(self.pid))


def this_session() -> Session:
    """The program that asks."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = ""
    return Session(host(), os.getpid(), start_mark(os.getpid()), user, now())


def host() -> str:
    """Name of this computer."""
    return socket.gethostname()


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def process_exists(pid: int) -> bool:
    """Whether a process of that number runs on this computer."""
    if pid <= 0:
        return False
    if os.name == "nt":
        return _process_exists_windows(pid)
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _process_exists_windows(pid: int) -> bool:
    """As `process_exists`; on Windows os.kill(pid, 0) would send Ctrl+C."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    query_limited, still_active = 0x1000, 259
    handle = kernel.OpenProcess(query_limited, False, pid & 0xFFFFFFFF)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active


def start_mark(pid: int) -> str:
    """Boot and clock tick at which a process started (Linux); "" elsewhere."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name in brackets may hold anything; the start time is item 22, the 20th behind it.
    return f"{boot[:8]}-{status.rpartition(')')[2].split()[19]}"
