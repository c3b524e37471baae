"""Keeps Python's constants alive against a counting error of the Qt binding.

PySide6 6.12.0 on Python 3.11 gives one reference to None away at every call of a C++ function that returns nothing
(measured: `sys.getrefcount(None)` falls by one at each `QPainter.save()`), so that a window dies with "deallocating
None" after some thousand paints. Python 3.12 and later never count None (PEP 683) and are not concerned.
"""

from __future__ import annotations

import ctypes
import sys

RESERVE = 1 << 40  # references: enough for centuries of painting
_done = False


def keep_constants() -> None:
    """Give None, True and False a reserve of references, once, where this Python counts them."""
    global _done
    if _done or sys.version_info >= (3, 12):
        return
    _done = True
    for constant in (None, True, False):
        ctypes.c_ssize_t.from_address(id(constant)).value += RESERVE
