"""What a measurement does to every component: convolution with a measured response, a zero loss or a whole low loss.

An inner-shell edge is broadened by the resolution and repeated by plural scattering: what is measured is the single
scattering convolved with the low loss of the same place, zero loss included, of unit area (R. F. Egerton, Electron
Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (2011), section 4.3.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from fitting.dataset import FloatArray
from fitting.model import Curve
from libraries.errors import BadData, BadModel

# Ends of the response that carry less than this part of its area are cut off.
TRIMMED = 1e-6
_EVEN = 1e-3  # of the step: axes from files are rounded
_DIRECT = 64  # channels of a response up to which sums are quicker than Fourier transforms


@dataclass(frozen=True, eq=False)
class Kernel:
    """A response on the channels of a spectrum.

    Attributes
    ----------
    weights : array, shape (before + 1 + after,)
        Share of the intensity that is measured so many channels further along the axis; sum 1.
    before, after : int
        How many channels below and above its own an intensity is spread.
    """

    weights: FloatArray
    before: int
    after: int

    def turned(self) -> Kernel:
        """On an axis that runs the other way."""
        return Kernel(self.weights[::-1].copy(), self.after, self.before)

    def extended(self, x: FloatArray) -> FloatArray:
        """An even axis with the channels on both sides whose intensity is spread into it."""
        step = (x[-1] - x[0]) / (x.size - 1)
        below = x[0] - step * np.arange(self.after, 0, -1)
        return np.concatenate([below, x, x[-1] + step * np.arange(1, self.before + 1)])

    def spread(self, rows: FloatArray) -> FloatArray:
        """Convolve rows on the extended axis, shape (..., before + n + after): shape (..., n)."""
        if self.weights.size > _DIRECT:
            from scipy.signal import fftconvolve  # takes long to import

            return fftconvolve(rows, self.weights.reshape((1,) * (rows.ndim - 1) + (-1,)), mode="valid", axes=-1)
        n = rows.shape[-1] - self.weights.size + 1
        total = np.zeros((*rows.shape[:-1], n))
        for k, weight in enumerate(self.weights[::-1]):
            total += weight * rows[..., k : k + n]
        return total


def kernel_of(response: Curve, x: FloatArray) -> Kernel:
    """A response on the channels of an evenly spaced axis of energy losses.

    It is interpolated between its points without overshoot, of unit area, and cut where its ends carry less than a
    millionth.

    Parameters
    ----------
    response : Curve
        Energies relative to its zero-loss maximum, in the unit of the axis.
    x : array, shape (n,)
        Ascending.

    Raises
    ------
    BadData
        If the axis is not evenly spaced.
    BadModel
        If the response has no area above zero, or does not reach from below its zero loss to above it.

    References
    ----------
    F. N. Fritsch, J. Butland, SIAM J. Sci. Stat. Comput. 5, 300 (1984), for the interpolation.
    """
    where = response.name or "response"
    steps = np.diff(x)
    step = float(x[-1] - x[0]) / max(x.size - 1, 1)
    if x.size < 2 or np.any(np.abs(steps - step) > _EVEN * step):
        raise BadData(
            "A convolution needs evenly spaced energies", where=where,
            todo="Resample the spectrum or shorten the region",
        )
    energy, height = np.array(response.x), np.array(response.y)
    if not energy[0] <= 0.0 <= energy[-1]:
        raise BadModel("The response does not hold its zero loss", where=where, todo="Count its energies from there")
    channels = np.arange(int(np.ceil(energy[0] / step)), int(np.floor(energy[-1] / step)) + 1)
    with np.errstate(over="ignore"):  # where the ends of the response are next to nothing
        weights = np.asarray(PchipInterpolator(energy, height)(np.clip(channels * step, energy[0], energy[-1])))
    total = float(np.sum(weights))
    if not total > 0.0:
        raise BadModel("A response needs an area above zero", where=where)
    share = np.cumsum(np.abs(weights)) / float(np.sum(np.abs(weights)))
    first = int(np.searchsorted(share, 0.5 * TRIMMED, "right"))
    end = int(np.searchsorted(share, 1.0 - 0.5 * TRIMMED, "left")) + 1
    first, end = min(first, int(np.argmin(np.abs(channels)))), max(end, int(np.argmin(np.abs(channels))) + 1)
    kept = weights[first:end]
    return Kernel(kept / float(np.sum(kept)), int(-channels[first]), int(channels[end - 1]))
