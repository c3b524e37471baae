"""Maps of energy windows: sums, ratios, three windows, signal to noise, centre of gravity, position of the maximum.

Each is a pure function of an image, its noise and windows, and gives values, errors and flags for every spectrum.
Nothing is repaired: where a quotient or a logarithm is not defined the value is NaN, and a flag says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.image.windows import Cancel, Progress, Sums, Window, centres, edges, weighted_sums, weights
from libraries.errors import BadData, Cancelled

Legend = tuple[tuple[int, str], ...]
_STEPS = 40
_FLAT = 1e-6


@dataclass(frozen=True, eq=False)
class Found:
    """One quantity of every spectrum.

    Attributes
    ----------
    values : array, shape (pixels,)
        NaN where it is not defined.
    error : array, shape (pixels,), or None
        One standard error; None where the noise is not determined.
    flags : array of uint8, shape (pixels,)
    legend : tuple of (number, words)
    """

    values: FloatArray
    error: FloatArray | None
    flags: NDArray[np.uint8]
    legend: Legend = ()


def window_sum(
    image: Spectrum, window: Window, noise: Noise | None, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Found:
    """Sum of the channels in a window, in the unit of the intensities."""
    sums = weighted_sums(image, [weights(image.axis, window)], noise, progress, cancel)
    return _plain(sums.values[:, 0], _error(sums, 0))


def signal_to_noise(
    image: Spectrum, window: Window, noise: Noise, progress: Progress | None = None, cancel: Cancel | None = None,
) -> Found:
    """Sum over its standard error: sqrt(counts) for counted electrons."""
    found = window_sum(image, window, noise, progress, cancel)
    assert found.error is not None
    known = found.error > 0
    values = np.where(known, found.values / np.where(known, found.error, 1.0), np.nan)
    return Found(values, None, np.where(known, 0, 1).astype(np.uint8), ((1, "no counts in the window"),))


def ratio(
    image: Spectrum, above: Window, below: Window, noise: Noise | None, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Found:
    """Quotient of the sums of two windows; a jump ratio where the one lies behind and the other before an edge.

    The error follows from the covariance of the two sums, channels that both hold included.

    References
    ----------
    Jump ratio of energy-filtered images: R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011).
    """
    columns = [weights(image.axis, above), weights(image.axis, below)]
    sums = weighted_sums(image, columns, noise, progress, cancel)
    a, b = sums.values.T
    good = b > 0
    safe = np.where(good, b, 1.0)
    values = np.where(good, a / safe, np.nan)
    error = None
    if sums.covariance is not None:
        c = sums.covariance
        variance = c[:, 0, 0] - 2.0 * values * c[:, 0, 1] + values**2 * c[:, 1, 1]
        error = np.where(good, np.sqrt(np.maximum(variance, 0.0)) / safe, np.nan)
    return Found(values, error, np.where(good, 0, 1).astype(np.uint8),
                 ((1, "nothing above zero in the window of the denominator"),))


@dataclass(frozen=True, eq=False)
class Extrapolated:
    """What three windows tell of an edge: signal, background beneath it, exponent, signal to noise."""

    signal: Found
    background: Found
    exponent: Found
    snr: Found


def three_windows(
    image: Spectrum, first: Window, second: Window, edge: Window, noise: Noise | None,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Extrapolated:
    """Edge signal above a power law A E^-r through two windows before the edge.

    The exponent is the root of I1/I2 = Int_1 E^-r dE / Int_2 E^-r dE, exact for windows of any width (Egerton's
    r = 2 ln(I1/I2)/ln(E2/E1) is its limit for narrow, adjoining halves); the background of the edge window follows from
    I1 and r, its variance from those of I1 and I2. Signal to noise is I_k / sqrt(I_k + h I_b) in electrons,
    h = (I_b + var I_b)/I_b.

    Parameters
    ----------
    first, second, edge : Window
        Must not overlap, and lie above 0 eV.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), equation 4.51; Ultramicroscopy 9, 387 (1982).
    """
    _apart(first, second, edge)
    columns = [weights(image.axis, window) for window in (first, second, edge)]
    sums = weighted_sums(image, columns, noise, progress, cancel)
    i1, i2, i3 = sums.values.T
    good = (i1 > 0) & (i2 > 0)
    logarithms = np.log(np.where(good, i1, 1.0)), np.log(np.where(good, i2, 1.0))
    u, slope, solved = _exponent(logarithms[0] - logarithms[1], _logs(first, edge), _logs(second, edge))
    good &= solved
    (f1, m1), (f3, m3) = _power(u, *_logs(first, edge)), _power(u, *_logs(edge, edge))
    background = np.where(good, np.exp(np.minimum(logarithms[0] + f3 - f1, 700.0)), np.nan)
    # d ln I_b / d ln I1 and / d ln I2
    d1 = 1.0 + (m3 - m1) / slope
    d2 = -(m3 - m1) / slope
    r, signal = np.where(good, 1.0 - u, np.nan), i3 - background
    flags = np.where(good, np.where((r < 0) | (r > 10), 2, 0), 1).astype(np.uint8)
    legend = ((1, "no power law: nothing above zero in a window before the edge"),
              (2, "exponent of the background outside 0 to 10"))
    if sums.covariance is None:
        blank = Found(np.full(r.size, np.nan), None, np.full(r.size, 3, np.uint8), ((3, "noise not determined"),))
        return Extrapolated(*(Found(v, None, flags, legend) for v in (signal, background, r)), blank)
    share1, share2 = (np.where(good, sums.covariance[:, i, i] / np.where(good, x, 1.0) ** 2, 0.0)
                      for i, x in ((0, i1), (1, i2)))
    behind = background * np.sqrt(d1**2 * share1 + d2**2 * share2)
    error = np.hypot(np.sqrt(sums.covariance[:, 2, 2]), behind)
    exponent_error = np.where(good, np.sqrt(share1 + share2) / np.abs(slope), np.nan)
    snr = np.where(error > 0, signal / np.where(error > 0, error, 1.0), np.nan)
    return Extrapolated(Found(signal, error, flags, legend), Found(background, behind, flags, legend),
                        Found(r, exponent_error, flags, legend), Found(snr, None, flags, legend))


def centre_of_gravity(
    image: Spectrum, window: Window, noise: Noise | None, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Found:
    """Centre of gravity of the intensities in a window, in the unit of the axis; nothing is subtracted first."""
    w, x = weights(image.axis, window), centres(image.axis, window)
    middle = 0.5 * (window.low + window.high)  # from here, so that no digits are lost
    sums = weighted_sums(image, [w, w * (x - middle)], noise, progress, cancel)
    total, moment = sums.values.T
    good = total > 0
    safe = np.where(good, total, 1.0)
    shift = moment / safe
    flags = np.where(good, np.where(np.abs(shift) > 0.5 * (window.high - window.low), 2, 0), 1).astype(np.uint8)
    error = None
    if sums.covariance is not None:
        c = sums.covariance
        variance = c[:, 1, 1] - 2.0 * shift * c[:, 0, 1] + shift**2 * c[:, 0, 0]
        error = np.where(good, np.sqrt(np.maximum(variance, 0.0)) / safe, np.nan)
    return Found(np.where(flags == 0, middle + shift, np.nan), error, flags,
                 ((1, "nothing above zero in the window"), (2, "negative counts: outside the window")))


def position_of_maximum(
    image: Spectrum, window: Window, noise: Noise | None, *, half: int = 0,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Found:
    """Top of a parabola through the channels about the highest one in a window.

    Parameters
    ----------
    half : int
        Channels to each side of the highest one; 0: a sixth of the window, at least two. The highest channel is looked
        for in the running mean over as many, so that noise does not choose it.

    Notes
    -----
    Error by propagation of the channels' variances through the least-squares parabola. Where a peak is skewed over the
    width of the parabola its top is drawn to the broader side: choose a narrow one.
    """
    w = weights(image.axis, window)
    inside = np.flatnonzero(w > 0.5)
    half = half or max(2, inside.size // 6)
    if inside.size < 2 * half + 3:
        raise BadData("The window holds too few channels for a parabola", where=window.title, todo="Widen the window")
    part = slice(int(inside[0]), int(inside[-1]) + 1)
    x = image.x[part]
    values, variance = np.empty(image.pixels), np.full(image.pixels, np.nan)
    flags = np.empty(image.pixels, np.uint8)
    for start, stop, rows in image.pieces():
        if cancel is not None and cancel():
            raise Cancelled
        place = slice(start, stop)
        values[place], variance[place], flags[place] = _tops(x, rows[:, part], half, noise)
        if progress is not None:
            progress(stop / image.pixels, "Looking for the maximum")
    legend = ((1, "the maximum lies at an end of the window"), (2, "no maximum"))
    return Found(values, None if noise is None else np.sqrt(variance), flags, legend)


def _tops(
    x: FloatArray, rows: FloatArray, half: int, noise: Noise | None
) -> tuple[FloatArray, FloatArray, NDArray[np.uint8]]:
    """Tops of parabolas with their variances and flags, for a block of rows."""
    size = 2 * half + 1
    total = np.cumsum(np.concatenate((np.zeros((len(rows), 1)), rows), axis=1), axis=1)
    smooth = total[:, size:] - total[:, :-size]
    at = np.argmax(smooth, axis=1)  # first channel of the best block
    edge = (at == 0) | (at == smooth.shape[1] - 1)
    columns = at[:, None] + np.arange(size)
    y = np.take_along_axis(rows, columns, axis=1)
    step = (x[-1] - x[0]) / (x.size - 1)
    t = np.arange(-half, half + 1.0)
    estimators = np.linalg.pinv(np.stack((np.ones(size), t, t * t), axis=1))  # rows give level, slope, curvature
    slope, bend = y @ estimators[1], y @ estimators[2]
    good = bend < -_FLAT * np.abs(y).max(axis=1, initial=0.0)
    safe = np.where(good, bend, -1.0)
    shift = -0.5 * slope / safe
    good &= np.abs(shift) <= half
    values = np.where(good & ~edge, x[at + half] + shift * step, np.nan)
    flags = np.where(edge, 1, np.where(good, 0, 2)).astype(np.uint8)
    variance = np.full(len(rows), np.nan)
    if noise is not None:
        # d shift / d y
        gradient = (-0.5 / safe)[:, None] * estimators[1] + (0.5 * slope / safe**2)[:, None] * estimators[2]
        level = estimators[0] @ y.T, slope, bend
        fitted = level[0][:, None] + level[1][:, None] * t + level[2][:, None] * t * t
        gain = (noise.gain or 0.0) if noise.kind == "poisson" else 0.0
        g = gradient * np.sqrt(gain * np.maximum(fitted, 0.0) + noise.read_noise**2)
        r = np.power(float(noise.correlation), np.abs(np.subtract.outer(t, t))) if noise.correlation else np.eye(size)
        variance = np.where(flags == 0, np.einsum("pi,ij,pj->p", g, r, g), np.nan) * step**2
    return values, variance, flags


# -- power law through two windows ------------------------------------------------------------------------------


def _apart(*windows: Window) -> None:
    for window in windows:
        if window.low <= 0:
            raise BadData("The windows of a power law must lie above 0 eV", where=window.title)
    first, second, edge = windows
    if max(first.high, second.high) > edge.low + 1e-9 or first.high > second.low + 1e-9:
        raise BadData("The three windows must follow each other without overlap: two before the edge, one behind",
                      where=f"{first.title}, {second.title}, {edge.title}", todo="Move the windows")


def _logs(window: Window, pivot: Window) -> tuple[float, float]:
    """Middle and half width of a window in ln E, measured from the pivot window's middle."""
    at = np.log(pivot.low * pivot.high) / 2.0
    low, high = np.log(window.low) - at, np.log(window.high) - at
    return float(0.5 * (low + high)), float(0.5 * (high - low))


def _power(u: FloatArray, middle: float, half: float) -> tuple[FloatArray, FloatArray]:
    """ln of the integral of E^(u-1) over a window, and its derivative by u (the mean of ln E under E^-r)."""
    z = u * half
    small = np.abs(z) < 1e-3
    safe = np.where(small, 1.0, np.clip(z, -300.0, 300.0))
    log_sinhc = np.where(small, z * z / 6.0, np.log(np.abs(np.sinh(safe) / safe)))
    slope = np.where(small, z / 3.0, 1.0 / np.tanh(safe) - 1.0 / safe)
    return u * middle + np.log(2.0 * half) + log_sinhc, middle + half * slope


def _exponent(
    wanted: FloatArray, first: tuple[float, float], second: tuple[float, float]
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """u = 1 - r with ln F1(u) - ln F2(u) = wanted, the derivative of that, and where it was found. Newton's method."""
    u = np.full(wanted.shape, -2.0)
    slope = np.full(wanted.shape, -1.0)
    value = np.zeros(wanted.shape)
    for _ in range(_STEPS):
        (f1, m1), (f2, m2) = _power(u, *first), _power(u, *second)
        value, slope = f1 - f2 - wanted, m1 - m2
        step = np.clip(value / slope, -20.0, 20.0)
        u = np.clip(u - step, -200.0, 200.0)
        if np.all(np.abs(step) < 1e-12 * (1.0 + np.abs(u))):
            break
    return u, slope, np.abs(value) < 1e-9 * (1.0 + np.abs(wanted))


# -- small things -----------------------------------------------------------------------------------------------


def _error(sums: Sums, index: int) -> FloatArray | None:
    return None if sums.covariance is None else np.sqrt(sums.covariance[:, index, index])


def _plain(values: FloatArray, error: FloatArray | None) -> Found:
    return Found(values, error, np.zeros(values.shape, np.uint8))


class LivePreview:
    """Window sums of a whole image at once, for a window that is being dragged: one running sum along the energy.

    Raises
    ------
    BadData
        If the image is too large to be kept twice in memory (`fits` says so beforehand).
    """

    MOST = 32 << 20  # numbers, 256 MB

    def __init__(self, image: Spectrum) -> None:
        if not self.fits(image):
            raise BadData("The image is too large for a live preview", where=image.name)
        self._edges = edges(image.axis)
        self._sums = np.zeros((image.pixels, len(image.axis) + 1))
        for start, stop, rows in image.pieces():
            np.cumsum(rows, axis=1, out=self._sums[start:stop, 1:])
        self._shape = tuple(len(axis) for axis in image.navigation)

    @classmethod
    def fits(cls, image: Spectrum) -> bool:
        """Whether it is small enough."""
        return image.pixels * len(image.axis) <= cls.MOST

    def _upto(self, energy: float) -> FloatArray:
        at = float(np.interp(energy, self._edges, np.arange(self._edges.size)))
        i = min(int(at), self._edges.size - 2)
        return self._sums[:, i] + (at - i) * (self._sums[:, i + 1] - self._sums[:, i])

    def sums(self, windows: Sequence[tuple[float, float]]) -> list[FloatArray]:
        """Sums of windows (low, high), each of the navigation's shape."""
        return [(self._upto(high) - self._upto(low)).reshape(self._shape) for low, high in windows]

    def quotient(self, above: Window, below: Window) -> FloatArray:
        """Ratio of two windows; NaN where there is none."""
        a, b = self.sums([(w.low, w.high) for w in (above, below)])
        return np.where(b > 0, a / np.where(b > 0, b, 1.0), np.nan)

    def edge(self, first: Window, second: Window, edge: Window) -> FloatArray:
        """Edge signal above the power law through two windows; NaN where there is none.

        Raises
        ------
        BadData
            If the windows overlap.
        """
        _apart(first, second, edge)
        i1, i2, i3 = self.sums([(w.low, w.high) for w in (first, second, edge)])
        good = (i1 > 0) & (i2 > 0)
        log1, log2 = np.log(np.where(good, i1, 1.0)), np.log(np.where(good, i2, 1.0))
        u, _, solved = _exponent(log1 - log2, _logs(first, edge), _logs(second, edge))
        behind = np.exp(np.minimum(log1 + _power(u, *_logs(edge, edge))[0] - _power(u, *_logs(first, edge))[0], 700.0))
        return np.where(good & solved, i3 - behind, np.nan)
