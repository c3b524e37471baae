"""Thickness of a uniform overlayer from the ratio of a line of the layer to a line of what lies beneath it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincc

from fitting.dataset import FloatArray
from libraries.attenuation import imfp_tpp2m, material
from libraries.elements import atoms_of
from libraries.errors import BadData, NotDetermined

# Beyond this angle elastic scattering makes the straight-line picture fail (P. J. Cumpson, M. P. Seah, Surf. Interface
# Anal. 25, 430 (1997), unverified).
STEEP = 60.0
# Where less of the substrate than this is left, its signal stands for nothing but the background beneath it.
DEEPEST = 3.0
_NORMAL_95 = 1.959964
_UNLIKELY = 0.01  # chance of a chi2 this large or larger
_CRITICAL = 1.644854  # L. A. Currie, Anal. Chem. 40, 586 (1968)


@dataclass(frozen=True)
class PairRatio:
    """One measurement of a pair of lines.

    Attributes
    ----------
    ratio, ratio_err : float
        I_overlayer / I_substrate, measured, with its standard error (areas over s, L and T, or plain areas: as `pure`);
        NaN for an error that is not determined.
    pure : float
        The same ratio for infinitely thick overlayer and bare substrate.
    overlayer_imfp, substrate_imfp : float
        lambda in the overlayer's material at the kinetic energies of the two lines, angstrom.
    emission_angle : float
        From the surface normal, degrees.
    """

    ratio: float
    ratio_err: float
    pure: float
    overlayer_imfp: float
    substrate_imfp: float
    emission_angle: float = 0.0

    def __post_init__(self) -> None:
        for name in ("pure", "overlayer_imfp", "substrate_imfp"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise BadData(f"{name} must be above zero", where=str(getattr(self, name)))
        if not math.isfinite(self.ratio) or self.ratio_err < 0:
            raise BadData("The measured ratio must be a number with an error", where=f"{self.ratio} ± {self.ratio_err}")
        if not 0.0 <= self.emission_angle < 90.0:
            raise BadData(
                "The emission angle must lie between 0 and 90 degrees", where=f"{self.emission_angle:g}",
                todo="Give the angle to the surface normal",
            )

    @property
    def lengths(self) -> tuple[float, float]:
        """Attenuation along the surface normal, lambda cos(theta), of overlayer and substrate line."""
        slope = math.cos(math.radians(self.emission_angle))
        return self.overlayer_imfp * slope, self.substrate_imfp * slope


@dataclass(frozen=True)
class Overlayer:
    """A thickness.

    Attributes
    ----------
    thickness, error : float
        Angstrom; the error is that of the intensities alone and nan where they have none.
    low, high : float
        95 % interval.
    determined : bool
        False where the overlayer is not seen (`high` is then an upper limit) or the substrate is not (`low` is then a
        lower one).
    each : tuple of float
        Thickness from each measurement by itself, nan where it gives none.
    chi2, dof : float, int
        How well one thickness describes several measurements; 0, 0 for a single one.
    warnings : tuple of str
    """

    thickness: float
    error: float
    low: float
    high: float
    determined: bool
    each: tuple[float, ...] = ()
    chi2: float = 0.0
    dof: int = 0
    warnings: tuple[str, ...] = ()


def bulk_ratio(
    overlayer: tuple[str, str, float], substrate: tuple[str, str, float], factors: tuple[float, float] = (1.0, 1.0)
) -> float:
    """I_overlayer / I_substrate of the two pure, infinitely thick materials.

    Parameters
    ----------
    overlayer, substrate : (material, element, kinetic energy in eV)
        Material of `libraries.attenuation`; the element whose line is measured.
    factors : (float, float)
        s L T of the two lines; (1, 1) where the measured ratio was divided by them already.

    Notes
    -----
    I = n s L T lambda, n the atoms of the element per volume, in proportion to rho x/M with x atoms per formula unit,
    lambda that of the material itself.

    Raises
    ------
    BadData
        If a material does not hold its element.
    """
    values = []
    for (name, element, energy), factor in zip((overlayer, substrate), factors, strict=True):
        solid = material(name)
        atoms = atoms_of(solid.formula, element)
        if not atoms:
            raise BadData(
                f"{solid.name} ({solid.formula}) holds no {element}", where="layers",
                todo="Choose a material that the line belongs to",
            )
        density = solid.density * atoms / solid.molar_mass
        values.append(density * factor * float(imfp_tpp2m(energy, solid)))
    return values[0] / values[1]


def signal_ratio(depth: float | FloatArray, pair: PairRatio) -> FloatArray:
    """Ratio of the two lines, relative to `pair.pure`, under an overlayer: (1 - exp(-d/a)) exp(d/b).

    a and b are lambda cos(theta) of overlayer and substrate line. With a = b it is exp(d/a) - 1, which
    J. M. Hill et al., Chem. Phys. Lett. 44, 225 (1976), turned round; for a != b P. J. Cumpson, Surf. Interface Anal.
    29, 403 (2000), gave the Thickogram, which is this equation as a drawing.
    """
    a, b = pair.lengths
    depth = np.asarray(depth, dtype=np.float64)
    return -np.expm1(-depth / a) * np.exp(depth / b)


def _log_slope(depth: float, pair: PairRatio) -> float:
    """d ln(ratio)/d depth, above zero everywhere: the equation has one solution."""
    a, b = pair.lengths
    return 1.0 / (a * math.expm1(depth / a)) + 1.0 / b


def _solved(relative: float, pair: PairRatio) -> float:
    """The depth at which the ratio is `relative` times that of the pure materials."""
    a, b = pair.lengths
    if relative <= 0:
        return 0.0
    high = b * math.log1p(relative) + a + b
    while math.log(float(signal_ratio(high, pair))) < math.log(relative):
        high *= 2.0
    low = min(a, b) * min(relative, 1.0) * 1e-3
    while math.log(float(signal_ratio(low, pair))) > math.log(relative):
        low *= 0.5
    return float(
        brentq(lambda d: math.log(float(signal_ratio(d, pair))) - math.log(relative), low, high, xtol=1e-12, rtol=1e-14)
    )


def thickness(pair: PairRatio) -> Overlayer:
    """Thickness from one ratio.

    Notes
    -----
    Both kinetic energies count: no approximation for near energies is made. The 95 % interval comes from the ratio's
    own interval put through the equation, which is bent; the error is its first-order width.

    Raises
    ------
    NotDetermined
        If the ratio has no error.
    """
    relative, error = pair.ratio / pair.pure, pair.ratio_err / pair.pure
    if not math.isfinite(error):
        raise NotDetermined("The error of the two lines' ratio is not determined, so that the thickness is not either",
                            todo="Fit the regions of both lines, with no area held or on a bound")
    high = _solved(max(relative + _NORMAL_95 * error, 0.0), pair)
    if relative <= _CRITICAL * error:
        note = f"The overlayer is not seen: it is thinner than {high:.2g} Å (95 %)."
        return Overlayer(max(_solved(max(relative, 0.0), pair), 0.0), math.nan, 0.0, high, False, (), 0.0, 0, (note,))
    depth = _solved(relative, pair)
    slope = _log_slope(depth, pair)
    low = _solved(max(relative - _NORMAL_95 * error, 0.0), pair)
    sigma = error / relative / slope
    warnings = _warnings([pair], depth)
    return Overlayer(depth, sigma, low, high, depth <= DEEPEST * pair.lengths[1], (depth,), 0.0, 0, warnings)


def joint_thickness(pairs: Sequence[PairRatio]) -> Overlayer:
    """One thickness from several ratios: other angles, other photon energies, other lines.

    Weighted least squares of the logarithms of the ratios; where the measurements contradict each other (chi2 above its
    degrees of freedom) the error is enlarged by sqrt(chi2/dof), as the Particle Data Group scales averages.

    Raises
    ------
    NotDetermined
        If no ratio is significantly above zero.
    """
    usable = [pair for pair in pairs if pair.ratio > _CRITICAL * pair.ratio_err and pair.ratio_err > 0]
    if not usable:
        raise NotDetermined("No ratio is significantly above zero", todo="Measure longer or at a larger angle")
    each = tuple(_solved(p.ratio / p.pure, p) if p in usable else math.nan for p in pairs)
    if len(usable) == 1:
        single = thickness(usable[0])
        return Overlayer(
            single.thickness, single.error, single.low, single.high, single.determined, each, 0.0, 0, single.warnings
        )
    logs = np.array([math.log(p.ratio / p.pure) for p in usable])
    sigma = np.array([p.ratio_err / p.ratio for p in usable])
    depth = float(np.nanmean(each))
    for _ in range(100):
        model = np.array([math.log(float(signal_ratio(depth, p))) for p in usable])
        slope = np.array([_log_slope(depth, p) for p in usable])
        step = float(np.sum(slope * (logs - model) / sigma**2) / np.sum(slope**2 / sigma**2))
        # The logarithm bends downwards: a step across zero is shortened.
        moved = depth + step if depth + step > 0 else 0.5 * depth
        if abs(moved - depth) <= 1e-13 * depth:
            break
        depth = moved
    chi2 = float(np.sum(((logs - model) / sigma) ** 2))
    dof = len(usable) - 1
    error = math.sqrt(max(1.0, chi2 / dof) / float(np.sum(slope**2 / sigma**2)))
    warnings = list(_warnings(usable, depth))
    if len(usable) < len(pairs):
        warnings.append(f"{len(pairs) - len(usable)} of {len(pairs)} ratios are not above zero and were left out.")
    if chi2 > dof:
        contradiction = gammaincc(dof / 2, chi2 / 2) < _UNLIKELY
        words = "contradict one thickness" if contradiction else "scatter more than their errors"
        warnings.append(f"The ratios {words} (χ²/dof {chi2 / dof:.1f}); the error is enlarged.")
    interval = (max(depth - _NORMAL_95 * error, 0.0), depth + _NORMAL_95 * error)
    seen = any(depth <= DEEPEST * p.lengths[1] for p in usable)
    return Overlayer(depth, error, *interval, seen, each, chi2, dof, tuple(warnings))


def _warnings(pairs: Sequence[PairRatio], depth: float) -> tuple[str, ...]:
    found = []
    steep = max(pair.emission_angle for pair in pairs)
    if steep > STEEP:
        found.append(f"At {steep:g}° from the normal elastic scattering counts; angles up to {STEEP:g}° are safer.")
    if all(depth > DEEPEST * pair.lengths[1] for pair in pairs):
        found.append("The layer is thicker than three attenuation lengths: take the value as a lower limit.")
    return tuple(found)


def tougaard_thickness(strength: float, bulk_strength: float, imfp: float, emission_angle: float = 0.0) -> float:
    """Depth scale from backgrounds: L = lambda cos(theta) B1/(B0 - B1), angstrom.

    Parameters
    ----------
    strength : float
        B1, which makes the measured background meet the data about 30 eV below the line.
    bulk_strength : float
        B0 of a homogeneous sample, 2866 eV2 for the universal class, or measured on one.
    imfp : float
        lambda at the line, angstrom.

    Returns
    -------
    float
        L of an amount that falls as exp(-z/L): above zero for atoms at the surface, below zero for buried ones;
        |L| below lambda tells an order of magnitude, no more.

    References
    ----------
    S. Tougaard, J. Vac. Sci. Technol. A 8, 2197 (1990), unverified; the formula is that of the design notes.
    """
    if strength == bulk_strength:
        return math.inf
    return imfp * math.cos(math.radians(emission_angle)) * strength / (bulk_strength - strength)
