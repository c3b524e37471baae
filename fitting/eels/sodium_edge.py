"""The Na L2,3 edge of many spectra: a step and the sharp line (exciton) of sodium compounds above a smooth course.

Both are solved linearly in a window about 33 eV, all spectra at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from fitting.dataset import FloatArray
from libraries.errors import NotDetermined
from libraries.units import SIGMA_TO_FWHM

METAL_EDGE = 31.1  # eV, threshold of the edge library
# Where excitons of sodium compounds are looked for; halides have them at the edge (science notes E8).
RANGE = (31.6, 36.4)
WINDOW = (29.0, 39.5)  # eV
LINE_WIDTH = 0.7  # eV, natural width that is looked for (chosen): halides are sharp
SHARP = 4.0  # standard errors from which an exciton is called seen
SOURCE = "S. Nakai et al., J. Phys. Soc. Jpn. 24, 1197 (1968), for the excitons; a cubic stands for everything else"


@dataclass(frozen=True, eq=False)
class SodiumEdge:
    """Amounts at the edge, with errors; counts per channel for the step, counts for the line.

    Attributes
    ----------
    position : float
        eV.
    step, step_err, line, line_err : array, shape (k,)
        `step` in counts per eV.
    """

    position: float
    step: FloatArray
    step_err: FloatArray
    line: FloatArray
    line_err: FloatArray


def sodium_edge(energy: FloatArray, rows: FloatArray, gain: float, resolution: float, position: float) -> SodiumEdge:
    """Step and line at a position.

    Parameters
    ----------
    energy : array, shape (n,)
        From the zero loss, eV.
    rows : array, shape (k, n)
        Counts.
    gain : float
        Counts per electron; NaN: from the residuals.
    resolution : float
        Width of the zero loss, eV.
    position : float
        eV.

    Raises
    ------
    NotDetermined
        If the axis does not hold the window.
    """
    inside, basis, width = _basis(energy, resolution, position)
    found, error = weighted(basis, rows[:, inside], gain)
    return SodiumEdge(position, found[:, 4] / width, error[:, 4] / width, found[:, 5], error[:, 5])


def _basis(energy: FloatArray, resolution: float, position: float) -> tuple[FloatArray, FloatArray, float]:
    if energy[0] > WINDOW[0] or energy[-1] < WINDOW[1]:
        raise NotDetermined(f"The axis does not hold {WINDOW[0]:g} to {WINDOW[1]:g} eV", where="Na L2,3")
    inside = (energy >= WINDOW[0]) & (energy <= WINDOW[1])
    e = energy[inside]
    step = float(np.mean(np.diff(e)))
    u = 2.0 * (e - WINDOW[0]) / (WINDOW[1] - WINDOW[0]) - 1.0
    sigma = math.hypot(LINE_WIDTH, resolution) / SIGMA_TO_FWHM
    line = step / (sigma * math.sqrt(2.0 * math.pi)) * np.exp(-0.5 * ((e - position) / sigma) ** 2)
    rise = 0.5 * (1.0 + erf((e - position) / (math.sqrt(2.0) * sigma)))
    return inside, np.stack((np.ones_like(u), u, u**2, u**3, rise, line)), step


def line_position(energy: FloatArray, counts: FloatArray, gain: float, resolution: float) -> float:
    """Where in `RANGE` one spectrum has its most significant sharp line."""
    places = np.arange(RANGE[0], RANGE[1] + 0.05, 0.1)
    score = []
    for place in places:
        edge = sodium_edge(energy, counts[None], gain, resolution, float(place))
        score.append(float(edge.line[0] / edge.line_err[0]) if edge.line_err[0] > 0 else 0.0)
    return float(places[int(np.argmax(score))])


def weighted(basis: FloatArray, rows: FloatArray, gain: float) -> tuple[FloatArray, FloatArray]:
    """Weighted linear fits of many rows, shape (k, m), to rows of a basis (p, m): values and errors (k, p).

    Weights follow the fitted course, iterated: those of single counts would bias it low. Errors are those of counting,
    enlarged where chi2 is above 1; with an unknown gain (NaN) they follow from the residuals.
    """
    course = np.maximum(np.stack([np.convolve(row, np.full(9, 1 / 9), mode="same") for row in rows]), 0.5)
    known = gain if math.isfinite(gain) else 1.0
    count, size = basis.shape
    found = np.zeros((len(rows), count))
    error = np.full_like(found, np.nan)
    for _ in range(2):
        weight = 1.0 / (known * course)
        normal = np.einsum("pm,km,qm->kpq", basis, weight, basis, optimize=True)
        right = np.einsum("pm,km->kp", basis, weight * rows, optimize=True)
        scale = np.sqrt(np.einsum("kpp->kp", normal))
        inverse = np.linalg.inv(normal / (scale[:, :, None] * scale[:, None, :])) / (
            scale[:, :, None] * scale[:, None, :])
        found = np.einsum("kpq,kq->kp", inverse, right)
        model = found @ basis
        chi2 = np.einsum("km,km->k", weight, (rows - model) ** 2) / max(size - count, 1)
        worse = np.maximum(chi2, 1.0) if math.isfinite(gain) else chi2
        error = np.sqrt(np.einsum("kpp->kp", inverse) * worse[:, None])
        course = np.maximum(model, 0.5)
    return found, error
