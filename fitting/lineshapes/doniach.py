"""Doniach-Sunjic line of a metal, convolved with a Gaussian."""

from __future__ import annotations

import cmath
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fitting.lineshapes.damped_power import damped_power
from fitting.lineshapes.voigt import SIGMA_PER_FWHM
from libraries.errors import BadModel

FloatArray = NDArray[np.float64]


def doniach_sunjic(
    x: FloatArray, height: float, position: float, fwhm_l: float, asymmetry: float, fwhm_g: float
) -> FloatArray:
    """Doniach-Sunjic line convolved with a Gaussian; see `doniach_sunjic_gradient`."""
    return doniach_sunjic_gradient(x, height, position, fwhm_l, asymmetry, fwhm_g)[0]


def doniach_sunjic_gradient(
    x: FloatArray, height: float, position: float, fwhm_l: float, asymmetry: float, fwhm_g: float
) -> tuple[FloatArray, FloatArray]:
    """Doniach-Sunjic line convolved with a Gaussian, with derivatives.

    cos[pi a/2 - (1-a) atan(d/g)] / (g**2 + d**2)**((1-a)/2), d = x - position in binding energy, g = fwhm_l/2, then
    convolved. The convolution is exact (a parabolic cylinder function, to 1e-10), so `x` may be coarse and uneven.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV. The tail lies at high binding energy.
    height : float
        Maximum of the convolved line. (Not an area: the tail falls as d**(a-1), and its integral diverges.)
    position : float
        Energy of the line without interaction in eV. The maximum lies at higher binding energy, by g cot(pi/(2-a))
        for the line without Gaussian; `Shape.derived` gives the true one.
    fwhm_l : float
        Lifetime width 2g in eV, above 0: the true full width only for a = 0 and fwhm_g = 0.
    asymmetry : float
        Singularity index a, 0 <= a < 0.5.
    fwhm_g : float
        Full width at half maximum of the Gaussian in eV, >= 0.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (5, n)
        Derivatives with respect to height, position, fwhm_l, asymmetry, fwhm_g.

    Raises
    ------
    BadModel
        If both widths are zero.

    References
    ----------
    S. Doniach, M. Sunjic, J. Phys. C 3, 285 (1970).
    """
    g, sigma = 0.5 * fwhm_l, SIGMA_PER_FWHM * fwhm_g
    if g <= 0 and sigma <= 0:
        raise BadModel("A Doniach-Sunjic line needs a width above zero", where="fwhm_l, fwhm_g")
    form, by_d, by_g, by_a, by_sigma = _profile(x - position, g, asymmetry, sigma)
    top, top_by_g, top_by_a, top_by_sigma = _maximum(float(g), float(asymmetry), float(sigma))
    form /= top
    gradient = np.empty((5, form.size))
    gradient[0] = form
    gradient[1] = -height / top * by_d
    gradient[2] = 0.5 * height / top * (by_g - form * top_by_g)
    gradient[3] = height / top * (by_a - form * top_by_a)
    gradient[4] = SIGMA_PER_FWHM * height / top * (by_sigma - form * top_by_sigma)
    return height * form, gradient


def _profile(d: FloatArray, g: float, a: float, sigma: float) -> tuple[FloatArray, ...]:
    """The line without its height: values, and derivatives with respect to d, g, a and sigma."""
    phase = cmath.exp(0.5j * math.pi * a)
    power = damped_power(g, d, sigma, 1 - a)
    turned = phase * power.by_q
    return (
        (phase * power.value).real,
        -turned.imag,
        turned.real,
        (phase * (0.5j * math.pi * power.value - power.by_s)).real,
        -sigma * (phase * power.by_qq).real,
    )


@lru_cache(maxsize=64)
def _maximum(g: float, a: float, sigma: float) -> tuple[float, float, float, float]:
    """Maximum of the convolved line, and its derivatives with respect to g, a and sigma.

    At a maximum the derivative with respect to the place vanishes, so those of the maximum are those of the profile.
    """
    phase = cmath.exp(0.5j * math.pi * a)
    # Without Gaussian the maximum lies at g tan(pi a/(2 (2-a))); the Gaussian moves it by less than its sigma.
    grid = np.linspace(0.0, g * math.tan(math.pi * a / (2 * (2 - a))) + sigma, 17)
    step = float(grid[1])
    place = 0.0
    if a > 0:
        place = float(grid[np.argmax(_profile(grid, g, a, sigma)[0])])
        for _ in range(8):
            power = damped_power(g, np.array([place]), sigma, 1 - a)
            slope, bend = -(phase * power.by_q[0]).imag, -(phase * power.by_qq[0]).real
            move = -slope / bend if bend < 0 else math.copysign(step, slope)
            move = min(max(move, -step), step)
            place += move
            if abs(move) < 1e-9 * (g + sigma):
                break
    form, _, by_g, by_a, by_sigma = _profile(np.array([place]), g, a, sigma)
    return float(form[0]), float(by_g[0]), float(by_a[0]), float(by_sigma[0])
