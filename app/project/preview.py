"""Sums over the pixels of an image that stays in its file: an estimate at once, the exact sum when it has been read.

Nothing but what is drawn rests on an estimate: fits, maps and exports take `Entry.single`, which reads all pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.project.project import Entry
from fitting.dataset import PIECE, Spectrum
from fitting.image.place import ALL, Place
from fitting.processing.noise import noted, scaled
from libraries.errors import Cancelled

_SLOW = 16 << 20  # numbers
_PIXELS = 48  # of an estimate


def is_slow(entry: Entry, place: Place = ALL) -> bool:
    """Whether the sum over a place is not known yet and takes more than a moment to be read.

    Raises
    ------
    SodaliteError
        If the recipe cannot be applied, or there is no such place.
    """
    spectrum = entry.processed()
    if not spectrum.stored or _key(entry, place) in spectrum.__dict__.get("_singles", {}):
        return False
    return _places(entry, spectrum, place).size * len(spectrum.axis) > _SLOW


def preview(entry: Entry, place: Place = ALL) -> Spectrum:
    """The sum over a place as some of its pixels, evenly spaced, let it expect."""
    spectrum = entry.processed()
    known: dict[object, Spectrum] = spectrum.__dict__.setdefault("_previews", {})
    key = _key(entry, place)
    if key not in known:
        places = _places(entry, spectrum, place)
        some = places[np.unique(np.linspace(0, places.size - 1, min(_PIXELS, places.size)).astype(int))]
        factor = places.size / some.size
        total = np.sum([spectrum.rows(int(at), int(at) + 1)[0] for at in some], axis=0)
        one = replace(
            spectrum, counts=total * factor, navigation=(), noise=scaled(spectrum.noise, factor),
        )  # fmt: skip
        known.clear()
        known[key] = noted(one, "preview", f"estimated from {some.size} of {places.size} spectra")
    return known[key]


def exact(
    entry: Entry, place: Place = ALL, progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Spectrum:
    """`Entry.single`, with progress; the sum is kept with the entry's processed image.

    Raises
    ------
    Cancelled
    """
    spectrum = entry.processed()
    if not spectrum.stored:
        return entry.single(place)
    places = _places(entry, spectrum, place)
    total = np.zeros(len(spectrum.axis))
    step = max(PIECE // len(spectrum.axis), 1)
    first, last = int(places[0]), int(places[-1]) + 1
    inside = np.zeros(last - first, bool)
    inside[places - first] = True
    for start in range(first, last, step):
        stop = min(start + step, last)
        if cancel is not None and cancel():
            raise Cancelled(where=entry.title)
        part = inside[start - first : stop - first]
        if part.any():
            rows = spectrum.rows(start, stop)
            total += rows.sum(axis=0) if part.all() else rows[part].sum(axis=0)
        if progress is not None:
            progress((stop - first) / (last - first), f"Adding up {entry.title}")
    read = spectrum.noise.read_noise * float(np.sqrt(places.size))
    summed = replace(spectrum, counts=total, navigation=(), noise=replace(spectrum.noise, read_noise=read))
    spectrum.__dict__.setdefault("_singles", {})[_key(entry, place)] = summed
    return summed


def _key(entry: Entry, place: Place) -> tuple[str, object]:
    return str(place), next((roi for roi in entry.rois if roi.id == place.roi), None)


def _places(entry: Entry, spectrum: Spectrum, place: Place) -> NDArray[np.intp]:
    if place == ALL:
        return np.arange(spectrum.pixels)
    shape = tuple(len(axis) for axis in spectrum.navigation)
    return np.flatnonzero(place.mask(shape, entry.rois))
