"""Backgrounds of XPS regions: static ones taken from the data, and active ones fitted together with the peaks.

`KINDS` lists them. A static kind gives numbers from the data alone (`static_background`) and has no parameters; an
active kind has parameters, depends on the peaks, and comes with its derivatives (`active_background`).
"""

from fitting.backgrounds.active import active_background, starting_values
from fitting.backgrounds.cumulative import cumulative
from fitting.backgrounds.from_data import static_background
from fitting.backgrounds.kinds import (
    DEFAULT_KIND,
    KINDS,
    TOUGAARD_CLASSES,
    BackgroundKind,
    kind,
)
from fitting.backgrounds.spline import anchor_levels, spline
from fitting.backgrounds.static import StaticBackground, constant, end_levels, linear, shirley
from fitting.backgrounds.tougaard import LOSS_CLASSES, tougaard

__all__ = [
    "DEFAULT_KIND",
    "KINDS",
    "LOSS_CLASSES",
    "TOUGAARD_CLASSES",
    "BackgroundKind",
    "StaticBackground",
    "active_background",
    "anchor_levels",
    "constant",
    "cumulative",
    "end_levels",
    "kind",
    "linear",
    "shirley",
    "spline",
    "starting_values",
    "static_background",
    "tougaard",
]
