"""Energy windows of an image: weights of the channels, sums with their covariance, presets.

A window counts a channel by the part of it that lies inside, so that maps do not jump when a window is moved by less
than a channel. The variance of a sum is w^T V w with the noise of the image; correlated channels enter through w^T R w,
R_ij = r^|i-j|, with the variance taken as even over the window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from libraries.errors import BadData, Cancelled

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]

_REACH = 1e-3  # terms of the correlation r^k below this are left out


@dataclass(frozen=True)
class Window:
    """A named range of the energy axis.

    Attributes
    ----------
    id : str
        Unique among the windows of an image; "" for presets.
    name : str
    low, high : float
        In the unit of the axis.

    Raises
    ------
    BadData
        If the limits are not finite, or the window is empty.
    """

    id: str
    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise BadData("The limits of a window must be finite numbers", where=self.name)
        if not self.low < self.high:
            raise BadData("A window must end above its beginning", where=self.title,
                          todo="Exchange or change its limits")

    @property
    def title(self) -> str:
        """Its name, or its limits."""
        return self.name or window_words(self.low, self.high)


def window_words(low: float, high: float, unit: str = "eV") -> str:
    """Limits as people write them: "4–6 eV"."""
    dash = "–" if low >= 0 else " to "
    return f"{low:g}{dash}{high:g} {unit}".strip().replace("-", "−")


_HOU = "L. Hou et al., Small (2023): energy-filtered maps of sodiated hollow carbon spheres"
# (name, low, high, what it shows, source). The slit of 12 eV is taken as centred on the zero loss.
PRESETS: tuple[tuple[str, float, float, str, str], ...] = (
    ("ZLP, 12 eV slit", -6.0, 6.0, "unscattered electrons", _HOU),
    ("4–6 eV", 4.0, 6.0, "π–π* of carbon, Na bulk plasmon", _HOU),
    ("28–32 eV", 28.0, 32.0, "before and at Na L2,3", _HOU),
    ("30–34 eV", 30.0, 34.0, "Na L2,3", _HOU),
    ("272–294 eV", 272.0, 294.0, "C K, π*", _HOU),
)


def preset_windows(axis: Axis) -> tuple[Window, ...]:
    """The presets that lie on an axis; the zero-loss slit is cut where the axis begins inside it.

    A preset whose name is its limits comes without a name, so that it is called by its limits when it is moved.
    """
    low, high = edges(axis)[[0, -1]]
    found = []
    for name, first, last, _, _ in PRESETS:
        if first < 0 < last and first < low < 0:
            found.append(Window("", f"{name}, cut", float(low), last))
        elif low <= first and last <= high:
            found.append(Window("", "" if name == window_words(first, last) else name, first, last))
    return tuple(found)


def edges(axis: Axis) -> FloatArray:
    """Limits of the channels, shape (n + 1,): midway between their middles."""
    x = axis.values
    if x.size < 2:
        raise BadData("An axis of one channel has no windows")
    middle = 0.5 * (x[1:] + x[:-1])
    return np.concatenate(([1.5 * x[0] - 0.5 * x[1]], middle, [1.5 * x[-1] - 0.5 * x[-2]]))


def weights(axis: Axis, window: Window) -> FloatArray:
    """Part of every channel that lies inside a window, shape (n,).

    Raises
    ------
    BadData
        If the window reaches beyond the axis.
    """
    limits = edges(axis)
    step = axis.step
    if window.low < limits[0] - 0.01 * step or window.high > limits[-1] + 0.01 * step:
        raise BadData(f"The window {window_words(window.low, window.high, axis.unit)} reaches beyond the axis",
                      where=window.name or "windows",
                      todo=f"Choose one inside {limits[0]:.6g} to {limits[-1]:.6g} {axis.unit}")
    overlap = np.minimum(limits[1:], window.high) - np.maximum(limits[:-1], window.low)
    return np.clip(overlap / np.diff(limits), 0.0, 1.0)


def centres(axis: Axis, window: Window) -> FloatArray:
    """Middle of the part of every channel that lies inside a window, shape (n,); the channel's own outside."""
    limits = edges(axis)
    low, high = np.maximum(limits[:-1], window.low), np.minimum(limits[1:], window.high)
    return np.where(high > low, 0.5 * (low + high), axis.values)


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums of the channels of every spectrum.

    Attributes
    ----------
    values : array, shape (pixels, k)
    covariance : array, shape (pixels, k, k), or None
        Of the sums, from the noise; None where that is not determined.
    """

    values: FloatArray
    covariance: FloatArray | None


def weighted_sums(
    image: Spectrum, columns: Sequence[FloatArray], noise: Noise | None,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Sums:
    """Sums of the channels by given weights, for all spectra piece by piece.

    Parameters
    ----------
    image : Spectrum
    columns : sequence of array, shape (n,)
        Weights of the channels, one array for each sum.
    noise : Noise or None
        None: no covariance.

    Raises
    ------
    Cancelled
        If `cancel` says so.
    """
    chosen = np.stack([np.asarray(column, dtype=float) for column in columns], axis=1)
    k = chosen.shape[1]
    pairs = [(a, b) for a in range(k) for b in range(a, k)]
    spread = None if noise is None else _spread(chosen, pairs, noise)
    used = np.flatnonzero(np.any(chosen != 0, axis=1))
    part = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
    matrix = chosen if spread is None else np.concatenate((chosen, spread[0]), axis=1)
    matrix = np.ascontiguousarray(matrix[part])
    out = np.empty((image.pixels, matrix.shape[1]))
    for start, stop, rows in image.pieces():
        if cancel is not None and cancel():
            raise Cancelled
        np.matmul(rows[:, part], matrix, out=out[start:stop])
        if progress is not None:
            progress(stop / image.pixels, "Adding channels")
    values = out[:, :k]
    if spread is None:
        return Sums(np.ascontiguousarray(values), None)
    flat = out[:, k:] + spread[1]
    covariance = np.empty((image.pixels, k, k))
    for number, (a, b) in enumerate(pairs):
        covariance[:, a, b] = covariance[:, b, a] = flat[:, number]
    index = np.arange(k)
    # Dark-corrected windows may hold less than nothing: their variance is not below that of the read noise.
    floor = np.array([spread[1][number] for number, (a, b) in enumerate(pairs) if a == b])
    covariance[:, index, index] = np.maximum(covariance[:, index, index], floor)
    return Sums(np.ascontiguousarray(values), covariance)


def _spread(columns: FloatArray, pairs: Sequence[tuple[int, int]], noise: Noise) -> tuple[FloatArray, FloatArray]:
    """What the covariances are made of: weights on the counts, shape (n, pairs), and constants, shape (pairs,)."""
    factors = np.array([correlated(column, noise.correlation) for column in columns.T])
    products = np.stack([columns[:, a] * columns[:, b] * math.sqrt(factors[a] * factors[b]) for a, b in pairs], axis=1)
    constant = noise.read_noise**2 * np.sum(products, axis=0)
    gain = (noise.gain or 0.0) if noise.kind == "poisson" else 0.0
    return gain * products, constant


def correlated(column: FloatArray, r: float) -> float:
    """By how much correlated channels scatter more in a weighted sum: w^T R w / w^T w."""
    square = float(column @ column)
    if r == 0 or square == 0:
        return 1.0
    total, power = square, float(r)
    for lag in range(1, column.size):
        total += 2.0 * power * float(column[lag:] @ column[:-lag])
        power *= r
        if abs(power) < _REACH:
            break
    return max(total / square, 1e-3)
