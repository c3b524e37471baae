"""Backgrounds between CasaXPS's names and numbers, "U 3 Tougaard" 2 0 0 335.4 551 436 3, and ours.

CasaXPS stores B, C, D and T0 with every region; only Tougaard's backgrounds use them, and B is what meets the data. Its
averaging width of 2 stands for means of three points: the ends of its own background of FeO are such, and with them the
B stored with 11 other regions is the one that meets their data to 0.3 % (with five points: off by up to 4 %).
"""

from __future__ import annotations

import re

from fitting.model import Background

VERIFIED_WIDTH = 2
SETTINGS = ("b", "c", "d", "t0")
# B, C, D, T0 of a region whose background has none: the universal class of S. Tougaard, Surf. Interface Anal. 25, 137
# (1997), in CasaXPS's notation.
_UNIVERSAL = (2866.0, -1643.0, 0.0, 0.0)
_TOUGAARD = re.compile(r"U\s*[234]\s*Tougaard\Z", re.IGNORECASE)
_PLAIN = {"shirley": "shirley", "linear": "linear", "none": "none"}


def kind_of(name: str) -> str | None:
    """Our kind of background for CasaXPS's name; None where there is none like it."""
    return "tougaard" if _TOUGAARD.match(name.strip()) else _PLAIN.get(name.strip().lower())


def average_of(width: float) -> int:
    """Points on either side of an end that CasaXPS's stored averaging width stands for."""
    return max(0, round(width) - 1)


def width_of(average: int) -> float:
    """The averaging width that CasaXPS stores."""
    return average + 1.0


def casa_background(background: Background) -> str | None:
    """CasaXPS's name of a background; None where it has none like it."""
    if background.kind == "shirley" and background.quadrature == "casa":
        return "Shirley" if not background.settings else None
    if background.kind == "linear":
        return "Linear" if not background.settings else None
    # CasaXPS fits B to the data itself; a slope or raised ends are not among its numbers.
    known = {"b", "c", "d", "t0", "rescale"}
    used = {name for name, value in background.settings if value}
    if background.kind == "tougaard" and used <= known and background.setting("rescale", 1.0):
        return "U 3 Tougaard" if background.setting("d") else "U 2 Tougaard"
    return None


def parameters_of(background: Background) -> tuple[float, ...]:
    """B, C, D and T0 as CasaXPS stores them."""
    if background.kind != "tougaard":
        return _UNIVERSAL
    return tuple(background.setting(name, value) for name, value in zip(SETTINGS, _UNIVERSAL, strict=True))
