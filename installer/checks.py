"""What kind of machine and folder this is."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from installer.messages import SetupError


def project_root() -> Path:
    """Return the project's folder: the one that holds this package.

    Raises
    ------
    SetupError
        If the folder is not whole.
    """
    root = Path(__file__).resolve().parents[1]
    if not (root / "pyproject.toml").is_file():
        raise SetupError(f"{root} holds no pyproject.toml; get the whole source of Sodalite and start there")
    return root


def has_display(system: str, environ: Mapping[str, str]) -> bool:
    """Whether a window can be opened. `system` is `sys.platform`; only there can a machine be without a screen."""
    if system in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def machine() -> dict[str, str]:
    """Describe this machine for the record of measured figures."""
    return {
        "Machine": f"{_processor()}, {os.cpu_count()} cores, {_memory()}",
        "System": _system_name(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown processor"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "memory unknown"
    return f"{total / 2**30:.0f} GiB"


def _system_name() -> str:
    if sys.platform == "linux":
        try:
            return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}"
        except (OSError, KeyError):
            pass
    return platform.platform()
