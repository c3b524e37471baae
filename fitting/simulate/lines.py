"""Primary line shapes of the simulator, built in Fourier space: Voigt, and Mahan's finite Doniach-Sunjic line.

No line shape of the fit is used here. Mahan's line is the Doniach-Sunjic singularity with the exponential cut-off that
a band of finite width demands: electron-hole pairs take away an energy that follows a gamma distribution of shape
`asymmetry` and scale `cutoff`. Its area is finite, so that an asymmetric line has a true area at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfftfreq

FloatArray = NDArray[np.float64]
MAHAN = "G. D. Mahan, Phys. Rev. B 11, 4814 (1975); S. Doniach, M. Sunjic, J. Phys. C 3, 285 (1970)"
NARROWEST = 0.2  # eV: a Gaussian this wide is sampled without aliasing on the grid


@dataclass(frozen=True)
class Line:
    """One primary line on the binding-energy axis.

    Attributes
    ----------
    position : float
        Binding energy of the maximum in eV (before the instrument broadens it).
    area : float
        Integral over all energies.
    gauss, lorentz : float
        Full widths in eV: phonons and disorder; lifetime.
    asymmetry, cutoff : float
        Exponent of the Doniach-Sunjic singularity (0 for a Voigt line) and the energy in eV at which it is cut off;
        the tail lies at high binding energy.
    """

    position: float
    area: float
    gauss: float
    lorentz: float = 0.0
    asymmetry: float = 0.0
    cutoff: float = 4.0


def characteristic(frequency: FloatArray, gauss: float, lorentz: float, asymmetry: float, cutoff: float) -> FloatArray:
    """Fourier transform of the line of area 1 with its threshold at zero; frequency in 1/eV, not negative.

    References
    ----------
    G. D. Mahan, Phys. Rev. B 11, 4814 (1975); S. Doniach, M. Sunjic, J. Phys. C 3, 285 (1970).
    """
    sigma = gauss / math.sqrt(8.0 * math.log(2.0))
    result = np.exp(-2.0 * (math.pi * sigma * frequency) ** 2 - math.pi * lorentz * frequency)
    if asymmetry:
        result = result * (1.0 + 2j * math.pi * cutoff * frequency) ** (-asymmetry)
    return result


@lru_cache(maxsize=256)
def maximum(gauss: float, lorentz: float, asymmetry: float, cutoff: float) -> float:
    """Distance in eV of the maximum of an asymmetric line from its threshold, towards high binding energy."""
    if not asymmetry:
        return 0.0
    size, step = 8192, 0.02
    # The line sits in the middle of the grid.
    frequency = rfftfreq(size, step)
    middle = np.exp(-2j * math.pi * frequency * (size // 2) * step)
    y = irfft(characteristic(frequency, gauss, lorentz, asymmetry, cutoff) * middle, size)
    top = int(np.argmax(y))
    left, here, right = y[top - 1], y[top], y[top + 1]
    return float((top - size // 2 + 0.5 * (left - right) / (left - 2 * here + right)) * step)


def primary(lines: Iterable[Line], start: float, step: float, size: int) -> FloatArray:
    """Sum of lines on the even grid start + step * (0 ... size - 1), in area units per eV.

    The grid must hold all lines with room at its ends: the transform is periodic.
    """
    frequency = rfftfreq(size, step)
    total = np.zeros(frequency.size, dtype=complex)
    for line in lines:
        if line.area == 0.0:
            continue
        shape = (max(line.gauss, NARROWEST), line.lorentz, line.asymmetry, line.cutoff)
        threshold = line.position - maximum(*shape) - start
        total += line.area * np.exp(-2j * math.pi * threshold * frequency) * characteristic(frequency, *shape)
    return irfft(total, size) / step
