"""The total intensity of every spectrum of an image or series: the picture that the navigator shows first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fitting import stored
from fitting.dataset import FloatArray, Spectrum
from fitting.stored import Stored
from libraries.errors import BadData, Cancelled

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
_CHANNELS = 24  # of a first look
_LOOK = 16 << 20  # numbers that a first look may read


def overview(spectrum: Spectrum, progress: Progress | None = None, cancel: Cancel | None = None) -> FloatArray:
    """Total intensity of every spectrum, kept beside the spectrum once it is known.

    Parameters
    ----------
    spectrum : Spectrum
        An image or series, processed or as measured.

    Returns
    -------
    array, shape of the navigation: (rows, columns) or (n,)
        Sums over all channels.

    Raises
    ------
    BadData
        If it is a single spectrum.
    Cancelled
    """
    shape = _shape(spectrum)
    known = known_overview(spectrum)
    if known is not None:
        return known
    total = np.zeros(spectrum.pixels)
    for start, stop, rows in spectrum.pieces():
        if cancel is not None and cancel():
            raise Cancelled(where=spectrum.name)
        total[start:stop] = rows.sum(axis=1)
        if progress is not None:
            progress(stop / spectrum.pixels, f"{stop} of {spectrum.pixels} spectra")
    picture = total.reshape(shape)
    picture.setflags(write=False)
    object.__setattr__(spectrum, "_overview", picture)
    return picture


def known_overview(spectrum: Spectrum) -> FloatArray | None:
    """The picture where it was worked out before."""
    return spectrum.__dict__.get("_overview")


def is_slow(spectrum: Spectrum) -> bool:
    """Whether the exact picture takes long, so that a first look should be shown before."""
    return spectrum.stored and known_overview(spectrum) is None and 8 * spectrum.counts.size > stored.IN_MEMORY


def first_look(spectrum: Spectrum) -> FloatArray:
    """A quick estimate of `overview`: some channels of all spectra, or all channels of some rows of the image.

    Returns
    -------
    array, shape of the navigation
        Scaled to all channels; rows that were not read repeat their neighbour.
    """
    shape = _shape(spectrum)
    counts, n = spectrum.counts, len(spectrum.axis)
    if isinstance(counts, Stored) and counts.by_channel:
        places = np.unique(np.linspace(0, n - 1, min(_CHANNELS, n)).astype(int))
        total = np.zeros(spectrum.pixels)
        for place in places:
            total += counts.channel(int(place))
        return np.asarray(total * n / places.size).reshape(shape)
    # A series is looked at as an image of one column.
    height, width = shape[0], spectrum.pixels // shape[0]
    rows = np.unique(np.linspace(0, height - 1, min(max(_LOOK // (width * n), 8), height)).astype(int))
    read = np.array([spectrum.rows(row * width, (row + 1) * width).sum(axis=1) for row in rows])
    nearest = np.abs(np.arange(height)[:, None] - rows[None, :]).argmin(axis=1)
    return np.asarray(read[nearest]).reshape(shape)


def _shape(spectrum: Spectrum) -> tuple[int, ...]:
    if not spectrum.navigation:
        raise BadData("This is a single spectrum, not an image", where=spectrum.name)
    return tuple(len(axis) for axis in spectrum.navigation)
