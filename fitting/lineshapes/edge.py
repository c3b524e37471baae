"""An ionisation edge as a step that falls off behind its onset."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

FloatArray = NDArray[np.float64]
SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))
# Energies below this part of the onset are taken as this part: there is no intensity there, but a power of nearly
# nothing would have no number.
LOWEST = 1e-3


def edge_step(x: FloatArray, height: float, position: float, fwhm: float, exponent: float) -> FloatArray:
    """Ionisation edge; see `edge_step_gradient`."""
    return edge_step_gradient(x, height, position, fwhm, exponent)[0]


def edge_step_gradient(
    x: FloatArray, height: float, position: float, fwhm: float, exponent: float
) -> tuple[FloatArray, FloatArray]:
    """height Phi((E - position)/sigma) (E/position)^-exponent, sigma = fwhm/2.3548, with derivatives.

    The step is that of an error function. An arctangent, the step of a lifetime, would leave intensity far below the
    threshold, where nothing can be excited, and the power would raise it without limit towards 0 eV; the tails of the
    Gaussian fall faster than any power rises.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Energy loss in eV, 0 at the zero-loss peak.
    height : float
        Intensity at the onset if the step were sharp.
    position : float
        Onset in eV, above 0: where the step has half its height.
    fwhm : float
        Full width at half maximum of the Gaussian that smears the onset, in eV, above 0.
    exponent : float
        How the intensity falls behind the onset.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (4, n)
        Derivatives with respect to height, position, fwhm, exponent.

    References
    ----------
    R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (2011), section 3.7: cross
    sections fall as a power of the energy loss behind the edge.
    """
    sigma = SIGMA_PER_FWHM * fwhm
    z = (x - position) / sigma
    bell = np.exp(-0.5 * z * z) / (math.sqrt(2.0 * math.pi) * sigma)
    ratio = x / position
    inside = ratio > LOWEST
    logarithm = np.log(np.where(inside, ratio, LOWEST))
    fall = np.exp(-exponent * logarithm)
    fall = np.where(x > 0.0, fall, 0.0)
    form = ndtr(z) * fall
    by_position = np.where(inside, exponent / position, 0.0) * form - bell * fall
    by_fwhm = -z * bell * sigma / fwhm * fall
    return height * form, np.stack([form, height * by_position, height * by_fwhm, -height * logarithm * form])
