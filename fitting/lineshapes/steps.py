"""Steps: a Fermi edge, and the steps of an error function and of an arctangent.

All rise from 0 at low to `height` at high binding energy (high energy loss) and stand at half of it at `position`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

FloatArray = NDArray[np.float64]
SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))
# The edge is a mixture: of Fermi functions, shifted as the Gaussian says, where that is the narrower of the two; else
# of error functions, shifted as the thermal broadening says. Either sum by the trapezoid rule, exact to 1e-10 for what
# is smooth on the scale of its step: the poles of the Fermi function lie at a distance of pi kT.
SWITCH = 0.3  # kT in units of sigma
BELL_X = np.arange(-34, 35) * 0.25  # in units of sigma
BELL_W = 0.25 * np.exp(-0.5 * BELL_X**2) / math.sqrt(2.0 * math.pi)
THERMAL_X = np.arange(-48, 49) * 0.75  # in units of kT
THERMAL_W = 0.75 * expit(THERMAL_X) * expit(-THERMAL_X)


def step_erf(x: FloatArray, height: float, position: float, fwhm: float) -> FloatArray:
    """Step of an error function; see `step_erf_gradient`."""
    return step_erf_gradient(x, height, position, fwhm)[0]


def step_erf_gradient(x: FloatArray, height: float, position: float, fwhm: float) -> tuple[FloatArray, FloatArray]:
    """A step broadened by a Gaussian: height Phi((x - position)/sigma), sigma = fwhm/2.3548, with derivatives.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV.
    height : float
        Intensity far above the step.
    position : float
        Middle of the step in eV.
    fwhm : float
        Full width at half maximum of the Gaussian in eV, above 0.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (3, n)
        Derivatives with respect to height, position, fwhm.

    References
    ----------
    M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions (1964), 26.2.
    """
    sigma = SIGMA_PER_FWHM * fwhm
    z = (x - position) / sigma
    bell = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    form = ndtr(z)
    return height * form, np.stack([form, -height / sigma * bell, -height / fwhm * z * bell])


def step_arctan(x: FloatArray, height: float, position: float, fwhm: float) -> FloatArray:
    """Step of an arctangent; see `step_arctan_gradient`."""
    return step_arctan_gradient(x, height, position, fwhm)[0]


def step_arctan_gradient(x: FloatArray, height: float, position: float, fwhm: float) -> tuple[FloatArray, FloatArray]:
    """A step broadened by a Lorentzian: height [1/2 + atan(2 (x - position)/fwhm)/pi], with derivatives.

    Parameters
    ----------
    x, height, position
        As `step_erf_gradient`.
    fwhm : float
        Full width at half maximum of the Lorentzian in eV, above 0.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (3, n)
        Derivatives with respect to height, position, fwhm.

    References
    ----------
    F. K. Richtmyer, S. W. Barnes, E. Ramberg, Phys. Rev. 46, 843 (1934).
    """
    t = 2.0 * (x - position) / fwhm
    form = 0.5 + np.arctan(t) / math.pi
    bell = 1.0 / (math.pi * (1.0 + t * t))
    return height * form, np.stack([form, -2.0 * height / fwhm * bell, -height / fwhm * t * bell])


def fermi_edge(x: FloatArray, height: float, position: float, kt: float, fwhm_g: float) -> FloatArray:
    """Fermi edge; see `fermi_edge_gradient`."""
    return fermi_edge_gradient(x, height, position, kt, fwhm_g)[0]


def fermi_edge_gradient(
    x: FloatArray, height: float, position: float, kt: float, fwhm_g: float
) -> tuple[FloatArray, FloatArray]:
    """Fermi edge convolved with a Gaussian, with derivatives.

    height/[1 + exp(-(x - position)/kT)], convolved; occupied states lie at high binding energy.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV.
    height : float
        Intensity far above the edge.
    position : float
        Fermi level in eV.
    kt : float
        Thermal energy in eV, above 0 (0.0257 at 298 K).
    fwhm_g : float
        Full width at half maximum of the Gaussian in eV, >= 0.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (4, n)
        Derivatives with respect to height, position, kt, fwhm_g.

    References
    ----------
    E. Fermi, Z. Phys. 36, 902 (1926).
    """
    sigma, d = SIGMA_PER_FWHM * fwhm_g, x - position
    if kt >= SWITCH * sigma:
        z = (d[:, None] - sigma * BELL_X) / kt
        part = expit(z)
        bell = part * expit(-z)
        form = part @ BELL_W
        slope, by_kt = bell @ BELL_W / kt, -(bell * z) @ BELL_W / kt
        by_sigma = -bell @ (BELL_W * BELL_X) / kt
    else:
        z = (d[:, None] - kt * THERMAL_X) / sigma
        bell = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        form = ndtr(z) @ THERMAL_W
        slope, by_kt = bell @ THERMAL_W / sigma, -bell @ (THERMAL_W * THERMAL_X) / sigma
        by_sigma = -(bell * z) @ THERMAL_W / sigma
    return height * form, np.stack([form, -height * slope, height * by_kt, height * SIGMA_PER_FWHM * by_sigma])
