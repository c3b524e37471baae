"""Curves of more points than there are pixels: lowest and highest of every column say all that can be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QTransform

from fitting.dataset import FloatArray

PER_COLUMN = 4  # points a pixel from which a curve is thinned


def thinned(x: FloatArray, y: FloatArray, to_pixels: QTransform, view: QRectF) -> tuple[FloatArray, FloatArray]:
    """The part of a curve that is in sight, with no more than a few points in each column of pixels.

    Parameters
    ----------
    x, y : array, shape (n,)
        x ascending.
    to_pixels : QTransform
    view : QRectF
        What is in sight, in data coordinates.
    """
    x, y = in_sight(x, y, view)
    pixels = abs(to_pixels.m11()) * view.width()
    if x.size < PER_COLUMN * max(pixels, 1.0):
        return x, y
    starts = starts_of(x, to_pixels)
    ends = np.append(starts[1:], x.size) - 1
    # In each column: how it is entered, its lowest and highest, and how it is left.
    xs = np.repeat(x[starts], 4)
    ys = np.empty(4 * starts.size)
    ys[0::4], ys[1::4] = y[starts], np.minimum.reduceat(y, starts)
    ys[2::4], ys[3::4] = np.maximum.reduceat(y, starts), y[ends]
    return xs, ys


def in_sight(x: FloatArray, y: FloatArray, view: QRectF) -> tuple[FloatArray, FloatArray]:
    """The part of a curve that is in sight, and one point more to each side."""
    first = max(int(np.searchsorted(x, view.left())) - 1, 0)
    stop = min(int(np.searchsorted(x, view.right())) + 2, x.size)
    return x[first:stop], y[first:stop]


def starts_of(x: FloatArray, to_pixels: QTransform) -> NDArray[np.intp]:
    """The first point of each column of pixels."""
    columns = np.floor(to_pixels.m11() * x + to_pixels.dx())
    return np.concatenate(([0], np.flatnonzero(np.diff(columns)) + 1))
