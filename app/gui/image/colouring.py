"""Numbers of an image as colours: colour maps, limits by percentiles, the labels of a colour bar."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from fitting.image.classes import classes, is_classes
from fitting.image.maps import Map

# Perceptually uniform: viridis (S. van der Walt, N. Smith, 2015), cividis (J. R. Nuñez et al., PLoS ONE 13, e0199239
# (2018)), grey of P. Kovesi (arXiv:1509.03700).
COLOUR_MAPS = {"viridis": "Viridis", "cividis": "Cividis", "CET-L1": "Grey"}
LOW, HIGH = 1.0, 99.0  # percentiles of the usual limits
_MINUS = str.maketrans("-", "−")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@lru_cache(maxsize=8)
def lookup(name: str) -> NDArray[np.uint8]:
    """256 colours of a colour map, shape (256, 4): blue, green, red, opacity, as Qt's images keep them."""
    colours = np.asarray(pg.colormap.get(name).getLookupTable(nPts=256), dtype=np.uint8)[:, :3]
    table = np.full((256, 4), 255, dtype=np.uint8)
    table[:, :3] = colours[:, ::-1]
    return table


def limits(values: NDArray[np.float64], full: bool = False) -> tuple[float, float]:
    """The values of the first and last colour: percentiles of what is finite, or the least and largest value."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (finite.min(), finite.max()) if full else np.percentile(finite, (LOW, HIGH))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def levels(one: Map, values: NDArray[np.float64], full: bool = False) -> tuple[float, float]:
    """The values of the first and last colour of a map: those that it shares with others, else `limits`."""
    low, high = one.param("scale low"), one.param("scale high")
    return limits(values, full) if full or low is None or high is None else (float(low), float(high))


def coloured(values: NDArray[np.float64], low: float, high: float, name: str) -> QImage:
    """An image, one of its pixels for each value (rows, columns); transparent where a value is not finite."""
    found = np.isfinite(values)
    part = np.clip((np.where(found, values, low) - low) / (high - low), 0.0, 1.0)
    pixels: NDArray[Any] = lookup(name)[np.round(255 * part).astype(np.uint8)]
    pixels[~found, 3] = 0
    rows, columns = values.shape
    return QImage(np.ascontiguousarray(pixels).tobytes(), columns, rows, 4 * columns,
                  QImage.Format.Format_ARGB32).copy()


def picture(one: Map, values: NDArray[np.float64], low: float, high: float, name: str) -> QImage:
    """A map as an image: classes in colours of their own, all else by a colour map."""
    if not is_classes(one):
        return coloured(values, low, high, name)
    rows, columns = values.shape
    pixels = np.zeros((rows, columns, 4), dtype=np.uint8)
    found = np.isfinite(values)
    codes = np.where(found, np.round(np.where(found, values, 0.0)), 0.0).astype(int)
    for each in classes(one):
        colour = QColor(each.colour)
        pixels[found & (codes == each.code)] = (colour.blue(), colour.green(), colour.red(), 255)
    return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_ARGB32).copy()


def bar(name: str) -> QImage:
    """The colour map as a line of 256 pixels."""
    table = np.ascontiguousarray(lookup(name))
    return QImage(table.tobytes(), 256, 1, 1024, QImage.Format.Format_ARGB32).copy()


def label(value: float, low: float, high: float) -> str:
    """A number with as many digits as tell the ends of a colour bar apart."""
    if not math.isfinite(value):
        return "no value"
    span = abs(high - low)
    if value and (abs(value) >= 1e9 or (0 < span < 1e-4)):
        mantissa, _, power = f"{value:.2e}".partition("e")
        return f"{mantissa}·10{str(int(power)).translate(_RAISED)}".translate(_MINUS)
    decimals = 0 if span >= 100 else min(max(2 - math.floor(math.log10(span)), 0), 6) if span > 0 else 2
    return f"{value:,.{decimals}f}".replace(",", "\u202f").translate(_MINUS)


def usable(one: Map, hide_flagged: bool) -> NDArray[np.float64]:
    """Values of a map; NaN where a flag says that they are not good, if those are to be hidden."""
    if not hide_flagged or one.flags is None:
        return one.values
    return np.where(one.good, one.values, np.nan)


def bar_length(wide: float) -> float:
    """A round length, 1, 2 or 5 times a power of ten, of at most `wide` (in any unit)."""
    power = 10.0 ** math.floor(math.log10(wide))
    return next(f * power for f in (5, 2, 1) if f * power <= wide)
