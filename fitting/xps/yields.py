"""How much area an atom gives: s L T lambda and the counting time of one line in one spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import Spectrum
from libraries.attenuation import average_matrix_imfp, imfp
from libraries.elements import Line, parse_line
from libraries.errors import NotDetermined
from libraries.sensitivity import angular_factor, scofield
from libraries.units import kinetic_from_binding

MAGIC_ANGLE = 54.7356  # degrees, where L = 1


@dataclass(frozen=True)
class Yield:
    """Area per atom of a line, up to a factor common to all lines of a sample.

    Attributes
    ----------
    line : Line
    factor, angular, transmission, imfp, time : float
        s relative to C 1s, L, T, lambda in angstrom, and the seconds that a channel was counted (1 for rates).
    sources : tuple of str
        Of s, L, T and lambda.
    """

    line: Line
    factor: float
    angular: float
    transmission: float
    imfp: float
    time: float
    sources: tuple[str, str, str, str]

    @property
    def value(self) -> float:
        """s L T lambda t."""
        return self.factor * self.angular * self.transmission * self.imfp * self.time


def line_yield(
    spectrum: Spectrum,
    line: Line | str,
    position: float,
    material: str = "",
    *,
    energy_shift: float = 0.0,
    transmission_exponent: float | None = None,
) -> Yield:
    """Area per atom of a line.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe.
    line : Line or str
        A single level, "Cl 2p3/2"; of a whole doublet, the sum of both.
    position : float
        On the spectrum's axis.
    material : str
        In which lambda is taken; "" for the average matrix of ISO 18118.
    energy_shift : float
        Charge-reference shift in eV that the binding energies contain.
    transmission_exponent : float or None
        n of T = (KE / 1000 eV)**n where the file records no transmission function; None for T = 1.

    Raises
    ------
    NotDetermined
        If the photon energy is not known.
    """
    line, meta = parse_line(line), spectrum.meta
    if meta.photon_energy is None:
        raise NotDetermined("The photon energy is not recorded", where=spectrum.name,
                            todo="Set it on the Process page")
    if spectrum.axis.quantity == "binding_energy":
        kinetic = float(kinetic_from_binding(position - energy_shift, meta.photon_energy))
    else:
        kinetic = position + energy_shift
    factor = scofield(line, meta.photon_energy)
    gamma = MAGIC_ANGLE if meta.source_analyser_angle is None else meta.source_analyser_angle
    angular = angular_factor(line, meta.photon_energy, gamma)
    if spectrum.transmission is not None:
        transmission = float(np.interp(position, spectrum.x, spectrum.transmission))
        source = "transmission function of the file"
    elif transmission_exponent is not None:
        # In units of 1 keV, as in a composition: then it stands beside functions of files, which are of the order of 1.
        transmission = (kinetic / 1000.0) ** transmission_exponent
        source = f"T = (KE / 1000 eV)^{transmission_exponent:g}"
    else:
        transmission, source = 1.0, "not recorded: T = 1 assumed"
    path = imfp(kinetic, material) if material else average_matrix_imfp(kinetic)
    time = meta.live_time if meta.intensity_unit == "counts" and meta.live_time else 1.0
    return Yield(line, factor.value, angular.value, transmission, float(path.value), time,
                 (factor.source, angular.source, source, path.source))
