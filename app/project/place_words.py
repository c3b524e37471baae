"""Places of an image in words.

A pixel is named as microscopes do, column before row, both counted from 0: "Pixel (30, 12)"; a spectrum of a series by
its number counted from 1, with the value of its axis.
"""

from __future__ import annotations

import math

from app.numerals import grouped
from fitting.dataset import Spectrum
from fitting.image.place import Place, Roi


def pixel_words(image: Spectrum, place: Place) -> str:
    """A pixel: "Pixel (30, 12)"; of a series "Spectrum 3, 0.5 nm"."""
    index = place.index
    if len(index) == 1 and len(image.navigation) == 1:
        axis = image.navigation[0]
        told = axis.quantity != "index" and 0 <= index[0] < len(axis)
        value = f", {axis.values[index[0]]:.6g} {axis.unit}".rstrip() if told else ""
        return f"Spectrum {index[0] + 1}{value}"
    return f"Pixel ({', '.join(map(str, reversed(index)))})"


def place_words(image: Spectrum, place: Place, rois: tuple[Roi, ...]) -> str:
    """A place with its pixels: "All 4096 pixels", "Shell, 312 pixels"."""
    shape = tuple(len(axis) for axis in image.navigation[-2:])  # of a cube its pictures
    if place.index:
        return pixel_words(image, place)
    roi = next((roi for roi in rois if roi.id == place.roi), None)
    if roi is None:
        return f"All {count_words(math.prod(shape), shape)}"
    inside = roi.mask(shape)
    name, count = (f"Outside {roi.name}", ~inside) if place.outside else (roi.name, inside)
    return f"{name}, {count_words(int(count.sum()), shape)}"


def count_words(count: int, shape: tuple[int, ...]) -> str:
    """So many pixels, or spectra of a series."""
    word = ("spectrum" if count == 1 else "spectra") if len(shape) == 1 else "pixel" if count == 1 else "pixels"
    return f"{grouped(count, 0)} {word}"
