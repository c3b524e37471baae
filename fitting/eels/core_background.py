"""Background under core-loss edges, with the error of its extrapolation.

Power laws J = A E^-r per channel, and the linear combination of two power laws of an image. All take counts with
variance gain * mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray
from libraries.errors import BadData, NotDetermined

_MAX_STEPS = 60
_MAX_EXPONENT = 40.0


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """A E^-r with the covariance of (ln A', r), A' the value at a pivot energy.

    The pivot keeps numbers small and the two parameters nearly independent.

    Attributes
    ----------
    level : float
        Counts per channel at the pivot.
    exponent : float
        r.
    pivot : float
        In eV.
    covariance : array, shape (2, 2)
        Of (ln level, r).
    method : str
    """

    level: float
    exponent: float
    pivot: float
    covariance: FloatArray
    method: str

    @property
    def amplitude(self) -> float:
        """A of A E^-r, counts eV^r per channel."""
        return math.exp(math.log(self.level) + self.exponent * math.log(self.pivot))

    @property
    def exponent_err(self) -> float:
        """Standard error of r."""
        return math.sqrt(float(self.covariance[1, 1]))

    def __call__(self, energy: FloatArray) -> FloatArray:
        """Counts per channel at energies (eV, above zero)."""
        return self.level * (energy / self.pivot) ** -self.exponent

    def gradient(self, energy: FloatArray) -> FloatArray:
        """Derivatives by (ln level, r), shape (2, n)."""
        curve = self(energy)
        return np.stack((curve, -curve * np.log(energy / self.pivot)))

    def variance_of_sum(self, energy: FloatArray, weights: FloatArray | float = 1.0) -> float:
        """Variance of the background summed over the channels at `energy` (parts of channels by weights): v^T C v."""
        v = np.sum(weights * self.gradient(energy), axis=1)
        return float(v @ self.covariance @ v)

    def error(self, energy: FloatArray) -> FloatArray:
        """Standard error of the background in each channel."""
        g = self.gradient(energy)
        return np.sqrt(np.maximum(np.einsum("in,ij,jn->n", g, self.covariance, g), 0.0))


def two_windows(energy: FloatArray, counts: FloatArray, window: tuple[float, float], *, gain: float = 1.0) -> PowerLaw:
    """Power law by the areas of the two halves of one window.

    r = 2 ln(I1/I2)/ln(E2/E1), A = (1 - r)(I1 + I2)/(E2^(1-r) - E1^(1-r)), E1 and E2 the outer limits.

    Parameters
    ----------
    energy, counts : array, shape (n,)
        eV (evenly spaced), counts.
    window : tuple of float
        Limits in eV.
    gain : float
        Counts per electron.

    Returns
    -------
    PowerLaw

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), equation 4.51.
    """
    e, y = _part(energy, counts, window)
    if e.size % 2:
        e, y = e[:-1], y[:-1]
    half = e.size // 2
    i1, i2 = float(np.sum(y[:half])), float(np.sum(y[half:]))
    _need_counts(min(i1, i2), window)
    step = float(np.mean(np.diff(e)))
    low, high = e[0] - 0.5 * step, e[-1] + 0.5 * step
    if low <= 0:
        raise BadData("The window reaches below 0 eV", where=_text(window))
    r = 2.0 * math.log(i1 / i2) / math.log(high / low)
    pivot = math.sqrt(low * high)
    # Integral of (E/pivot)^-r over the window, in channels; ln A' and its derivative by r follow from it.
    nodes, weights = np.polynomial.legendre.leggauss(24)
    x = 0.5 * (high + low) + 0.5 * (high - low) * nodes
    w = 0.5 * (high - low) / step * weights
    curve = (x / pivot) ** -r
    unit = float(w @ curve)
    slope = float(w @ (curve * np.log(x / pivot))) / unit
    # d(ln level, r)/d(I1, I2)
    d1, d2 = 2.0 / i1 / math.log(high / low), -2.0 / i2 / math.log(high / low)
    jacobian = np.array([[1.0 / (i1 + i2) + slope * d1, 1.0 / (i1 + i2) + slope * d2], [d1, d2]])
    covariance = jacobian @ np.diag([gain * i1, gain * i2]) @ jacobian.T
    return PowerLaw((i1 + i2) / unit, r, pivot, covariance, "two windows")


def log_log(energy: FloatArray, counts: FloatArray, window: tuple[float, float], *, gain: float = 1.0) -> PowerLaw:
    """Power law by a straight line through ln J against ln E, each channel weighted by its counts.

    Channels without counts cannot enter, so the line lies high where counts are few; use `maximum_likelihood` there.

    Parameters
    ----------
    energy, counts, window, gain
        As in `two_windows`.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 4.
    """
    e, y = _part(energy, counts, window)
    seen = y > 0
    if np.count_nonzero(seen) < 3:
        raise NotDetermined("Fewer than three channels hold counts", where=_text(window), todo="Widen the window")
    pivot = _pivot(e)
    x, z, w = np.log(e[seen] / pivot), np.log(y[seen]), y[seen]
    total, mean = np.sum(w), np.sum(w * x) / np.sum(w)
    spread = float(np.sum(w * (x - mean) ** 2))
    slope = float(np.sum(w * (x - mean) * z)) / spread
    level = float(np.sum(w * z) / total) - slope * mean
    design = np.stack((np.ones_like(x), -x))
    return PowerLaw(math.exp(level), -slope, pivot, gain * np.linalg.inv(design * w @ design.T), "log-log")


def maximum_likelihood(
    energy: FloatArray, counts: FloatArray, window: tuple[float, float], *, gain: float = 1.0
) -> PowerLaw:
    """Power law by Poisson maximum likelihood.

    With ln E measured from the pivot, r is the root of g(r) = <ln E>_r - sum(J ln E)/sum(J), which falls monotonely,
    g'(r) = -Var_r(ln E); then sum A E^-r = sum J.

    Parameters
    ----------
    energy, counts, window, gain
        As in `two_windows`. Negative counts are allowed as long as their sum is above zero (dark-corrected data).

    References
    ----------
    M. Unser, J. R. Ellis, T. Pun, M. Eden, J. Microsc. 145, 245 (1987).
    """
    e, y = _part(energy, counts, window)
    level, exponent = _likelihood(e, y[None, :])
    if not np.isfinite(exponent[0]):
        raise NotDetermined("No power law describes the counts", where=_text(window), todo="Widen the window")
    pivot = _pivot(e)
    x = np.log(e / pivot)
    curve = level[0] * np.exp(-exponent[0] * x)
    design = np.stack((np.ones_like(x), -x))
    covariance = gain * np.linalg.inv(design * curve @ design.T)
    return PowerLaw(float(level[0]), float(exponent[0]), pivot, covariance, "Poisson maximum likelihood")


def exponents(energy: FloatArray, counts: NDArray[np.float64], window: tuple[float, float]) -> FloatArray:
    """Maximum-likelihood exponents of many spectra (*navigation, n), shape (*navigation,); NaN where there is none."""
    counts = np.asarray(counts, dtype=float)
    e, y = _part(energy, counts, window)
    return _likelihood(e, y.reshape(-1, e.size))[1].reshape(counts.shape[:-1])


def _likelihood(e: FloatArray, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Level at the pivot, and exponent (NaN where there is none), of every row."""
    x = np.log(e / _pivot(e))
    total = np.sum(rows, axis=1)
    good = total > 0
    target = np.where(good, (rows @ x) / np.where(good, total, 1.0), 0.0)
    good &= (target > x[0]) & (target < x[-1])
    r = np.full(len(rows), 3.0)
    for _ in range(_MAX_STEPS):
        weight = np.exp(-r[:, None] * x)
        weight /= np.sum(weight, axis=1)[:, None]
        mean = weight @ x
        spread = weight @ (x * x) - mean**2
        step = (mean - target) / np.maximum(spread, 1e-12)
        r = np.clip(r + np.clip(step, -3.0, 3.0), -_MAX_EXPONENT, _MAX_EXPONENT)
        if not np.any(good & (np.abs(step) > 1e-11 * (1.0 + np.abs(r)))):
            break
    good &= np.abs(r) < _MAX_EXPONENT
    level = total / np.sum(np.exp(-r[:, None] * x), axis=1)
    return level, np.where(good, r, np.nan)


@dataclass(frozen=True, eq=False)
class Combination:
    """Two power laws of fixed exponents for every spectrum of an image.

    Attributes
    ----------
    exponents : tuple of float
    amplitudes : array, shape (*navigation, 2)
        Counts per channel at the pivot, not below zero; NaN where the window holds no counts.
    covariance : array, shape (*navigation, 2, 2)
        Of the amplitudes; an amplitude held at zero has none.
    pivot : float
        In eV.
    """

    exponents: tuple[float, float]
    amplitudes: FloatArray
    covariance: FloatArray
    pivot: float

    def __call__(self, energy: FloatArray) -> FloatArray:
        """Counts per channel, shape (*navigation, n)."""
        return self.amplitudes @ self.basis(energy)

    def basis(self, energy: FloatArray) -> FloatArray:
        """The two unit power laws, shape (2, n)."""
        return (energy / self.pivot) ** -np.array(self.exponents)[:, None]

    def variance_of_sum(self, energy: FloatArray) -> FloatArray:
        """Variance of the background summed over the channels at `energy`, shape (*navigation,)."""
        v = np.sum(self.basis(energy), axis=1)
        return np.einsum("i,...ij,j->...", v, self.covariance, v)


def lcpl(
    energy: FloatArray, counts: NDArray[np.float64], window: tuple[float, float], *, gain: float = 1.0,
    exponents_at: tuple[float, float] | None = None,
) -> Combination:
    """Linear combination of power laws: exponents from the whole image, amplitudes for each spectrum.

    Parameters
    ----------
    energy : array, shape (n,)
    counts : array, shape (*navigation, n)
    window : tuple of float
    gain : float
    exponents_at : tuple of float, optional
        The two exponents; default: the 5 % and 95 % percentiles of the image's maximum-likelihood exponents.

    Returns
    -------
    Combination

    Raises
    ------
    NotDetermined
        If the image holds too few usable spectra, or the two exponents are the same.

    References
    ----------
    P. Cueva, R. Hovden, J. A. Mundy, H. L. Xin, D. A. Muller, Microsc. Microanal. 18, 667 (2012).
    """
    counts = np.asarray(counts, dtype=float)
    e, y = _part(energy, counts, window)
    rows = y.reshape(-1, e.size)
    if exponents_at is None:
        found = _likelihood(e, rows)[1]
        found = found[np.isfinite(found)]
        if found.size < 20:
            raise NotDetermined("Fewer than 20 spectra have an exponent", where=_text(window),
                                todo="Give both exponents, or use single power laws")
        exponents_at = tuple(float(v) for v in np.percentile(found, (5.0, 95.0)))
    low, high = min(exponents_at), max(exponents_at)
    if high - low < 1e-3:
        raise NotDetermined("The two exponents are the same", where=_text(window), todo="Use single power laws")
    pivot = _pivot(e)
    basis = (e / pivot) ** -np.array([low, high])[:, None]
    amplitudes, covariance = _two_amplitudes(basis, rows, gain)
    empty = np.sum(rows, axis=1) <= 0  # nothing to scale: not determined, rather than zero and certain
    amplitudes[empty], covariance[empty] = np.nan, np.nan
    shape = counts.shape[:-1]
    return Combination((low, high), amplitudes.reshape(*shape, 2), covariance.reshape(*shape, 2, 2), pivot)


def _two_amplitudes(basis: FloatArray, rows: FloatArray, gain: float) -> tuple[FloatArray, FloatArray]:
    """Weighted non-negative least squares with two columns, the variance following the model."""
    singles = np.maximum(np.sum(rows, axis=1), 0.0)[:, None] / np.sum(basis, axis=1)
    amplitudes = 0.5 * singles
    floor = 1e-6 * gain
    for _ in range(6):
        weight = 1.0 / (gain * np.maximum(amplitudes @ basis, floor))
        aa, ab, bb = (np.sum(weight * basis[i] * basis[j], axis=1) for i, j in ((0, 0), (0, 1), (1, 1)))
        ya, yb = (np.sum(weight * basis[i] * rows, axis=1) for i in (0, 1))
        determinant = aa * bb - ab * ab
        a, b = (bb * ya - ab * yb) / determinant, (aa * yb - ab * ya) / determinant
        # At most one of two columns leaves; the other is then fitted alone.
        no_a, no_b = a < 0, b < 0
        amplitudes = np.stack((np.where(no_b, np.maximum(ya / aa, 0.0), np.where(no_a, 0.0, a)),
                               np.where(no_a, np.maximum(yb / bb, 0.0), np.where(no_b, 0.0, b))), axis=1)
    covariance = np.stack((bb, -ab, -ab, aa), axis=1) / determinant[:, None]
    covariance = covariance.reshape(-1, 2, 2)
    for held, kept, alone in ((no_a & ~no_b, 1, bb), (no_b & ~no_a, 0, aa)):
        covariance[held] = 0.0
        covariance[held, kept, kept] = 1.0 / alone[held]
    return amplitudes, covariance


@dataclass(frozen=True)
class EdgeSignal:
    """What remains of an edge in an integration window.

    Attributes
    ----------
    counts, error : float
        Signal in counts and its standard error: counting of the window, and extrapolation of the background.
    background, background_err : float
        In counts.
    window : tuple of float
        In eV.
    """

    counts: float
    error: float
    background: float
    background_err: float
    window: tuple[float, float]

    @property
    def snr(self) -> float:
        """Signal to noise, I_k / sqrt(I_k + h I_b) with h = (I_b + var I_b)/I_b (in electrons)."""
        return self.counts / self.error if self.error > 0 else math.inf

    @property
    def h(self) -> float:
        """Egerton's h - 1 is var(I_b)/I_b, 0 for a background that is known."""
        return 1.0 + self.background_err**2 / self.background if self.background > 0 else math.inf


def edge_signal(
    energy: FloatArray, counts: FloatArray, law: PowerLaw, window: tuple[float, float], *, gain: float = 1.0
) -> EdgeSignal:
    """Sum of the counts above the background in a window, with its error.

    Parameters
    ----------
    energy, counts : array, shape (n,)
        eV (evenly spaced, the middle of each channel), counts per channel.
    law : PowerLaw
        Fitted outside this window.
    window : tuple of float
        In eV, must lie on the axis; channels that it cuts count by the part inside.
    gain : float

    Raises
    ------
    BadData
        If the window lies outside the axis or holds fewer than four channels.

    References
    ----------
    R. F. Egerton, Ultramicroscopy 9, 387 (1982); EELS in the Electron Microscope, 3rd ed. (2011), chapter 4.
    """
    _part(energy, counts, window)  # all that can be wrong with them
    low, high = min(window), max(window)
    step = float(np.mean(np.diff(energy)))
    weights = np.clip((np.minimum(energy + 0.5 * step, high) - np.maximum(energy - 0.5 * step, low)) / step, 0.0, 1.0)
    inside = weights > 0
    e, y, w = energy[inside], np.asarray(counts, dtype=float)[inside], weights[inside]
    curve = law(e)
    background, total = float(w @ curve), float(w @ y)
    extra = law.variance_of_sum(e, w)
    # Where fluctuations leave less than the background, its variance is the better guess.
    variance = gain * max(float(w**2 @ y), float(w**2 @ curve)) + extra
    return EdgeSignal(total - background, math.sqrt(variance), background, math.sqrt(extra), (low, high))


def _part(energy: FloatArray, counts: FloatArray, window: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    energy, counts = np.asarray(energy, dtype=float), np.asarray(counts, dtype=float)
    if energy.ndim != 1 or counts.shape[-1:] != energy.shape:
        raise BadData(f"Intensities of shape {counts.shape} do not fit {energy.size} energies", where=_text(window))
    low, high = min(window), max(window)
    step = float(np.mean(np.diff(energy)))
    if low < energy[0] - 0.51 * step or high > energy[-1] + 0.51 * step:
        raise BadData(f"The window {_text(window)} lies outside the axis", where=f"{energy[0]:g} to {energy[-1]:g} eV",
                      todo="Move the window")
    if low <= 0:
        raise BadData("The window must lie above 0 eV", where=_text(window))
    inside = (energy >= low - 1e-9 * high) & (energy <= high + 1e-9 * high)
    if np.count_nonzero(inside) < 4:
        raise BadData("The window holds fewer than four channels", where=_text(window), todo="Widen it")
    if not np.all(np.isfinite(counts[..., inside])):
        raise BadData("Intensities hold numbers that are not finite", where=_text(window))
    return energy[inside], counts[..., inside]


def _need_counts(least: float, window: tuple[float, float]) -> None:
    if least <= 0:
        raise NotDetermined("The window holds no counts", where=_text(window), todo="Check the dark correction")


def _pivot(e: FloatArray) -> float:
    return math.sqrt(float(e[0]) * float(e[-1]))


def _text(window: tuple[float, float]) -> str:
    return f"{min(window):g} to {max(window):g} eV"
