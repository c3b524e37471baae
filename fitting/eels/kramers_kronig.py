"""Dielectric function and thickness from the single-scattering distribution by Kramers-Kronig analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

from fitting.dataset import FloatArray
from fitting.eels.drude import ComplexArray, surface_loss
from fitting.eels.kinematics import Beam
from fitting.eels.thickness import screening
from libraries.errors import BadData, NotDetermined

# Of each further estimate of the surface losses this share is taken: the plain iteration swings and diverges.
_SHARE = 0.3


@dataclass(frozen=True, eq=False)
class Dielectric:
    """What a low-loss spectrum says of the material.

    Attributes
    ----------
    energy : array, shape (m,)
        Losses above zero, eV.
    eps : array, shape (m,)
        Complex permittivity.
    loss_function : array, shape (m,)
        Im(-1/eps).
    surface : array, shape (m,)
        Surface losses that were subtracted, counts per channel.
    thickness : float
        In nm.
    changes : tuple of float
        Thickness after each round; the last change tells how far the rounds have settled.
    """

    energy: FloatArray
    eps: ComplexArray
    loss_function: FloatArray
    surface: FloatArray
    thickness: float
    changes: tuple[float, ...]


def kramers_kronig(
    energy: FloatArray, single: FloatArray, zero_loss: float, beam: Beam, *, refractive_index: float | None = None,
    thickness: float | None = None, rounds: int = 1, offset: float = 0.2,
) -> Dielectric:
    """Kramers-Kronig analysis.

    Parameters
    ----------
    energy : array, shape (n,)
        Evenly spaced, eV, 0 at the zero-loss peak; channels at E <= 0 are left out.
    single : array, shape (n,)
        Single-scattering distribution J1, counts per channel.
    zero_loss : float
        I0 in counts.
    beam : Beam
    refractive_index : float, optional
        Normalises the loss function; None together with no thickness: a metal.
    thickness : float, optional
        In nm; if known, it normalises instead.
    rounds : int
        1: all of J1 is volume loss. More: surface losses of two faces are computed and subtracted between rounds;
        ten settle.
    offset : float
        Keeps the surface losses of the first channels finite, eV (see `drude.surface_loss`).

    Returns
    -------
    Dielectric

    Raises
    ------
    BadData
        If shapes disagree, the axis is uneven, or both a refractive index and a thickness are given.
    NotDetermined
        If the zero-loss area or the losses are not above zero, or beam energy or angles are missing.

    Notes
    -----
    Losses beyond the axis are taken to fall as E^-3, as those of free electrons do, in the normalisation and in the
    transform, which is a linear convolution with the band-limited Hilbert kernel (no periodic images).

    References
    ----------
    D. W. Johnson, J. Phys. A 8, 490 (1975); R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011),
    chapter 4.
    """
    e, j, step = _losses(energy, single)
    if refractive_index is not None and thickness is not None:
        raise BadData("Either the refractive index or the thickness normalises", where="Kramers-Kronig",
                      todo="Leave one out")
    if not zero_loss > 0:
        raise NotDetermined("The zero-loss area is not above zero", where="Kramers-Kronig")
    if thickness is not None and not thickness > 0:
        raise BadData("The thickness must be above zero", where="Kramers-Kronig")
    if rounds < 1:
        raise BadData("At least one round is needed", where="Kramers-Kronig")
    angular = np.log1p((beam.effective_collection(e) / beam.characteristic_angle(e)) ** 2)
    # Counts per eV and nm of a loss function of 1, before the angular factor.
    unit = zero_loss / (np.pi * beam.constants.bohr_radius * 2.0 * beam.T)
    surface = np.zeros_like(e)
    found: list[float] = []
    for turn in range(rounds):
        corrected = (j - surface) / step / angular
        if thickness is None:
            # E^-3 beyond the axis; proportional to E below its first channel.
            area = step * float(np.sum(corrected / e)) + corrected[-1] / 3.0
            area += (e[0] - 0.5 * step) * corrected[0] / e[0]
            if area <= 0:
                raise NotDetermined("The losses have no positive sum", where="Kramers-Kronig")
            scale = 2.0 / np.pi * area / screening(refractive_index)
        else:
            scale = unit * thickness
        loss = corrected / scale
        eps = permittivity_from_loss(e, loss)
        found.append(scale / unit)
        if turn + 1 < rounds:
            fresh = zero_loss * step * surface_loss(e, eps, beam, offset=offset)
            surface = fresh if turn == 0 else _SHARE * fresh + (1.0 - _SHARE) * surface
    return Dielectric(e, eps, loss, surface, found[-1], tuple(found))


def permittivity_from_loss(energy: FloatArray, loss: FloatArray) -> ComplexArray:
    """eps from Im(-1/eps) on a grid E = h, 2h, 3h ... (or shifted by a part of h).

    Re(1/eps) = 1 - (2/pi) P integral Im(-1/eps)(E') E'/(E'^2 - E^2) dE'

    Parameters
    ----------
    energy, loss : array, shape (m,)

    Returns
    -------
    complex array, shape (m,)

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 4.
    """
    step = float(np.mean(np.diff(energy)))
    # The odd continuation to negative energies on one even grid needs zero on a node: k h, k = 1 ... m.
    grid = step * np.arange(1, round(energy[-1] / step) + 1)
    values = np.interp(grid, energy, loss, left=0.0)
    below = grid < energy[0]
    values[below] = loss[0] * grid[below] / energy[0]
    m = grid.size
    odd = np.concatenate((-values[::-1], [0.0], values))
    offsets = np.arange(-2 * m, 2 * m + 1)
    kernel = np.where(offsets % 2 == 1, 2.0 / np.pi / np.where(offsets == 0, 1, offsets), 0.0)
    hilbert = fftconvolve(odd, kernel, mode="same")[m + 1 :]
    real = 1.0 + hilbert - _tail(grid, values[-1])
    inverse = np.interp(energy, grid, real) - 1j * loss
    if np.any(np.abs(inverse) < 1e-12):
        raise NotDetermined("The permittivity diverges", where="Kramers-Kronig")
    return 1.0 / inverse


def _tail(energy: FloatArray, last: float) -> FloatArray:
    """(2/pi) integral beyond the axis of an E^-3 tail that starts with `last` half a channel behind its end."""
    end = energy[-1] + 0.5 * (energy[1] - energy[0])
    x = energy / end
    # [artanh(x) - x]/x^3, by its series where the difference loses digits
    small = x < 0.05
    safe = np.where(small, 0.5, x)
    course = np.where(small, 1.0 / 3.0 + x**2 / 5.0, (np.arctanh(safe) - safe) / safe**3)
    return 2.0 / np.pi * last * course


def effective_electrons(
    energy: FloatArray, eps: ComplexArray, atoms: float, beam: Beam
) -> tuple[FloatArray, FloatArray]:
    """Electrons per atom that have taken part up to each energy, by the sum rules of Im(-1/eps) and of eps2.

    n_eff1 <= n_eff2 at low energy; both approach the number of electrons. A normalisation that is wrong shows here.

    Parameters
    ----------
    energy, eps : array, shape (m,)
    atoms : float
        Atoms per nm^3.
    beam : Beam
        For its constants alone.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 4.
    """
    if not atoms > 0:
        raise BadData("The density of atoms must be above zero", where="sum rule")
    # Square of the plasma energy of one electron per atom, 16 pi n a0^3 R^2.
    one = 16.0 * np.pi * atoms * beam.constants.bohr_radius**3 * beam.constants.rydberg**2
    factor = 2.0 / (np.pi * one) * float(np.mean(np.diff(energy)))
    return factor * np.cumsum(energy * np.imag(-1.0 / eps)), factor * np.cumsum(energy * np.imag(eps))


def _losses(energy: FloatArray, single: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    energy, single = np.asarray(energy, dtype=float), np.asarray(single, dtype=float)
    if energy.ndim != 1 or energy.shape != single.shape:
        raise BadData("Energies and intensities differ in shape", where="Kramers-Kronig")
    if not np.all(np.isfinite(single)):
        raise BadData("Intensities hold numbers that are not finite", where="Kramers-Kronig")
    steps = np.diff(energy)
    step = float(np.mean(steps)) if steps.size else 0.0
    if step <= 0 or np.any(np.abs(steps - step) > 1e-3 * step):
        raise BadData("The energy axis is not evenly spaced", where="Kramers-Kronig", todo="Resample it first")
    inside = energy > 0.25 * step
    if np.count_nonzero(inside) < 16:
        raise NotDetermined("The spectrum holds too few losses above 0 eV", where="Kramers-Kronig")
    return energy[inside], single[inside], step
