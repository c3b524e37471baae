"""Beam, angles and relativistic quantities of EELS.

Angles are half angles in mrad, beam energies in keV, losses in eV, lengths in nm. A `Beam` may lack an angle; whatever
needs it then says so (`NotDetermined`) instead of taking a guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from libraries.errors import BadData, NotDetermined
from libraries.units import CODATA, ELECTRON_REST_ENERGY

HBAR_C = 197.3269804  # eV nm, exact by the SI of 2019 (CODATA 2018, E. Tiesinga et al., RMP 93, 025010 (2021))


@dataclass(frozen=True)
class Constants:
    """The physical constants of EELS formulas; Egerton's programs use rounded ones.

    Attributes
    ----------
    rydberg : float
        Rydberg energy in eV.
    bohr_radius : float
        In nm.
    rest_energy : float
        Of the electron, in eV.
    reference : str
    """

    rydberg: float = 13.605693123
    bohr_radius: float = 0.0529177210903
    rest_energy: float = ELECTRON_REST_ENERGY
    reference: str = CODATA


@dataclass(frozen=True)
class Beam:
    """The electron beam and what the spectrometer accepts; None where it is not known.

    Attributes
    ----------
    energy : float or None
        Kinetic energy E0 in keV.
    convergence, collection : float or None
        Semi-angles alpha and beta in mrad; a parallel beam has convergence 0.
    constants : Constants

    Raises
    ------
    BadData
        If energy or collection angle are not above zero, or an angle is negative, 1 rad or more, or not finite.
    """

    energy: float | None = None
    convergence: float | None = None
    collection: float | None = None
    constants: Constants = Constants()

    def __post_init__(self) -> None:
        if self.energy is not None and not (math.isfinite(self.energy) and self.energy > 0):
            raise BadData("The beam energy must be above zero", where=f"{self.energy} keV")
        if self.collection is not None and not 0 < self.collection < 1000:
            raise BadData("The collection angle must lie between 0 and 1000 mrad", where=f"{self.collection} mrad")
        if self.convergence is not None and not 0 <= self.convergence < 1000:
            raise BadData("The convergence angle must lie between 0 and 1000 mrad", where=f"{self.convergence} mrad")

    @property
    def e0(self) -> float:
        """Beam energy in eV."""
        if self.energy is None:
            raise NotDetermined("The beam energy is not known", todo="Enter it in keV")
        return 1e3 * self.energy

    @property
    def alpha(self) -> float:
        """Convergence semi-angle in rad."""
        if self.convergence is None:
            raise NotDetermined("The convergence angle is not known",
                                todo="Enter the semi-angle in mrad (0 for a parallel beam)")
        return 1e-3 * self.convergence

    @property
    def beta(self) -> float:
        """Collection semi-angle in rad."""
        if self.collection is None:
            raise NotDetermined("The collection angle is not known", todo="Enter the semi-angle in mrad")
        return 1e-3 * self.collection

    @property
    def gamma(self) -> float:
        """Relativistic factor 1 + E0/(m0 c^2)."""
        return 1.0 + self.e0 / self.constants.rest_energy

    @property
    def speed(self) -> float:
        """v/c."""
        return math.sqrt(1.0 - self.gamma**-2)

    @property
    def T(self) -> float:
        """m0 v^2 / 2 in eV (Egerton 2011, appendix A)."""
        return self.e0 * (1.0 + self.e0 / (2.0 * self.constants.rest_energy)) / self.gamma**2

    @property
    def wave_number(self) -> float:
        """k0 in 1/nm."""
        return math.sqrt(self.e0 * (self.e0 + 2.0 * self.constants.rest_energy)) / HBAR_C

    def characteristic_angle(self, loss: ArrayLike) -> Any:
        """theta_E = E/(2 gamma T) in rad.

        Parameters
        ----------
        loss : float or array
            Energy loss in eV, above zero.

        Raises
        ------
        BadData
            If a loss is not above zero.

        References
        ----------
        R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3.
        """
        return _losses(loss) / (2.0 * self.gamma * self.T)

    def bethe_ridge(self, loss: ArrayLike) -> Any:
        """Angle in rad, sqrt(E/E0), above which the dipole approximation fails (Egerton 2011, chapter 3)."""
        return np.sqrt(_losses(loss) / self.e0)

    def effective_collection(self, loss: ArrayLike) -> Any:
        """Effective collection angle beta* in rad at a loss (see `effective_angle`)."""
        return effective_angle(self.alpha, self.beta, self.characteristic_angle(loss))


def convergence_factors(alpha: float, beta: float, theta_e: ArrayLike) -> tuple[Any, Any]:
    """F1 and F2: what incident-beam convergence leaves of an inelastic signal.

    Parameters
    ----------
    alpha, beta : float
        Convergence and collection semi-angles in rad.
    theta_e : float or array
        Characteristic angle in rad.

    Returns
    -------
    F1, F2 : float or array
        F1: the signal per incident electron over that of a parallel beam. F2: the same per electron that the
        collector sees of the zero-loss disc, F1 alpha^2/beta^2 where alpha > beta.

    Notes
    -----
    Lorentzian angular distribution over two discs, integrated in closed form; agrees with direct integration. (The
    check value 0.5711 of Egerton's CONCOR2 results from a characteristic angle twice too large.)

    References
    ----------
    M. R. Scheinfein, M. Isaacson, Scanning Electron Microscopy 1984/IV, 1681; R. F. Egerton, EELS in the Electron
    Microscope, 3rd ed. (2011), chapter 4.
    """
    theta_e = np.asarray(theta_e, dtype=float)
    if alpha == 0.0:
        one = np.ones_like(theta_e)[()]
        return one, one
    a2, b2, t2 = alpha**2, beta**2, theta_e**2
    total = a2 + b2 + t2
    # sqrt(total^2 - 4 a2 b2) - total without cancellation
    eta1 = -4.0 * a2 * b2 / (np.sqrt(total**2 - 4.0 * a2 * b2) + total)
    f1 = (eta1 + _eta(a2, b2, t2) + _eta(b2, a2, t2)) / (2.0 * a2 * np.log1p(b2 / t2))
    return f1, f1 * a2 / b2 if alpha > beta else f1


def _eta(a2: float, b2: float, t2: Any) -> Any:
    # sqrt(d^2 + 4 b2 t2) + d for either sign of d
    d = a2 + t2 - b2
    root = np.sqrt(d**2 + 4.0 * b2 * t2)
    sum_ = np.where(d >= 0, root + d, 4.0 * b2 * t2 / (root + np.abs(d)))
    return 2.0 * b2 * np.log(sum_ / (2.0 * t2))


def effective_angle(alpha: float, beta: float, theta_e: ArrayLike) -> Any:
    """The collection angle beta* that a parallel beam would need for the same signal.

    Parameters
    ----------
    alpha, beta : float
        In rad.
    theta_e : float or array
        Characteristic angle in rad.

    Returns
    -------
    float or array
        beta* = theta_E sqrt(exp[F2 ln(1 + beta^2/theta_E^2)] - 1) in rad.

    References
    ----------
    As `convergence_factors`.
    """
    theta_e = np.asarray(theta_e, dtype=float)
    _, f2 = convergence_factors(alpha, beta, theta_e)
    return (theta_e * np.sqrt(np.expm1(f2 * np.log1p(beta**2 / theta_e**2))))[()]


def _losses(loss: ArrayLike) -> Any:
    value = np.asarray(loss, dtype=float)
    if not np.all(np.isfinite(value)) or np.any(value <= 0):
        raise BadData("An energy loss must be above zero", where="energy loss")
    return value[()]
