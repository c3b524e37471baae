"""A measured line as a shape: scaled to an area, moved to a position, broadened by a Gaussian if wanted."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from libraries.errors import BadModel

FloatArray = NDArray[np.float64]
SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))
_ROOT_2PI = math.sqrt(2.0 * math.pi)


def measured_gradient(
    x: FloatArray, area: float, position: float, fwhm_g: float, curve_x: FloatArray, curve_y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """A measured line, with derivatives.

    Between its points the line is straight, beyond them zero; its convolution with a Gaussian is exact.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV.
    area : float
        Integral over the whole axis, intensity times eV.
    position : float
        Where the zero of `curve_x` comes to lie, in eV.
    fwhm_g : float
        Full width at half maximum of the Gaussian in eV, >= 0.
    curve_x, curve_y : ndarray, shape (m,)
        The line without its background: energies ascending, in eV.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (3, n)
        Derivatives with respect to area, position, fwhm_g.

    Raises
    ------
    BadModel
        If the line has no area.
    """
    total = float(np.trapezoid(curve_y, curve_x))
    if not total > 0:
        raise BadModel("A measured line needs an area above zero", todo="Take off its background first")
    sigma, d = SIGMA_PER_FWHM * fwhm_g, np.asarray(x) - position
    # Straight pieces with steps at both ends are ramps: at every point the slope changes by `bends`.
    slopes = np.concatenate([[0.0], np.diff(curve_y) / np.diff(curve_x), [0.0]])
    bends, jumps = np.diff(slopes), (float(curve_y[0]), -float(curve_y[-1]))
    # Far below the step of the line the Gaussian changes nothing, and dividing by it would lose all digits.
    if sigma > 1e-6 * float(np.min(np.diff(curve_x))):
        # Beyond the reach of the Gaussian the ramps add up to nothing but rounding.
        near = (d > curve_x[0] - 9.0 * sigma) & (d < curve_x[-1] + 9.0 * sigma)
        found = np.zeros((3, d.size))
        found[:, near] = _broadened(d[near], sigma, curve_x, bends, jumps)
        value, slope, by_sigma = found
    else:
        value = np.interp(d, curve_x, curve_y, left=0.0, right=0.0)
        at = np.clip(np.searchsorted(curve_x, d, side="right"), 0, curve_x.size)
        slope, by_sigma = slopes[at], np.zeros_like(d)
    rows = np.stack([value, -area * slope, area * SIGMA_PER_FWHM * by_sigma]) / total
    return area * rows[0], rows


def _broadened(
    d: FloatArray, sigma: float, curve_x: FloatArray, bends: FloatArray, jumps: tuple[float, float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values, slopes and derivatives by sigma of ramps and steps convolved with a Gaussian.

    A ramp max(d, 0) becomes d Phi(z) + sigma phi(z), z = d/sigma.
    """
    distance = d[:, None] - curve_x
    z = distance / sigma
    share, bell = ndtr(z), np.exp(-0.5 * z * z) / _ROOT_2PI
    value = (distance * share + sigma * bell) @ bends
    slope = share @ bends
    by_sigma = bell @ bends
    for column, jump in ((0, jumps[0]), (-1, jumps[1])):
        value += jump * share[:, column]
        slope += jump * bell[:, column] / sigma
        by_sigma -= jump * bell[:, column] * z[:, column] / sigma
    return value, slope, by_sigma
