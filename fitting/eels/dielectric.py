"""Dielectric function of a measured low-loss spectrum: zero loss apart, single scattering, Kramers-Kronig, errors.

The channels of the result are correlated by all three steps, so errors come from repeating the whole on resampled
counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.deconvolve import fourier_log
from fitting.eels.drude import ComplexArray
from fitting.eels.kinematics import Beam
from fitting.eels.kramers_kronig import Dielectric, effective_electrons, kramers_kronig
from fitting.eels.log_ratio import Way, gain_of, separated
from fitting.eels.zero_loss import locate
from fitting.solver import Cancel, Progress
from libraries.elements import formula_mass, parse_formula
from libraries.errors import BadData, Cancelled, SodaliteError

REPLICAS = 24
_AVOGADRO_NM3 = 602.214076  # atoms in nm^3 of 1 mol/cm^3: N_A 1e-21 (SI)


@dataclass(frozen=True, eq=False)
class DielectricFunction:
    """The answer.

    Attributes
    ----------
    energy : array, shape (m,)
        Losses above zero, eV.
    eps : array, shape (m,)
        Complex permittivity.
    eps1_err, eps2_err : array or None
        One standard error of counting; None where the gain of the detector is not known.
    loss_function : array, shape (m,)
    single : array, shape (m,)
        Single-scattering distribution, counts per channel.
    thickness, thickness_err : float
        nm; the error is NaN where the thickness was given or the gain is not known.
    settled : float
        Change of the thickness in the last round, nm.
    electrons : (by the loss function, by eps2) or None
        Electrons per atom that have taken part at the end of the axis; None without a density.
    warnings : tuple of str
    """

    energy: FloatArray
    eps: ComplexArray
    eps1_err: FloatArray | None
    eps2_err: FloatArray | None
    loss_function: FloatArray
    single: FloatArray
    thickness: float
    thickness_err: float
    settled: float
    electrons: tuple[float, float] | None
    warnings: tuple[str, ...]


def atoms_per_nm3(formula: str, density: float) -> float:
    """Number density of atoms of a compound of `density` g/cm3."""
    if not density > 0:
        raise BadData("The density must be above zero", where=formula)
    return _AVOGADRO_NM3 * density / formula_mass(formula) * sum(number for _, number in parse_formula(formula))


def dielectric_function(
    spectrum: Spectrum, beam: Beam, *, refractive_index: float | None = None, thickness: float | None = None,
    rounds: int = 1, way: Way = "minimum", limit: float | None = None, reference: Spectrum | None = None,
    atoms: float | None = None, replicas: int = REPLICAS, seed: int = 0, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> DielectricFunction:
    """Kramers-Kronig analysis of a single low-loss spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        With its zero-loss peak.
    beam : Beam
    refractive_index, thickness : float, optional
        One of them normalises; neither: a metal.
    rounds : int
        1 leaves surface losses in; more take them out (`kramers_kronig`).
    way, limit, reference
        How the zero-loss peak is told (`log_ratio`).
    atoms : float, optional
        Atoms per nm^3, for the sum rules.
    replicas, seed : int
        Of the resampled spectra.

    Raises
    ------
    NotDetermined, BadData
        As the steps do.
    """

    def analysed(one: Spectrum) -> tuple[Dielectric, FloatArray]:
        parts = separated(one, way, limit=limit, reference=reference)
        flat = np.where(one.x >= parts.centre, 1.0, 0.0)  # nothing is lost left of the peak
        energy = one.x - parts.centre
        found = fourier_log(one.x, parts.zero_loss + parts.inelastic * flat, parts.zero_loss)
        inside = energy > 0.25 * one.axis.step
        single = np.where(energy < parts.limit - parts.centre, 0.0, found.counts)
        ramp = _to_zero(energy, found.counts, parts.limit - parts.centre)
        single = np.where((energy > 0) & (energy < parts.limit - parts.centre), ramp, single)
        return kramers_kronig(
            energy, single, found.zero_loss_area, beam, refractive_index=refractive_index, thickness=thickness,
            rounds=rounds,
        ), single[inside]

    best, single = analysed(spectrum)
    gain = gain_of(spectrum)
    warnings = list(_warnings(spectrum, best, rounds))
    eps1_err = eps2_err = None
    thickness_err = math.nan
    if math.isfinite(gain):
        spread, failed = _resampled(spectrum, analysed, best, gain, replicas, seed, progress, cancel)
        if failed:
            warnings.append(f"{failed} of {replicas} resampled spectra gave no answer")
        if len(spread) > replicas // 2:
            eps = np.array([one.eps for one in spread])
            eps1_err, eps2_err = np.std(eps.real, axis=0, ddof=1), np.std(eps.imag, axis=0, ddof=1)
            if thickness is None:
                thickness_err = float(np.std([one.thickness for one in spread], ddof=1))
    electrons = None
    if atoms is not None:
        by_loss, by_eps2 = effective_electrons(best.energy, best.eps, atoms, beam)
        electrons = float(by_loss[-1]), float(by_eps2[-1])
    settled = best.changes[-1] - best.changes[-2] if len(best.changes) > 1 else 0.0
    return DielectricFunction(best.energy, best.eps, eps1_err, eps2_err, best.loss_function, single, best.thickness,
                              thickness_err, settled, electrons, tuple(warnings))


def _to_zero(energy: FloatArray, counts: FloatArray, limit: float) -> FloatArray:
    """A straight line from zero loss to the first losses that are seen: what the peak hides."""
    near = (energy >= limit) & (energy < 1.3 * limit)
    if not near.any():
        return np.zeros_like(counts)
    return np.mean(counts[near]) * energy / float(np.mean(energy[near]))


def _resampled(
    spectrum: Spectrum, analysed: Callable[[Spectrum], tuple[Dielectric, FloatArray]], best: Dielectric, gain: float,
    replicas: int, seed: int, progress: Progress | None, cancel: Cancel | None,
) -> tuple[list[Dielectric], int]:
    """The analysis of spectra with as much noise again, and how many of them gave none."""
    generator = np.random.default_rng(seed)
    expected = np.maximum(spectrum.y, 0.0) / gain
    found: list[Dielectric] = []
    for turn in range(replicas):
        if cancel is not None and cancel():
            raise Cancelled
        if progress is not None:
            progress(turn / replicas, f"Resampled spectrum {turn + 1} of {replicas}")
        fresh = spectrum.y + gain * (generator.poisson(expected) - expected)
        try:
            one = analysed(spectrum.with_(counts=fresh))[0]
        except SodaliteError:
            continue
        if one.energy.shape == best.energy.shape:
            found.append(one)
    return found, replicas - len(found)


def _warnings(spectrum: Spectrum, best: Dielectric, rounds: int) -> list[str]:
    words = []
    peak = locate(spectrum.x, spectrum.y)
    if rounds > 1 and abs(best.changes[-1] - best.changes[-2]) > 0.01 * best.thickness:
        words.append("The surface losses have not settled: more rounds, or a thicker place, are needed")
    if float(spectrum.x[-1]) - float(peak.position) < 50.0:
        words.append(f"The axis ends at {spectrum.x[-1]:.0f} eV: losses beyond it are taken to fall as E⁻³")
    if np.any(best.eps.imag < -0.05 * np.max(np.abs(best.eps))):
        words.append("ε₂ becomes negative: the refractive index, the thickness or the zero-loss peak is not right")
    if rounds == 1:
        words.append("Surface losses are not taken out: the thickness comes out too large, ε₂ too high below the gap")
    return words
