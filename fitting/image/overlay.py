"""Colour overlays: up to four maps added in colours of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.image.classes import is_classes
from fitting.image.maps import Map
from libraries.errors import BadData

Colour = tuple[float, float, float]

# Red, green, blue from 0 to 1. Orange, blue and green after M. Okabe and K. Ito, "Color Universal Design" (2008):
# told apart with every common colour vision, as are green and magenta of two maps; the others are customary. The fourth
# colour cannot be told from all mixtures of the others: no four can.
PALETTES: dict[str, tuple[str, tuple[Colour, Colour, Colour, Colour]]] = {
    "safe": ("Orange, blue, green", ((0.90, 0.45, 0.0), (0.0, 0.45, 0.90), (0.0, 0.62, 0.35), (0.80, 0.47, 0.65))),
    "rgb": ("Red, green, blue", ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.7, 0.7, 0.7))),
    "cmy": ("Cyan, magenta, yellow", ((0.0, 0.8, 0.8), (0.8, 0.0, 0.8), (0.8, 0.8, 0.0), (0.6, 0.6, 0.6))),
    "gm": ("Green, magenta", ((0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.6, 0.6, 0.6), (0.9, 0.6, 0.0))),
}
MOST = 4
LOW, HIGH = 1.0, 99.0  # percentiles that are shown black and in full colour


@dataclass(frozen=True, eq=False)
class Overlay:
    """A picture of several maps.

    Attributes
    ----------
    pixels : array of uint8, shape (rows, columns, 3)
    names : tuple of str
        Of the maps, with units.
    colours : tuple of colour
    ranges : tuple of (float, float)
        Values of each map that are black and in full colour.
    """

    pixels: NDArray[np.uint8]
    names: tuple[str, ...]
    colours: tuple[Colour, ...]
    ranges: tuple[tuple[float, float], ...]


def overlay(maps: Sequence[Map], palette: str = "safe") -> Overlay:
    """Two to four maps over each other; sums brighter than full colour are cut.

    Parameters
    ----------
    maps : sequence of Map
        Two-dimensional, of one shape, one to four.
    palette : str
        Key of `PALETTES`.

    Raises
    ------
    BadData
        If there are none or too many, or they do not fit each other.
    """
    if not 1 <= len(maps) <= MOST:
        raise BadData("A colour overlay takes two to four maps", todo="Choose them in the gallery")
    if len({one.shape for one in maps}) > 1 or len(maps[0].shape) != 2:
        raise BadData("A colour overlay takes maps of one image", where=maps[0].name)
    for one in maps:
        if is_classes(one):
            raise BadData("Classes have no amount that a colour could show", where=one.name,
                          todo="Choose maps of numbers")
    colours = PALETTES[palette][1][:len(maps)]
    total = np.zeros((*maps[0].shape, 3))
    ranges = []
    for one, colour in zip(maps, colours, strict=True):
        good = one.values[one.good]
        low, high = (float(v) for v in np.percentile(good, (LOW, HIGH))) if good.size else (0.0, 1.0)
        high = high if high > low else low + 1.0
        share = np.clip((np.where(one.good, one.values, low) - low) / (high - low), 0.0, 1.0)
        total += share[..., None] * np.array(colour)
        ranges.append((low, high))
    pixels = np.round(255 * np.clip(total, 0.0, 1.0)).astype(np.uint8)
    return Overlay(pixels, tuple(one.label for one in maps), colours, tuple(ranges))
