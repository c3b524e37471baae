"""Whole mass spectra as ions: counts between the limits of a peak list, for one spectrum, an image or a volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.sims.assignment import plain_label
from fitting.sims.setup import MassPeak
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled

_PIECE = 1 << 22


def ion_axis(peaks: Sequence[MassPeak]) -> Axis:
    """The axis of the ions of a peak list: their names with every alternative, and their m/z.

    Raises
    ------
    BadData
        If there is no peak.
    """
    if not peaks:
        raise BadData("The peak list is empty", todo="Find or import peaks first")
    labels, masses = tuple(plain_label(peak) for peak in peaks), tuple(peak.mass for peak in peaks)
    return Axis(np.arange(len(peaks), dtype=float), "ion", "", labels, masses)


def ions_of(
    spectrum: Spectrum, peaks: Sequence[MassPeak], progress: Progress | None = None, cancel: Cancel | None = None
) -> Spectrum:
    """Counts of every peak, limits included, without a background taken off.

    Parameters
    ----------
    spectrum : Spectrum
        Of any navigation on an axis of m/z: an image (rows, columns, n) becomes an image (rows, columns, ions).
    peaks : sequence of MassPeak

    Returns
    -------
    Spectrum
        Shape (*navigation, ions); whole counts stay whole, so that their noise stays Poisson.

    Raises
    ------
    BadData
        If there is no peak, the axis is not in m/z, or a peak lies outside of it.
    Cancelled
    """
    axis = ion_axis(peaks)
    if spectrum.axis.quantity != "mass" or spectrum.axis.labels:
        raise BadData("The spectrum has no axis in m/z", where=spectrum.name, todo="Calibrate its masses first")
    limits = _limits(spectrum, peaks)
    whole = spectrum.counts.dtype.kind in "iu"
    found = np.zeros((spectrum.pixels, len(peaks)), np.int64 if whole else np.float64)
    for start, stop, rows in spectrum.pieces(_PIECE):
        if cancel is not None and cancel():
            raise Cancelled("The work was stopped", where=spectrum.name)
        for ion, (first, last) in enumerate(limits):
            found[start:stop, ion] = rows[:, first:last].sum(axis=1)
        if progress is not None:
            progress(stop / spectrum.pixels, "Adding up ions")
    shape = tuple(len(one) for one in spectrum.navigation)
    return Spectrum(axis, _smallest(found).reshape(*shape, len(peaks)), spectrum.noise, spectrum.meta,
                    navigation=spectrum.navigation, scales=spectrum.scales)  # fmt: skip


def _limits(spectrum: Spectrum, peaks: Sequence[MassPeak]) -> list[tuple[int, int]]:
    found = []
    for peak in peaks:
        low, high = np.searchsorted(spectrum.x, peak.low, "left"), np.searchsorted(spectrum.x, peak.high, "right")
        if peak.high < spectrum.x[0] or peak.low > spectrum.x[-1]:
            raise BadData(
                f"The peak {plain_label(peak)} at m/z {peak.mass:.4f} lies outside of the spectrum",
                where=spectrum.name, todo=f"Keep peaks between {spectrum.x[0]:.4g} and {spectrum.x[-1]:.4g}",
            )  # fmt: skip
        found.append((int(low), int(high)))
    return found


def _smallest(counts: NDArray[np.int64] | FloatArray) -> NDArray[np.integer] | FloatArray:
    """Whole counts in the smallest unsigned integers that hold them."""
    if counts.dtype.kind == "f" or counts.min() < 0:
        return counts
    kinds = (np.uint8, np.uint16, np.uint32)
    return counts.astype(next((kind for kind in kinds if counts.max() <= np.iinfo(kind).max), np.uint64))
