"""A line with its train of plasmon losses, as free-electron metals show it (sodium, magnesium, aluminium)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.lineshapes.gauss_lorentz import gl_sum_gradient

FloatArray = NDArray[np.float64]
PLASMON_REPLICAS = 6


def plasmon_train(
    x: FloatArray,
    area: float,
    position: float,
    fwhm: float,
    mix: float,
    spacing: float,
    decay: float,
    broadening: float,
) -> FloatArray:
    """A line and its plasmon losses; see `plasmon_train_gradient`."""
    return plasmon_train_gradient(x, area, position, fwhm, mix, spacing, decay, broadening)[0]


def plasmon_train_gradient(
    x: FloatArray,
    area: float,
    position: float,
    fwhm: float,
    mix: float,
    spacing: float,
    decay: float,
    broadening: float,
) -> tuple[FloatArray, FloatArray]:
    """A line and six equally spaced, damped, ever broader losses at high binding energy, with derivatives.

    sum over n = 0..6 of decay**n SGL(x; position + n spacing, fwhm + n broadening, mix), each of unit area.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy (or energy loss) in eV.
    area : float
        Area of the line itself (n = 0), intensity times eV: what quantification of the unscattered line takes. The
        whole train has `plasmon_total` times as much.
    position, fwhm : float
        Of the line itself in eV.
    mix : float
        Lorentzian part of every line, 0 to 1, as in `gl_sum`.
    spacing : float
        Plasmon energy in eV (bulk sodium 5.7 to 5.9 eV).
    decay : float
        Area of each loss relative to the one before, 0 to below 1.
    broadening : float
        Width that each loss adds, in eV.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (7, n)
        Derivatives with respect to the seven parameters in their order.

    References
    ----------
    P. Steiner, H. Hoechst, S. Huefner, Z. Phys. B 30, 129 (1978), for the losses of sodium. A geometric series is that
    of extrinsic losses alone; intrinsic and surface plasmons need lines of their own.
    """
    gradient = np.zeros((7, x.size))
    for n in range(PLASMON_REPLICAS + 1):
        _, part = gl_sum_gradient(x, area, position + n * spacing, fwhm + n * broadening, mix)
        weight = decay**n
        gradient[:4] += weight * part
        if n:
            gradient[4] += n * weight * part[1]
            gradient[5] += n * decay ** (n - 1) * area * part[0]
            gradient[6] += n * weight * part[2]
    return area * gradient[0], gradient


def plasmon_total(decay: float) -> tuple[float, float]:
    """Area of the whole train relative to its line, and the derivative with respect to `decay`."""
    n = np.arange(PLASMON_REPLICAS + 1)
    return float(np.sum(decay**n)), float(np.sum(n[1:] * decay ** (n[1:] - 1)))
