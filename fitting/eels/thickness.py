"""Specimen thickness: log-ratio, mean free paths of Iakoubovskii, Malis and Jin, plasmon path, Kramers-Kronig sum.

Thickness in nm, angles in mrad, beam energy in keV, density in g/cm3. The mean free paths are shown side by side and
never averaged: for sodium they differ by half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fitting.dataset import FloatArray
from fitting.eels.kinematics import Beam
from libraries.elements import atomic_mass, atomic_number, parse_formula
from libraries.errors import BadData, NotDetermined

# Rounded rest energies and prefactors are parts of the published parametrisations, which were fitted with them.
_REST, _TWICE_REST = 511.0, 1022.0


@dataclass(frozen=True)
class MeanFreePath:
    """An inelastic mean free path.

    Attributes
    ----------
    value : float
        In nm.
    relative_error : float or None
        Accuracy of the formula, one standard deviation; None where its authors give none.
    formula, source : str
    warnings : tuple of str
    """

    value: float
    relative_error: float | None
    formula: str
    source: str
    warnings: tuple[str, ...] = ()


def relative_thickness(zero_loss: ArrayLike, total: ArrayLike, *, gain: float = 1.0) -> tuple[Any, Any]:
    """t/lambda = ln(It/I0) with its standard error.

    Parameters
    ----------
    zero_loss, total : float or array
        Areas I0 of the zero-loss peak and It of the whole spectrum, in counts; images are taken element by element.
    gain : float
        Counts per electron.

    Returns
    -------
    ratio, error : float or array
        The error is sqrt(gain (1/I0 - 1/It)): zero-loss and lost electrons are counted independently. It holds no
        error of the separation of the zero-loss peak and none of truncation.

    Raises
    ------
    NotDetermined
        If a zero-loss area is not above zero or exceeds the total.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 5.
    """
    i0, it = np.asarray(zero_loss, dtype=float), np.asarray(total, dtype=float)
    if not (np.all(np.isfinite(i0)) and np.all(np.isfinite(it))) or np.any(i0 <= 0):
        raise NotDetermined("A zero-loss area is not above zero, so t/lambda is not determined", where="t/lambda",
                            todo="Check the window of the zero-loss peak")
    if np.any(it < i0):
        raise NotDetermined("The whole spectrum holds less than its zero-loss peak", where="t/lambda",
                            todo="Subtract the dark level and check the zero-loss separation")
    if not gain > 0:
        raise BadData("The gain must be above zero", where=f"gain {gain}")
    return np.log(it / i0)[()], np.sqrt(gain * (1.0 / i0 - 1.0 / it))[()]


def iakoubovskii(density: float, beam: Beam, *, revised: bool = False) -> MeanFreePath:
    """Mean free path by density.

    Parameters
    ----------
    density : float
        In g/cm3.
    beam : Beam
        Energy, convergence and collection are all needed.
    revised : bool
        With the relativistically consistent factor (1 + E0/1022)/(1 + E0/511) in the characteristic angle.

    Returns
    -------
    MeanFreePath

    References
    ----------
    K. Iakoubovskii, K. Mitsuishi, Y. Nakayama, K. Furuya, Microsc. Res. Tech. 71, 626 (2008); "revised" as
    in R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), appendix B (IMFP).
    """
    _above_zero(density, "density")
    e0 = beam.e0 / 1e3
    factor = (1.0 + e0 / _TWICE_REST) / (1.0 + e0 / _REST) ** 2
    angular = (1.0 + e0 / _TWICE_REST) / (1.0 + e0 / _REST) if revised else factor
    theta_e2 = (5.5 * density**0.3 / (angular * e0)) ** 2
    theta_c2 = 20.0**2
    a2, b2 = (1e3 * beam.alpha) ** 2, (1e3 * beam.beta) ** 2
    spread = a2 + b2 + abs(a2 - b2)
    log = math.log((spread + 2.0 * theta_e2) / (spread + 2.0 * theta_c2) * theta_c2 / theta_e2)
    return MeanFreePath(200.0 * factor * e0 / (11.0 * density**0.3 * log), None,
                        "Iakoubovskii, revised" if revised else "Iakoubovskii",
                        "K. Iakoubovskii et al., Microsc. Res. Tech. 71, 626 (2008)")


def effective_atomic_number(formula: str) -> float:
    """Sum f Z^1.3 / sum f Z^0.3 over the atoms of a formula (Egerton 2011, chapter 5); raises UnknownName."""
    atoms = [(atomic_number(name), number) for name, number in parse_formula(formula)]
    return sum(f * z**1.3 for z, f in atoms) / sum(f * z**0.3 for z, f in atoms)


def malis(formula: str, beam: Beam) -> MeanFreePath:
    """Mean free path by effective atomic number, E_m = 7.6 Z^0.36 eV, 20 % accurate.

    Parameters
    ----------
    formula : str
        Chemical formula, for example "Na" or "TiO2".
    beam : Beam
        Energy, convergence and collection are all needed.

    Returns
    -------
    MeanFreePath

    References
    ----------
    T. Malis, S. C. Cheng, R. F. Egerton, J. Electron Microsc. Tech. 8, 193 (1988); effective collection angle as in
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), appendix B (IMFP).
    """
    mean_loss = 7.6 * effective_atomic_number(formula) ** 0.36
    return _by_mean_loss(mean_loss, beam, 0.20, "Malis",
                         "T. Malis, S. C. Cheng, R. F. Egerton, J. Electron Microsc. Tech. 8, 193 (1988)")


def jin_li(formula: str, density: float, beam: Beam) -> MeanFreePath:
    """Mean free path with E_m = 42.5 Z^0.47 rho/A eV, Z effective and A the mean atomic mass.

    References
    ----------
    Q. Jin, D. Li, Microsc. Microanal. 12 (suppl. 2), 1186 (2006), as quoted by R. F. Egerton, EELS in the Electron
    Microscope, 3rd ed. (2011), chapter 5.
    """
    _above_zero(density, "density")
    atoms = parse_formula(formula)
    mass = sum(f * atomic_mass(name) for name, f in atoms) / sum(f for _, f in atoms)
    mean_loss = 42.5 * effective_atomic_number(formula) ** 0.47 * density / mass
    return _by_mean_loss(mean_loss, beam, None, "Jin and Li",
                         "Q. Jin, D. Li, Microsc. Microanal. 12 (suppl. 2), 1186 (2006)")


def _by_mean_loss(mean_loss: float, beam: Beam, error: float | None, name: str, source: str) -> MeanFreePath:
    e0 = beam.e0 / 1e3
    factor = (1.0 + e0 / _TWICE_REST) / (1.0 + e0 / _REST) ** 2
    beta = 1e3 * float(beam.effective_collection(mean_loss))
    log = math.log(2.0 * beta * e0 / mean_loss)
    if log <= 0:
        raise NotDetermined(f"The collection angle is too small for the formula of {name}",
                            where=f"beta* {beta:g} mrad")
    warnings = _ridge_warning(beam, mean_loss, 1e-3 * beta)
    return MeanFreePath(106.0 * factor * e0 / mean_loss / log, error, name, source, warnings)


def plasmon_mean_free_path(plasmon: float, beam: Beam) -> MeanFreePath:
    """Mean free path of a free-electron plasmon, lambda_p = 4 a0 T/E_p / ln(1 + beta*^2/theta_E^2).

    Parameters
    ----------
    plasmon : float
        Plasmon energy in eV.
    beam : Beam

    Returns
    -------
    MeanFreePath
        A collector that reaches beyond the Bethe ridge takes all there is: beta* is then held at the ridge, and a
        warning says so.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3 and appendix B (PMFP).
    """
    theta = float(beam.characteristic_angle(plasmon))
    beta, ridge = float(beam.effective_collection(plasmon)), float(beam.bethe_ridge(plasmon))
    log = math.log1p((min(beta, ridge) / theta) ** 2)
    return MeanFreePath(4.0 * beam.constants.bohr_radius * beam.T / (plasmon * log), None, "free-electron plasmon",
                        "R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3",
                        _ridge_warning(beam, plasmon, beta))


def kramers_kronig_sum(
    energy: FloatArray, single: FloatArray, zero_loss: float, beam: Beam, refractive_index: float | None
) -> float:
    """Thickness from the Kramers-Kronig sum rule.

    t = 4 a0 T / [I0 (1 - 1/n^2)] * integral J1(E) / [E ln(1 + beta^2/theta_E^2)] dE

    Parameters
    ----------
    energy : array, shape (n,)
        Energy loss in eV, evenly spaced; channels at E <= 0 are left out.
    single : array, shape (n,)
        Single-scattering distribution J1 in counts per channel.
    zero_loss : float
        Zero-loss area I0 in counts.
    beam : Beam
        The effective collection angle enters.
    refractive_index : float or None
        Optical refractive index; None for a metal (1/n^2 = 0).

    Returns
    -------
    float
        In nm. Surface losses make it too large for thin specimens, losses beyond the axis too small.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 5.
    """
    energy, single = np.asarray(energy, dtype=float), np.asarray(single, dtype=float)
    if energy.shape != single.shape or energy.ndim != 1:
        raise BadData("Energies and intensities differ in shape", where="Kramers-Kronig sum")
    if not zero_loss > 0:
        raise NotDetermined("The zero-loss area is not above zero", where="Kramers-Kronig sum")
    used = energy > 0
    if not np.any(used):
        raise NotDetermined("The spectrum holds no energy loss above zero", where="Kramers-Kronig sum")
    e = energy[used]
    log = np.log1p((beam.effective_collection(e) / beam.characteristic_angle(e)) ** 2)
    total = float(np.sum(single[used] / (e * log)))
    return 4.0 * beam.constants.bohr_radius * beam.T * total / (zero_loss * screening(refractive_index))


def screening(refractive_index: float | None) -> float:
    """1 - 1/n^2 = Re(1 - 1/eps(0)); 1 for a metal (None)."""
    if refractive_index is None:
        return 1.0
    if not refractive_index > 1:
        raise BadData("The refractive index must be above 1", where=f"n = {refractive_index}",
                      todo="Leave it out for a metal")
    return 1.0 - refractive_index**-2


def _ridge_warning(beam: Beam, loss: float, beta: float) -> tuple[str, ...]:
    ridge = float(beam.bethe_ridge(loss))
    if beta <= ridge:
        return ()
    return (f"beta* of {1e3 * beta:.2f} mrad lies beyond the Bethe ridge ({1e3 * ridge:.2f} mrad) at {loss:.1f} eV",)


def _above_zero(value: float, name: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise BadData(f"The {name} must be above zero", where=f"{name} {value}")
