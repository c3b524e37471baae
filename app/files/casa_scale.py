"""From CasaXPS's energies and areas to those of a spectrum.

Energies of CasaXPS are kinetic and on the calibrated scale. An area of CasaXPS is a rate, counts eV/s: counts divided
by dwell time and by the number of sweeps (measured: the columns that it exported for FeO hold 2.000 times the stated
areas at 2 s and 1 sweep; S 2p lines in a file of 0.448 s and 5 sweeps fill their data at 2.24 times). Ours is in the
unit of the spectrum times eV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.files.casa import CasaInfo, casa_info
from fitting.dataset import FloatArray, Spectrum
from libraries.errors import BadData, NotDetermined
from libraries.units import binding_from_kinetic

# Rounds away the dust of subtracting energies that files print with at most eight digits.
DECIMALS = 9


@dataclass(frozen=True)
class CasaScale:
    """From CasaXPS's energies and areas to those of a spectrum.

    Attributes
    ----------
    photon : float or None
        Photon energy where the axis is binding energy; None on a kinetic axis.
    area : float
        What an area of CasaXPS is multiplied by.
    """

    photon: float | None
    area: float

    def place(self, kinetic: float) -> float:
        """The axis value of a kinetic energy."""
        if self.photon is None:
            return kinetic
        return round(float(binding_from_kinetic(kinetic, self.photon)), DECIMALS)

    def places(self, low: float, high: float) -> tuple[float, float]:
        """The same for two limits, in ascending order."""
        ends = sorted((self.place(low), self.place(high)))
        return ends[0], ends[1]

    def kinetic(self, place: float) -> float:
        """The kinetic energy of an axis value."""
        return place if self.photon is None else round(self.photon - place, DECIMALS)

    @property
    def sign(self) -> int:
        """-1 where the axis runs against the kinetic energy."""
        return 1 if self.photon is None else -1


def casa_shift(spectrum: Spectrum, info: CasaInfo | None = None) -> float:
    """Sum of a spectrum's calibrations in eV of binding energy; a range stands for the maximum within it.

    Raises
    ------
    NotDetermined
        If the spectrum has no point in the range.
    """
    info = info or casa_info(spectrum)
    if info.shift is not None:
        return info.shift
    total = 0.0
    for one in info.calibrations:
        shift = one.shift
        if shift is None and one.measured_range is not None:
            low, high = one.measured_range
            scale = _calibrated(spectrum, total, one.axis)
            inside = (scale >= low) & (scale <= high)
            if spectrum.navigation or not np.any(inside):
                raise NotDetermined(
                    f"CasaXPS calibrated by the maximum between {low:g} and {high:g} eV, where there are no data",
                    where=spectrum.name,
                )
            top = float(scale[inside][np.argmax(spectrum.y[inside])])
            shift = one.actual - top if one.axis == "BE" else top - one.actual
        total += shift or 0.0
    return round(total, DECIMALS)


def _calibrated(spectrum: Spectrum, shift: float, wanted: str) -> FloatArray:
    """The axis after `shift`, as binding ("BE") or kinetic ("KE") energies."""
    binding = spectrum.axis.quantity == "binding_energy"
    values = spectrum.x + (shift if binding else -shift)
    if binding == (wanted == "BE"):
        return values
    if spectrum.meta.photon_energy is None:
        raise NotDetermined("The photon energy is not recorded", where=spectrum.name)
    return spectrum.meta.photon_energy - values


def scale_of(spectrum: Spectrum) -> tuple[CasaScale, tuple[str, ...]]:
    """How CasaXPS's energies and areas become a spectrum's, and what is assumed.

    Raises
    ------
    BadData
        If the axis is no energy of photoelectrons, or a binding energy of unknown photon energy.
    """
    meta, quantity = spectrum.meta, spectrum.axis.quantity
    if quantity not in ("binding_energy", "kinetic_energy"):
        raise BadData("CasaXPS's energies need an axis of binding or kinetic energy", where=spectrum.name)
    if quantity == "binding_energy" and meta.photon_energy is None:
        raise BadData("CasaXPS's energies are kinetic, and the photon energy is not recorded", where=spectrum.name)
    photon = meta.photon_energy if quantity == "binding_energy" else None
    if meta.intensity_unit == "counts/s":
        return CasaScale(photon, 1.0), ()
    if meta.intensity_unit == "counts" and meta.live_time:
        return CasaScale(photon, meta.live_time), ()
    return CasaScale(photon, 1.0), ("Dwell time and sweeps are not recorded: CasaXPS's areas are taken as they stand.",)
