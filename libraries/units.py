"""Energy scales, photon sources, widths and physical constants.

The only place where kinetic, binding and loss energies are converted into one another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from libraries.errors import BadData, UnknownName

CODATA = "CODATA 2018, E. Tiesinga et al., Rev. Mod. Phys. 93, 025010 (2021)"
SI_EXACT = "SI definition of 2019, exact"


@dataclass(frozen=True)
class Constant:
    """A physical constant with its unit and reference."""

    name: str
    value: float
    unit: str
    reference: str


CONSTANTS: tuple[Constant, ...] = (
    Constant("electron rest energy", 510998.950, "eV", CODATA),
    Constant("electron mass", 5.48579909065e-4, "u", CODATA),
    Constant("elementary charge", 1.602176634e-19, "C", SI_EXACT),
    Constant("Planck constant times speed of light", 12398.41984, "eV angstrom", SI_EXACT),
    Constant("speed of light", 299792458.0, "m/s", SI_EXACT),
    Constant("Avogadro constant", 6.02214076e23, "1/mol", SI_EXACT),
    Constant("Boltzmann constant", 8.617333262e-5, "eV/K", SI_EXACT),
    Constant("Rydberg energy", 13.605693123, "eV", CODATA),
)
ELECTRON_REST_ENERGY = CONSTANTS[0].value
ELECTRON_MASS_U = CONSTANTS[1].value

SIGMA_TO_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True)
class PhotonSource:
    """A photon source of a laboratory XPS or UPS instrument.

    Attributes
    ----------
    name : str
        Canonical name, for example "Al Ka".
    energy : float
        Photon energy in eV.
    source : str
        Where the number comes from and what it agrees with.
    """

    name: str
    energy: float
    source: str


# The nominal energies are those written into instrument files; each is checked in the tests against the X-ray line
# energies of xraylib (Ka1, or the Ka1/Ka2 mean), which follow the evaluation named there.
_XRAYLIB = "T. Schoonjans et al., Spectrochim. Acta B 66, 776 (2011)"
PHOTON_SOURCES: tuple[PhotonSource, ...] = (
    PhotonSource("Al Ka", 1486.6, f"nominal, unresolved Ka1,2; line energy of xraylib within 0.2 eV: {_XRAYLIB}"),
    PhotonSource("Mg Ka", 1253.6, f"nominal, unresolved Ka1,2; line energy of xraylib within 0.2 eV: {_XRAYLIB}"),
    PhotonSource("Ag La", 2984.3, f"La1; line energy of xraylib within 0.2 eV: {_XRAYLIB}"),
    PhotonSource("Cr Ka", 5414.8, f"nominal Ka1; line energy of xraylib within 0.2 eV: {_XRAYLIB}"),
    PhotonSource("Ga Ka", 9251.74, f"Ka1; line energy of xraylib within 0.2 eV: {_XRAYLIB}"),
    PhotonSource("He I", 21.218, "1s2-1s2p line of neutral helium; unverified (no source read)"),
    PhotonSource("He II", 40.81, f"3 x Rydberg energy of He+ (n = 2 to 1), computed from {CODATA}"),
)


def photon_source(name: str) -> PhotonSource:
    """Find a photon source by name.

    Parameters
    ----------
    name : str
        "Al Ka", "AlKa", "Al K-alpha", "Al", "mono Al Ka", "He I" ... (case and spaces do not matter).

    Returns
    -------
    PhotonSource

    Raises
    ------
    UnknownName
        If no source of that name is in the table.
    """
    key = _source_key(name)
    for source in PHOTON_SOURCES:
        whole = _source_key(source.name)
        if key == whole or (key == source.name.split()[0].lower() and key != "he"):
            return source
    known = ", ".join(s.name for s in PHOTON_SOURCES)
    raise UnknownName(f"No photon source is called '{name}'", todo=f"Give the energy in eV or one of: {known}")


def photon_energy(name: str) -> float:
    """Photon energy in eV of a source given by name (see `photon_source`)."""
    return photon_source(name).energy


def _source_key(name: str) -> str:
    key = name.lower()
    for spelling, plain in (("\u03b1", "a"), ("alpha", "a")):
        key = key.replace(spelling, plain)
    for word in ("monochromated", "monochromatic", "mono"):
        key = key.replace(word, "")
    return "".join(c for c in key if c.isalnum())


def _array(values: ArrayLike, name: str) -> Any:
    """Float array or scalar of `values`, all finite."""
    try:
        result = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise BadData("Not a number", where=name, todo="Give numbers in eV") from error
    if not np.all(np.isfinite(result)):
        raise BadData("A value is not finite", where=name, todo="Remove empty or infinite values")
    return result if result.ndim else float(result)


def kinetic_from_binding(binding_energy: ArrayLike, photon_energy: float, work_function: float = 0.0) -> Any:
    """Kinetic energy from binding energy.

    Parameters
    ----------
    binding_energy : float or ndarray
        Binding energy in eV with respect to the Fermi level.
    photon_energy : float
        Photon energy in eV.
    work_function : float
        Work function of the spectrometer in eV; 0 where the kinetic energy scale already contains it.

    Returns
    -------
    float or ndarray
        Kinetic energy in eV: photon_energy - work_function - binding_energy.

    Raises
    ------
    BadData
        If a value is not finite or the photon energy is not positive.

    References
    ----------
    ISO 15472:2010, Surface chemical analysis - X-ray photoelectron spectrometers - Calibration of energy scales.
    """
    return _reach(photon_energy, work_function) - _array(binding_energy, "binding_energy")


def binding_from_kinetic(kinetic_energy: ArrayLike, photon_energy: float, work_function: float = 0.0) -> Any:
    """Binding energy in eV from kinetic energy: the inverse of `kinetic_from_binding`, same arguments and errors."""
    return _reach(photon_energy, work_function) - _array(kinetic_energy, "kinetic_energy")


def _reach(photon_energy: float, work_function: float) -> float:
    photon = _array(photon_energy, "photon_energy")
    function = _array(work_function, "work_function")
    if np.any(np.asarray(photon) <= 0.0):
        raise BadData("The photon energy is not positive", where="photon_energy", todo="Give the photon energy in eV")
    return photon - function


def loss_from_kinetic(kinetic_energy: ArrayLike, primary_energy: float) -> Any:
    """Energy loss in eV from kinetic energy: primary_energy - kinetic_energy.

    Parameters
    ----------
    kinetic_energy : float or ndarray
        Kinetic energy in eV.
    primary_energy : float
        Energy of the loss-free electron (beam, or a photoelectron line) in eV.

    Returns
    -------
    float or ndarray
        Energy loss in eV.

    Raises
    ------
    BadData
        If a value is not finite.
    """
    return _array(primary_energy, "primary_energy") - _array(kinetic_energy, "kinetic_energy")


def kinetic_from_loss(loss_energy: ArrayLike, primary_energy: float) -> Any:
    """Kinetic energy in eV from energy loss: the inverse of `loss_from_kinetic`."""
    return _array(primary_energy, "primary_energy") - _array(loss_energy, "loss_energy")


def loss_from_binding(binding_energy: ArrayLike, line_binding_energy: float) -> Any:
    """Energy loss in eV behind a photoelectron line: binding_energy - line_binding_energy."""
    return _array(binding_energy, "binding_energy") - _array(line_binding_energy, "line_binding_energy")


def fwhm_from_sigma(sigma: ArrayLike) -> Any:
    """Full width at half maximum of a Gaussian from its standard deviation (same unit)."""
    return _array(sigma, "sigma") * SIGMA_TO_FWHM


def sigma_from_fwhm(fwhm: ArrayLike) -> Any:
    """Standard deviation of a Gaussian from its full width at half maximum (same unit)."""
    return _array(fwhm, "fwhm") / SIGMA_TO_FWHM


def hwhm_from_fwhm(fwhm: ArrayLike) -> Any:
    """Half width at half maximum from the full width (same unit); the Lorentzian's gamma."""
    return _array(fwhm, "fwhm") / 2.0


def fwhm_from_hwhm(hwhm: ArrayLike) -> Any:
    """Full width at half maximum from the half width (same unit)."""
    return _array(hwhm, "hwhm") * 2.0
