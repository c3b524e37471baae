"""Which channels of many spectra are analysed: a window of the axis, or ions that are counted once each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import Axis, Spectrum
from fitting.sims.columns import columns, counted
from libraries.errors import BadData

Channels = slice | NDArray[np.intp]


def chosen_channels(
    spectrum: Spectrum, window: tuple[float, float] | None = None, channels: tuple[int, ...] | None = None
) -> Channels:
    """The analysed channels.

    Parameters
    ----------
    window : (low, high), optional
        A part of the axis.
    channels : tuple of int, optional
        Places on the axis. Without a window, named channels are all single ions, each once: sums, ratios, the total and
        doubles hold counts that stand in other columns as well.

    Raises
    ------
    BadData
        If there are fewer than two, one does not exist, or positive and negative ions stand side by side.
    """
    size = len(spectrum.axis)
    if channels is None and window is not None:
        part = spectrum.part(*window)
        if part.stop - part.start < 2:
            raise BadData("The range holds fewer than two channels", where=spectrum.name, todo="Choose a wider range")
        return part
    if channels is None and not spectrum.axis.labels:
        if size < 2:
            raise BadData("The range holds fewer than two channels", where=spectrum.name, todo="Choose a wider range")
        return slice(0, size)
    places = counted(spectrum.axis) if channels is None else tuple(sorted(set(channels)))
    if any(not 0 <= place < size for place in places):
        raise BadData(f"There are no channels above {size}", where=spectrum.name)
    if len(places) < 2:
        raise BadData("Factors need at least two single ions", where=spectrum.name,
                      todo="Choose more ions; sums, ratios and the total do not count")
    if spectrum.axis.labels:
        _one_polarity(spectrum, places)
    return np.asarray(places, dtype=np.intp)


def count_of(channels: Channels) -> int:
    """How many there are."""
    return channels.stop - channels.start if isinstance(channels, slice) else int(channels.size)


def _one_polarity(spectrum: Spectrum, places: tuple[int, ...]) -> None:
    found = charges(spectrum.axis)
    signs: dict[int, str] = {}
    for place in places:
        if found[place]:
            signs.setdefault(found[place], spectrum.axis.labels[place])
    if len(signs) > 1:
        raise BadData(
            f"Positive and negative ions stand side by side ({signs[1]}, {signs[-1]}): they come from two measurements",
            where=spectrum.name, todo="Choose the ions of one polarity, or analyse the two profiles together",
        )  # fmt: skip


def charges(axis: Axis) -> tuple[int, ...]:
    """Sign of the charge of every named channel: +1, -1, 0 where its name tells none."""
    found = []
    for column in columns(axis):
        signs = {1 if ion.charge > 0 else -1 for ion in column.label.ions if ion.charge}
        found.append(signs.pop() if len(signs) == 1 else 0)
    return tuple(found)
