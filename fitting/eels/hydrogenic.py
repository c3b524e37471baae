"""Generalised oscillator strengths of hydrogen-like K and L shells.

Formulas of R. F. Egerton (EELS in the Electron Microscope, 3rd ed. (2011), chapter 3 and appendix B, SIGMAK3 and
SIGMAL3; Ultramicroscopy 4 (1979) 169; Proc. EMSA 39 (1981) 198). All momentum transfers are given as Q = (q a0)^2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fitting.dataset import FloatArray
from libraries.errors import NotDetermined

# For Z = 13 to 36: exponent u of the empirical correction that matches measured photoabsorption, and the energies of
# the L3 and L1 thresholds in eV that it refers to. Source: SIGMAL3 in Egerton 2011, appendix B.
_FIRST = 13
_EXPONENT = (0.52, 0.42, 0.30, 0.29, 0.22, 0.30, 0.22, 0.16, 0.12, 0.13, 0.13, 0.14, 0.16, 0.18, 0.19, 0.22, 0.14, 0.11,
             0.12, 0.12, 0.12, 0.10, 0.10, 0.10)
_L3 = (73, 99, 135, 164, 200, 245, 294, 347, 402, 455, 513, 575, 641, 710, 779, 855, 931, 1021, 1115, 1217, 1323, 1436,
       1550, 1675)
_L1 = (118, 149, 189, 229, 270, 320, 377, 438, 500, 564, 628, 695, 769, 846, 926, 1008, 1096, 1194, 1142, 1248, 1359,
       1476, 1596, 1727)
L_RANGE = (_FIRST, _FIRST + len(_L3) - 1)
# Without the white lines of 3d metals the correction is flat over their first 20 eV.
WHITE_LINE_RANGE, WHITE_LINE_WIDTH = (18, 28), 20.0
# k -> 0 is a smooth limit of every formula below; the floor only avoids 0/0.
_SMALLEST_K = 1e-4


def l_thresholds(z: int) -> tuple[float, float]:
    """Energies of L3 and L1 in eV for Z = 13 to 36; raises NotDetermined outside."""
    if not L_RANGE[0] <= z <= L_RANGE[1]:
        raise NotDetermined("The hydrogenic L model is stated for Z = 13 to 36", where=f"Z = {z}",
                            todo="Use the dipole model")
    return float(_L3[z - _FIRST]), float(_L1[z - _FIRST])


def k_shell(z: int, energy: FloatArray, q: FloatArray, rydberg: float, *, floor: float = _SMALLEST_K) -> FloatArray:
    """df/dE of the K shell in 1/eV.

    Parameters
    ----------
    z : int
    energy, q : array
        Energy loss in eV and Q = (q a0)^2, broadcast against one another.
    rydberg : float
        In eV.
    floor : float
        Smallest |k|; Egerton's program has 0.1.
    """
    charge = 1.0 if z == 1 else z - 0.5
    electrons = 1.0 if z == 1 else 2.0
    energy, reduced = np.asarray(energy, dtype=float), np.asarray(q, dtype=float) / charge**2
    k2 = energy / (rydberg * charge**2) - 1.0
    c_over_d = _coulomb(reduced - k2 + 1.0, k2, 2.0, floor)
    numerator = 128.0 * electrons * energy / (rydberg * charge**4) * c_over_d * (reduced + k2 / 3.0 + 1.0 / 3.0)
    return numerator / (((reduced - k2 + 1.0) ** 2 + 4.0 * k2) ** 3 * rydberg)


def l_shell(
    z: int, energy: FloatArray, q: FloatArray, rydberg: float, *, white_lines: bool = False, floor: float = _SMALLEST_K
) -> FloatArray:
    """df/dE of the L shell (L2,3 below the L1 threshold, all L above) in 1/eV, for Z = 13 to 36.

    Parameters
    ----------
    z : int
    energy, q : array
        As in `k_shell`.
    rydberg : float
        In eV.
    white_lines : bool
        Lift the first 20 eV of Z = 18 to 28 to the mean height of the white lines, only for quantification by
        windows; False where the model has lines of its own.
    """
    l3, l1 = l_thresholds(z)
    charge = z - 0.35 * 7.0 - 1.7
    energy, q = np.broadcast_arrays(np.asarray(energy, dtype=float), np.asarray(q, dtype=float) / charge**2)
    k2 = energy / (rydberg * charge**2) - 0.25
    gap = q - k2 + 0.25
    below = (
        2.25 * q**4 - (0.75 + 3.0 * k2) * q**3 + (0.59375 - 0.75 * k2 - 0.5 * k2**2) * q**2
        + (0.11146 + 0.85417 * k2 + 1.8833 * k2**2 + k2**3) * q
        + 0.0035807 + k2 / 21.333 + k2**2 / 4.5714 + k2**3 / 2.4 + k2**4 / 4.0
    ) / (gap**2 + k2) ** 5
    above = (
        q**3 - (5.0 * k2 / 3.0 + 11.0 / 12.0) * q**2 + (k2**2 / 3.0 + 1.5 * k2 + 65.0 / 48.0) * q
        + k2**3 / 3.0 + 0.75 * k2**2 + 23.0 * k2 / 48.0 + 5.0 / 64.0
    ) / (gap**2 + k2) ** 4
    strength = np.where(energy <= l1, below, above) * 32.0 * _coulomb(gap, k2, 1.0, floor)
    past = np.maximum(energy - l3, 0.0)
    correction = ((past + 0.1) / (1.8 * z**2)) ** _EXPONENT[z - _FIRST]
    if white_lines and WHITE_LINE_RANGE[0] <= z <= WHITE_LINE_RANGE[1]:
        correction = np.where(past <= WHITE_LINE_WIDTH, 1.0, correction)
    return correction * strength * energy / (rydberg**2 * charge**4)


def _coulomb(gap: Any, k2: Any, factor: float, floor: float) -> Any:
    """C/D: the density of the ejected electron's wave at the nucleus; `gap` = Q' - k2 + (1 or 1/4)."""
    k = np.maximum(np.sqrt(np.abs(k2)), floor)
    angle = np.arctan2(factor * k, gap)  # in [0, pi]
    free = np.exp(-2.0 / k * angle) / -np.expm1(-2.0 * np.pi / k)
    # Bound states; gap - factor k = Q' + (1 - k)^2 or Q' + (1/2 - k)^2, never below zero.
    upper, lower = np.where(k2 < 0, gap + factor * k, 1.0), np.where(k2 < 0, gap - factor * k, 1.0)
    return np.where(k2 >= 0, free, np.exp(-np.log(upper / lower) / k))
