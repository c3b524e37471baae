"""The complex function behind the Voigt and the convolved Doniach-Sunjic profile.

    G(q; sigma, s) = 1/Gamma(s) * integral over t from 0 to infinity of t**(s-1) exp(-sigma**2 t**2/2 - q t)

with q = gamma + i d and Re q >= 0. Without the Gaussian (sigma = 0) it is q**-s; with it, every real part of
exp(i phase) q**-s along a line of constant gamma is convolved with a Gaussian of standard deviation sigma, because in
t, the Fourier variable of d, a convolution is a product. It equals sigma**-s exp(z**2/4) D_-s(z), z = q/sigma, D the
parabolic cylinder function (Gradshteyn & Ryzhik 3.462.1); s = 1 gives the Faddeeva function. All points have one gamma.

Near the line (|q| < 8 sigma) the integral is summed by the double-exponential rule, far from it by the asymptotic
series in (sigma/q)**2; the two agree to 1e-11 where they meet. `G_sigma = -sigma G_qq` (it is a heat equation).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gamma

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]

NEAR = 8.0  # in units of sigma: where the series takes over
TERMS = 15  # of the series: the next one is below 1e-11 at |q| = 8 sigma
_STEP = 1 / 16
# Nodes t = exp(w - exp(-w)), equally spaced in w: the integrand falls double exponentially on both sides.
_W = np.arange(-4.3, 2.25, _STEP)
NODES = np.exp(_W - np.exp(-_W))
LOG_NODES = _W - np.exp(-_W)
WEIGHTS = _STEP * (1 + np.exp(-_W)) * np.exp(-0.5 * NODES**2)  # of dt/t


class Damped(NamedTuple):
    """G and its derivatives with respect to q (once, twice) and s."""

    value: ComplexArray
    by_q: ComplexArray
    by_qq: ComplexArray
    by_s: ComplexArray


def damped_power(g: float, d: FloatArray, sigma: float, s: float) -> Damped:
    """G(q; sigma, s) with derivatives.

    Parameters
    ----------
    g : float
        Real part of q, >= 0, and above 0 where `sigma` is 0.
    d : ndarray, shape (n,)
        Imaginary part of q.
    sigma : float
        Standard deviation of the Gaussian, >= 0, in the unit of q.
    s : float
        Power, 0.5 < s <= 1 (tested; larger powers work as well).
    """
    q = g + 1j * d
    near = np.abs(q) < NEAR * sigma
    if not near.any():
        return Damped(*power_series(q, sigma, s))
    if near.all():
        return Damped(*_quadrature(g, d, sigma, s))
    out = np.empty((4, q.size), dtype=np.complex128)
    out[:, near] = _quadrature(g, d[near], sigma, s)
    out[:, ~near] = power_series(q[~near], sigma, s)
    return Damped(*out)


def _quadrature(g: float, d: FloatArray, sigma: float, s: float) -> ComplexArray:
    t = NODES / sigma
    weights = WEIGHTS * np.exp(s * LOG_NODES - g * t) * (sigma**-s / gamma(s))
    log_t = LOG_NODES - math.log(sigma) - digamma(s)
    columns = np.stack([weights, -t * weights, t * t * weights, log_t * weights])
    angle = t[:, None] * d
    out = np.empty((4, d.size), dtype=np.complex128)
    out.real = columns @ np.cos(angle)
    out.imag = -(columns @ np.sin(angle))
    return out


def power_series(q: ComplexArray, sigma: float, s: float) -> ComplexArray:
    """The asymptotic series of G, G_q, G_qq, G_s for |q| >= 8 sigma, shape (4, n); exact where sigma is 0."""
    inverse = 1 / q
    w = (sigma * inverse) ** 2
    front = np.exp(-s * np.log(q))
    coefficients = np.empty((TERMS, 4))
    c, c_slope = 1.0, 0.0  # c_k = (-1)**k (s)_2k/(k! 2**k), and its logarithmic derivative
    for k in range(TERMS):
        power = s + 2 * k
        coefficients[k] = c, -power * c, power * (power + 1) * c, c * c_slope
        c *= -power * (power + 1) / (2 * (k + 1))
        c_slope += 1 / power + 1 / (power + 1)
    if sigma == 0:
        sums = np.repeat(coefficients[:1].T, q.size, axis=1).astype(np.complex128)
    else:
        sums = np.zeros((4, q.size), dtype=np.complex128)
        for row in coefficients[::-1]:
            sums *= w
            sums += row[:, None]
    sums *= front
    sums[1] *= inverse
    sums[2] *= inverse * inverse
    sums[3] -= np.log(q) * sums[0]
    return sums
