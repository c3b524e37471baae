"""Free-electron (Drude) and bound-electron (Lorentz) dielectric function and the losses that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray
from fitting.eels.kinematics import Beam
from libraries.errors import BadData

ComplexArray = NDArray[np.complex128]


def permittivity(energy: FloatArray, plasmon: float, width: float, bound: float = 0.0) -> ComplexArray:
    """eps = 1 - Ep^2/(E^2 - Eb^2 + i E G).

    Parameters
    ----------
    energy : array, shape (n,)
        In eV, above zero.
    plasmon, width, bound : float
        Ep, G and Eb in eV; Eb = 0 for a metal.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3.
    """
    if plasmon <= 0 or width <= 0 or bound < 0:
        raise BadData("Plasmon energy and width must be above zero", where=f"Ep {plasmon}, width {width} eV")
    return 1.0 - plasmon**2 / (energy**2 - bound**2 + 1j * energy * width)


def loss_function(energy: FloatArray, plasmon: float, width: float) -> tuple[FloatArray, FloatArray]:
    """Im(-1/eps) of free electrons and its derivatives.

    Parameters
    ----------
    energy : array, shape (n,)
        In eV.
    plasmon, width : float
        Ep and G in eV. The maximum, about Ep/G, lies near Ep and has the full width G.

    Returns
    -------
    value : array, shape (n,)
    gradient : array, shape (2, n)
        d/dEp and d/dG in 1/eV.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3.
    """
    gap = energy**2 - plasmon**2
    denominator = gap**2 + (energy * width) ** 2
    value = plasmon**2 * energy * width / denominator
    by_plasmon = value * (2.0 / plasmon + 4.0 * plasmon * gap / denominator)
    by_width = value * (1.0 / width - 2.0 * energy**2 * width / denominator)
    return value, np.stack((by_plasmon, by_width))


@dataclass(frozen=True, eq=False)
class LossProbability:
    """Single-scattering probabilities per eV.

    Attributes
    ----------
    volume, surface : array, shape (n,)
        1/eV; the surface part is that of two clean faces with the begrenzung effect and may be negative.
    """

    volume: FloatArray
    surface: FloatArray


def loss_probability(energy: FloatArray, eps: ComplexArray, thickness: float, beam: Beam) -> LossProbability:
    """Volume and surface loss probabilities of a slab.

    Parameters
    ----------
    energy : array, shape (n,)
        In eV, above zero.
    eps : array, shape (n,)
        Complex permittivity.
    thickness : float
        In nm.
    beam : Beam
        A parallel beam is assumed for the surface part; the volume part takes beta*.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapters 3 and 4.
    """
    theta = beam.characteristic_angle(energy)
    beta = beam.effective_collection(energy)
    elf = np.imag(-1.0 / eps)
    a0 = beam.constants.bohr_radius
    volume = thickness / (np.pi * a0 * 2.0 * beam.T) * elf * np.log1p((beta / theta) ** 2)
    return LossProbability(volume, surface_loss(energy, eps, beam))


def surface_loss(energy: FloatArray, eps: ComplexArray, beam: Beam, *, offset: float = 0.0) -> FloatArray:
    """Loss probability per eV of both faces, begrenzung included.

    {Im[-4/(1 + eps)] - Im(-1/eps)} [atan(beta/theta_E)/theta_E - beta/(beta^2 + theta_E^2)] / (pi a0 k0 T)

    Parameters
    ----------
    energy : array, shape (n,)
        In eV, above zero.
    eps : array, shape (n,)
    beam : Beam
    offset : float
        Added to E in 1/theta_E, eV: keeps the first channels finite (0.1 to 0.5 in use).

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), equation 4.31.
    """
    theta, lifted = beam.characteristic_angle(energy), beam.characteristic_angle(energy + offset)
    beta = beam.effective_collection(energy)
    angular = np.arctan(beta / theta) / lifted - beta / (beta**2 + theta**2)
    material = np.imag(-4.0 / (1.0 + eps)) - np.imag(-1.0 / eps)
    return material * angular / (np.pi * beam.constants.bohr_radius * beam.wave_number * beam.T)
