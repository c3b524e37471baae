"""Composition from line areas: n_i = A_i / (s_i L_i T_i lambda_i), x_i = n_i / sum n.

Every factor is shown with its source, and at.% carry the joint covariance of all areas.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray
from fitting.xps.areas import Areas, LineArea
from libraries.attenuation import MeanFreePath, average_matrix_imfp, imfp
from libraries.elements import atomic_mass
from libraries.errors import BadModel, NotDetermined
from libraries.sensitivity import Factor, angular_factor, scofield

MAGIC_ANGLE = 54.7356
_NORMAL_95 = 1.959964
# A line counts as seen when its area exceeds 1.645 standard errors (L. A. Currie, Anal. Chem. 40 (1968) 586).
_CRITICAL = 1.644854
_DUST = 1e-12  # at.%²; rounding of sums of variances near 1


@dataclass(frozen=True)
class LineRow:
    """One line of a composition table.

    Attributes
    ----------
    name, region, line, element, compound : str
    area, area_err : float
        Rate area in counts eV/s where the counting time is known (`area_unit` says), with its standard error.
    factor, angular, transmission, imfp : float
        s (relative to the normalising line), L, T and lambda in angstrom; `..._source` says where each comes from.
    normalised : float
        A / (s L T lambda).
    at_percent, at_percent_err, low, high : float
        With the standard error and the 95 % interval, all in at.%.
    determined : bool
        False where the area is not significantly above zero; `high` is then an upper limit.
    weight_percent, weight_percent_err : float
        Share of the mass and its standard error in wt.%, of the elements that are seen (hydrogen is not).
    area_kind : str
        "components" or "region" (data minus background).
    tag : str
        Rows with the same tag are one quantity.
    """

    name: str
    region: str
    line: str
    element: str
    compound: str
    area: float
    area_err: float
    area_unit: str
    kinetic_energy: float
    factor: float
    factor_source: str
    angular: float
    angular_source: str
    transmission: float
    transmission_source: str
    imfp: float
    imfp_source: str
    normalised: float
    at_percent: float
    at_percent_err: float
    low: float
    high: float
    determined: bool
    weight_percent: float = math.nan
    weight_percent_err: float = math.nan
    area_kind: str = "components"
    tag: str = ""


@dataclass(frozen=True)
class ElementRow:
    """Sum of the lines of one element, in at.% (and wt.%), with the standard error and the 95 % interval."""

    element: str
    at_percent: float
    at_percent_err: float
    low: float
    high: float
    determined: bool
    weight_percent: float = math.nan
    weight_percent_err: float = math.nan


@dataclass(frozen=True)
class TagRow:
    """Sum of all lines of one tag, whatever their element, in at.% with the standard error and the 95 % interval."""

    tag: str
    members: tuple[str, ...]
    at_percent: float
    at_percent_err: float
    low: float
    high: float
    determined: bool
    weight_percent: float
    weight_percent_err: float


@dataclass(frozen=True, eq=False)
class Composition:
    """A quantified sample.

    Attributes
    ----------
    rows : tuple of LineRow
    elements : tuple of ElementRow
    covariance : array, shape (n, n)
        Of the rows' at.%.
    material : str
        In which lambda was taken.
    warnings : tuple of str
        What the reader of the numbers must know.
    tags : tuple of TagRow
        Quantities that are the sum of several rows.
    """

    rows: tuple[LineRow, ...]
    elements: tuple[ElementRow, ...]
    covariance: FloatArray
    material: str
    warnings: tuple[str, ...] = ()
    tags: tuple[TagRow, ...] = ()

    def element(self, symbol: str) -> ElementRow:
        """The row of an element."""
        for row in self.elements:
            if row.element == symbol:
                return row
        raise NotDetermined(f"{symbol} is not in the composition")


def quantify(areas: Areas, material: str = "", *, use_imfp: bool = True) -> Composition:
    """Composition in at.%.

    Parameters
    ----------
    areas : Areas
        Lines of one sample with their joint covariance.
    material : str
        Material of `libraries.attenuation` in which lambda is taken for all lines; "" for the average matrix
        of ISO 18118.
    use_imfp : bool
        False where the factors already contain lambda, or lambda is not to be applied.

    Returns
    -------
    Composition

    Raises
    ------
    NotDetermined
        If there is no line with an area above zero, or counts with and without a known counting time are mixed.
    BadModel
        If an area is not a number.

    References
    ----------
    ISO 18118; error propagation to first order with the full covariance.
    """
    lines = areas.lines
    factors, weights = _weighed(areas, material, use_imfp)
    amounts = np.array([line.area for line in lines]) * weights
    if not float(np.sum(amounts)) > 0:
        raise NotDetermined("No line has an area above zero", todo="Fit the regions first")
    unknown = ~np.isfinite(np.diag(areas.covariance))
    known = np.where(np.isfinite(areas.covariance), areas.covariance, 0.0)
    share, covariance = _shares(amounts, weights, known)
    masses = np.array([atomic_mass(line.line.element) for line in lines])
    by_mass, mass_covariance = _shares(amounts * masses, weights * masses, known)
    rows = tuple(
        replace(
            _row(line, f, float(x), math.sqrt(max(c, 0.0)), math.sqrt(max(v, 0.0)) if not lost else math.nan),
            weight_percent=float(m), weight_percent_err=math.nan if lost else math.sqrt(max(e, 0.0)),
        )
        for line, f, x, c, v, lost, m, e in zip(
            lines, factors, share, np.diag(covariance), np.diag(known), unknown, by_mass, np.diag(mass_covariance),
            strict=True,
        )
    )
    elements = _groups([row.element for row in rows], rows, covariance, mass_covariance, unknown)
    tags = {tag: sums for tag, sums in _groups([row.tag for row in rows], rows, covariance, mass_covariance,
                                               unknown).items() if tag and len(sums.members) > 1}
    warnings = [*areas.warnings, *_remarks(lines, factors, unknown)]
    name = next((f.imfp.material.name for f in factors if f.imfp), "not applied")
    return Composition(
        rows,
        tuple(ElementRow(element, *sums.numbers) for element, sums in elements.items()),
        covariance, name, tuple(dict.fromkeys(warnings)),
        tuple(TagRow(tag, sums.members, *sums.numbers) for tag, sums in tags.items()),
    )


def amounts_per_area(areas: Areas, material: str = "", *, use_imfp: bool = True) -> FloatArray:
    """1 / (time s L T lambda) of each line, shape (n,): areas times these are in proportion to numbers of atoms.

    Parameters and errors as `quantify`.
    """
    return _weighed(areas, material, use_imfp)[1]


def _weighed(areas: Areas, material: str, use_imfp: bool) -> tuple[list[_Factors], FloatArray]:
    lines = areas.lines
    if not lines:
        raise NotDetermined("No fitted line counts in the composition", todo="Fit a region with a core level first")
    _check(lines)
    factors = [_factors(line, material, use_imfp) for line in lines]
    return factors, np.array([1.0 / (_time(line) * f.product) for line, f in zip(lines, factors, strict=True)])


def _shares(amounts: FloatArray, weights: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shares of a sum in percent and their covariance; `covariance` is that of the areas, amounts = weights areas."""
    total = float(np.sum(amounts))
    share = amounts / total
    # d x_i / d A_j = w_j (delta_ij - x_i) / total
    slope = 100.0 * weights * (np.eye(amounts.size) - share[:, None]) / total
    return 100.0 * share, slope @ covariance @ slope.T


@dataclass(frozen=True)
class _Factors:
    factor: Factor
    angular: Factor
    transmission: float
    transmission_source: str
    imfp: MeanFreePath | None

    @property
    def product(self) -> float:
        path = float(self.imfp.value) if self.imfp else 1.0
        return self.factor.value * self.angular.value * self.transmission * path


def _check(lines: Sequence[LineArea]) -> None:
    for line in lines:
        if not math.isfinite(line.area):
            raise BadModel("An area is not a number", where=f"{line.region}, {line.name}")
    kinds = {("counts/s" if line.unit == "counts/s" else "timed" if line.live_time else line.unit) for line in lines}
    if len(kinds) > 1 and kinds != {"counts/s", "timed"}:
        untimed = [line.region for line in lines if line.unit != "counts/s" and not line.live_time]
        raise NotDetermined(
            "Regions whose counting time is not recorded cannot be compared with others",
            where=", ".join(dict.fromkeys(untimed)),
            todo="Leave them out, or load files that record dwell time and sweeps",
        )


def _time(line: LineArea) -> float:
    return line.live_time if line.unit == "counts" and line.live_time else 1.0


def _factors(line: LineArea, material: str, use_imfp: bool) -> _Factors:
    factor = line.factor or scofield(line.line, line.photon_energy)
    contains = set(factor.contains)
    if "L" in contains:
        angular = Factor(line.line, 1.0, f"contained in {factor.source}", (), "")
    else:
        angular = angular_factor(line.line, line.photon_energy, MAGIC_ANGLE if line.gamma is None else line.gamma)
    if "T" in contains:
        transmission, source = 1.0, f"contained in {factor.source}"
    elif line.transmission is None:
        transmission, source = 1.0, "not recorded: T = 1 assumed"
    else:
        transmission, source = line.transmission, line.transmission_source
    path = None
    if use_imfp and "lambda" not in contains:
        path = imfp(line.kinetic_energy, material) if material else average_matrix_imfp(line.kinetic_energy)
    return _Factors(factor, angular, transmission, source, path)


def _interval(value: float, error: float) -> tuple[float, float]:
    if not math.isfinite(error):
        return math.nan, math.nan
    return max(0.0, value - _NORMAL_95 * error), min(100.0, value + _NORMAL_95 * error)


def _row(line: LineArea, f: _Factors, percent: float, error: float, area_error: float) -> LineRow:
    time = _time(line)
    error = error if math.isfinite(area_error) else math.nan
    low, high = _interval(percent, error)
    rate = line.unit == "counts/s" or (line.unit == "counts" and line.live_time is not None)
    determined = line.area > (_CRITICAL * area_error if math.isfinite(area_error) else 0.0)
    return LineRow(
        line.name,
        line.region,
        line.line.name,
        line.line.element,
        line.compound,
        line.area / time,
        area_error / time,
        "counts eV/s" if rate else f"{line.unit} eV",
        line.kinetic_energy,
        f.factor.value,
        f.factor.source,
        f.angular.value,
        f.angular.source,
        f.transmission,
        f.transmission_source,
        float(f.imfp.value) if f.imfp else 1.0,
        f.imfp.source if f.imfp else "not applied",
        line.area / (time * f.product),
        percent,
        error,
        low,
        high,
        determined,
        area_kind=line.kind,
        tag=line.tag,
    )


@dataclass(frozen=True)
class _Sums:
    """Rows together: names; at.% with error, interval and whether it is determined; wt.% with error."""

    members: tuple[str, ...]
    numbers: tuple[float, float, float, float, bool, float, float]


def _root(variance: float) -> float:
    """The error of a sum of at.%; what remains of terms that cancel (a sample of one element) counts as none."""
    return math.sqrt(variance) if variance > _DUST else 0.0


def _groups(
    keys: Sequence[str], rows: Sequence[LineRow], covariance: FloatArray, masses: FloatArray, unknown: np.ndarray
) -> dict[str, _Sums]:
    """Sums of the rows that have the same key."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        groups[key].append(i)
    table = {}
    for key, members in groups.items():
        value, weight = (sum(getattr(rows[i], name) for i in members) for name in ("at_percent", "weight_percent"))
        error, heavy = (
            math.nan if np.any(unknown[members]) else _root(float(np.sum(c[np.ix_(members, members)])))
            for c in (covariance, masses)
        )
        determined = any(rows[i].determined for i in members)
        low, high = _interval(value, error)
        names = tuple(rows[i].name for i in members)
        table[key] = _Sums(names, (value, error, low, high, determined, weight, heavy))
    return table


def _remarks(lines: Sequence[LineArea], factors: Sequence[_Factors], unknown: np.ndarray) -> list[str]:
    """What the reader of the numbers must know."""
    found: list[str] = []
    for f in factors:
        found.extend(f.factor.warnings)
        if f.imfp is not None:
            found.extend(f.imfp.warnings)
    missing = list(dict.fromkeys(line.region for line in lines if line.transmission is None))
    origins = {line.transmission_source for line in lines if line.transmission is not None}
    if len(origins) > 1 or (origins and missing):
        found.append("Transmission comes from different sources, whose scales need not agree: see the rows.")
    if missing and not all("T" in f.factor.contains for f in factors):
        found.append(f"T = 1 assumed for {', '.join(missing)}: the file records no transmission function.")
        if len({line.pass_energy for line in lines}) > 1:
            found.append("The regions were measured at different pass energies, which T = 1 does not account for.")
    timed = any(line.unit == "counts/s" or line.live_time for line in lines)
    if len({line.region for line in lines}) > 1 and not timed:
        found.append("The files record no counting time: all channels are taken to be counted for the same time.")
    found.extend(_counted_twice(lines))
    if len({line.kind for line in lines}) > 1:
        regions = ", ".join(dict.fromkeys(line.region for line in lines if line.kind == "region"))
        found.append(f"{regions}: area of the data minus background, without what lies beyond the region's ends; "
                     "the other areas are those of fitted components.")
    found.extend(
        f"{line.region}: the area of {line.name} has no error (it ended on a bound, or the file gives none)."
        for line, lost in zip(lines, unknown, strict=True)
        if lost
    )
    return found


def _counted_twice(lines: Sequence[LineArea]) -> list[str]:
    """Elements with more than one line, lines in more than one region, and doublets that were not tied together."""
    found: list[str] = []
    shells: dict[str, dict[str, list[LineArea]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        shells[line.line.element][line.line.shell].append(line)
    for element, levels in shells.items():
        if len(levels) > 1:
            found.append(f"{element} is counted twice, by {' and '.join(sorted(levels))}: leave one line out.")
        for shell, members in levels.items():
            regions = list(dict.fromkeys(member.region for member in members))
            if len(regions) > 1:
                listed = " and ".join(regions)
                found.append(f"{element} {shell} is counted in {listed}: leave one out if both hold the same line.")
            single = sorted({m.line.level for m in members if not m.line.unresolved and m.line.level != shell})
            if len(single) > 1:
                found.append(
                    f"{element} is counted twice, by {' and '.join(single)}: tie them as a doublet or leave one out."
                )
    return found
